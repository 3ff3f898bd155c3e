"""What one server holds besides its door: the feed, places for streams, connections, metrics."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from msgspec import Struct
from starlette.requests import Request
from starlette.types import Scope

from offload.feed import EventFeed
from offload.http.crowd import Crowd
from offload.http.metrics import Figures, Metrics
from offload.wire.problems import Problem
from offload.worker.pulse import Pulse

STREAMS_OF_A_CLIENT = 100

_KEY = "offload.live"


class Places:
    """Who has how many streams open.

    Args:
        most: how many there may be at all.
        most_of_one: how many of one client.
    """

    def __init__(self, most: int, most_of_one: int = STREAMS_OF_A_CLIENT) -> None:
        self.most = most
        self.most_of_one = most_of_one
        self._taken: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """How many are open."""
        return self._taken.total()

    @contextmanager
    def place(self, client: str) -> Iterator[None]:
        """Hold a place for a stream.

        Raises:
            Problem: too-many-streams.
        """
        if self._taken[client] >= self.most_of_one or self.taken >= self.most:
            raise Problem(
                "too-many-streams",
                f"too many streams of events are open ({self._taken[client]} of yours); close one, "
                "or share one between the parts of your program",
            )
        self._taken[client] += 1
        try:
            yield
        finally:
            self._taken[client] -= 1
            if not self._taken[client]:
                del self._taken[client]


class Live(Struct, frozen=True):
    """What streams, health and metrics look at.

    Attributes:
        pulse: of the server's loop.
    """

    feed: EventFeed
    places: Places
    crowd: Crowd
    pulse: Pulse
    metrics: Metrics

    def figures(self) -> Figures:
        """Return what the server knows of itself."""
        return Figures(self.pulse.lag, self.crowd.open, self.places.taken, self.crowd.gone)


def put(live: Live, scope: Scope) -> None:
    """Let the handlers of a request see it."""
    scope[_KEY] = live


def live_of(request: Request) -> Live:
    """Return what the server of a request holds."""
    return cast(Live, request.scope[_KEY])


def client_of(request: Request) -> str:
    """Tell one client from another: by what it shows, else by where it comes from."""
    shown = request.headers.get("authorization")
    if shown:
        return hashlib.sha256(shown.encode()).hexdigest()
    return request.client.host if request.client is not None else ""
