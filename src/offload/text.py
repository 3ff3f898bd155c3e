"""Text of unknown origin, made fit to be kept and shown: whole if short, capped if not.

What a user's code raises, prints or returns can be anything: a NUL, half a surrogate pair, 100 MB,
an object whose ``__repr__`` raises. Errors and logs must be recorded all the same, so nothing here
raises; only a ``KeyboardInterrupt`` passes through, since it belongs to the user and not to the
text.
"""

import reprlib
from collections.abc import Callable


def sanitise(text: str, *, limit: int) -> str:
    r"""Make text that every database and encoder takes, of at most `limit` UTF-8 bytes.

    NULs and lone surrogates become visible escapes (``\x00``, ``\ud800``). Text that is too long
    is cut and ends in a mark that counts towards the limit: ``… (12345 more bytes)``.
    """
    return _fitted(text, limit, "… ({} more bytes)")


def first_line(text: str, *, limit: int = 200) -> str:
    """Return what is shown of a text in one line: its first one, cut to so many characters."""
    return text.strip().partition("\n")[0][:limit]


def capped_repr(value: object, *, limit: int = 1000) -> str:
    """Show any value in at most `limit` bytes, in a short time; `…` stands for what is left out."""
    return _guarded(lambda value: _fitted(_ABRIDGED.repr(value), limit, "…"), value, limit)


def capped_str(value: object, *, limit: int = 1000) -> str:
    """Give ``str(value)`` in at most `limit` bytes; of an exception it is the message."""
    return _guarded(lambda value: sanitise(str(value), limit=limit), value, limit)


def describe_error(error: BaseException, *, limit: int = 1000) -> str:
    """Say an exception in one line: ``ValueError: the message``."""
    message = capped_str(error, limit=limit)
    return sanitise(f"{type_name(error)}: {message}" if message else type_name(error), limit=limit)


def type_name(value: object) -> str:
    """Name the type of a value with its module: ``numpy.ndarray``, or ``int`` for a built-in."""
    # type.__repr__ reads the class itself: a metaclass can make cls.__name__ lie or raise.
    return sanitise(type.__repr__(type(value))[len("<class '") : -len("'>")], limit=200)


def _fitted(text: str, limit: int, mark: str) -> str:
    raw = str.encode(text, "utf-8", "backslashreplace").replace(b"\0", rb"\x00")
    if len(raw) <= limit:
        return raw.decode()
    room = limit - len(mark.format(len(raw)).encode())
    if room < 0:  # not even the mark has room
        return _head(raw, limit)
    kept = _head(raw, room)
    return kept + mark.format(len(raw) - len(kept.encode()))


def _head(raw: bytes, size: int) -> str:
    return raw[: max(size, 0)].decode(errors="ignore")


def _guarded(write: Callable[[object], str], value: object, limit: int) -> str:
    try:
        return write(value)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit() in a __repr__ is the user's text too
        return sanitise(f"<{type_name(value)} that raised {type_name(error)}>", limit=limit)


class _Abridged(reprlib.Repr):
    """A ``repr`` whose work is bounded: 15 items of a container, four levels, the ends of text."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxdict = self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = 15
        self.maxstring = self.maxother = 1000

    def repr_int(self, x: int, level: int) -> str:
        """Write an integer, or its size only where Python would refuse or take long."""
        return repr(x) if x.bit_length() <= 2000 else f"<int of {x.bit_length()} bits>"

    def repr_bytes(self, x: bytes | bytearray, level: int) -> str:
        """Write the beginning only, without a copy of the rest."""
        return repr(x[: self.maxother]) + ("…" if len(x) > self.maxother else "")

    repr_bytearray = repr_bytes


_ABRIDGED = _Abridged()
