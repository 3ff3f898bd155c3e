"""Where running code puts what it wants to find again: the way to the store, as `Context` needs it.

The code may be in another thread than the worker's loop, on that loop, or in another process; which
of them it is only the keeper knows.
"""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future
from typing import Any, Protocol

from offload.model import Saved

Steps = tuple[tuple[str, bytes], ...]
"""What steps came to, each by its name, as JSON."""


class Keeper(Protocol):
    """Takes what one attempt keeps."""

    @property
    def saved(self) -> Saved:
        """What earlier attempts have kept."""
        ...

    def keep(self, value: bytes) -> None:
        """Take a checkpoint, to be stored within a second or so. From any thread, and quick."""
        ...

    def keep_now(self, value: bytes | None, steps: Steps) -> bool:
        """Store a checkpoint and steps, and wait for it. From any thread but an event loop's.

        Returns False when the job belongs to somebody else by now; then nothing was stored.
        """
        ...

    async def keep_soon(self, value: bytes | None, steps: Steps) -> bool:
        """Do the same without blocking the event loop that this is awaited on."""
        ...


class Course(Protocol):
    """What the worker does with what is kept; `keep_now` belongs to its loop."""

    def keep(self, value: bytes) -> None:
        """Take a checkpoint; see `Work.keep`."""
        ...

    def keep_now(self, value: bytes | None = None, steps: Steps = ()) -> Coroutine[Any, Any, bool]:
        """Store a checkpoint and steps; see `Work.keep_now`."""
        ...


class LoopKeeper:
    """Keeps in the process of the worker, from whatever thread.

    Args:
        saved: what earlier attempts have kept.
        course: the attempt, which belongs to the loop on which this is made.
    """

    __slots__ = ("_course", "_loop", "saved")

    def __init__(self, saved: Saved, course: Course) -> None:
        self.saved = saved
        self._course = course
        self._loop = asyncio.get_running_loop()

    def keep(self, value: bytes) -> None:
        """Take a checkpoint; see `Keeper.keep`."""
        self._course.keep(value)

    def keep_now(self, value: bytes | None, steps: Steps) -> bool:
        """Store and wait; see `Keeper.keep_now`."""
        storing = self._begin(value, steps)
        try:
            return storing is not None and storing.result()
        except CancelledError:  # the worker ends, and does not wait for this thread
            return False

    async def keep_soon(self, value: bytes | None, steps: Steps) -> bool:
        """Store and await it; see `Keeper.keep_soon`. The code may run a loop of its own."""
        if asyncio.get_running_loop() is self._loop:
            return await self._course.keep_now(value, steps)
        storing = self._begin(value, steps)
        return storing is not None and await asyncio.wrap_future(storing)

    def _begin(self, value: bytes | None, steps: Steps) -> Future[bool] | None:
        """Let the worker's loop store it; None if there is no such loop any more."""
        storing = self._course.keep_now(value, steps)
        try:
            return asyncio.run_coroutine_threadsafe(storing, self._loop)
        except RuntimeError:
            storing.close()
            return None


def refuse_in_loop(what: str, instead: str) -> None:
    """Refuse a call that waits for the store, where it would keep an event loop waiting.

    Raises:
        RuntimeError: an event loop runs in this thread.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(f"{what} waits until it is stored, and blocks this event loop: {instead}")
