"""What a worker and its fork server say to each other: one message of JSON at a time.

A child is named by a number that the worker gives it.
"""

import msgspec

# --- what the worker says


class Fork(msgspec.Struct, frozen=True, tag="fork"):
    """Make a child; its end of a socket comes with this."""

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


Order = Fork | Signal | End | Watch

# --- what it is told


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The server has imported what it needs."""


class Forked(msgspec.Struct, frozen=True, tag="forked"):
    """A child lives."""

    child: int
    pid: int


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """A child has ended, and none of its descendants is left.

    Attributes:
        code: its exit code; the negated number of the signal that ended it.
        peak: the most bytes that were seen, where they were watched.
        over_limit: they were over the limit, and it was killed for that.
    """

    child: int
    code: int
    peak: int | None = None
    over_limit: bool = False


Report = Ready | Forked | Ended
