"""What a cron line in a time zone means, as Debian's cron reads it, also where clocks change.

A line with a fixed time of day (neither its minute nor its hour begins with ``*``) is due once on
every day that fits, be its time skipped in spring (then at the moment after the gap) or shown twice
in autumn (then the first time). Any other line is due whenever the clocks of the zone show what it
names, so ``0 * * * *`` is due every real hour.
"""

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from difflib import get_close_matches
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cronsim import CronSim, CronSimError
from msgspec import Struct

from offload.text import capped_repr

NEVER = math.inf
"""The due time after the last one."""

NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

_ALLOWED = {
    "minute": "it names minutes from 0 to 59",
    "hour": "it names hours from 0 to 23",
    "day-of-month": "it names days from 1 to 31, L for the last one, LW for the last weekday",
    "month": "it names months from 1 to 12, or JAN to DEC",
    "day-of-week": "it names days from 0 (Sunday) to 7, SUN to SAT, 5L for the last Friday, "
    "or 5#2 for the second",
}
_FIELDS = tuple(_ALLOWED)
_SOME_DAY = datetime(2000, 1, 1)
_NOTHING, _SECOND, _MINUTE = timedelta(), timedelta(seconds=1), timedelta(minutes=1)


class Cron(Struct, frozen=True, tag="cron"):
    """Due at the minutes that a cron line names, on the clocks of a time zone.

    Attributes:
        expression: minute, hour, day-of-month, month and day-of-week; or ``@daily`` and such.
        tz: the name of the time zone.
    """

    expression: str
    tz: str = "UTC"


def read_cron(given: str, tz: str | None) -> Cron:
    """Check a cron line and the name of its time zone; UTC where none is given.

    Raises:
        ValueError: a field or the zone is unknown, or no day ever fits.
    """
    line = " ".join(_text("cron", given).split())
    if line.startswith("@"):
        line = line.lower()
    fields = NICKNAMES.get(line, line).split()
    if len(fields) != len(_FIELDS):
        known = ", ".join(NICKNAMES)
        raise ValueError(
            f"the cron line {line!r} must have five fields, minute hour day-of-month month "
            f'day-of-week, as in "30 3 * * MON-FRI", or be one of {known}'
        )
    _check_fields(line, fields)
    spec = Cron(line, _zone_name(tz))
    if tick_after(spec, 0.0) == NEVER:
        raise _never(line)
    return spec


def tick_after(spec: Cron, instant: float) -> float:
    """Return the first due time after an instant, or NEVER."""
    # The line ticks on a clock without a zone; then it is seen when the zone's clocks show that.
    line = NICKNAMES.get(spec.expression, spec.expression)
    moments = _once if _is_fixed(line) else _each_time
    second, zone = math.floor(instant), ZoneInfo(spec.tz)
    return min(
        next(
            (at for tick in _ticks(line, wall) for at in moments(tick, zone) if at > second), NEVER
        )
        for wall in _walls(datetime.fromtimestamp(second, zone))
    )


def _is_fixed(line: str) -> bool:
    """Whether it names a time of day, as Debian's cron tells it from a line that repeats."""
    minute, hour, *_ = line.split()
    return not minute.startswith("*") and not hour.startswith("*")


def _ticks(line: str, wall: datetime) -> Iterator[datetime]:
    """Yield what the line names after a time on the wall, until no day fits for fifty years."""
    try:
        yield from CronSim(line, wall)
    except OverflowError:  # the calendar ends
        return


def _walls(now: datetime) -> Iterator[datetime]:
    """Yield from where to look on: what clocks show, and how far they will be put back over it."""
    yield now.replace(tzinfo=None, fold=0)
    shift = _offset(now, 0) - _offset(now, 1)
    if shift > _NOTHING and now.fold == 0:
        yield now.replace(tzinfo=None) - shift - _SECOND


def _once(tick: datetime, zone: ZoneInfo) -> tuple[float, ...]:
    """Return the first moment at which clocks show this time, or have just skipped it."""
    shown = tick.replace(tzinfo=zone)
    while _offset(shown, 0) < _offset(shown, 1):
        shown += _MINUTE
    return (shown.timestamp(),)


def _each_time(tick: datetime, zone: ZoneInfo) -> tuple[float, ...]:
    """Return every moment at which clocks show this time: none, one or two."""
    shown = tick.replace(tzinfo=zone)
    first, second = _offset(shown, 0), _offset(shown, 1)
    if first < second:
        return ()
    folds = (0,) if first == second else (0, 1)
    return tuple(shown.replace(fold=fold).timestamp() for fold in folds)


def _offset(shown: datetime, fold: int) -> timedelta:
    """Return how far this time is ahead of UTC, read as the first or second of its kind (PEP 495).

    The first is further ahead where a time comes twice, the second where it is skipped.
    """
    return shown.replace(fold=fold).utcoffset() or _NOTHING


def _check_fields(line: str, fields: list[str]) -> None:
    """Try each field alone, to name the one that is wrong; then all together."""
    for place, (name, field) in enumerate(zip(_FIELDS, fields, strict=True)):
        alone = ["*"] * len(_FIELDS)
        alone[place] = field
        if not _is_readable(" ".join(alone)):
            raise ValueError(
                f"the {name} of the cron line {line!r} cannot be {field!r}; {_ALLOWED[name]}"
            )
    if not _is_readable(" ".join(fields)):
        raise _never(line)


def _is_readable(line: str) -> bool:
    try:
        CronSim(line, _SOME_DAY)
    except (CronSimError, ValueError, AssertionError):
        return False
    return True


def _never(line: str) -> ValueError:
    return ValueError(f"the cron line {line!r} is never due: no month has such a day")


def _zone_name(given: str | None) -> str:
    if given is None:
        return "UTC"
    name = _text("tz", given).strip()
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder and "../x" raise others
        near = _nearest_zones(name)
        hint = f"did you mean {' or '.join(near)}?" if near else 'give one such as "Europe/Paris"'
        raise ValueError(f"there is no time zone {capped_repr(name, limit=80)}; {hint}") from None
    return name


def _nearest_zones(name: str) -> list[str]:
    """Look for whole names and for cities alone, in any case."""
    zones = sorted(available_timezones())
    known = {zone.rpartition("/")[2].lower(): zone for zone in zones}
    known |= {zone.lower(): zone for zone in zones}
    asked = name[:100].lower().replace(" ", "_")
    return list(dict.fromkeys(known[near] for near in get_close_matches(asked, known)))


def _text(what: str, given: object) -> str:
    if not isinstance(given, str) or not given.isascii() or len(given) > 200:
        raise ValueError(
            f"{what}= must be a text of at most 200 ASCII signs, not {capped_repr(given, limit=80)}"
        )
    return given
