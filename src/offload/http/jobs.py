"""Jobs under `/v1`: list them, watch one, collect its result, cancel it."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from offload import verbs
from offload.errors import Fault, InvalidParameters, UnknownTask
from offload.http import answers
from offload.http.body import read_nothing
from offload.http.door import Door, path_id
from offload.model import Job, State
from offload.shapes import JobShape, event_shape, job_shape, write
from offload.signature import Signature
from offload.wire.query import invalid, job_id_of, read_by, read_no_query
from offload.wire.wishes import LONGEST_WAIT_SECONDS

MOST_JOBS = 500


class Page(Struct, frozen=True):
    """Some of many, and where the rest begins; null when there is no rest."""

    items: list[JobShape]
    next_cursor: str | None


def _listing(
    *,
    state: str = "",
    task: str | None = None,
    queue: str | None = None,
    limit: Annotated[int, Meta(ge=1)] = 100,
    cursor: str = "",
) -> None:
    """What a list of jobs can be asked."""


_LISTING = Signature.of(_listing, task="jobs")


async def listing(door: Door, request: Request) -> Response:
    """List jobs, newest first."""
    asked = read_by(_LISTING, request.scope["query_string"])
    limit = min(asked.get("limit", 100), MOST_JOBS)
    found = await door.app.alist(
        states=_states(asked.get("state", "")),
        task=_own_name(door, asked.get("task")),
        queue=asked.get("queue"),
        limit=limit + 1,
        before=_cursor(asked.get("cursor", "")),
    )
    now, page = door.app.now(), found[:limit]
    reasons = await door.reasons(page)
    items = [
        job_shape(job, now, reason, in_list=True) for job, reason in zip(page, reasons, strict=True)
    ]
    next_cursor = str(items[-1].id) if len(found) > limit else None
    return answers.json(write(Page(items, next_cursor)))


def _states(text: str) -> list[State]:
    """Read `queued,running`."""
    names = text.split(",") if text else []
    try:
        return [State(name) for name in names]
    except ValueError:
        known = ", ".join(State)
        problem = (
            f"expected some of {known}, with a comma between them "
            "(a scheduled job counts as queued, a cancelling one as running)"
        )
        raise invalid(InvalidParameters("jobs", [Fault("state", problem)])) from None


def _own_name(door: Door, name: str | None) -> str | None:
    """Return the name that jobs of a task carry, also where it was asked for by an alias."""
    try:
        return None if name is None else door.app.find(name).name
    except UnknownTask:
        return name  # jobs of a task that is no longer registered are still there


def _cursor(text: str) -> int | None:
    before = job_id_of(text)
    if text and before is None:
        fault = Fault("cursor", "expected the next_cursor of a page before")
        raise invalid(InvalidParameters("jobs", [fault]))
    return before


def _looking(
    *,
    wait: Annotated[float, Meta(ge=0)] = 0,
    until: Literal["change", "done"] = "change",
) -> None:
    """What a job can be asked."""


_LOOKING = Signature.of(_looking, task="job")


async def show(door: Door, request: Request) -> Response:
    """Show a job; with `?wait=30` when it changes, and `&until=done` when it has ended."""
    asked = read_by(_LOOKING, request.scope["query_string"])
    job_id = path_id(request)
    found = await door.app.aread_job(job_id)
    shape = await answers.shape_of(door, found, for_brief=False)
    seconds = min(asked.get("wait", 0), LONGEST_WAIT_SECONDS)
    if seconds > 0 and _is_worth_waiting(request, asked, shape):
        until = _until(door, asked.get("until", "change"), found)
        found = await door.wait(request, job_id, until, seconds)
        shape = await answers.shape_of(door, found, for_brief=False)
    return answers.with_tag(request, shape)


def _is_worth_waiting(request: Request, asked: Mapping[str, Any], shape: JobShape) -> bool:
    """Nothing will come of a job that has ended; and what the client does not know, it is told."""
    if shape.done:
        return False
    if asked.get("until") == "done" or "if-none-match" not in request.headers:
        return True
    return answers.is_known(request, answers.entity_tag(shape))


def _until(door: Door, until: str, known: Job) -> Callable[[Job], bool]:
    if until == "done":
        return lambda job: job.is_finished
    before = answers.motion(known, door.app.shown(known))
    return lambda job: answers.motion(job, door.app.shown(job)) != before


async def result(door: Door, request: Request) -> Response:
    """Give what a job has returned, as it is."""
    read_no_query(request.scope["query_string"])
    found = await door.app.aread_job(path_id(request))
    return answers.json(verbs.value(found, door.app.shown(found)))


async def events(door: Door, request: Request) -> Response:
    """Tell what happened to a job, oldest first."""
    read_no_query(request.scope["query_string"])
    history = await door.app.ahistory(path_id(request))
    return answers.json(write({"items": [event_shape(event) for event in history]}))


async def cancel(door: Door, request: Request) -> Response:
    """Ask for a job to be cancelled."""
    read_no_query(request.scope["query_string"])
    job_id = path_id(request)
    await read_nothing(request)
    return await answers.cancelling(door, await door.cancel(request, job_id), for_brief=False)
