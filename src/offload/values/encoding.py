"""Writes a value as JSON: exactly, or refused with its place (``$.loss[3]``).

msgspec does the writing. What it would alter in silence is found before: NaN and infinities (it
writes null), keys that are not text (it writes text), sets (it writes lists). What it lacks is
added: integers of any size, and refusals that say where.

What changes its Python type, by design: tuples and named tuples come back as lists; bytes, dates,
times, durations, Decimal, UUID and paths as text; records and models as dicts; enums as their
value. The order of keys is kept.
"""

import json
import math
from collections.abc import Callable, Collection, Iterable
from typing import Any

import msgspec

from offload.errors import NotSerializable
from offload.text import capped_repr, describe_error, sanitise, type_name
from offload.values.integers import encode_int
from offload.values.plain import PLAIN, Unfit, Unknown, simplify

MAX_DEPTH = 200
"""Containers inside each other: Python 3.11 has a stack of 1,000 frames, shared with the caller."""

MAX_PARTS = 10_000_000
"""Items of all containers together. One list that holds another twice, 40 times over, has 2⁴⁰."""

Hook = Callable[[object], object]

_write = msgspec.json.Encoder().encode
_ATOMS = frozenset({str, int, bool, type(None)})


def encode(value: object, *, hook: Hook | None = None) -> bytes:
    """Write a value as JSON in UTF-8, exactly.

    Args:
        value: anything that a task may take or return.
        hook: asked for a simpler object in place of one that has no JSON form of its own (a
            task's ``encode=``); what it returns is held to the same rules.

    Raises:
        NotSerializable: JSON cannot carry it exactly, or its own code or the hook raised.
    """
    room = [MAX_PARTS]
    try:
        if _is_plain(value, MAX_DEPTH, room):
            return _write(value)
    except Exception:
        pass  # a lone surrogate, a long integer, too deep, changed meanwhile: look closely
    if room[0] < 0:
        raise NotSerializable("$", _TOO_MUCH)
    return _encode_closely(value, hook)


def _is_plain(value: object, depth: int, room: list[int]) -> bool:
    """Tell whether msgspec writes a value exactly as it is, or refuses it loudly.

    Each start and each result passes here, so it is one plain loop: half of the 0.8 µs that three
    parameters take to encode, 300 MB/s of floats (CPython 3.11). False says only that a closer
    look is needed.

    Args:
        value: what is looked at.
        depth: how many containers may stand inside this one.
        room: how many parts may still come; counted down.
    """
    items: Iterable[object]
    if type(value) is dict:
        for key in value:
            if type(key) is not str:
                return False
        items = value.values()
    elif type(value) is list or type(value) is tuple:
        items = value
    else:
        return type(value) in _ATOMS or (type(value) is float and math.isfinite(value))
    room[0] -= len(value)
    if not depth or room[0] < 0:
        return False
    for item in items:
        if type(item) in _ATOMS:
            continue
        if type(item) is float:
            if item - item != 0.0:  # NaN or an infinity; quicker than a call
                return False
        elif not _is_plain(item, depth - 1, room):
            return False
    return True


def _encode_closely(value: object, hook: Hook | None) -> bytes:
    walk = _Walk(hook)
    try:
        return _write(walk.rebuilt(value))
    except (NotSerializable, KeyboardInterrupt):
        raise
    except Unfit as unfit:
        raise NotSerializable(_path(walk.steps), str(unfit)) from None
    except BaseException as error:  # the object's own code or the hook, even if it calls exit()
        problem = f"{type_name(walk.present)} could not be read: {describe_error(error)}"
        raise NotSerializable(_path(walk.steps), problem) from error


