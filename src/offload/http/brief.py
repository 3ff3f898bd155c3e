"""The brief's routes: start, status and result, with query parameters and integer ids."""

from starlette.requests import Request
from starlette.responses import Response

from offload.http import answers
from offload.http.body import read_body, read_object
from offload.http.door import Door
from offload.shapes import path, write
from offload.wire import brief
from offload.wire.query import read_id, read_query


async def start(door: Door, request: Request) -> Response:
    """Start a job with parameters from the query, or from a JSON object as the body."""
    task = door.app.find(request.path_params["task"])
    pairs = read_query(request.scope["query_string"])
    body = await read_body(request)
    said = await read_object(body) if body else None
    params = brief.check_params(task.registered.signature, pairs, said)
    accepted = await door.start(request, brief.START, task.new_job(params))
    if accepted.job is not None:
        return await answers.started(door, accepted, accepted.job, for_brief=True)
    job_id = accepted.job_id
    return answers.response(brief.accepted(job_id, accepted.task, path(job_id), accepted.waited))


async def status(door: Door, request: Request) -> Response:
    """Show a job, whatever became of it."""
    job = await door.app.aread_job(read_id(request.scope["query_string"]))
    return answers.json(write(await answers.shape_of(door, job, for_brief=True)))


async def result(door: Door, request: Request) -> Response:
    """Show what a job has returned; only one that has succeeded has a result."""
    job = await door.app.aread_job(read_id(request.scope["query_string"]))
    return answers.response(brief.result(job, door.app.shown(job)))
