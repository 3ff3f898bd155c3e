"""Many due times behind one timer of the loop.

What is due within the same few milliseconds is done together, so that a thousand checks a second
cost two hundred wake-ups at most.
"""

import asyncio
import heapq
import itertools
from collections.abc import Callable

TICK_SECONDS = 0.005
"""How much later than due something may be done, so that it is done together with others."""


class Timer:
    """Something that is to be done; `cancel` forgets it."""

    __slots__ = ("_act", "due")

    def __init__(self, due: float, act: Callable[[], None]) -> None:
        self.due = due
        self._act: Callable[[], None] | None = act

    def cancel(self) -> None:
        """Let it never be done."""
        self._act = None

    def go(self) -> None:
        """Do it, unless it was cancelled."""
        if self._act is not None:
            self._act()


class Timers:
    """A heap of due times, by the loop's own clock. Used on the loop only.

    Args:
        loop: whose time counts.
        done: called after each time that something was done.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, done: Callable[[], None]) -> None:
        self._loop = loop
        self._done = done
        self._heap: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = 0.0
        self._rang_at = float("-inf")
        self._is_ringing = False

    def at(self, due: float, act: Callable[[], None]) -> Timer:
        """Do something at an instant of the loop's clock, or as soon as possible."""
        timer = Timer(due, act)
        heapq.heappush(self._heap, (due, next(self._numbers), timer))
        self._set_alarm()
        return timer

    def clear(self) -> None:
        """Forget everything."""
        self._heap.clear()
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _set_alarm(self) -> None:
        if self._is_ringing or not self._heap:
            return
        wanted = max(self._heap[0][0], self._rang_at + TICK_SECONDS)
        if self._alarm is not None:
            if self._alarm_at <= wanted:
                return
            self._alarm.cancel()
        self._alarm_at = wanted
        self._alarm = self._loop.call_at(wanted, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self._is_ringing = True
        self._rang_at = now = self._loop.time()
        try:
            while self._heap and self._heap[0][0] <= now:
                heapq.heappop(self._heap)[2].go()
        finally:
            self._is_ringing = False
            self._done()
            self._set_alarm()
