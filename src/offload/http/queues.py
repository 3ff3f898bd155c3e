"""Queues under `/v1/queues`: their settings, what is in them, and other settings for them."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response

from offload.http import answers
from offload.http.body import read_body, read_object
from offload.http.door import Door
from offload.model import Queue, QueueSettings, State
from offload.shapes import maybe_instant, write
from offload.signature import Signature
from offload.wire.problems import Problem
from offload.wire.query import read_no_query
from offload.wire.reason import checked

Tally = Mapping[tuple[str, State], int]


class QueueShape(Struct, frozen=True):
    """A queue as programs see it.

    Attributes:
        counts: its kept jobs by stored state.
        admitted: how many jobs take up its capacity; null where it has none. Those that are paused
            where they stand have begun.
        oldest_at: since when the job waits that has waited longest of those that could begin now;
            null if none does.
    """

    name: str
    limit: int | None
    capacity: int | None
    keep: int
    keep_seconds: float
    keep_bytes: int
    paused: bool
    paused_reason: str | None
    counts: dict[State, int]
    admitted: int | None
    oldest_at: str | None
    links: dict[str, str]


async def known_queues(door: Door) -> set[str]:
    """Return the queues that there are: those that tasks name, and those that were set or used."""
    registry = door.app.registry
    known = {registry.find(name).options.queue for name in registry}
    return known | {queue.name for queue in await door.app.aqueues()}


async def listing(door: Door, request: Request) -> Response:
    """List the queues that were set or have had a job."""
    read_no_query(request.scope["query_string"])
    queues = await door.app.aqueues()
    return answers.json(write({"items": await _shapes(door, queues)}))


async def show(door: Door, request: Request) -> Response:
    """Show a queue."""
    read_no_query(request.scope["query_string"])
    name = request.path_params["name"]
    for queue in await door.app.aqueues():
        if queue.name == name:
            return answers.json(write((await _shapes(door, [queue]))[0]))
    raise unknown_queue(name, await known_queues(door))


_Number = Annotated[int, Meta(ge=0, le=2**53)]


def _setting(
    *, limit: _Number | None = None, capacity: _Number | None = None, keep: _Number = 0
) -> None:
    """What can be said of a queue; what is not said stays.

    Args:
        limit: how many of its jobs run at once, over all workers; null is no limit.
        capacity: how many jobs it admits that have not begun; null is no capacity.
        keep: how many finished jobs are kept.
    """


SETTINGS = Signature.of(_setting, task="queue")


async def change(door: Door, request: Request) -> Response:
    """Set a queue's limit, capacity or keep; it holds from the next claim or start on."""
    read_no_query(request.scope["query_string"])
    name = request.path_params["name"]
    known = await known_queues(door)
    if name not in known:
        raise unknown_queue(name, known)
    said = _settings(await read_object(await read_body(request)))
    # A thread of its own: this verb has only a blocking face.
    queue = await asyncio.to_thread(door.app.set_queue, said, QueueSettings(), name)
    return answers.json(write((await _shapes(door, [queue]))[0]))


def _settings(said: Mapping[str, Any]) -> QueueSettings:
    return QueueSettings(**checked(SETTINGS, said))


async def _shapes(door: Door, queues: Sequence[Queue]) -> list[QueueShape]:
    tally, waiting = await door.app.acounts(), await door.app.aoldest_waiting()
    admitted = await door.app.aadmitted()
    return [
        _shape(each, tally, admitted.get(each.name), maybe_instant(waiting.get(each.name)))
        for each in queues
    ]


def _shape(queue: Queue, tally: Tally, admitted: int | None, oldest_at: str | None) -> QueueShape:
    counts = {state: count for (name, state), count in tally.items() if name == queue.name}
    itself = f"/v1/queues/{queue.name}"
    links = {"self": itself, "jobs": f"/v1/jobs?queue={queue.name}"}
    verb = "resume" if queue.paused else "pause"
    links[verb] = f"{itself}/{verb}"
    return QueueShape(
        **asdict(queue), counts=counts, admitted=admitted, oldest_at=oldest_at, links=links
    )


def unknown_queue(name: str, known: set[str]) -> Problem:
    """Return the refusal of a queue that there is not."""
    there_are = ", ".join(sorted(known))
    detail = f"there is no queue {name!r} that was ever set or used; there are {there_are}"
    return Problem("unknown-queue", detail)
