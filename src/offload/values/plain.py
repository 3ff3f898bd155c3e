"""Objects made simpler: each known kind of object, and the plain data that stands for it exactly.

Plain data are None, bool, int, float, str, list, tuple and dict, of exactly these types. One step
is made at a time (an enum becomes its value, whatever that is); ``encoding.py`` walks through the
result and refuses what JSON cannot carry.

Some choices: a subclass is read through its base class, so that an overridden ``__iter__`` or
``items`` cannot make it lie; named tuples become lists; records keep all their fields, private ones
and defaults too (msgspec drops ``_private`` fields of attrs classes); a date or time is written
with its whole UTC offset (msgspec drops its seconds).
"""

import dataclasses
import sys
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache, partial
from pathlib import PurePath
from typing import Any
from uuid import UUID

import msgspec

from offload.text import type_name

PLAIN = frozenset({type(None), bool, int, float, str, list, tuple, dict})

Simplifier = Callable[[Any], object]


class Unfit(Exception):
    """A value that JSON cannot carry exactly; the text says why and what to do."""


class Unknown(Unfit):
    """An object of a kind that is not known here; the user's hook may know it."""

    def __init__(self, value: object) -> None:
        name = type_name(value)
        advice = _ADVICE.get(name, "return plain data, or give the task an encode= function")
        super().__init__(f"{name} has no exact JSON form; {advice}")


_ADVICE = {
    "set": "a set has no order: use sorted(…) or list(…)",
    "frozenset": "a set has no order: use sorted(…) or list(…)",
    "coroutine": "it was never awaited",
    "generator": "use list(…)",
    "numpy.ndarray": "use its .tolist()",
}


def simplify(value: object) -> object:
    """Make an object that is not plain data one step simpler.

    Raises:
        Unknown: it is of no kind known here.
        Unfit: it is known, and has no exact form (``Decimal("NaN")``).
        Exception: whatever the object's own code raises.
    """
    kind: Any = type(value)
    return _simplifier(kind)(value)


@lru_cache(maxsize=512)
def _simplifier(kind: type) -> Simplifier:
    for base, simplifier in _KINDS:
        if issubclass(kind, base):
            return simplifier
    if dataclasses.is_dataclass(kind):
        return partial(_fields, [(field.name, field.name) for field in dataclasses.fields(kind)])
    if hasattr(kind, "__attrs_attrs__"):
        return partial(_fields, [(field.name, field.name) for field in kind.__attrs_attrs__])
    if callable(getattr(kind, "model_dump", None)):  # pydantic, without importing it
        return lambda value: value.model_dump(mode="json")
    return _numpy_scalar


def _fields(names: Iterable[tuple[str, str]], value: object) -> dict[str, object]:
    fields = {written: getattr(value, name) for name, written in names}
    return {name: field for name, field in fields.items() if field is not msgspec.UNSET}


def _struct(value: msgspec.Struct) -> object:
    config = value.__struct_config__
    tag = {} if config.tag_field is None else {config.tag_field: config.tag}
    names = zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True)
    fields = {**tag, **_fields(names, value)}
    return list(fields.values()) if config.array_like else fields


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise Unfit(f"the Decimal {value} is not a number that JSON can carry; use None")
    return str(value)


def _moment(value: date | time) -> str:
    text = value.isoformat()
    if not text[:1].isdigit():  # pandas.NaT is a datetime, and says "NaT"
        raise Unfit(f"{type_name(value)} is not a time that JSON can carry; use None")
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text


def _duration(value: timedelta) -> object:
    if type(value) is not timedelta:  # pandas' has nanoseconds, pendulum's has months
        raise Unknown(value)
    return msgspec.to_builtins(value)


def _base64(value: bytes | bytearray | memoryview) -> str:
    return b64encode(memoryview(value).tobytes()).decode()


def _numpy_scalar(value: Any) -> object:
    generic = getattr(sys.modules.get("numpy"), "generic", None)  # importing NumPy is the user's
    if not isinstance(generic, type) or not issubclass(type(value), generic):
        raise Unknown(value)
    wanted = _NUMPY_ITEMS.get(value.dtype.kind, ())
    item: object = value.item()
    # item() gives a bare integer for datetime64[ns], None for NaT and a longdouble for itself
    if type(item) not in wanted:
        raise Unknown(value)
    return item


_NUMPY_ITEMS: dict[str, tuple[type, ...]] = {
    "b": (bool,),
    "i": (int,),
    "u": (int,),
    "f": (float,),
    "M": (date, datetime),
    "m": (timedelta,),
}

_KINDS: tuple[tuple[type, Simplifier], ...] = (
    (Enum, lambda value: value.value),
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
    (OrderedDict, lambda value: dict(OrderedDict.items(value))),
    (dict, lambda value: dict(dict.items(value))),
    (list, list.copy),
    (tuple, lambda value: list(tuple.__iter__(value))),
    (bytes, _base64),
    (bytearray, _base64),
    (memoryview, _base64),
    (datetime, _moment),
    (date, _moment),
    (time, _moment),
    (timedelta, _duration),
    (Decimal, _decimal),
    (UUID, str),
    (PurePath, str),
    (msgspec.Struct, _struct),
)
