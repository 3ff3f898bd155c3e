"""The crowd: all connections of a server, what each may take, and who gives way when it is full.

A connection from which no whole request has come costs others nothing but its place. So when all
places are taken, the one that has been silent longest leaves its own to the newcomer: whoever opens
a thousand connections and says nothing throws out nobody but himself.
"""

import resource
from typing import Protocol

from msgspec import Struct

SPARE_DESCRIPTORS = 256
"""Left for the database, worker processes and their pipes."""

FEWEST = 64


class Limits(Struct, frozen=True):
    """How long a connection may take for what, in seconds, and how many there may be.

    Attributes:
        head: from its first byte to its end; and for a first byte after the connection was made.
        body: from the end of the head; more where more comes than `rate` allows in that time.
        rate: bytes of a body that must come each second.
        write: in which some of what is to be sent must be taken.
        connections: open at once, as far as there are file descriptors (`ulimit -n`).
    """

    head: float = 10.0
    body: float = 30.0
    rate: int = 16 << 10
    write: float = 30.0
    connections: int = 2048


class Silent(Protocol):
    """A connection that can be told to give way."""

    def give_way(self) -> None:
        """Close at once."""
        ...


class Crowd:
    """Counts connections, and knows from which of them no whole request has come.

    Args:
        limits: what each may take, and how many there may be.

    Attributes:
        most: connections open at once.
        open: those that are.
        gone: those that had to give way, or took too long, since the server began.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.most = min(limits.connections, _affordable())
        self.open = 0
        self.gone = 0
        self._silent: dict[Silent, None] = {}  # who has been silent longest stands first

    def enter(self, connection: Silent) -> bool:
        """Count a connection in; False where every place is taken by somebody who is served."""
        if self.open >= self.most:
            longest = next(iter(self._silent), None)
            if longest is None:
                return False
            del self._silent[longest]
            self.gone += 1
            longest.give_way()
        self.open += 1
        self._silent[connection] = None
        return True

    def leave(self, connection: Silent) -> None:
        """Count out a connection that had entered."""
        self.open -= 1
        self._silent.pop(connection, None)

    def asks(self, connection: Silent) -> None:
        """A whole request has come from it: it keeps its place until that is answered."""
        self._silent.pop(connection, None)

    def falls_silent(self, connection: Silent) -> None:
        """It was answered: from now on it stands behind all who are silent already."""
        self._silent.pop(connection, None)
        self._silent[connection] = None


def _affordable() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return 1 << 20
    return max(FEWEST, soft - SPARE_DESCRIPTORS)
