"""One idea: values written in another form before they are encoded, without changing what they say.

JSON has no sets, and keys are text. Where the annotation says that there is a set, or that keys are
numbers, dates or enums, they are written as lists and as text, and the same annotation reads them
back. Nothing else is touched: what is a set where anything may stand is left to be refused.
"""

from typing import Any

import msgspec
from msgspec import inspect as kinds

from offload.signature.shapes import bare, has_text_keys, needs_rewriting, shape
from offload.values import encode
from offload.values.plain import simplify

_SETS = (kinds.SetType, kinds.FrozenSetType)
_LISTS = (kinds.ListType, kinds.VarTupleType)
_OBJECTS = (kinds.StructType, kinds.DataclassType, kinds.NamedTupleType)


def as_json_shows(value: Any, info: kinds.Type) -> Any:
    """The value with the sets and keys that its type tells of as JSON can show them.

    Sets are put into the order of their encoded items: equal sets give equal bytes, whatever the
    hashes of their items are in this process.

    Raises:
        NotSerializable: an item of a set cannot be encoded.
        Exception: whatever the value's own code raises.
    """
    info = bare(info)
    if isinstance(info, kinds.UnionType | kinds.CustomType):
        member = _member_of(value, info)
        return value if member is None else as_json_shows(value, member)
    if isinstance(info, _SETS) and isinstance(value, set | frozenset):
        return sorted((as_json_shows(item, info.item_type) for item in value), key=encode)
    if isinstance(info, _LISTS) and isinstance(value, list | tuple):
        return [as_json_shows(item, info.item_type) for item in value]
    if isinstance(info, kinds.TupleType) and isinstance(value, tuple):
        return list(map(as_json_shows, value, info.item_types))
    if isinstance(info, kinds.DictType) and isinstance(value, dict):
        return _object(value, info)
    if isinstance(info, kinds.TypedDictType) and isinstance(value, dict):
        types = {field.name: field.type for field in info.fields}
        return {name: as_json_shows(part, types[name]) for name, part in value.items()}
    if isinstance(info, _OBJECTS) and needs_rewriting(info):
        return _fields(simplify(value), info)
    return value


def without_numpy(value: Any) -> Any:
    """The value with NumPy's numbers and arrays as Python's; the same object if it has none."""
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        return value.tolist()
    if type(value) in (list, tuple):
        items = [without_numpy(item) for item in value]
        return items if any(map(_differ, items, value)) else value
    if type(value) is dict:
        parts = {key: without_numpy(part) for key, part in value.items()}
        return parts if any(map(_differ, parts.values(), value.values())) else value
    return value


def _member_of(value: Any, info: Any) -> kinds.Type | None:
    """The member of a union that a converted value belongs to; msgspec allows one of each form."""
    if isinstance(info, kinds.UnionType):
        members = [bare(member) for member in info.types]
    else:
        members = [shape(member) for member in getattr(info.cls, "members", ())]
    return next((member for member in members if _has_form(value, member)), None)


def _has_form(value: Any, info: Any) -> bool:
    if isinstance(info, _OBJECTS):
        return isinstance(value, info.cls)
    if isinstance(info, _SETS):
        return isinstance(value, set | frozenset)
    if isinstance(info, kinds.DictType | kinds.TypedDictType):
        return isinstance(value, dict)
    return isinstance(info, (*_LISTS, kinds.TupleType)) and isinstance(value, list | tuple)


def _object(value: dict[Any, Any], info: kinds.DictType) -> dict[Any, Any]:
    if has_text_keys(info):
        return {key: as_json_shows(part, info.value_type) for key, part in value.items()}
    return {_key(key): as_json_shows(part, info.value_type) for key, part in value.items()}


def _fields(simpler: Any, info: Any) -> Any:
    """The fields of an object that is now a dict, or a list where it is written as one."""
    if isinstance(simpler, dict):
        types = {field.encode_name: field.type for field in info.fields}
        any_type = kinds.AnyType()
        return {
            name: as_json_shows(part, types.get(name, any_type)) for name, part in simpler.items()
        }
    tags = len(simpler) - len(info.fields)  # an array-like struct may carry its tag in front
    parts = zip(simpler[tags:], info.fields, strict=True)
    return [*simpler[:tags], *(as_json_shows(part, field.type) for part, field in parts)]


def _key(key: Any) -> Any:
    try:
        return next(iter(msgspec.to_builtins({key: None}, str_keys=True)))
    except (TypeError, ValueError):
        return key  # the encoder says why not


def _differ(new: object, old: object) -> bool:
    return new is not old
