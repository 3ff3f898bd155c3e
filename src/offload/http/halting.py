"""Pausing a whole queue or a whole task, and letting it go on."""

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from offload.http import answers
from offload.http.body import read_body, read_object
from offload.http.door import Door, asker
from offload.http.queues import known_queues, unknown_queue
from offload.shapes import write
from offload.signature import Signature
from offload.wire.query import read_no_query
from offload.wire.reason import Reason, checked


class HaltShape(Struct, frozen=True):
    """What became of it.

    Attributes:
        paused: whether nothing of it is begun from now on.
        changed: how many jobs were paused or resumed besides.
    """

    name: str
    paused: bool
    changed: int


def _pausing(
    *,
    reason: Reason | None = None,
    include_running: bool = False,
) -> None:
    """What can be said with it.

    Args:
        reason: why, for whoever looks at it.
        include_running: pause the jobs that run, too.
    """


def _resuming(*, include_running: bool = False) -> None:
    """What can be said with it.

    Args:
        include_running: resume its paused jobs, too.
    """


PAUSING = Signature.of(_pausing, task="pause")
RESUMING = Signature.of(_resuming, task="resume")


async def pause_queue(door: Door, request: Request) -> Response:
    """Begin nothing that waits in a queue, until it is resumed; over restarts too."""
    return await _halt(door, request, queue=await _queue(door, request), paused=True)


async def resume_queue(door: Door, request: Request) -> Response:
    """Let a queue go on."""
    return await _halt(door, request, queue=await _queue(door, request), paused=False)


async def pause_task(door: Door, request: Request) -> Response:
    """Begin no job of a task, until it is resumed; over restarts too."""
    return await _halt(door, request, task=_task(door, request), paused=True)


async def resume_task(door: Door, request: Request) -> Response:
    """Begin the jobs of a task again."""
    return await _halt(door, request, task=_task(door, request), paused=False)


async def _halt(
    door: Door,
    request: Request,
    *,
    paused: bool,
    queue: str | None = None,
    task: str | None = None,
) -> Response:
    read_no_query(request.scope["query_string"])
    said = checked(PAUSING if paused else RESUMING, await read_object(await read_body(request)))
    changed = await door.app.perform(
        door.app.pausing(paused=paused, queue=queue, task=task, by=asker(request), **said)
    )
    return answers.json(write(HaltShape(queue or task or "", paused, changed)))


async def _queue(door: Door, request: Request) -> str:
    """Return the queue of a path.

    Raises:
        Problem: unknown-queue.
    """
    name: str = request.path_params["name"]
    known = await known_queues(door)
    if name not in known:
        raise unknown_queue(name, known)
    return name


def _task(door: Door, request: Request) -> str:
    """Return the task of a path, by its own name.

    Raises:
        UnknownTask: there is none.
    """
    return door.app.find(request.path_params["name"]).registered.name
