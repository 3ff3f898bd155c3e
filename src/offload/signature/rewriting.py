"""One idea: values written in another form before they are judged, without changing what they say.

Sets become lists and keys become text where the annotation tells how to read them back; NumPy's
numbers become Python's where Python's are wanted.
"""

from typing import Any

import msgspec

from offload.values import encode
from offload.values.plain import Unfit, simplify

_ATOMS = (str, int, float, bool, type(None))


def as_json_shows(value: Any) -> Any:
    """The value with its sets as lists and its keys as text; what has no such form stays.

    Sets are put into the order of their encoded items: equal sets give equal bytes, whatever the
    hashes of their items are in this process.

    Raises:
        NotSerializable: an item of a set cannot be encoded.
    """
    kind = type(value)
    if kind in _ATOMS:
        return value
    if kind in (list, tuple):
        return [as_json_shows(item) for item in value]
    if kind in (set, frozenset):
        return sorted(map(as_json_shows, value), key=encode)
    if kind is dict:
        return {_key(key): as_json_shows(part) for key, part in value.items()}
    try:
        return as_json_shows(simplify(value))
    except Unfit:
        return value  # the encoder says why, and where it stands


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


def _key(key: Any) -> Any:
    try:
        return next(iter(msgspec.to_builtins({key: None}, str_keys=True)))
    except (TypeError, ValueError):
        return key


def _differ(new: object, old: object) -> bool:
    return new is not old
