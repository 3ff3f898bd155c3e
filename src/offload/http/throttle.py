"""The throttle: how many starts one client may ask for in a time.

Each client has a moment up to which what it has asked for is spent; a start moves it on by its
share of the time. So a client that was silent may ask for all of them at once, and nobody for more
in any longer stretch.
"""

import math
import time
from collections.abc import Callable

from offload.units import Rate
from offload.wire.problems import Problem

MOST_CLIENTS = 10_000
"""Beyond that, those who have nothing left to wait for are forgotten."""


class Throttle:
    """Counts starts by client.

    Args:
        rate: how many each may ask for in which time; None is no bound.
        monotonic: the clock.
    """

    def __init__(self, rate: Rate | None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._monotonic = monotonic
        self._spent_until: dict[bytes, float] = {}

    @property
    def is_bounded(self) -> bool:
        """Whether there is anything to count."""
        return self._rate is not None

    def spend(self, client: bytes, starts: int = 1) -> None:
        """Count starts that a client asks for.

        More than it may ask for in one go it may ask for when it was silent; it waits the longer
        afterwards.

        Raises:
            Problem: too-many-starts, with the time after which it may ask.
        """
        rate = self._rate
        if rate is None:
            return
        now, share = self._monotonic(), rate.seconds / rate.count
        begins_at = max(self._spent_until.get(client, 0.0), now)
        wait = begins_at + share * min(starts, rate.count) - now - rate.seconds
        if wait > 1e-9:
            raise Problem(
                "too-many-starts",
                f"you may start {rate.count} jobs in {rate.seconds:g} s; wait, or have the "
                "server's --start-rate raised",
                headers={"retry-after": str(math.ceil(wait))},
            )
        self._spent_until[client] = begins_at + share * starts
        if len(self._spent_until) > MOST_CLIENTS:
            self._forget(now)

    def _forget(self, now: float) -> None:
        self._spent_until = {
            client: until for client, until in self._spent_until.items() if until > now
        }
