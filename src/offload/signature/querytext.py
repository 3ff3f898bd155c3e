"""One idea: text from a query string or a command line, read by the type that is wanted.

What is read is checked afterwards like any value from JSON, so only the forms are decided here:

    int                   ``-?[0-9]+`` in ASCII, of any size
    float                 a JSON number, also ``5.`` and ``.5``; never nan or inf
    bool                  true, false, on, off in any case (a checkbox sends "on"), 1, 0
    str, Path             as it stands: ``20``, ``null`` and nothing at all are text
    None                  null, unless text is wanted too
    union                 the first member that fits, text last
    enum, Literal         the value's text
    datetime, timedelta   ISO 8601, or seconds (of a datetime: since the epoch)
    date, time, UUID, Decimal, bytes   as in JSON
    list, tuple, set      a text for each item, or one text that is a JSON array
    dict, dataclass, …    a JSON object
    anything              a JSON scalar if it is exactly one (``007`` is none, ``"7"`` is the text
                          7), else the text as it stands
    a class nobody knows  JSON of any form if it is that, else the text as it stands
"""

import datetime
import decimal
import itertools
import math
import re
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import inspect as kinds

from offload.errors import Undecodable
from offload.signature.annotation import convert
from offload.signature.faults import fault, shown
from offload.signature.shapes import bare, choices, shape
from offload.values import decode_int, decode_untrusted

_INTEGER = re.compile(r"-?[0-9]+")
_NUMBER = re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")

_BOOLEANS = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
_CONSTANTS = {"null": None, "true": True, "false": False}

_LISTS = (kinds.CollectionType, kinds.TupleType)


