"""One idea: what an annotation accepts, for every annotation that a Python function may carry.

msgspec reads most types by itself. Each one that it does not know is replaced by a *stand-in*, a
class of ours that says how a value is read and how the type looks as JSON Schema:

    Path and its kin                  from text
    pydantic models                   by their own `model_validate`
    enums of mixed values, flags      by value
    unions that msgspec refuses       by the first member that fits
    dataclasses that msgspec refuses  field by field
    everything else                   anything that JSON can carry
"""

import contextlib
import dataclasses
import datetime
import enum
import functools
import inspect
import io
import pathlib
import types
import typing
from collections import abc
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Union, cast, get_args, get_origin

import msgspec
from msgspec import inspect as kinds

from offload.signature.hints import resolved_hints
from offload.signature.records import Record


class _AcceptsEverything(type):
    """Makes msgspec believe whatever a stand-in has read: it checks `isinstance` afterwards."""

    def __instancecheck__(cls, instance: object) -> bool:
        return True


class StandIn(metaclass=_AcceptsEverything):
    """Takes the place of a type that msgspec cannot read; never instantiated.

    Attributes:
        read: a value from Python or JSON to the value that the function gets; raises ValueError
            or TypeError for one that does not fit.
        schema: the type as JSON Schema.
        members: for a union, what it is a union of.
        choices: the values of an enum's members.
        model: the pydantic model, if it stands for one.
        is_text: whether text is taken as it stands, never as JSON.
    """

    read: ClassVar[Callable[[Any], Any]]
    schema: ClassVar[dict[str, Any]] = {}
    members: ClassVar[tuple[Any, ...]] = ()
    choices: ClassVar[tuple[Any, ...]] = ()
    model: ClassVar[Any] = None
    is_text: ClassVar[bool] = False


# What may be built again with other items. Anything else of this form is the user's own generic.
_COLLECTIONS = frozenset(
    {
        list, tuple, set, frozenset, dict,
        abc.Collection, abc.Iterable, abc.Sequence, abc.MutableSequence,
        abc.Set, abc.MutableSet, abc.Mapping, abc.MutableMapping,
    }
)  # fmt: skip


# msgspec tells the format of dates, durations, UUIDs and the like, and says of these only `string`:
# for JSON Schema they have an offset, and we take them without one too. A form wants to know it.
_FORMATS: dict[Any, Any] = {
    datetime.datetime: Annotated[
        datetime.datetime, msgspec.Meta(extra_json_schema={"format": "date-time"})
    ],
    datetime.time: Annotated[datetime.time, msgspec.Meta(extra_json_schema={"format": "time"})],
}


class Unreadable(Exception):
    """An annotation that contradicts itself, or that no value from outside can ever fit."""


def readable(annotation: Any) -> Any:
    """The annotation in a form that `convert` can read, with stand-ins where msgspec could not.

    Raises:
        Unreadable: for a constraint that its type cannot have, or a type that no value fits.
    """
    annotation = _unwrapped(annotation)
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        inner = args[0] if _says_of_zones(annotation) else readable(args[0])
        return _constrained(inner, annotation.__metadata__)
    if origin in (Union, types.UnionType):
        return _union(tuple(readable(member) for member in args))
    if origin in _COLLECTIONS:
        return _rebuilt(annotation, origin, args)
    return _leaf(annotation)


def never_fits(accepted: Any) -> bool:
    """Whether no value that comes from JSON can ever be of this type: code, open files."""
    if accepted is typing.Never or accepted is typing.NoReturn:
        return True
    cls = get_origin(accepted) or accepted
    return cls is abc.Callable or (isinstance(cls, type) and issubclass(cls, io.IOBase | typing.IO))


def convert(value: Any, accepted: Any) -> Any:
    """The value as the type wants it; strict: text is no number, 1 is not true.

    Raises:
        Exception: msgspec's ValidationError, or whatever a user's own class raises.
    """
    return msgspec.convert(value, accepted, dec_hook=_read, str_keys=True)


