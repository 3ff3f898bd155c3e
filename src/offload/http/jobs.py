"""Jobs under `/v1`: list them, watch one, collect its result, try it anew."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from offload import verbs
from offload.http import answers
from offload.http.body import read_nothing
from offload.http.door import Door, path_id
from offload.http.listing import page
from offload.model import Job
from offload.shapes import JobShape, write
from offload.signature import Signature
from offload.wire.problems import Problem
from offload.wire.query import read_by, read_no_query
from offload.wire.wishes import LONGEST_WAIT_SECONDS


async def listing(door: Door, request: Request) -> Response:
    """List jobs, newest first."""
    return answers.json(write(await page(door, request.scope["query_string"])))


def _looking(
    *,
    wait: Annotated[float, Meta(ge=0)] = 0,
    until: Literal["change", "done"] = "change",
) -> None:
    """What a job can be asked."""


LOOKING = Signature.of(_looking, task="job")


async def show(door: Door, request: Request) -> Response:
    """Show a job; with `?wait=30` when it changes, and `&until=done` when it has ended."""
    asked = read_by(LOOKING, request.scope["query_string"])
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


async def retry(door: Door, request: Request) -> Response:
    """Try a failed or cancelled job anew: the same job, under its own id."""
    read_no_query(request.scope["query_string"])
    job_id = path_id(request)
    await read_nothing(request)
    return await answers.retrying(door, await door.retry(request, job_id))


async def remove(door: Door, request: Request) -> Response:
    """Keep a finished job no longer; from then on it counts as evicted."""
    read_no_query(request.scope["query_string"])
    job_id = path_id(request)
    await read_nothing(request)
    unfinished = await door.app.perform(verbs.remove(job_id))
    if unfinished is not None:
        state = door.app.shown(unfinished).value
        raise Problem(
            "not-finished",
            f"job {job_id} is {state}; only a finished job can be removed, so cancel it first",
            members={"id": job_id, "state": state},
        )
    return Response(status_code=204)
