"""A line as it was written, made fit to be kept: no colours, nothing invisible, not too long."""

import codecs
import re

from offload.text import sanitise

_MARK_BYTES = 40
_WHOLE_BYTES = 16 << 10

MOST_LINE_BYTES = _WHOLE_BYTES - _MARK_BYTES
"""A longer line is cut, and ends in a mark that says how much more there was: 16 KiB in all."""

MOST_NAME_BYTES = 200
"""Of a logger's name and of a level's."""

_ESCAPE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours and the cursor: CSI (ECMA-48, 5.4)
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"  # titles and links: OSC and the other strings
    r"|\x1b[ -/]*[0-~]"
)


def raw(text: str) -> bytes:
    """Return text as the bytes that it would be on a terminal, whatever it holds."""
    return text.encode("utf-8", "backslashreplace")


def cut(text: str) -> tuple[bytes, int]:
    """Return the beginning of a text, and how many bytes there were besides."""
    whole = raw(text)
    if len(whole) <= _WHOLE_BYTES:  # perhaps it has its mark already
        return whole, 0
    return whole[:MOST_LINE_BYTES], len(whole) - MOST_LINE_BYTES


def cleaned(written: bytes, missing: int = 0) -> str:
    """Return a line as it is read in the end, without its colours.

    Args:
        written: the line, without its end.
        missing: so many bytes of it were not even kept.
    """
    # Not final: what was cut in the midst of a character is no character.
    text, _ = codecs.utf_8_decode(written, "backslashreplace", not missing)
    if "\x1b" in text:
        text = _ESCAPE.sub("", text)
    if missing:
        return f"{sanitise(text, limit=MOST_LINE_BYTES)}… ({missing} more bytes)"
    if text.isascii() and "\0" not in text:
        return text
    return sanitise(text, limit=_WHOLE_BYTES)


def named(name: object) -> str:
    """Return a name for a log: of one line, and short."""
    return sanitise(" ".join(str(name).split()), limit=MOST_NAME_BYTES)