def schemas(accepted: list[Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Each type as JSON Schema 2020-12, and the definitions that they refer to in ``#/$defs``."""
    listed, components = msgspec.json.schema_components(
        accepted, schema_hook=_schema_of, ref_template="#/$defs/{name}"
    )
    definitions: dict[str, Any] = {}
    definitions |= {name: _lifted(item, definitions) for name, item in components.items()}
    return [_lifted(schema, definitions) for schema in listed], definitions


def _unwrapped(annotation: Any) -> Any:
    """See through `NewType`, ``type X = …`` and the names that mean "anything"."""
    while True:
        if isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        elif annotation is inspect.Parameter.empty or annotation is object:
            return Any
        else:
            return Any if isinstance(annotation, str) else annotation


def _says_of_zones(annotation: Any) -> bool:
    """Whether a moment has to have an offset, or must not: then msgspec knows its format."""
    return annotation.__origin__ in _FORMATS and any(
        getattr(each, "tz", None) is not None for each in annotation.__metadata__
    )


def _constrained(inner: Any, metadata: tuple[Any, ...]) -> Any:
    constrained = cast(Any, Annotated)[(inner, *metadata)]
    try:
        kinds.type_info(constrained)
    except TypeError as error:
        raise Unreadable(str(error)) from error
    return constrained


def _rebuilt(annotation: Any, origin: Any, items: tuple[Any, ...]) -> Any:
    """The same collection of readable items; untouched where nothing changed."""
    inner = tuple(item if item is ... else readable(item) for item in items)
    changed = any(new is not old for new, old in zip(inner, items, strict=True))
    return _leaf(origin[inner] if changed else annotation)


def _leaf(annotation: Any) -> Any:
    """The type itself if msgspec reads it and all that is in it, else a stand-in."""
    if isinstance(annotation, type) and annotation in _FORMATS:
        return _FORMATS[annotation]
    # msgspec reads a Flag from a number but refuses its own members (0.22).
    if isinstance(annotation, type) and issubclass(annotation, enum.Flag):
        return _stand_in_for(annotation)
    try:
        is_custom = isinstance(kinds.type_info(annotation), kinds.CustomType)
    except Exception:  # resolving a class's own annotations runs the user's code
        is_custom = True
    return _stand_in_for(annotation) if is_custom else annotation


def _read(accepted: Any, value: Any) -> Any:
    """What msgspec calls for each value of a type that it does not know."""
    try:
        return _stand_in_for(accepted).read(value)
    except msgspec.ValidationError as error:
        # msgspec would pass on its own error as it is, without the place that it has reached.
        raise ValueError(str(error)) from error


def _schema_of(accepted: Any) -> dict[str, Any]:
    stand_in = _stand_in_for(accepted)
    if stand_in.members:
        listed, definitions = schemas(list(stand_in.members))
        return {"anyOf": listed, "$defs": definitions}
    if stand_in.model is not None:
        return dict(stand_in.model.model_json_schema())
    return {"enum": list(stand_in.choices)} if stand_in.choices else stand_in.schema


def _lifted(schema: Any, definitions: dict[str, Any]) -> Any:
    """The schema without definitions of its own: references look for them at the very top."""
    if isinstance(schema, list):
        return [_lifted(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    own = schema.get("$defs", {})
    definitions |= {name: _lifted(item, definitions) for name, item in own.items()}
    return {key: _lifted(item, definitions) for key, item in schema.items() if key != "$defs"}


def _stand_in_for(annotation: Any) -> type[StandIn]:
    cls = annotation if isinstance(annotation, type) else get_origin(annotation)
    return _stand_in_for_class(cls) if isinstance(cls, type) else _anything(annotation)


@functools.lru_cache(maxsize=1024)
def _stand_in_for_class(cls: type) -> type[StandIn]:
    if issubclass(cls, StandIn):
        return cls
    if issubclass(cls, pathlib.PurePath):
        schema = {"type": "string", "format": "path"}
        return _stand_in(cls, functools.partial(_path, cls), schema=schema, is_text=True)
    if hasattr(cls, "model_validate") and hasattr(cls, "model_json_schema"):
        return _stand_in(cls, functools.partial(_model, cls), model=cls)
    if issubclass(cls, enum.Enum):
        values = tuple(member.value for member in cls)
        return _stand_in(cls, functools.partial(_member, cls), choices=values)
    if dataclasses.is_dataclass(cls):
        return _by_fields(cls)
    return _anything(cls)


def _stand_in(source: Any, read: Callable[[Any], Any], **facts: Any) -> type[StandIn]:
    made = _AcceptsEverything(_name(source), (StandIn,), {"read": staticmethod(read), **facts})
    return cast("type[StandIn]", made)


def _anything(source: Any) -> type[StandIn]:
    # msgspec takes an empty schema for none at all, so it gets the name of what was asked for.
    return _stand_in(source, lambda value: value, schema={"title": _name(source)})


def _union(members: tuple[Any, ...]) -> Any:
    union = cast(Any, Union)[members]
    try:
        kinds.type_info(union)
    except TypeError:
        return _stand_in(union, functools.partial(_first_fit, members), members=members)
    return union


def _first_fit(members: tuple[Any, ...], value: Any) -> Any:
    for member in members:
        try:
            return convert(value, member)
        except Exception:  # a user's own class may raise anything; the next member is asked
            continue
    raise ValueError(f"Expected `{' | '.join(_name(member) for member in members)}`")


def _name(member: Any) -> str:
    return str(getattr(member, "__name__", member))


def _path(cls: type[pathlib.PurePath], value: Any) -> pathlib.PurePath:
    if isinstance(value, cls):
        return value
    if not isinstance(value, str):
        raise ValueError("Expected `str`")
    return cls(value)


def _model(cls: Any, value: Any) -> Any:
    if isinstance(value, cls):
        return value
    try:
        return cls.model_validate(value)
    except ValueError as error:
        raise ValueError(_first_complaint(error)) from error


def _first_complaint(error: Any) -> str:
    """What pydantic says first, with its place where msgspec writes places."""
    if not hasattr(error, "errors"):
        return str(error)
    first = error.errors()[0]
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"])
    return f"{first['msg']} - at `${path}`"


def _member(cls: type[enum.Enum], value: Any) -> enum.Enum:
    if isinstance(value, cls):
        return value
    value = tuple(value) if isinstance(value, list) else value
    with contextlib.suppress(ValueError):
        found = cls(value)
        # 1 == True == 1.0, but they are three values.
        if type(found.value) is type(value):
            return found
    raise ValueError("Invalid enum value")


def _by_fields(cls: type) -> type[StandIn]:
    """Read a dataclass one of whose fields msgspec cannot read.

    Its fields are looked at when the first value arrives: a dataclass may contain itself.
    """
    record = functools.cache(lambda: _record_like(cls))

    def read(value: Any) -> Any:
        if isinstance(value, cls):
            return value
        found = convert(value, record().accepted)
        return cls(**record().given_fields_of(found))

    return _stand_in(cls, read, schema={"type": "object"})


def _record_like(cls: type) -> Record:
    hints = resolved_hints(cls)
    fields = {
        name: (readable(hints.get(name, Any)), parameter.default is parameter.empty)
        for name, parameter in inspect.signature(cls).parameters.items()
    }
    return Record(cls.__name__, fields)
