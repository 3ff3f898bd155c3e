"""How late an event loop is: what it was to do at a set time, and when it did it."""

import asyncio
import time
from collections.abc import Callable


class Pulse:
    """Beats on a loop; asked from any thread, also while code blocks that loop.

    Args:
        monotonic: the clock. Not the loop's own: uvloop's stands still as long as the loop does.

    Attributes:
        lag: by how many seconds the last beat was late.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.lag = 0.0
        self._monotonic = monotonic
        self._due_at: float | None = None
        self._worst = 0.0

    async def sleep(self, seconds: float) -> None:
        """Sleep, and see how late the loop wakes up."""
        self.expect(seconds)
        await asyncio.sleep(seconds)
        self.beat()

    def expect(self, seconds: float) -> None:
        """The next beat is due so soon."""
        self._due_at = self._monotonic() + seconds

    def beat(self) -> None:
        """What was expected is there."""
        self.lag = self._late()
        self._worst = max(self._worst, self.lag)
        self._due_at = None

    def take_worst(self) -> float:
        """Return by how much it was late at the worst since this was last asked.

        A beat that is overdue counts with what it is late by now.
        """
        worst, self._worst = max(self._worst, self._late()), 0.0
        return worst

    def _late(self) -> float:
        due_at = self._due_at
        return 0.0 if due_at is None else max(0.0, self._monotonic() - due_at)
