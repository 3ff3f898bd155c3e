"""Parameters that nobody is to read: hidden where a job is shown, taken out of what its code says.

A job keeps the names of its secret parameters (`JobOptions.secret`), so that any program that can
read the job can hide them, whether it knows the job's task or not. The values stay as they are in
the database: the code needs them.
"""

import json
import re
from collections.abc import Collection, Iterator
from urllib.parse import quote, quote_plus

from msgspec import Raw
from msgspec.json import Decoder, decode, encode

HIDDEN = "***"
"""What is shown in place of a value."""

FEWEST_CHARACTERS = 4
"""A shorter text is not searched for: it would be found in every other word."""

_LONG = 24
_END = 16
_CUT = "…"

_by_name = Decoder(dict[str, Raw]).decode
_LEAF = re.compile(rb'("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*)')


def hide(params: bytes, secret: Collection[str]) -> bytes:
    """Return parameters, a JSON object, with what is shown in place of those that are secret."""
    if not secret:
        return params
    shown = {name: HIDDEN if name in secret else raw for name, raw in _by_name(params).items()}
    return encode(shown)


class Redaction:
    """Takes the values of secret parameters out of text.

    Texts and numbers of at least four characters are found anywhere within a value, also as Python,
    JSON and URLs write them, line by line, and by the beginning or end that a cut has left of them.

    Args:
        params: the parameters of a job, a JSON object.
        secret: the names of those that are secret.
    """

    def __init__(self, params: bytes, secret: Collection[str]) -> None:
        self._whole: re.Pattern[str] | None = None
        if not secret:
            return
        values = [bytes(raw) for name, raw in _by_name(params).items() if name in secret]
        texts = {text for value in values for text in _leaves(value)}
        forms = {form for text in texts for form in _forms(text)}
        # Longest first: else a short one would leave the rest of a longer one standing.
        self._forms = sorted(
            (form for form in forms if len(form) >= FEWEST_CHARACTERS),
            key=lambda form: (-len(form), form),
        )
        self._long = [form for form in self._forms if len(form) >= _LONG]
        if self._forms:
            self._whole = re.compile("|".join(map(re.escape, self._forms)))

    def __bool__(self) -> bool:
        return self._whole is not None

    def __call__(self, text: str) -> str:
        """Return the text without them."""
        if self._whole is None:
            return text
        text = self._whole.sub(HIDDEN, text)
        for form in self._long:
            text = _without_ends(text, form)
        return self._without_cut_ones(text) if _CUT in text else text

    def _without_cut_ones(self, text: str) -> str:
        """Hide what stands of a value before a mark that says that the rest was left out."""
        kept, *rest = text.split(_CUT)
        for part in rest:
            kept = f"{self._without_head(kept)}{_CUT}{part}"
        return kept

    def _without_head(self, text: str) -> str:
        for form in self._forms:
            for length in range(len(form) - 1, FEWEST_CHARACTERS - 1, -1):
                if text.endswith(form[:length]):
                    return text[:-length] + HIDDEN
        return text


def _leaves(value: bytes) -> Iterator[str]:
    """Find the texts and numbers within a JSON value; not the keys of its objects."""
    for text, is_key, number in _LEAF.findall(value):
        if number:
            yield number.decode()
        elif not is_key:
            yield decode(text, type=str)


def _forms(text: str) -> Iterator[str]:
    """Say how a text may be written where somebody shows it."""
    for each in {text, *(line.strip() for line in text.splitlines())}:
        yield each
        yield each.replace("\0", r"\x00")
        yield repr(each)[1:-1]
        yield json.dumps(each)[1:-1]
        yield json.dumps(each, ensure_ascii=False)[1:-1]
        yield quote(each)
        yield quote(each, safe="")
        yield quote_plus(each)


def _without_ends(text: str, form: str) -> str:
    """Hide the beginning and the end of a long text, as far as they stand there."""
    head, tail = form[:_END], form[-_END:]
    found = text.find(head)
    while found >= 0:
        end = found + _alike(text[found : found + len(form)], form)
        text = text[:found] + HIDDEN + text[end:]
        found = text.find(head, found)
    found = text.find(tail)
    while found >= 0:
        end = found + _END
        before = text[max(0, end - len(form)) : end]
        begin = end - _alike(before[::-1], form[::-1])
        text = text[:begin] + HIDDEN + text[end:]
        found = text.find(tail, begin)
    return text


def _alike(one: str, other: str) -> int:
    """Count the characters that two texts begin with alike."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count