class _Walk:
    """One walk through a value, which rebuilds it of plain data and knows where it is.

    Whatever is wrong simply raises: the walk stops there, and its steps tell the place.

    Attributes:
        steps: the key or index at which each open container was entered, the outermost first.
        present: the object that is being looked at.
    """

    def __init__(self, hook: Hook | None) -> None:
        self.steps: list[str | int] = []
        self.present: object = None
        self._open: list[object] = []
        self._room = MAX_PARTS
        self._hook = hook

    def rebuilt(self, value: object) -> object:
        """Give the same value, made of what msgspec writes exactly."""
        self.present = value
        plain = value if type(value) in PLAIN else self._plain(value)
        if isinstance(plain, dict):
            return self._rebuilt_dict(value, plain)
        if isinstance(plain, list | tuple):
            return self._rebuilt_list(value, plain)
        return _checked(plain)

    def _plain(self, value: object) -> object:
        """Make an object simpler until it is plain data."""
        for _ in range(_MOST_CONVERSIONS):
            self.present = value = self._simpler(value)
            if type(value) in PLAIN:
                return value
        raise Unfit(f"{type_name(value)} after {_MOST_CONVERSIONS} conversions, and no plain data")

    def _simpler(self, value: object) -> object:
        try:
            return simplify(value)
        except Unknown:
            if self._hook is None:
                raise
            return self._hook(value)

    def _rebuilt_list(self, value: object, items: Collection[object]) -> list[object]:
        self._enter(value, len(items))
        result = []
        for index, item in enumerate(items):
            self.steps[-1] = index
            result.append(self.rebuilt(item))
        self._leave()
        return result

    def _rebuilt_dict(self, value: object, items: dict[Any, object]) -> dict[str, object]:
        keys = [_key(key) for key in items]
        if len(set(keys)) < len(keys):
            raise Unfit("two of its keys are the same text")
        self._enter(value, len(items))
        result = {}
        for key, item in zip(keys, items.values(), strict=True):
            self.steps[-1] = key
            result[key] = self.rebuilt(item)
        self._leave()
        return result

    def _enter(self, container: object, parts: int) -> None:
        self._room -= parts
        if self._room < 0:
            raise Unfit(_TOO_MUCH)
        if len(self._open) == MAX_DEPTH:
            raise self._too_deep()
        self._open.append(container)
        self.steps.append(0)

    def _leave(self) -> None:
        self._open.pop()
        self.steps.pop()

    def _too_deep(self) -> Unfit:
        """Say whether it is too deep because something contains itself, and where."""
        levels: dict[int, int] = {}
        for level, container in enumerate(self._open):
            first = levels.setdefault(id(container), level)
            if first < level:
                del self.steps[level:]
                return Unfit(f"this is {_path(self.steps[:first])} again: a value contains itself")
        return Unfit(f"this nests deeper than {MAX_DEPTH} levels")


_TOO_MUCH = f"this has more than {MAX_PARTS:,} parts; keep it in a file, and return its name"

_MOST_CONVERSIONS = 10
"""From an object to plain data; only a hook that gives back what it was given comes so far."""


def _checked(atom: object) -> object:
    """Give a plain value without parts as msgspec can write it, or refuse it."""
    if type(atom) is str:
        return _checked_text(atom)
    if type(atom) is float and not math.isfinite(atom):
        raise Unfit(f"{atom} is not a number that JSON can carry; use None, or leave it out")
    if type(atom) is int and atom.bit_length() > 64:
        return msgspec.Raw(encode_int(atom).encode())
    return atom


def _checked_text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = f"U+{ord(text[error.start]):04X}"
        raise Unfit(
            f"character {error.start} is {half}, half of a surrogate pair, which no text may hold"
        ) from None
    return text


def _key(key: object) -> str:
    if not issubclass(type(key), str):
        shown = f"{capped_repr(key, limit=100)} ({type_name(key)})"
        raise Unfit(f"the key {shown} is not text; JSON has no other keys")
    try:
        return _checked_text(str.__str__(key))
    except Unfit as unfit:
        raise Unfit(f"in the key {capped_repr(key, limit=100)}, {unfit}") from None


def _path(steps: Iterable[str | int]) -> str:
    return sanitise("$" + "".join(map(_step, steps)), limit=500)


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if step.isidentifier():
        return "." + sanitise(step, limit=60)
    return f"[{json.dumps(sanitise(step, limit=60), ensure_ascii=False)}]"
