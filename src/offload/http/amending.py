"""`PATCH /v1/jobs/{id}`: another priority, queue, tags or instant for a job that has not begun."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from offload.errors import Fault, InvalidParameters
from offload.http import answers
from offload.http.body import read_body, read_object
from offload.http.door import Door, asker, path_id
from offload.http.options import Instant, Name, Priority, Tags
from offload.http.queues import known_queues
from offload.lifecycle import Amendment
from offload.shapes import write
from offload.signature import Signature
from offload.wire.query import invalid, read_no_query
from offload.wire.reason import checked

_NO_TAGS: list[str] = []


def _amending(
    *,
    priority: Priority = 0,
    queue: Name = "default",
    tags: Tags = _NO_TAGS,
    run_at: Instant | None = None,
) -> None:
    """What can be altered of a job; what is not said stays.

    Args:
        priority: higher goes first.
        queue: the queue to wait in; it must have room.
        tags: instead of those that it has.
        run_at: the instant before which it does not start; null is at once.
    """


AMENDING = Signature.of(_amending, task="job")


async def amend(door: Door, request: Request) -> Response:
    """Alter a job that no worker has taken; it is as before where that is refused."""
    read_no_query(request.scope["query_string"])
    job_id = path_id(request)
    wanted = _read(await read_object(await read_body(request)))
    await _check_queue(door, wanted)
    job, changed = await door.app.perform(door.app.amending(job_id, wanted, asker(request)))
    await door.hire(job)
    shape = await answers.shape_of(door, job, for_brief=False, changed=changed)
    return answers.json(write(shape), 200, {"etag": answers.entity_tag(shape)})


def _read(said: Mapping[str, Any]) -> Amendment:
    """Read the body.

    Raises:
        Problem: invalid-parameters, with every fault.
    """
    read = checked(AMENDING, said)
    if isinstance(instant := read.get("run_at"), datetime):
        read["run_at"] = instant.timestamp()
    if "tags" in read:
        read["tags"] = tuple(dict.fromkeys(read["tags"]))
    return Amendment(**read)


async def _check_queue(door: Door, wanted: Amendment) -> None:
    """Refuse a queue that there is not: in one that nobody serves a job would wait for ever.

    Raises:
        Problem: invalid-parameters.
    """
    if isinstance(wanted.queue, str):
        known = await known_queues(door)
        if wanted.queue not in known:
            problem = f"there is no queue {wanted.queue!r}; there are {', '.join(sorted(known))}"
            raise invalid(InvalidParameters("job", [Fault("queue", problem)]))
