"""From a decision about a job that is ours to its stored row: conclude, apply, and again if needed.

What was decided is applied only if the row still is the one it was decided from, and otherwise
decided again from the row as it stands.
"""

from collections.abc import Callable
from typing import Protocol

from msgspec.structs import replace

from offload import lifecycle
from offload.clock import Clock
from offload.model import By, Cause, Change, Job, Outcome, State, Succeeded, Yielded
from offload.store.base import Gone

Decide = Callable[[Job], Change | None]


class Desk(Protocol):
    """What settling needs of the worker.

    Attributes:
        draw: a random number from 0 to 1.
    """

    clock: Clock
    draw: Callable[[], float]

    async def apply(self, change: Change) -> Job | Gone | None:
        """Store a change with the others that are ready; see `offload.store.base.Apply`."""
        ...

    async def completed(self, job_id: int) -> bytes | None:
        """Read the value with which a job was completed from outside."""
        ...


async def settle(job: Job, outcome: Outcome, desk: Desk) -> Job | None:
    """Conclude the job and store it; returns the job as it became, None if it is not ours any more.

    Somebody may have asked for something meanwhile: then the row is newer than what we hold, and
    the decision is made again from it.
    """
    by, draw = by_worker(job), desk.draw()
    if outcome == Yielded(Cause.COMPLETE):
        value = await desk.completed(job.id)
        outcome = outcome if value is None else Succeeded(value)
    return await store(
        job, lambda job: lifecycle.conclude(job, outcome, desk.clock.now(), by, draw), desk
    )


async def store(job: Job, decide: Decide, desk: Desk) -> Job | None:
    """Decide about a job that is ours and store it; again where it has changed meanwhile.

    Returns the job as it became, or as it is where there was nothing to decide; None if it is not
    ours any more.
    """
    while True:
        change = decide(job)
        if change is None:
            return job
        current = await desk.apply(change)
        if current is None or _was_applied(change, current):
            return change.after
        if isinstance(current, Gone) or not _is_ours(job, current):
            return None
        job = replace(current, params=job.params)


def by_worker(job: Job) -> By:
    """Say who does what a worker does."""
    return By(actor=f"worker {job.worker}", door="worker")


def _was_applied(change: Change, current: Job | Gone) -> bool:
    """An answer was lost and the change was sent twice: the first one stands."""
    return isinstance(current, Job) and _identity(current) == _identity(change.after)


def _identity(job: Job) -> tuple[object, ...]:
    """What tells two changes of one version apart.

    A wish leaves the state as it is; and of two that say `paused` one may be a rescuer's, who has
    taken the job from its owner.
    """
    return job.token, job.version, job.state, job.worker, job.requested, job.handle


def _is_ours(job: Job, current: Job) -> bool:
    is_held = current.state is State.RUNNING or (current.state is State.PAUSED and current.is_owned)
    return is_held and current.token == job.token
