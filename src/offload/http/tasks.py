"""Tasks under `/v1`: what can be started, and starting it with parameters and options."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, ValidationError, convert
from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response

from offload.errors import Fault, InvalidParameters
from offload.http import answers
from offload.http.body import read_body, read_object
from offload.http.door import Accepted, Door
from offload.http.options import Options, read_options
from offload.lifecycle import Shown
from offload.shapes import path, write
from offload.signature import Signature
from offload.task import Task
from offload.wire.answers import ACCEPTED_RETRY_SECONDS, start_headers
from offload.wire.query import read_no_query

_MEMBERS = ("params", "texts", "options")


class Started(Struct, frozen=True):
    """A start that was accepted."""

    id: int
    task: str
    state: Shown
    links: dict[str, str]


async def listing(door: Door, request: Request) -> Response:
    """List what can be started."""
    read_no_query(request.scope["query_string"])
    shapes = [task_shape(door.app.find(name)) for name in door.app.registry]
    return answers.json(write({"items": shapes}))


async def show(door: Door, request: Request) -> Response:
    """Describe one task: its parameters as JSON Schema, its documentation, its options."""
    read_no_query(request.scope["query_string"])
    return answers.json(write(task_shape(door.app.find(request.path_params["name"]))))


def task_shape(found: Task[Any, Any]) -> dict[str, Any]:
    """Describe a task for programs."""
    registered = found.registered
    signature, options = registered.signature, registered.options
    itself = f"/v1/tasks/{registered.name}"
    return {
        "name": registered.name,
        "aliases": registered.aliases,
        "kind": registered.kind,
        "executor": registered.executor,
        "queue": options.queue,
        "priority": options.priority,
        "tags": options.tags,
        "signature": signature.text,
        "summary": signature.summary,
        "doc": signature.doc,
        "params": signature.schema(),
        "links": {"self": itself, "start": f"{itself}/jobs"},
    }


async def start(door: Door, request: Request) -> Response:
    """Start a job: `{"params": {…}, "options": {…}}`.

    In place of `params` there may be `texts`, lists of text by name, which are read as a query is.
    """
    found = door.app.find(request.path_params["name"])
    read_no_query(request.scope["query_string"])
    body = await read_object(await read_body(request))
    params, options = _checked(found.registered.signature, body)
    await _check_queue(door, options.queue)
    job = found.using(**asdict(options)).new_job(params)
    accepted = await door.start(request, "POST /v1/tasks/jobs", job, write(options))
    if accepted.finished is not None:
        return await answers.finished(door, accepted, accepted.finished, for_brief=False)
    state = Shown.QUEUED if job.run_at is None or job.run_at <= door.app.now() else Shown.SCHEDULED
    return _accepted(accepted, state)


async def _check_queue(door: Door, queue: str | None) -> None:
    """Let a client choose among the queues that there are: a new one would have no limit.

    Raises:
        InvalidParameters: there is no such queue.
    """
    if queue is None:
        return
    registry = door.app.registry
    known = {registry.find(name).options.queue for name in registry}
    known |= {known_queue.name for known_queue in await door.app.aqueues()}
    if queue not in known:
        problem = f"there is no queue {queue!r}; there are {', '.join(sorted(known))}"
        raise InvalidParameters("", [Fault("options.queue", problem)])


def _checked(signature: Signature, body: Mapping[str, Any]) -> tuple[bytes, Options]:
    """Check parameters and options; all that is wrong with both is told at once."""
    faults = [Fault(name, "unexpected") for name in body if name not in _MEMBERS]
    params, options = b"", Options()
    try:
        params = _params(signature, body)
    except InvalidParameters as error:
        faults += error.faults
    try:
        options = read_options(_member(body, "options"))
    except InvalidParameters as error:
        faults += error.faults
    if faults:
        raise InvalidParameters(signature.task, faults)
    return params, options


def _params(signature: Signature, body: Mapping[str, Any]) -> bytes:
    if "texts" not in body:
        return signature.check(_member(body, "params"))
    if "params" in body:
        raise InvalidParameters("", [Fault("texts", "unexpected: there are params already")])
    try:
        texts = convert(body["texts"], dict[str, list[str]])
    except ValidationError:
        fault = Fault("texts", "expected an object with a list of texts for each name")
        raise InvalidParameters("", [fault]) from None
    return signature.check_text([(name, text) for name in texts for text in texts[name]])


def _member(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name, {})
    if not isinstance(value, dict):
        raise InvalidParameters("", [Fault(name, "expected an object")])
    return value


def _accepted(accepted: Accepted, state: Shown) -> Response:
    itself = path(accepted.job_id)
    links = {"self": itself, "cancel": f"{itself}/cancel"}
    headers = start_headers(itself, accepted.waited) | {"retry-after": ACCEPTED_RETRY_SECONDS}
    return answers.json(write(Started(accepted.job_id, accepted.task, state, links)), 202, headers)
