"""Tasks under `/v1`: what can be started, and starting it with parameters and options."""

from starlette.requests import Request
from starlette.responses import Response

from offload.catalogue import task_shape
from offload.http import answers
from offload.http.body import read_body, read_object
from offload.http.door import Door
from offload.http.starting import prepare, started
from offload.shapes import path, write
from offload.wire.answers import ACCEPTED_RETRY_SECONDS, start_headers
from offload.wire.query import read_no_query


async def listing(door: Door, request: Request) -> Response:
    """List what can be started."""
    read_no_query(request.scope["query_string"])
    registry, paused = door.app.registry, await door.app.apaused_tasks()
    shapes = [task_shape(registry.find(name), paused.get(name)) for name in registry]
    return answers.json(write({"items": shapes}))


async def show(door: Door, request: Request) -> Response:
    """Describe one task: its parameters as JSON Schema, its documentation, its options."""
    read_no_query(request.scope["query_string"])
    registered = door.app.find(request.path_params["name"]).registered
    paused = await door.app.apaused_tasks()
    return answers.json(write(task_shape(registered, paused.get(registered.name))))


async def start(door: Door, request: Request) -> Response:
    """Start a job: `{"params": {…}, "options": {…}}`."""
    found = door.app.find(request.path_params["name"])
    read_no_query(request.scope["query_string"])
    body = await read_object(await read_body(request))
    prepared = await prepare(door, found, body)
    face = "POST /v1/tasks/jobs"
    accepted = await door.start(request, face, prepared.job, prepared.options)
    if accepted.job is not None:
        return await answers.started(door, accepted, accepted.job, for_brief=False)
    location = path(accepted.job_id)
    headers = start_headers(location, accepted.waited) | {"retry-after": ACCEPTED_RETRY_SECONDS}
    return answers.json(write(started(accepted.job_id, prepared)), 202, headers)
