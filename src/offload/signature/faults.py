"""One idea: what a library says about a value that does not fit, as faults in plain words.

msgspec says ``Expected `int`, got `str` - at `$[2].x` ``; a person who started a job wants
``points[2].x: expected an integer, got 'five'``.
"""

import re
from collections.abc import Sequence
from typing import Any

from offload.errors import Fault
from offload.text import capped_repr, capped_str

_WORDS = {
    "int": "an integer",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "null": "null",
    "array": "a list",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "object": "an object",
    "dict": "an object",
    "NoneType": "null",
    "datetime": "a date and time like 2026-01-31T12:00:00Z",
    "date": "a date like 2026-01-31",
    "time": "a time like 12:00:00",
    "duration": "a duration like PT90S",
    "uuid": "a UUID",
    "decimal": "a decimal number",
    "bytes": "base64 text",
}

_INVALID = {
    "Invalid RFC3339 encoded datetime": _WORDS["datetime"],
    "Invalid RFC3339 encoded date": _WORDS["date"],
    "Invalid RFC3339 encoded time": _WORDS["time"],
    "Invalid ISO8601 duration": _WORDS["duration"],
    "Invalid UUID": _WORDS["uuid"],
    "Invalid decimal string": _WORDS["decimal"],
    "Invalid epoch timestamp": _WORDS["datetime"],
    "Invalid base64 encoded string": _WORDS["bytes"],
}

# `- at `$[2].x``, and for a key of an object `- at `key` in `$``.
_PLACE = re.compile(r" - at (?P<key>`key` in )?`\$(?P<path>[^`]*)`$")
_FIELD = re.compile(r"^Object (?P<what>missing required|contains unknown) field `(?P<name>[^`]*)`$")
_GOT = re.compile(r", got `(?P<word>[^`]*)`$")
_STEP = re.compile(r"\[(?P<index>\d+)\]|\.(?P<name>[^.\[]+)|(?P<unknown>\[\.\.\.\])")

_NOWHERE = object()

_LONGEST_PROBLEM = 500


def fault(
    parameter: str, error: Exception, value: object, *, choices: Sequence[object] = ()
) -> Fault:
    """Tell what `error` says about `value`, which was given for `parameter`.

    The fault names the place below the parameter too: ``points[2].x``. `choices` are the values
    that the parameter as a whole is limited to, if it is.
    """
    said, path, is_about_key = _said_and_place(error)
    if field := _FIELD.match(said):
        problem = "missing" if "missing" in field["what"] else "unexpected"
        return Fault(f"{parameter}{path}.{field['name']}", problem)
    if choices and not path and said.startswith("Invalid enum value"):
        said = f"Expected one of {', '.join(shown(choice) for choice in choices)}"
    problem = _in_words(said, _NOWHERE if is_about_key else _at(value, path))
    return Fault(parameter + path, f"as a key, {problem}" if is_about_key else problem)


def shown(value: object) -> str:
    """The value in a few characters, in the words of JSON where JSON has one."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else capped_repr(value, limit=80)


def _said_and_place(error: Exception) -> tuple[str, str, bool]:
    """Cut off every "- at" from the end; the last one written is the outermost."""
    if isinstance(error, RecursionError):
        return "nested too deeply", "", False
    said, path, is_about_key = capped_str(error, limit=1 << 20), "", False
    while place := _PLACE.search(said):
        said, path = said[: place.start()], path + place["path"]
        is_about_key = bool(place["key"])
    return said or type(error).__name__, path, is_about_key


def _at(value: Any, path: str) -> object:
    """What stands at msgspec's path, or `_NOWHERE`: it does not tell which key it came by."""
    for step in _STEP.finditer(path):
        try:
            if step["index"]:
                value = value[int(step["index"])]
            elif isinstance(value, dict):
                value = value[step["name"]]
            else:
                value = getattr(value, step["name"] or "")
        except Exception:  # an index that is not there, or what a user's object raises
            return _NOWHERE
    return value


def _in_words(said: str, value: object) -> str:
    got = "" if value is _NOWHERE else f", got {shown(value)}"
    if said in _INVALID:
        return f"expected {_INVALID[said]}{got}"
    if said.startswith("Invalid enum value"):
        return "expected one of the allowed values" + (got or f", got{said[18:98]}")
    if found := _GOT.search(said):
        got = got or f", got {_words(found['word'])}"
        return _sentence(said[: found.start()]) + got
    return _sentence(said) + (got if said.startswith("Expected") and ", got" not in said else "")


def _sentence(said: str) -> str:
    words = re.sub(r"`([^`]*)`", lambda quoted: _words(quoted[1]), said)
    words = " ".join(words.split())[:_LONGEST_PROBLEM]
    return words[:1].lower() + words[1:] if words.startswith(("Expected", "Number")) else words


def _words(types: str) -> str:
    return " or ".join(_WORDS.get(name, name) for name in types.split(" | "))
