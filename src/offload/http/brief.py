"""The brief's routes: start, status, result and cancel, with query parameters and integer ids."""

from msgspec import Raw, Struct
from starlette.requests import Request
from starlette.responses import Response

from offload import verbs
from offload.http import answers
from offload.http.body import read_body, read_nothing, read_object
from offload.http.door import Accepted, Door
from offload.http.problems import Problem
from offload.http.query import read_id, read_query, refuse_repeated
from offload.lifecycle import Shown
from offload.shapes import write
from offload.signature import Signature


class Started(Struct, frozen=True):
    """A start that was accepted."""

    id: int
    task_id: int
    task: str
    state: Shown
    status: Shown


class Result(Struct, frozen=True):
    """What a job has returned."""

    id: int
    task_id: int
    state: Shown
    status: Shown
    result: Raw


async def start(door: Door, request: Request) -> Response:
    """Start a job with parameters from the query, or from a JSON object as the body."""
    task = door.app.find(request.path_params["task"])
    params = await _params(task.registered.signature, request)
    accepted = await door.start(request, "POST /start", task.new_job(params))
    if accepted.finished is not None:
        return await answers.finished(door, accepted, accepted.finished, for_brief=True)
    return _accepted(accepted)


async def _params(signature: Signature, request: Request) -> bytes:
    pairs = read_query(request.scope["query_string"])
    body = await read_body(request)
    if pairs and body:
        raise Problem("malformed-request", "give the parameters in the query or in the body")
    if body:
        return signature.check(await read_object(body))
    refuse_repeated(signature.repeated(pairs))
    return signature.check_text(pairs)


def _accepted(accepted: Accepted) -> Response:
    job_id, queued = accepted.job_id, Shown.QUEUED
    headers = answers.start_headers(accepted) | {"retry-after": answers.ACCEPTED_RETRY_SECONDS}
    return answers.json(write(Started(job_id, job_id, accepted.task, queued, queued)), 202, headers)


async def status(door: Door, request: Request) -> Response:
    """Show a job, whatever became of it."""
    job = await door.app.aread_job(read_id(request.scope["query_string"]))
    return answers.json(write(await answers.shape_of(door, job, for_brief=True)))


async def result(door: Door, request: Request) -> Response:
    """Show what a job has returned; only one that has succeeded has a result."""
    job = await door.app.aread_job(read_id(request.scope["query_string"]))
    value = verbs.value(job, door.app.shown(job))
    succeeded = Shown.SUCCEEDED
    return answers.json(write(Result(job.id, job.id, succeeded, succeeded, Raw(value))))


async def cancel(door: Door, request: Request) -> Response:
    """Ask for a job to be cancelled."""
    job_id = read_id(request.scope["query_string"])
    await read_nothing(request)
    return await answers.cancelling(door, await door.cancel(request, job_id), for_brief=True)
