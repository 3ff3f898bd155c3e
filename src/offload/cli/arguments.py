"""A task's parameters from a command line, by the task's schema.

    a=2                 as everywhere in offload
    --a 2   --a=2       as everybody types; `_` may be `-`
    --fast  --no-fast   where true or false is wanted
    --url x --url y     a list, or one text that is a JSON array

What a text means is decided where it is for all doors: by the signature, in `querytext`. Here only
names and texts are told apart, for which it must be known which names there are, and which of them
take no text.
"""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from offload.errors import Fault, InvalidParameters

Pairs = list[tuple[str, str]]


def needs_schema(words: Sequence[str]) -> bool:
    """Whether the words cannot be read without knowing what the task takes."""
    return any(word.startswith("--") for word in words)


def read_words(
    task: str, words: Sequence[str], schema: Mapping[str, Any], others: Sequence[str] = ()
) -> Pairs:
    """Return names and texts.

    Args:
        task: its name, for errors.
        words: of the command line, as they were typed after the task.
        schema: the task's parameters as JSON Schema; may be empty if the words do not need it.
        others: what else may begin with `--` here, for a hint at what was meant.

    Raises:
        InvalidParameters: a word is none of these forms, or names what the task does not take.
    """
    waiting = iter(words)
    found: Pairs = []
    for word in waiting:
        if not word.startswith("--") and _is_pair(word):
            name, _, text = word.partition("=")
            found.append((name, text))
        elif word.startswith("--") and len(word) > 2:
            found.append(_flag(task, word, waiting, schema, others))
        else:
            raise InvalidParameters(task, [Fault(repr(word), _FORMS)])
    return found


_FORMS = "is not of the form name=value or --name value"


def _is_pair(word: str) -> bool:
    name, sign, _ = word.partition("=")
    return bool(name and sign) and not word.startswith("--")


def _flag(
    task: str,
    word: str,
    waiting: Iterator[str],
    schema: Mapping[str, Any],
    others: Sequence[str],
) -> tuple[str, str]:
    """Read one that begins with `--`, and the text after it if it takes one."""
    written, sign, text = word[2:].partition("=")
    name, is_negated = _known(written, schema)
    if name is None:
        if not schema["additionalProperties"]:
            raise InvalidParameters(task, [_unknown(written, schema, others)])
        name = written.replace("-", "_")
    if sign:
        if is_negated:
            raise InvalidParameters(task, [Fault(f"--{written}", "takes no value")])
        return name, text
    if is_flag(schema["properties"].get(name, {})):
        return name, "false" if is_negated else "true"
    following = next(waiting, None)
    if following is None:
        raise InvalidParameters(task, [Fault(f"--{written}", "expected a value after it")])
    return name, following


def _known(written: str, schema: Mapping[str, Any]) -> tuple[str | None, bool]:
    """Return the parameter that is meant, and whether `--no-` stands before it."""
    names = {name.replace("_", "-"): name for name in schema["properties"]}
    wanted = written.replace("_", "-")
    if wanted in names:
        return names[wanted], False
    positive = names.get(wanted.removeprefix("no-")) if wanted.startswith("no-") else None
    if positive is not None and is_flag(schema["properties"][positive]):
        return positive, True
    return None, False


def _unknown(written: str, schema: Mapping[str, Any], others: Sequence[str]) -> Fault:
    known = [f"--{name.replace('_', '-')}" for name in schema["properties"]]
    nearest = get_close_matches(f"--{written[:100]}", [*known, *others], n=1)
    if nearest:
        return Fault(f"--{written}", f"unexpected; did you mean {nearest[0]}?")
    takes = f"it takes {', '.join(known)}" if known else "it takes none"
    return Fault(f"--{written}", f"unexpected; {takes}")


def is_flag(parameter: Mapping[str, Any]) -> bool:
    """Whether a parameter is true or false, so that its name alone says something."""
    return parameter.get("type") == "boolean"