class Misread(ValueError):
    """Text that is not how a value of the wanted type is written.

    Attributes:
        problem: what is wrong, in words.
        path: where below the parameter, as in ``[2]``.
    """

    def __init__(self, problem: str, path: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = path


def takes_list(info: kinds.Type) -> bool:
    """Whether the same name may be given more than once."""
    return isinstance(info, _LISTS) or any(takes_list(member) for member in _members(info))


def read_texts(info: kinds.Type, texts: Sequence[str]) -> Any:
    """The value that the texts given under one name stand for; it is not yet checked.

    Raises:
        Misread: no value of that type is written so.
    """
    if members := _members(info):
        return _first_member(members, texts)
    if isinstance(info, _LISTS):
        return _list(info, texts)
    if len(texts) > 1:
        raise Misread(f"given twice: {len(texts)} values where one is wanted")
    return _READERS.get(type(info), _structure)(info, texts[0])


def _members(info: Any) -> list[kinds.Type]:
    """The members of a union in the order in which they are asked about a text."""
    if isinstance(info, kinds.UnionType):
        members = [bare(member) for member in info.types]
    else:
        members = [shape(member) for member in getattr(_class_of(info), "members", ())]
    takes_text = any(isinstance(member, kinds.StrType | kinds.AnyType) for member in members)
    ranks: dict[type, int] = {kinds.StrType: 2, kinds.AnyType: 2}
    ranks[kinds.NoneType] = 3 if takes_text else 0
    return sorted(members, key=lambda member: ranks.get(type(member), 1))


def _first_member(members: list[kinds.Type], texts: Sequence[str]) -> Any:
    misread: list[Misread] = []
    for member in members:
        try:
            return read_texts(member, texts)
        except Misread as error:
            misread.append(error)
    if any(error.path or not error.problem.startswith("expected ") for error in misread):
        raise misread[-1]
    wanted = {error.problem.removeprefix("expected ").split(", got ")[0] for error in misread}
    listed = sorted(wanted, key=lambda words: (words == "null", words))
    raise Misread(f"expected {' or '.join(listed)}, got {shown(texts[0])}")


def _list(info: Any, texts: Sequence[str]) -> list[Any]:
    if len(texts) == 1 and isinstance(whole := _json(texts[0]), list):
        return whole
    # A tuple has a type for each place; a text too many is told when all are checked.
    places = itertools.chain(getattr(info, "item_types", ()), itertools.repeat(kinds.AnyType()))
    found = []
    for index, (text, place) in enumerate(zip(texts, places, strict=False)):
        try:
            found.append(read_texts(bare(getattr(info, "item_type", place)), [text]))
        except Misread as error:
            raise Misread(error.problem, f"[{index}]{error.path}") from error
    return found


def _integer(_: kinds.Type, text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise Misread(f"expected an integer, got {shown(text)}")
    return decode_int(text)


def _number(_: kinds.Type, text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise Misread(f"expected a number, got {shown(text)}")
    if math.isinf(number := float(text)):
        raise Misread(f"number out of range: {shown(text)}")
    return number


def _boolean(_: kinds.Type, text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise Misread(f"expected true or false, got {shown(text)}")
    return _BOOLEANS[text.lower()]


def _null(_: kinds.Type, text: str) -> None:
    if text != "null":
        raise Misread(f"expected null, got {shown(text)}")


def _text(_: kinds.Type, text: str) -> str:
    return text


def _choice(info: kinds.Type, text: str) -> Any:
    """The member of an enum, or the literal, whose value is written so; text before numbers."""
    known = choices(info)
    candidates = (text, _anything(info, text))
    for value in candidates:
        if any(value == choice and type(value) is type(choice) for choice in known):
            return value
    try:
        # An enum may find members that it does not list: flags, `_missing_`.
        return convert(candidates[-1], _class_of(info))
    except Exception:  # `_missing_` is the user's code
        listed = ", ".join(shown(choice) for choice in known)
        raise Misread(f"expected one of {listed}, got {shown(text)}") from None


def _standard(info: kinds.Type, text: str) -> Any:
    """Types of the standard library, as msgspec reads them from text."""
    accepted = _STANDARD[type(info)]
    # Decimal() would take "1_0", " 7", "nan" and the digits of every script.
    if accepted is decimal.Decimal and not _NUMBER.fullmatch(text):
        raise Misread(f"expected a decimal number, got {shown(text)}")
    try:
        return msgspec.convert(text, accepted, strict=False)
    except ValueError as error:
        raise Misread(fault("", error, text).problem) from error


def _custom(info: kinds.Type, text: str) -> Any:
    stand_in = _class_of(info)
    if stand_in.is_text:
        return text
    if stand_in.choices:
        return _choice(info, text)
    whole = _json(text)
    return text if whole is _NOT_JSON else whole


def _structure(_: kinds.Type, text: str) -> Any:
    whole = _json(text)
    if not isinstance(whole, dict | list):
        raise Misread(f"expected an object in JSON, got {shown(text)}")
    return whole


def _anything(_: kinds.Type, text: str) -> Any:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _JSON_NUMBER.fullmatch(text):
        if _INTEGER.fullmatch(text):
            return decode_int(text)
        return text if math.isinf(number := float(text)) else number
    whole = _json(text) if text.startswith('"') else None
    return whole if isinstance(whole, str) else text


def _json(text: str) -> Any:
    """The value that the text is in JSON, or `_NOT_JSON`."""
    try:
        return decode_untrusted(text)
    except (Undecodable, ValueError):
        return _NOT_JSON


def _class_of(info: Any) -> Any:
    return getattr(info, "cls", None)


_NOT_JSON = object()

_STANDARD: dict[type[kinds.Type], Any] = {
    kinds.DateTimeType: datetime.datetime,
    kinds.DateType: datetime.date,
    kinds.TimeType: datetime.time,
    kinds.TimeDeltaType: datetime.timedelta,
    kinds.UUIDType: uuid.UUID,
    kinds.DecimalType: decimal.Decimal,
    kinds.BytesType: bytes,
    kinds.ByteArrayType: bytearray,
}

_READERS: dict[type[kinds.Type], Callable[[kinds.Type, str], Any]] = {
    kinds.AnyType: _anything,
    kinds.NoneType: _null,
    kinds.BoolType: _boolean,
    kinds.IntType: _integer,
    kinds.FloatType: _number,
    kinds.StrType: _text,
    kinds.EnumType: _choice,
    kinds.LiteralType: _choice,
    kinds.CustomType: _custom,
    **dict.fromkeys(_STANDARD, _standard),
}
