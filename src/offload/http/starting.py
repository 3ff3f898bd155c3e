"""A start as JSON has it: `{"params": {…}, "options": {…}}`, made into a job that can be stored.

In place of `params` there may be `texts`, lists of text by name, which are read as a query is.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, Struct, UnsetType, ValidationError, convert

from offload.errors import Fault, InvalidParameters
from offload.http.door import Door
from offload.http.options import read_options
from offload.http.queues import known_queues
from offload.lifecycle import Shown
from offload.model import NewJob
from offload.shapes import path
from offload.signature import Signature
from offload.task import Task
from offload.values import encode

_MEMBERS = ("params", "texts", "options")


class Prepared(Struct, frozen=True):
    """A job that can be stored.

    Attributes:
        job: as `Task.new_job` made it.
        options: what the client said about it besides its parameters, as JSON.
        state: how it is shown once it is stored.
    """

    job: NewJob
    options: bytes
    state: Shown


class StartedJob(Struct, frozen=True):
    """A start that was accepted.

    Attributes:
        changed: false where nothing was started: the job, which has not ended, has the unique key.
    """

    id: int
    task: str
    state: Shown
    links: dict[str, str]
    changed: bool | UnsetType = UNSET


async def prepare(door: Door, found: Task[Any, Any], said: Mapping[str, Any]) -> Prepared:
    """Check everything that was said about a start; all that is wrong is told at once.

    Raises:
        InvalidParameters: lists every fault.
    """
    signature = found.registered.signature
    faults = [Fault(name, "unexpected") for name in said if name not in _MEMBERS]
    params, options = b"", dict[str, Any]()
    try:
        params = _params(signature, said)
    except InvalidParameters as error:
        faults += error.faults
    try:
        options = read_options(_member(said, "options"))
    except InvalidParameters as error:
        faults += error.faults
    faults += await _unknown_queue(door, options.get("queue"))
    if faults:
        raise InvalidParameters(signature.task, faults)
    job = found.using(**options).new_job(params)
    is_due = job.run_at is None or job.run_at <= door.app.now()
    state = Shown.QUEUED if is_due else Shown.SCHEDULED
    return Prepared(job, encode(_member(said, "options")), state)


def started(job_id: int, prepared: Prepared) -> StartedJob:
    """Say what was started."""
    itself = path(job_id)
    links = {"self": itself, "cancel": f"{itself}/cancel"}
    return StartedJob(job_id, prepared.job.task, prepared.state, links)


async def _unknown_queue(door: Door, queue: str | None) -> list[Fault]:
    """Let a client choose among the queues that there are: a new one would have no limit."""
    if queue is None:
        return []
    known = await known_queues(door)
    if queue in known:
        return []
    problem = f"there is no queue {queue!r}; there are {', '.join(sorted(known))}"
    return [Fault("options.queue", problem)]


def _params(signature: Signature, said: Mapping[str, Any]) -> bytes:
    if "texts" not in said:
        return signature.check(_member(said, "params"))
    if "params" in said:
        raise InvalidParameters("", [Fault("texts", "unexpected: there are params already")])
    try:
        texts = convert(said["texts"], dict[str, list[str]])
    except ValidationError:
        fault = Fault("texts", "expected an object with a list of texts for each name")
        raise InvalidParameters("", [fault]) from None
    return signature.check_text([(name, text) for name in texts for text in texts[name]])


def _member(said: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = said.get(name, {})
    if not isinstance(value, dict):
        raise InvalidParameters("", [Fault(name, "expected an object")])
    return value
