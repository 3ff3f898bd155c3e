"""Reads JSON as the value that was written: exactly, or refused.

msgspec does the reading. Python's own reader, which is slower, steps in where msgspec has no hook:
for integers beyond Python's limit of 4,300 digits, and for keys that stand twice.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

from offload.errors import NotSerializable, Undecodable
from offload.text import capped_repr, capped_str, sanitise
from offload.values.encoding import encode
from offload.values.integers import SHORT, decode_int

_read = msgspec.json.Decoder().decode


def decode(data: bytes | str) -> object:
    """Read a value that `encode` wrote, exactly.

    Of a key that stands twice in one object the last counts; for what others wrote, see
    `decode_untrusted`.

    Raises:
        Undecodable: it is not JSON (NaN and Infinity are not), not UTF-8, holds a number that no
            float can carry (``1e999``), or nests too deep for the stack.
    """
    try:
        return _read(data)
    except msgspec.ValidationError:  # a number is out of range: good if it is a long integer
        return _read_any_number(data, _LENIENT)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Undecodable(f"this is not JSON that can be read: {capped_str(error)}") from error


def decode_untrusted(data: bytes | str, *, depth: int = 64) -> object:
    """Read a value that somebody else wrote: as `decode`, and no key twice, no great depth.

    Slower than `decode`: 6 µs for three parameters in place of 0.3 (CPython 3.11).

    Args:
        data: JSON in UTF-8, or as text.
        depth: how many containers may stand inside each other.

    Raises:
        Undecodable: `decode` would refuse it, or it breaks one of these rules.
    """
    value = _read_any_number(data, _STRICT)
    if exceeds_depth(value, depth):
        raise Undecodable(f"this nests deeper than {depth} levels")
    return value


def exceeds_depth(value: object, limit: int) -> bool:
    """Tell whether more than `limit` lists, tuples and dicts of a decoded value are nested."""
    level = _containers([value])
    for _ in range(limit):
        if not level:
            return False
        items = (part.values() if isinstance(part, dict) else part for part in level.values())
        level = _containers(child for children in items for child in children)
    return bool(level)


def _containers(values: Iterable[object]) -> dict[int, Any]:
    """Keep the containers, by identity: a part that is shared a million times is one."""
    return {id(value): value for value in values if isinstance(value, dict | list | tuple)}


def _read_any_number(data: bytes | str, decoder: json.JSONDecoder) -> object:
    """Read with the standard library, whose hooks see each number and each object."""
    try:
        text = data if isinstance(data, str) else str(data, "utf-8")
        value = decoder.decode(text)
        if _SURROGATE.search(text):  # halves of pairs pass the standard library, but not `encode`
            encode(value)
    except (ValueError, RecursionError, NotSerializable) as error:
        raise Undecodable(f"this is not JSON that can be read: {capped_str(error)}") from error
    return value


def _integer(digits: str) -> int:
    return int(digits) if len(digits) <= SHORT else decode_int(digits)


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise Undecodable(f"the number {sanitise(text, limit=60)} is too large")
    return number


def _refused(constant: str) -> None:
    raise Undecodable(f"{constant} is not JSON")


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) < len(pairs):
        double = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise Undecodable(f"the key {capped_repr(double, limit=100)} stands twice in one object")
    return value


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
_LENIENT = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=_refused)
_STRICT = json.JSONDecoder(
    parse_int=_integer,
    parse_float=_float,
    parse_constant=_refused,
    object_pairs_hook=_without_doubles,
)
