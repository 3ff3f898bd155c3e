"""What a doctor says: one thing, how bad it is, and what to do."""

from enum import StrEnum

from msgspec import Struct


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


class Finding(Struct, frozen=True):
    """One thing that was looked at.

    Attributes:
        about: what was looked at, in a word or two.
        says: what was found.
        do: what to do about it; "" where there is nothing to do.
    """

    level: Level
    about: str
    says: str
    do: str = ""


def ok(about: str, says: str) -> Finding:
    """Return that all is well with something."""
    return Finding(Level.OK, about, says)


def warning(about: str, says: str, do: str) -> Finding:
    """Return that something may become a fault."""
    return Finding(Level.WARNING, about, says, do)


def fault(about: str, says: str, do: str) -> Finding:
    """Return that something does not work, or is not safe."""
    return Finding(Level.FAULT, about, says, do)


def ago(seconds: float) -> str:
    """Return a time in the unit that people would use: `45 s`, `12 min`, `3 h`."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def amount(size: float) -> str:
    """Return bytes in the unit that people would use: `1.2 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def counted(number: int, word: str) -> str:
    """Return a number with its word: `1 job`, `2 jobs`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
