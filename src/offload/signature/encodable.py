"""One idea: which return annotations certainly cannot become JSON.

Only what is certain is refused: an annotation that may hold a value that can be encoded passes, and
so does everything that only the running code can tell. `None` beside a type does not save it.
"""

import datetime
import decimal
import enum
import inspect
import io
import pathlib
import types
import typing
import uuid
from collections import abc
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from offload.signature.hints import in_words

_KNOWN = (
    type(None), bool, int, float, str, bytes, bytearray, memoryview,
    list, tuple, dict,
    datetime.datetime, datetime.date, datetime.time, datetime.timedelta,
    decimal.Decimal, uuid.UUID, pathlib.PurePath, enum.Enum, msgspec.Struct, abc.Awaitable,
)  # fmt: skip

_NEVER = (
    set, frozenset, abc.Set, complex, abc.Iterator, abc.AsyncIterator,
    io.IOBase, typing.IO, types.ModuleType, type,
)  # fmt: skip

_NO_TEXT = (type(None), bool, int, float, tuple, bytes)

# Signs of a class that the encoder can take apart: a dataclass, attrs, pydantic.
_MARKS = ("__dataclass_fields__", "__attrs_attrs__", "model_dump")


def why_not_encodable(annotation: Any) -> str | None:
    """The part of a return annotation that can never be JSON, as text; None if all may be."""
    origin, args = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, typing.NewType):
        return why_not_encodable(annotation.__supertype__)
    if type(annotation).__name__ == "TypeAliasType":
        return why_not_encodable(annotation.__value__)
    if origin is Annotated:
        return why_not_encodable(args[0])
    if origin in (Union, types.UnionType):
        return _why_no_member(args)
    cls = origin or annotation
    if not isinstance(cls, type):
        return None
    return _why_not_class(cls, annotation) or _why_no_item(cls, args)


def _why_no_member(members: tuple[Any, ...]) -> str | None:
    """A union is refused only if each of its members is, `None` aside."""
    reasons = [why_not_encodable(member) for member in members if member is not type(None)]
    return reasons[0] if reasons and all(reasons) else None


def _why_not_class(cls: Any, annotation: Any) -> str | None:
    name = in_words(annotation)
    if issubclass(cls, _NEVER) or cls is abc.Callable:
        return name
    known = issubclass(cls, _KNOWN) or _is_numpy_scalar(cls)
    has_fields = any(hasattr(cls, mark) for mark in _MARKS)
    # Behind an abstract class or a protocol may stand one that can be encoded.
    is_open = cls in (object, Any) or inspect.isabstract(cls) or getattr(cls, "_is_protocol", False)
    return None if known or has_fields or is_open else name


def _is_numpy_scalar(cls: type) -> bool:
    return any((base.__module__, base.__name__) == ("numpy", "generic") for base in cls.__mro__)


def _why_no_item(cls: type, items: tuple[Any, ...]) -> str | None:
    """Look into what a collection holds, or what is got by awaiting."""
    if issubclass(cls, abc.Awaitable):
        return why_not_encodable(items[-1]) if items else None
    if issubclass(cls, abc.Mapping) and len(items) == 2:
        key = get_origin(items[0]) or items[0]
        if isinstance(key, type) and issubclass(key, _NO_TEXT) and not issubclass(key, enum.Enum):
            return f"keys of the type {key.__name__}"
        return why_not_encodable(items[1])
    if issubclass(cls, list | tuple | abc.Sequence | abc.Iterable):
        return next(filter(None, map(why_not_encodable, items)), None)
    return None
