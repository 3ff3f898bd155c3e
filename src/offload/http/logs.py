"""A job's log under `/v1`: a page of JSON, a text to be saved, or line after line as it comes."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from offload import following
from offload.errors import Fault, InvalidParameters
from offload.feed import Batch, Line
from offload.following import LOOK_SECONDS, LineShape, LogPage, page_shape, plain, shapes_of
from offload.http import answers
from offload.http.door import Door, path_id
from offload.http.events import format_of, last_known
from offload.http.live import client_of, live_of
from offload.http.stream import Stream
from offload.shapes import write
from offload.signature import Signature
from offload.wire.query import invalid, read_by

MOST_LINES = 10_000
"""As many as are kept of one job."""


def _logs(
    *,
    after: Annotated[int, Meta(ge=0)] = 0,
    limit: Annotated[int, Meta(ge=1)] = 100,
    tail: bool = False,
    level: str | None = None,
    q: str | None = None,
    attempt: Annotated[int, Meta(ge=1)] | None = None,
    source: str | None = None,
    download: bool = False,
) -> None:
    """What a job's log can be asked.

    Args:
        after: lines behind this number.
        limit: how many at most; 10000 is the most, and all that is kept.
        tail: the newest ones.
        level: DEBUG, INFO, WARNING, ERROR or CRITICAL, and what weighs more; prints count as INFO.
        q: lines that contain this.
        attempt: lines of this attempt.
        source: lines from stdout, stderr, or the logger of this name.
        download: all of it as text, to be saved.
    """


LOGS = Signature.of(_logs, task="logs")


async def of_job(door: Door, request: Request) -> Response:
    """Tell what a job has written: a page, a text, or live until it has ended."""
    given = read_by(LOGS, request.scope["query_string"])
    log = _asked(path_id(request), given)
    form = format_of(request)
    if given.get("download"):
        return await _text(door, log)
    if form is None:
        page = await door.app.perform(following.look(log))
        return answers.json(write(page_shape(log, page)))
    known = last_known(request)
    if known is not None:
        log = following.asked(log.job_id, **_filters(given), after=known)
    first: LogPage = await door.app.perform(following.look(log))
    if known is not None and known > first.newest:  # it is not of this log
        log = following.asked(log.job_id, **_filters(given))
        first = await door.app.perform(following.look(log))
    if known is not None and first.done and not first.lines:
        return Response(status_code=204)  # a browser does not come back after this
    live = live_of(request)

    async def follow() -> LogReader:
        return LogReader(door, log, first)

    return Stream(follow, form, live.places, client_of(request))


class LogReader:
    """Follows a job's log, line after line, to the job's end.

    Args:
        door: reads it, until it drains.
        log: what is asked.
        first: the first page, as it was read.

    Attributes:
        after: the last line that was handed out or passed over.
    """

    def __init__(self, door: Door, log: Any, first: LogPage) -> None:
        self.after: int = log.after
        self._door = door
        self._log = log
        self._page: LogPage | None = first

    async def next(self, seconds: float) -> Batch:
        """Return what is new; waits for it for so long at most.

        Raises:
            UnknownJob, Evicted: the job is not kept any more.
            StoreError: the store does not answer.
        """
        give_up_at = time.monotonic() + seconds
        while True:
            batch = await self._look()
            if batch.lines or batch.is_last or time.monotonic() >= give_up_at:
                return batch
            await asyncio.sleep(min(LOOK_SECONDS, max(0.0, give_up_at - time.monotonic())))

    def close(self) -> None:
        """Leave; nothing is held for a reader."""

    async def _look(self) -> Batch:
        if self._door.draining:
            return Batch(is_last=True)
        page = self._page
        if page is None:
            page = await self._door.app.perform(following.look(self._log))
        shapes = shapes_of(self._log, page.lines)
        self._page, self._log = None, following.further(self._log, page)
        self.after = page.after
        return Batch([_line(self._log.job_id, shape) for shape in shapes], (), None, _ends(page))


def _line(job_id: int, shape: LineShape) -> Line:
    return Line(shape.n, job_id, "", "", None, ends=False, json=write(shape))


def _ends(page: LogPage) -> bool:
    return page.done and not page.more


def _asked(job_id: int, given: dict[str, Any]) -> Any:
    limit = min(given.get("limit", 100), MOST_LINES)
    try:
        return following.asked(
            job_id,
            after=given.get("after", 0),
            limit=limit,
            tail=given.get("tail", False),
            **_filters(given),
        )
    except ValueError as error:
        raise invalid(InvalidParameters("logs", [Fault("level", str(error))])) from None


def _filters(given: dict[str, Any]) -> dict[str, Any]:
    return {
        "level": given.get("level"),
        "text": given.get("q"),
        "attempt": given.get("attempt"),
        "source": given.get("source"),
    }


async def _text(door: Door, log: Any) -> Response:
    """Answer with all that is kept of what was asked, as a file."""
    first: LogPage = await door.app.perform(following.look(log))

    async def pages() -> AsyncIterator[bytes]:
        asked, page = log, first
        while True:
            yield "".join(map(plain, shapes_of(asked, page.lines))).encode()
            if not page.more:
                return
            asked = following.further(asked, page)
            page = await door.app.perform(following.look(asked))

    name = f'attachment; filename="job-{log.job_id}.log"'
    headers = {"content-disposition": name, "x-content-type-options": "nosniff"}
    return StreamingResponse(pages(), 200, headers, "text/plain; charset=utf-8")
