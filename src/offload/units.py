"""Durations, sizes and rates as people write them: ``"1h30m"``, ``"512M"``, ``"500/min"``.

Wherever offload takes a duration it takes seconds, a `timedelta` or such a text, and nothing that
could be meant in two ways: the letters of a duration are small (``m`` is a minute), and sizes count
in steps of 1024 (``M``, ``MB`` and ``MiB`` are the same 1,048,576 bytes).
"""

import math
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Annotated, TypeGuard

from msgspec import Meta, Struct, ValidationError, convert

from offload.text import capped_repr

LONGEST = 250_000_000_000.0
"""Seconds, some 7,900 years: from now on, a moment so far away still has a date."""

LARGEST = 2**63 - 1
"""Bytes: what every database can keep as an integer."""

_UNITS = {
    "w|weeks?": 604_800.0,
    "d|days?": 86_400.0,
    "h|hours?": 3600.0,
    "min|minutes?|m": 60.0,
    "sec|seconds?|s": 1.0,
    "ms|milliseconds?": 0.001,
}
"""The units of time in the order in which they may follow each other, with their seconds."""

_SHORT = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
"""The units in which a duration is written, with their milliseconds."""

_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,15})?"
_DURATION = re.compile(
    "".join(rf"(?:({_NUMBER})[ ]?(?:{names})(?![a-z])[ ]?)?" for names in _UNITS)
)
_UNIT = re.compile("|".join(f"({names})" for names in _UNITS))
_SIZE = re.compile(rf"({_NUMBER})[ ]?([kmgt]?)(?:i?b)?", re.IGNORECASE)
_RATE = re.compile(r"([0-9]{1,9})[ ]?/[ ]?([0-9a-z. ]+)")


_Instant = Annotated[datetime, Meta(tz=True)]


class Rate(Struct, frozen=True, array_like=True):
    """At most `count` jobs begin in any stretch of `seconds`."""

    count: int
    seconds: float


def seconds(given: float | int | str | timedelta) -> float:
    """Read a duration: seconds as a number or a text of digits, a `timedelta`, or ``"1h30m"``.

    The units are ``ms s m h d w``, or written out; each may stand once, the largest first.

    Raises:
        ValueError: it is none of these, negative, not finite or longer than 7,900 years.
    """
    found = _duration(given)
    if found is None:
        raise ValueError(
            f"{capped_repr(given, limit=80)} is no duration; give seconds as a number, a timedelta "
            'or text such as "90s", "10m", "1h30m", "24h" or "7d"'
        )
    if not 0 <= found <= LONGEST:  # NaN lies between nothing
        raise ValueError(
            f"{capped_repr(given, limit=80)} cannot be a duration; "
            f"it must be from 0 to {LONGEST:.0f} seconds (7,900 years)"
        )
    return found


def duration_text(length: float) -> str:
    """Write a duration as `seconds` reads it: ``1h30m``, ``250ms``; parts of a millisecond go."""
    left, words = round(length * 1000), ""
    for unit, milliseconds in _SHORT.items():
        count, left = divmod(left, milliseconds)
        words += f"{count}{unit}" if count else ""
    return words or "0s"


def instant(text: str) -> float:
    """Read an instant in RFC 3339; returns seconds since the epoch.

    Raises:
        ValueError: it is none, or has no time zone.
    """
    try:
        found: datetime = convert(text, _Instant)
    except ValidationError:
        raise ValueError(
            f"{capped_repr(text, limit=80)} is no instant; write it with its time zone, as in "
            "2026-01-31T09:00:00Z or 2026-01-31T10:00:00+01:00"
        ) from None
    return found.timestamp()


def since(text: str, now: float) -> float:
    """Read an instant in RFC 3339, or a duration that ends now; returns seconds since the epoch.

    Raises:
        ValueError: it is neither.
    """
    try:
        return instant(text)
    except ValueError:
        pass
    try:
        return now - seconds(text)
    except ValueError:
        raise ValueError(
            f"{capped_repr(text, limit=80)} is neither an instant such as 2026-01-31T09:00:00Z, "
            "nor a time such as 24h"
        ) from None


def size(given: int | str) -> int:
    """Read a number of bytes: an integer, or text such as ``"512M"``, ``"1.5G"`` or ``"100k"``.

    Raises:
        ValueError: it is none of these, or less than one byte.
    """
    found = _bytes(given)
    if found is None:
        raise ValueError(
            f"{capped_repr(given, limit=80)} is no size; give bytes as a whole number, or text "
            'such as "100k", "512M" or "1.5G" (in steps of 1024)'
        )
    if not 1 <= found <= LARGEST:
        raise ValueError(
            f"{capped_repr(given, limit=80)} cannot be a size; it must be from 1 byte to 8 EiB"
        )
    return found


def rate(given: str | tuple[int, float | int | str | timedelta] | Rate) -> Rate:
    """Read a rate: ``"500/min"``, ``"10/s"``, ``"5/30s"``, or a count and a duration.

    Raises:
        ValueError: it is neither, or allows nothing at all.
    """
    count, per = _rate_parts(given)
    if not _is_whole(count) or not 1 <= count <= 10**9:
        raise ValueError(
            f"{capped_repr(given, limit=80)} is no rate; give text such as "
            '"500/min", "10/s", "5/30s" or "100/day", or a tuple of a count and a duration'
        )
    length = seconds(per)
    if length <= 0:
        raise ValueError(
            f"{capped_repr(given, limit=80)} cannot be a rate; its time must be longer than nothing"
        )
    return Rate(count, length)


def _duration(given: object) -> float | None:
    """Return it in seconds as it is, negative or not finite too; None if it is none."""
    if isinstance(given, timedelta):
        return given.total_seconds()
    if isinstance(given, str):
        return _text_duration(given.strip())
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        return float(given) if abs(given) < 10**300 else math.inf
    return None


def _text_duration(text: str) -> float | None:
    if re.fullmatch(_NUMBER, text):
        return float(text)
    match = _DURATION.fullmatch(text) if text else None
    if match is None:
        return None
    parts = zip(match.groups(), _UNITS.values(), strict=True)
    return math.fsum(float(number) * unit for number, unit in parts if number is not None)


def _bytes(given: object) -> int | None:
    if isinstance(given, str):
        match = _SIZE.fullmatch(given.strip())
        if match is None:
            return None
        power = " kmgt".index(match[2].lower() or " ")
        # Exact: a float of 15 digits times 2**40 would lose the last ones.
        return int(Fraction(match[1]) * 1024**power)
    return given if _is_whole(given) else None


def _rate_parts(given: object) -> tuple[object, float | int | str | timedelta]:
    if isinstance(given, Rate):
        return given.count, given.seconds
    if isinstance(given, str):
        match = _RATE.fullmatch(given.strip())
        if match is not None:
            per = match[2].strip()
            return int(match[1]), f"1{per}" if _UNIT.fullmatch(per) else per
    elif isinstance(given, Iterable):
        parts = tuple(given)
        if len(parts) == 2:
            return parts
    return None, 0


def _is_whole(given: object) -> TypeGuard[int]:
    return isinstance(given, int) and not isinstance(given, bool)
