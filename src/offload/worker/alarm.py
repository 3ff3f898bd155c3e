"""Lets in a job at the moment at which it comes due, rather than at the next look round.

It hears of jobs that are put off as they are stored, and keeps one timer, for the first of them. It
is only for haste: what it does not hear of is let in within a second all the same.
"""

import asyncio
from contextlib import suppress

from offload.clock import Clock
from offload.errors import StoreError
from offload.store.base import Effects, Promote
from offload.store.mailbox import Mailbox

NEAR_SECONDS = 60.0
"""Nobody minds a second after a minute, and a far instant may be one of another clock."""

A_MOMENT = 0.001
"""The loop's clock may be a hair ahead of the one that says what is due."""


class Alarm:
    """Belongs to one worker, and to its loop."""

    def __init__(self, mailbox: Mailbox, clock: Clock) -> None:
        self._mailbox = mailbox
        self._clock = clock
        self._timer: asyncio.TimerHandle | None = None
        self._due_at = float("inf")
        self._ringing: set[asyncio.Task[None]] = set()

    def hear(self, effects: Effects | None) -> None:
        """A commit somewhere; perhaps it put a job off."""
        if effects is None or effects.due_at is None or effects.due_at >= self._due_at:
            return
        seconds = effects.due_at - self._clock.now()
        if seconds <= NEAR_SECONDS:
            self.stop()
            self._due_at = effects.due_at
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, seconds) + A_MOMENT, self._ring)

    def stop(self) -> None:
        """Forget what was heard."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._due_at = None, float("inf")

    def _ring(self) -> None:
        self.stop()
        task = asyncio.get_running_loop().create_task(self._let_in())
        self._ringing.add(task)
        task.add_done_callback(self._ringing.discard)

    async def _let_in(self) -> None:
        with suppress(StoreError):  # the look round does it then
            await self._mailbox.ask_soon(Promote(self._clock.now()))
