"""The verbs as plans: generators that yield what they want of the store and get the answers.

A plan decides and does no IO, so the blocking and the async face of every verb are the same code:
one driver waits for each answer, the other awaits it.
"""

from collections.abc import Callable, Generator
from typing import Any, TypeVar

from offload import lifecycle
from offload.errors import (
    Evicted,
    IdempotencyKeyReused,
    JobCancelled,
    JobFailed,
    NotFinished,
    QueueFull,
    UnknownJob,
)
from offload.model import By, Event, Job, State, Wish
from offload.store.base import (
    Apply,
    Found,
    Full,
    Get,
    Gone,
    History,
    Insert,
    Inserted,
    KeyReused,
)

T = TypeVar("T")

Plan = Generator[Any, Any, T]
"""Yields operations and queries, is sent their answers, returns a `T`."""


def ask(wanted: Any) -> Plan[Any]:
    """The plan of one question."""
    return (yield wanted)


def start(insert: Insert) -> Plan[Inserted]:
    """Store new jobs, all or none.

    Raises:
        QueueFull: a queue has no room for all of them.
        IdempotencyKeyReused: the key belongs to another request.
    """
    answer: Inserted | Full | KeyReused = yield insert
    match answer:
        case Full(queue, capacity):
            raise QueueFull(queue, capacity)
        case KeyReused(key, job_id):
            raise IdempotencyKeyReused(key, job_id)
        case Inserted():
            return answer


def fetch(job_id: int, *, bodies: bool = True) -> Plan[Job]:
    """Read one job.

    Raises:
        UnknownJob: the id was never issued.
        Evicted: the job was finished and is no longer kept.
    """
    if type(job_id) is not int:
        raise TypeError(f"a job's id is an integer, not {job_id!r}")
    found: Found = yield Get((job_id,), bodies)
    if job_id in found.jobs:
        return found.jobs[job_id]
    if 0 < job_id <= found.issued:
        raise Evicted(job_id)
    raise UnknownJob(job_id)


def history(job_id: int) -> Plan[list[Event]]:
    """Read what happened to a job, oldest first.

    Raises:
        UnknownJob, Evicted: there is no such job.
    """
    yield from fetch(job_id, bodies=False)
    events: list[Event] = yield History(job_id)
    return events


def request(job_id: int, wish: Wish, now: Callable[[], float], by: By) -> Plan[tuple[Job, bool]]:
    """Ask something of a job; returns it as it became, and whether that changed anything.

    Decides from the row and applies if it is still the same; otherwise somebody was faster, and it
    is decided again from what they made of it.

    Raises:
        AlreadyFinished: the job has an outcome, and another one than was wished for.
        UnknownJob, Evicted: there is no such job.
    """
    job = yield from fetch(job_id)
    while True:
        moment = now()
        change = lifecycle.request(job, wish, moment, by)
        if change is None:
            return job, False
        [current] = yield Apply((change,), moment)
        if current is None:
            return change.after, True
        if isinstance(current, Gone):
            raise Evicted(job_id)
        job = yield from fetch(job_id)


def value(job: Job, shown: str) -> bytes:
    """Return a job's result as JSON bytes.

    Raises:
        NotFinished: it is not there yet.
        JobFailed, JobCancelled: it will never be.
    """
    if job.state is State.FAILED:
        raise JobFailed(job.id, job.task, job.error)
    if job.state is State.CANCELLED:
        raise JobCancelled(job.id)
    if job.state is not State.SUCCEEDED or job.result is None:
        raise NotFinished(job.id, shown)
    return job.result
