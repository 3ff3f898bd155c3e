"""Who follows the feed: at a pace of its own, and no more is kept for it than where it is."""

import asyncio
import time
from collections.abc import Callable, Sequence

from msgspec import Struct

from offload.app import Offload
from offload.feed.lines import ALL, Line, Motion, Selection
from offload.feed.past import AT_ONCE, newest, read_page, read_story
from offload.feed.tail import Tail, set_within


class Batch(Struct, frozen=True):
    """What is new to a reader; nothing, where nothing came in time.

    Attributes:
        lines: events, in their order.
        motions: how far jobs have come since.
        reset_to: some events before this id are not kept any more: what the reader knows may be
            out of date. It goes on behind this id.
        is_last: nothing comes after this.
    """

    lines: Sequence[Line] = ()
    motions: Sequence[Motion] = ()
    reset_to: int | None = None
    is_last: bool = False


class Reader:
    """Somebody who follows the feed at a pace of its own.

    Args:
        app: the Offload.
        tail: the newest lines.
        selection: which jobs.
        after: the last event that is known.
        leave: called when it is closed.

    Attributes:
        after: the last event that was handed out or passed over.
    """

    def __init__(
        self,
        app: Offload,
        tail: Tail,
        selection: Selection,
        after: int,
        leave: Callable[["Reader"], None],
    ) -> None:
        self.selection = selection
        self.after = after
        self._app = app
        self._tail = tail
        self._leave = leave
        self._tick = 0
        self._woken = asyncio.Event()
        self._is_over = False
        # Who asks for all from the beginning is not told that the beginning is not kept.
        self._lenient_until = tail.newest if after == 0 else 0

    def wake(self) -> None:
        """There is something to see. On the loop."""
        self._woken.set()

    def end(self) -> None:
        """Let it come to its end. On the loop."""
        self._is_over = True
        self.wake()

    def close(self) -> None:
        """Leave."""
        self._leave(self)

    async def next(self, seconds: float) -> Batch:
        """Return what is new; waits for it for so long at most.

        Raises:
            StoreError: the store does not answer.
        """
        give_up_at = time.monotonic() + seconds
        while True:
            self._woken.clear()
            if self._is_over:
                return Batch(is_last=True)
            batch = await self._look()
            if batch is not None:
                return batch
            if not await set_within(self._woken, give_up_at - time.monotonic()):
                return Batch()

    async def _look(self) -> Batch | None:
        """Return what is to be seen now; None if nothing is."""
        lines = self._tail.lines_after(self.after)
        if lines is None:
            page = await read_page(self._app, ALL, self.after, AT_ONCE)
            if not page.is_whole and self.after >= self._lenient_until:
                return await self._start_anew()
            lines, self.after = page.lines, page.after
        elif lines:
            self.after = lines[-1].id
        chosen = [line for line in lines if self.selection.takes(line)]
        motions = () if lines else self._motions()
        if lines and not chosen:
            self.wake()
        return Batch(chosen, motions) if chosen or motions else None

    async def _start_anew(self) -> Batch:
        self.after = await newest(self._app)
        return Batch(reset_to=self.after)

    def _motions(self) -> Sequence[Motion]:
        motions = self._tail.motions_since(self._tick)
        self._tick = self._tail.tick
        return [motion for motion in motions if self.selection.takes(motion)]


class JobReader(Reader):
    """Follows one job, to its end."""

    async def _look(self) -> Batch | None:
        covered = self._tail.newest
        lines = self._tail.lines_after(self.after)
        if lines is None:
            assert self.selection.job_id is not None
            story = await read_story(self._app, self.selection.job_id)
            lines = [line for line in story if line.id > self.after]
            self.after = max(self.after, covered)
        chosen = [line for line in lines if self.selection.takes(line)]
        if lines:
            self.after = max(self.after, lines[-1].id)
        motions = () if chosen else self._motions()
        if not chosen and not motions:
            return None
        return Batch(chosen, motions, is_last=bool(chosen) and chosen[-1].ends)
