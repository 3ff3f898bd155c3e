"""What is read of the past: straight from the store, without following anything."""

from msgspec import Struct

from offload import verbs
from offload.app import Offload
from offload.feed.lines import ALL, Line, Selection, line_of
from offload.model import Event, Job
from offload.store import base
from offload.verbs import Plan, ask

AT_ONCE = 500

BEYOND_ALL = (1 << 63) - 1
"""Behind this id there is nothing."""


class Page(Struct, frozen=True):
    """Some events and where to go on.

    Attributes:
        after: the id that the next page begins behind.
        more: there are events behind it already.
        is_whole: none is missing, unless it was evicted with its job.
    """

    lines: list[Line]
    after: int
    more: bool
    is_whole: bool


async def read_page(app: Offload, selection: Selection, after: int, limit: int) -> Page:
    """Read some events, oldest first; fewer than there are where others lie between them.

    Raises:
        StoreError: the store does not answer.
    """
    happened: base.Happened = await app.perform(ask(base.Feed(after, limit)))
    lines = [line_of(happening) for happening in happened.happenings]
    reached = lines[-1].id if len(lines) == limit else happened.newest
    chosen = [line for line in lines if selection.takes(line)]
    return Page(chosen, reached, reached < happened.newest, happened.is_whole)


async def read_happenings(app: Offload, after: int, limit: int) -> list[base.Happening]:
    """Read what happened next, as records.

    Raises:
        StoreError: the store does not answer.
    """
    happened: base.Happened = await app.perform(ask(base.Feed(after, limit)))
    return happened.happenings


async def newest(app: Offload) -> int:
    """Return the newest event's id.

    Raises:
        StoreError: the store does not answer.
    """
    return (await read_page(app, ALL, BEYOND_ALL, 1)).after


async def read_story(app: Offload, job_id: int) -> list[Line]:
    """Read all events of a job.

    Raises:
        UnknownJob, Evicted: there is no such job.
        StoreError: the store does not answer.
    """
    return [line_of(happening) for happening in await app.perform(_story(job_id))]


def _story(job_id: int) -> Plan[list[base.Happening]]:
    job: Job = yield from verbs.fetch(job_id, bodies=False)
    events: list[Event] = yield base.History(job_id)
    return [
        base.Happening(
            event, job.task, job.queue, job.group, job.created_at, job.started_at, is_latest=False
        )
        for event in events
    ]
