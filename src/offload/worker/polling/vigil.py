"""The wait for one piece of work elsewhere: it is asked about, and left alone while it is paused.

One future at a time holds the waiting job, for ten thousand jobs wait like this.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec import UNSET, UnsetType

from offload.model import Mode, Outcome
from offload.worker.work import Work


class Watched(Protocol):
    """What is asked again and again; see `Engine.watch`."""

    def cancel(self) -> None:
        """Ask no more."""
        ...

    async def settle(self, seconds: float) -> bool:
        """Wait until no question is being answered any more."""
        ...


async def _nobody() -> None:
    """Who is told of a pause where nobody wants to hear of it."""


class Vigil:
    """Waits for an outcome.

    Args:
        work: whose job it is; its stop ends the wait, its pause interrupts it.
        watch: begins to ask, so many seconds from now.
        settling: seconds that a question under way may take when it is to be the last one.
        on_pause: tells the other side, when nobody asks any more.
        on_resume: tells it that somebody will ask again.
    """

    def __init__(
        self,
        work: Work,
        watch: Callable[[float], Watched],
        *,
        settling: float,
        on_pause: Callable[[], Awaitable[None]] = _nobody,
        on_resume: Callable[[], Awaitable[None]] = _nobody,
    ) -> None:
        self._work = work
        self._watch = watch
        self._settling = settling
        self._on_pause = on_pause
        self._on_resume = on_resume
        self._outcome: Outcome | None | UnsetType = UNSET
        self._is_to_pause = False
        self._loop = asyncio.get_running_loop()
        self._news: asyncio.Future[None] = self._loop.create_future()

    def end(self, outcome: Outcome | None) -> None:
        """End the wait; the first outcome stands. None: the job is to stop."""
        if not self._is_over:
            self._outcome = outcome
            self._tell()

    async def keep(
        self, first_after: float, again_after: Callable[[], float]
    ) -> tuple[Outcome | None, Watched]:
        """Wait for the end; returns the outcome, and what was watched last.

        Args:
            first_after: seconds until it is first asked about.
            again_after: the same after each pause.
        """
        self._work.stop.then(lambda: self.end(None))
        self._work.pause.then(self._freeze, self._thaw)
        watched = self._watch(first_after)
        try:
            while not self._is_over:
                await self._heard()
                if self._is_to_pause and not self._is_over:
                    watched.cancel()
                    await watched.settle(self._settling)
                    await self._stand_still()
                    watched = self._watch(again_after())
        finally:
            watched.cancel()
        assert not isinstance(self._outcome, UnsetType)
        return self._outcome, watched

    @property
    def _is_over(self) -> bool:
        return self._outcome is not UNSET

    async def _stand_still(self) -> None:
        """Ask nothing until the pause is over. What ended meanwhile has ended."""
        if self._is_over:
            return
        await self._on_pause()
        self._work.note("no more checks; the work elsewhere goes on")
        self._work.stands_still(Mode.NOT_CHECKING)
        while self._is_to_pause and not self._is_over:
            await self._heard()
        if not self._is_over:
            await self._on_resume()

    def _freeze(self) -> None:
        self._is_to_pause = True
        self._tell()

    def _thaw(self) -> None:
        self._is_to_pause = False
        self._tell()

    def _tell(self) -> None:
        if not self._news.done():
            self._news.set_result(None)

    async def _heard(self) -> None:
        await self._news
        self._news = self._loop.create_future()
