"""A stream: what a source brings, sent as it comes, for as long as the client takes it.

Nothing is buffered for a client but what is on its way: while it does not take that, the source is
not asked for more, and after a time the connection is dropped (`protocol`). In two formats:
server-sent events (the WHATWG's HTML standard, 9.2), and lines of JSON.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from offload.errors import OffloadError
from offload.feed import Batch
from offload.http.live import Places
from offload.shapes import write

BEAT_SECONDS = 15.0
"""Something is sent at least so often, so that nobody in between takes the connection for dead."""

COME_BACK_MILLISECONDS = 2000


class Source(Protocol):
    """What is streamed: a reader of the feed, or of a job's log.

    Attributes:
        after: the last that was handed out or passed over; before the first, where it begins.
    """

    after: int

    async def next(self, seconds: float) -> Batch:
        """Return what is new; waits for it for so long at most, and then returns nothing.

        Raises:
            OffloadError: there is nothing to follow any more.
        """
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Format(Protocol):
    """How batches are written."""

    media_type: str

    def begin(self, after: int) -> bytes:
        """Return what comes first."""
        ...

    def batch(self, batch: Batch) -> bytes:
        """Write a batch."""
        ...

    def beat(self) -> bytes:
        """Return a sign of life that means nothing."""
        ...


class ServerSentEvents:
    """Events have ids, and are of the type `message`; progress and `reset` are of their own."""

    media_type = "text/event-stream"

    def begin(self, after: int) -> bytes:
        """Say where it begins: an id without data is remembered and shown to nobody."""
        return b"retry: %d\nid: %d\n\n" % (COME_BACK_MILLISECONDS, after)

    def batch(self, batch: Batch) -> bytes:
        """Write a batch."""
        parts = [b"id: %d\ndata: %b\n\n" % (line.id, line.json) for line in batch.lines]
        parts += [b"event: progress\ndata: %b\n\n" % each.json for each in batch.motions]
        if batch.reset_to is not None:
            data = write({"kind": "reset", "after": batch.reset_to})
            parts.append(b"event: reset\nid: %d\ndata: %b\n\n" % (batch.reset_to, data))
        return b"".join(parts)

    def beat(self) -> bytes:
        """Return a comment."""
        return b":\n\n"


class JsonLines:
    """One JSON object a line; `kind` says what it is; an empty line means nothing."""

    media_type = "application/x-ndjson"

    def begin(self, after: int) -> bytes:
        """Nothing needs to come first; something shows the client that it is connected."""
        return b"\n"

    def batch(self, batch: Batch) -> bytes:
        """Write a batch."""
        parts = [line.json for line in batch.lines] + [each.json for each in batch.motions]
        if batch.reset_to is not None:
            parts.append(write({"kind": "reset", "after": batch.reset_to}))
        return b"".join(part + b"\n" for part in parts)

    def beat(self) -> bytes:
        """Return an empty line."""
        return b"\n"


class Stream(Response):
    """Sends what a source brings until it ends, or the client goes away.

    Args:
        follow: returns the source; asked when there is a place.
        form: how it is written.
        places: where a place for it is taken.
        client: whose place it is.
    """

    def __init__(
        self,
        follow: Callable[[], Awaitable[Source]],
        form: Format,
        places: Places,
        client: str,
    ) -> None:
        super().__init__(headers={"x-accel-buffering": "no"}, media_type=form.media_type)
        del self.headers["content-length"]
        self._follow = follow
        self._form = form
        self._places = places
        self._client = client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it.

        Raises:
            Problem: too many streams are open.
            OffloadError: there is nothing to follow.
        """
        start = {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": self.raw_headers,
        }
        if scope["method"] == "HEAD":
            await send(start)
            await send({"type": "http.response.body"})
            return
        with self._places.place(self._client):
            source = await self._follow()
            try:
                await send(start)
                await _unless_gone(receive, self._send_all(source, send))
            finally:
                source.close()

    async def _send_all(self, source: Source, send: Send) -> None:
        """Send batch after batch; where the store fails, or the job is gone, it ends early."""
        await _send(send, self._form.begin(source.after))
        is_last = False
        while not is_last:
            try:
                batch = await source.next(BEAT_SECONDS)
            except OffloadError:  # the client comes back and is told
                break
            is_last = batch.is_last
            sent = self._form.batch(batch) or (b"" if is_last else self._form.beat())
            if sent:
                await _send(send, sent)
        await send({"type": "http.response.body"})


async def _send(send: Send, content: bytes) -> None:
    await send({"type": "http.response.body", "body": content, "more_body": True})


async def _unless_gone(receive: Receive, sending: Awaitable[None]) -> None:
    """Send for as long as the client is there."""
    tasks = [asyncio.ensure_future(sending), asyncio.ensure_future(_gone(receive))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks[0].done():
            tasks[0].result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
