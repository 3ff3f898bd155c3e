"""The tail of the feed: the newest events, read once for everybody, and how far running jobs are.

Woken by commits, and looking by itself now and then, as every wake-up may be lost.
"""

import asyncio
import contextlib
import logging
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable

from offload.app import Offload
from offload.errors import StoreError
from offload.feed.lines import Line, Motion, line_of, motion_of
from offload.feed.past import AT_ONCE, newest
from offload.store import base
from offload.verbs import ask

LOOK_SECONDS = 0.25
"""How often progress is looked at, and events too where no wake-up came."""

SPACING_SECONDS = 0.02
"""Between two looks at the store, so that a thousand commits a second are read in fifty looks."""

KEPT_LINES = 5_000
PATIENCE = 20
"""A look at progress that took long is followed by a pause so many times as long."""

log = logging.getLogger("offload.feed")


class Tail:
    """The newest lines, and how far running jobs have come.

    Args:
        app: the Offload.
        tell: called with the ids of the jobs of which there is news; None is all.

    Attributes:
        newest: the newest event that was read.
        tick: how often it was looked how far jobs have come.
    """

    def __init__(self, app: Offload, tell: Callable[[set[int] | None], None]) -> None:
        self.newest = 0
        self.tick = 0
        self._app = app
        self._tell = tell
        self._lines: list[Line] = []
        self._whole_after = 0
        self._motions: dict[int, Motion] = {}
        self._latest: list[Motion] = []
        self._look_at_motions_at = 0.0
        self._rung = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stop_listening: Callable[[], None] | None = None

    async def open(self) -> None:
        """Begin at the newest event."""
        loop = asyncio.get_running_loop()

        def ring(_: object) -> None:
            if not self._rung.is_set():
                with contextlib.suppress(RuntimeError):  # the loop was closed
                    loop.call_soon_threadsafe(self._rung.set)

        self.newest = self._whole_after = await newest(self._app)
        self._stop_listening = self._app.open().bell.listen(ring)
        self._task = asyncio.create_task(self._follow())

    def close(self) -> None:
        """End."""
        if self._stop_listening is not None:
            self._stop_listening()
        if self._task is not None:
            self._task.cancel()

    def lines_after(self, after: int) -> list[Line] | None:
        """Return the next lines; None where they are not here (any more), or not what is meant."""
        if not self._whole_after <= after <= self.newest:
            return None
        index = bisect_right(self._lines, after, key=_id_of)
        return self._lines[index : index + AT_ONCE]

    def motions_since(self, tick: int) -> Iterable[Motion]:
        """Return how far those jobs have come that have moved since a look."""
        if tick == self.tick:
            return ()
        if tick == self.tick - 1:
            return [each for each in self._latest if self._motions.get(each.job_id) is each]
        return [each for each in self._motions.values() if each.tick > tick]

    async def _follow(self) -> None:
        while True:
            self._rung.clear()
            try:
                await self._look()
            except StoreError:
                pass  # who reads from the store now is told; here it is tried again
            except Exception:
                log.exception("a look at what has happened failed")
            await asyncio.sleep(SPACING_SECONDS)
            await set_within(self._rung, LOOK_SECONDS - SPACING_SECONDS)

    async def _look(self) -> None:
        while await self._take_events():
            pass
        if time.monotonic() >= self._look_at_motions_at:
            began = time.monotonic()
            await self._take_motions()
            pause = max(LOOK_SECONDS, PATIENCE * (time.monotonic() - began))
            # A little early, or every look would come just before its time.
            self._look_at_motions_at = began + pause - SPACING_SECONDS

    async def _take_events(self) -> bool:
        """Read what is new; returns whether there is more."""
        happened: base.Happened = await self._app.perform(ask(base.Feed(self.newest, AT_ONCE)))
        lines = [line_of(happening) for happening in happened.happenings]
        is_full = len(lines) == AT_ONCE
        if happened.is_whole:
            self._lines += lines
            self.newest = lines[-1].id if lines else self.newest
            self._trim()
        else:  # who has not come so far sees the gap in the store
            self._lines.clear()
            self.newest = self._whole_after = lines[-1].id if is_full else happened.newest
        for line in lines:
            self._motions.pop(line.job_id, None)
        if lines or not happened.is_whole:
            self._tell({line.job_id for line in lines} if happened.is_whole else None)
        return is_full

    def _trim(self) -> None:
        """Forget old lines, now and then many at once."""
        if len(self._lines) >= 2 * KEPT_LINES:
            self._whole_after = self._lines[-KEPT_LINES - 1].id
            del self._lines[:-KEPT_LINES]

    async def _take_motions(self) -> None:
        moved: list[base.Moved] = await self._app.perform(ask(base.Moving()))
        self.tick += 1
        before = self._motions
        self._motions = {each.job_id: self._motion(before.get(each.job_id), each) for each in moved}
        self._latest = [each for each in self._motions.values() if each.tick == self.tick]
        if self._latest:
            self._tell({motion.job_id for motion in self._latest})

    def _motion(self, before: Motion | None, moved: base.Moved) -> Motion:
        if before is not None and before.moved == moved:
            return before
        return motion_of(moved, self.tick)


def _id_of(line: Line) -> int:
    return line.id


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event; returns whether it came in time."""
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            await event.wait()
    except TimeoutError:
        return False
    return True
