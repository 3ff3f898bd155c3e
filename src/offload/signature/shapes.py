"""One idea: facts about a type, found by looking through all that is inside it."""

from collections.abc import Iterator
from typing import Any

from msgspec import inspect as kinds


def shape(accepted: Any) -> kinds.Type:
    """What msgspec makes of a readable type, without its descriptions."""
    return bare(kinds.type_info(accepted))


def bare(info: kinds.Type) -> kinds.Type:
    """The type beneath a description."""
    return bare(info.type) if isinstance(info, kinds.Metadata) else info


def inner_shapes(info: kinds.Type) -> Iterator[kinds.Type]:
    """The type itself and all types within it, each class once."""
    seen: dict[int, kinds.Type] = {}  # by identity: a class that contains itself is one object
    waiting = [info]
    while waiting:
        current = bare(waiting.pop())
        if id(current) not in seen:
            seen[id(current)] = current
            yield current
            waiting.extend(_children(current))


def _children(info: Any) -> Iterator[kinds.Type]:
    if isinstance(info, kinds.CustomType):
        yield from (shape(member) for member in getattr(info.cls, "members", ()))
    for name in ("types", "item_types"):
        yield from getattr(info, name, ())
    for name in ("item_type", "key_type", "value_type"):
        if hasattr(info, name):
            yield getattr(info, name)
    yield from (field.type for field in getattr(info, "fields", ()))


def choices(info: Any) -> list[Any]:
    """The values that an enum, a Literal, or one of these with None, is limited to."""
    if isinstance(info, kinds.EnumType):
        return [member.value for member in info.cls]
    if isinstance(info, kinds.LiteralType):
        return list(info.values)
    if isinstance(info, kinds.CustomType):
        return list(getattr(info.cls, "choices", ()))
    if not isinstance(info, kinds.UnionType):
        return []
    members = [bare(member) for member in info.types]
    found = [
        [None] if isinstance(member, kinds.NoneType) else choices(member) for member in members
    ]
    return [choice for each in found for choice in each] if all(found) else []


def comes_back_from_json(info: kinds.Type) -> bool:
    """Whether a value of this type, once converted, certainly converts again when read from JSON.

    True for what JSON itself consists of. Instances of classes are believed by msgspec whatever
    their fields hold, so theirs is False.
    """
    return all(
        isinstance(inner, _PLAIN) or (isinstance(inner, kinds.DictType) and has_text_keys(inner))
        for inner in inner_shapes(info)
    )


def needs_rewriting(info: kinds.Type) -> bool:
    """Whether values of this type hold sets or keys other than text, which JSON cannot show."""
    return any(
        isinstance(inner, kinds.SetType | kinds.FrozenSetType)
        or (isinstance(inner, kinds.DictType) and not has_text_keys(inner))
        for inner in inner_shapes(info)
    )


def has_text_keys(info: kinds.DictType) -> bool:
    """Whether text is among the keys that are allowed; then it is the only kind that is stored."""
    return any(
        isinstance(inner, kinds.AnyType | kinds.StrType) for inner in inner_shapes(info.key_type)
    )


_PLAIN = (
    kinds.AnyType,
    kinds.NoneType,
    kinds.BoolType,
    kinds.IntType,
    kinds.FloatType,
    kinds.StrType,
    kinds.LiteralType,
    kinds.UnionType,
    kinds.ListType,
    kinds.TupleType,
    kinds.VarTupleType,
)
