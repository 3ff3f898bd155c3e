"""What a worker and its fork server say to each other: one message of JSON at a time.

A child is named by a number that the worker gives it.
"""

from collections.abc import Iterable

import msgspec

# --- what the worker says


class Fork(msgspec.Struct, frozen=True, tag="fork"):
    """Make a child; its end of a socket comes with this, and those of three pipes."""

    child: int


class Signal(msgspec.Struct, frozen=True, tag="signal"):
    """Send a signal to a child and all its descendants."""

    child: int
    number: int


class End(msgspec.Struct, frozen=True, tag="end"):
    """Kill a child and all its descendants."""

    child: int


class Watch(msgspec.Struct, frozen=True, tag="watch"):
    """Kill them when they hold more bytes than this; None ends the watch."""

    child: int
    limit: int | None


class Weigh(msgspec.Struct, frozen=True, tag="weigh"):
    """Say how much memory a child and its descendants hold, if it has any."""

    child: int


class Freeze(msgspec.Struct, frozen=True, tag="freeze"):
    """Make a child and all its descendants stand still.

    Attributes:
        turn: comes back with the report, so that none of an earlier freeze is taken for it.
    """

    child: int
    turn: int


class Thaw(msgspec.Struct, frozen=True, tag="thaw"):
    """Let them go on."""

    child: int


Order = Fork | Signal | End | Watch | Weigh | Freeze | Thaw

# --- what it is told


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The server has imported what it needs."""


class Forked(msgspec.Struct, frozen=True, tag="forked"):
    """A child lives."""

    child: int
    pid: int


class Weighed(msgspec.Struct, frozen=True, tag="weighed"):
    """A child and its descendants hold so many bytes, each with its share of what is shared."""

    child: int
    held: int


class Done(msgspec.Struct, frozen=True, tag="done"):
    """A signal has been sent.

    Attributes:
        number: which one.
        count: to how many processes.
        pids: to which; the first `MOST_PIDS` of them.
    """

    child: int
    number: int
    count: int
    pids: tuple[int, ...]


class Frozen(msgspec.Struct, frozen=True, tag="frozen"):
    """A child and all its descendants stand still; `turn` is that of the order."""

    child: int
    turn: int
    count: int
    pids: tuple[int, ...]


class Stirring(msgspec.Struct, frozen=True, tag="stirring"):
    """They have been told to stand still, and some do not yet. Told once."""

    child: int
    turn: int
    count: int
    pids: tuple[int, ...]


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """A child has ended, and none of its descendants is left.

    Attributes:
        code: its exit code; the negated number of the signal that ended it.
        peak: the most bytes that were seen, where they were watched.
        over_limit: they were over the limit, and it was killed for that.
        cpu_seconds: of its whole life, with those descendants that were waited for.
        largest: the most bytes that it held, or that one of them did.
        killed: how many processes were killed.
        pids: which; the first `MOST_PIDS` of them.
    """

    child: int
    code: int
    peak: int | None = None
    over_limit: bool = False
    cpu_seconds: float = 0.0
    largest: int | None = None
    killed: int = 0
    pids: tuple[int, ...] = ()


OfChild = Forked | Weighed | Done | Frozen | Stirring | Ended
Report = Ready | OfChild

MOST_PIDS = 100
"""That are named in a report; a job may have started thousands of processes."""


def named(found: Iterable[int]) -> tuple[int, ...]:
    """Return the pids that are named."""
    return tuple(sorted(found)[:MOST_PIDS])
