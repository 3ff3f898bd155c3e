"""Events under `/v1`: as a page of JSON, or live, as server-sent events or lines of JSON."""

from typing import Annotated

from msgspec import Meta, Raw, Struct
from starlette.requests import Request
from starlette.responses import Response

from offload.errors import Fault, InvalidParameters
from offload.feed import AT_ONCE, Line, Reader, Selection, newest, read_page, read_story
from offload.http import answers
from offload.http.door import Door, path_id
from offload.http.live import client_of, live_of
from offload.http.stream import Format, JsonLines, ServerSentEvents, Stream
from offload.shapes import write
from offload.signature import Signature
from offload.wire.query import invalid, job_id_of, read_by

MOST_READS = 20
"""Pages read for one answer at most, where a filter lets little pass."""


class EventsPage(Struct, frozen=True):
    """Some events, oldest first.

    Attributes:
        after: what to ask for next, as `?after=`; also where there is no more yet.
        more: there are more already.
        reset: some events are missing here, as they are not kept any more.
    """

    items: list[Raw]
    after: int
    more: bool
    reset: bool


def _events(
    *,
    after: str = "",
    task: str | None = None,
    queue: str | None = None,
    group: int | None = None,
    limit: Annotated[int, Meta(ge=1)] = 100,
) -> None:
    """What the events of all jobs can be asked."""


EVENTS = Signature.of(_events, task="events")


async def listing(door: Door, request: Request) -> Response:
    """Tell what happens to all jobs: a page, or live."""
    asked = read_by(EVENTS, request.scope["query_string"])
    selection = Selection(None, asked.get("task"), asked.get("queue"), asked.get("group"))
    after = _after(asked.get("after", ""))
    form = format_of(request)
    if form is not None:
        known = last_known(request)
        live = live_of(request)

        async def follow() -> Reader:
            return await live.feed.follow(selection, after if known is None else known)

        return Stream(follow, form, live.places, client_of(request))
    limit = min(asked.get("limit", 100), AT_ONCE)
    return answers.json(write(await _page(door, selection, after or 0, limit)))


async def _page(door: Door, selection: Selection, after: int, limit: int) -> EventsPage:
    """Collect a page; what a filter leaves out is passed over."""
    lines: list[Line] = []
    is_from_the_beginning = after == 0  # then nobody is missing what is not kept any more
    has_gap, more = False, True
    for _ in range(MOST_READS):
        page = await read_page(door.app, selection, after, limit)
        has_gap = has_gap or not page.is_whole
        lines, more = lines + page.lines, page.more
        if len(lines) > limit:  # the last read brought too much: it is left to the next page
            lines, more = lines[:limit], True
        after = lines[-1].id if len(lines) == limit else page.after
        if len(lines) == limit or not page.more:
            break
    reset = has_gap and not is_from_the_beginning
    return EventsPage([Raw(line.json) for line in lines], after, more, reset)


def _story(*, after: str = "") -> None:
    """What the events of a job can be asked."""


STORY = Signature.of(_story, task="events")


async def of_job(door: Door, request: Request) -> Response:
    """Tell what happened to a job, oldest first; live, until it has ended."""
    asked = read_by(STORY, request.scope["query_string"])
    job_id = path_id(request)
    after = _after(asked.get("after", "")) or 0
    form = format_of(request)
    story = await read_story(door.app, job_id)
    if form is None:
        items = [Raw(line.json) for line in story if line.id > after]
        last = max(after, story[-1].id)
        return answers.json(write(EventsPage(items, last, more=False, reset=False)))
    known = last_known(request)
    begin = after if known is None else known
    if begin > story[-1].id and begin > await newest(door.app):
        begin = 0  # it is not of this database
    if story[-1].ends and begin >= story[-1].id:
        return Response(status_code=204)  # a browser does not come back after this
    live = live_of(request)

    async def follow() -> Reader:
        return await live.feed.follow(Selection(job_id), begin)

    return Stream(follow, form, live.places, client_of(request))


def format_of(request: Request) -> Format | None:
    """Return the format of a stream that the client accepts; None: a page of JSON."""
    accepted = {
        each.partition(";")[0].strip().lower()
        for line in request.headers.getlist("accept")
        for each in line.split(",")
    }
    if ServerSentEvents.media_type in accepted:
        return ServerSentEvents()
    if JsonLines.media_type in accepted:
        return JsonLines()
    return None


def _after(text: str) -> int | None:
    """Read `?after=`: the id of an event, or 0 for the beginning."""
    after = 0 if text == "0" else job_id_of(text)
    if text and after is None:
        fault = Fault("after", "expected the id of an event, or 0 for all that are kept")
        raise invalid(InvalidParameters("events", [fault]))
    return after


_NEVER_GIVEN = (1 << 63) - 1


def last_known(request: Request) -> int | None:
    """Read `Last-Event-ID`. An id that is none was not given by us: the client begins anew."""
    text = request.headers.get("last-event-id", "")
    if not text:
        return None
    return 0 if text == "0" else job_id_of(text) or _NEVER_GIVEN
