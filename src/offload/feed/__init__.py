"""The feed: what happens to all jobs, in the one order of the commits, for any number of readers.

One task of a process tails the store and keeps the newest lines, written as JSON once; every reader
takes from there at its own pace. So nothing is kept for a reader but the place that it has come to,
however slow it is; one that falls behind what is kept here reads on from the store.

How far running jobs have come rides along. It is no event: it has no id, only the latest counts,
and it is looked at four times a second.
"""

import asyncio

from offload.app import Offload
from offload.feed.lines import ALL, EventShape, Line, Motion, MotionShape, Selection
from offload.feed.past import AT_ONCE, Page, newest, read_happenings, read_page, read_story
from offload.feed.readers import Batch, JobReader, Reader
from offload.feed.tail import Tail
from offload.store.base import Happening

__all__ = [
    "ALL",
    "AT_ONCE",
    "Batch",
    "EventFeed",
    "EventShape",
    "Happening",
    "Line",
    "Motion",
    "MotionShape",
    "Page",
    "Reader",
    "Selection",
    "newest",
    "read_happenings",
    "read_page",
    "read_story",
]


class EventFeed:
    """Follows the events of an Offload, for the readers on one loop.

    Args:
        app: the Offload.
    """

    def __init__(self, app: Offload) -> None:
        self._app = app
        self._readers: set[Reader] = set()
        self._opening = asyncio.Lock()
        self._tail: Tail | None = None
        self._closed = False

    @property
    def readers(self) -> int:
        """How many follow."""
        return len(self._readers)

    async def follow(self, selection: Selection, after: int | None) -> Reader:
        """Return a reader of what happens from just behind an event on; None: from now on.

        Close it when it is not needed any more.

        Raises:
            StoreError: the store does not answer.
        """
        async with self._opening:
            if self._tail is None:
                tail = Tail(self._app, self._tell)
                await tail.open()
                self._tail = tail
            make = Reader if selection.job_id is None else JobReader
            begin = self._tail.newest if after is None else after
            reader = make(self._app, self._tail, selection, begin, self._left)
            self._readers.add(reader)
        if self._closed:
            reader.end()
        return reader

    def close(self) -> None:
        """Let every reader come to its end. On the loop."""
        self._closed = True
        for reader in self._readers:
            reader.end()

    def _left(self, reader: Reader) -> None:
        """Forget a reader; with the last one the tail ends."""
        self._readers.discard(reader)
        if not self._readers and self._tail is not None:
            tail, self._tail = self._tail, None
            tail.close()

    def _tell(self, job_ids: set[int] | None) -> None:
        for reader in self._readers:
            job_id = reader.selection.job_id
            if job_ids is None or job_id is None or job_id in job_ids:
                reader.wake()
