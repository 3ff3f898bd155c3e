"""One attempt at a job, a pipeline of named steps: find task, open context, execute, settle.

Settling is conclude, apply, tell: what was decided is applied only if the row still is the one it
was decided from, and otherwise decided again from the row as it stands.
"""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from msgspec.structs import replace

from offload.clock import Clock
from offload.lifecycle import conclude
from offload.model import By, Change, Job, Outcome, Progress, State
from offload.registry import Registry
from offload.store.base import Gone
from offload.worker.context import Context, Stop
from offload.worker.executors import Executor
from offload.worker.executors.call import raised


class Desk(Protocol):
    """What an attempt needs of its worker."""

    registry: Registry
    executors: Mapping[str, Executor]
    clock: Clock

    def tell(self, job: Job, progress: Progress) -> None:
        """Keep the latest progress of a job, to be stored soon. From any thread."""
        ...

    async def apply(self, change: Change) -> Job | Gone | None:
        """Store a change with the others that are ready; see `offload.store.base.Apply`."""
        ...


class Attempt:
    """A claimed job and the signal that stops its code."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.stop = Stop()
        self.work: asyncio.Task[None] | None = None


async def execute(attempt: Attempt, desk: Desk) -> Outcome:
    """Run the job's code to its end. Never raises: every path ends in an outcome."""
    job = attempt.job
    try:
        task = desk.registry.find(job.task)
        context = _open_context(attempt, desk)
        executor = desk.executors[task.executor]
        return await executor.run(task, job.params or b"{}", context, attempt.stop)
    except Exception as error:  # a task that is not registered any more, or a fault of an executor
        return raised(error)


async def settle(job: Job, outcome: Outcome, desk: Desk) -> Job | None:
    """Conclude the job and store it; returns the job as it became, None if it is not ours any more.

    Somebody may have asked for something meanwhile: then the row is newer than what we hold, and
    the decision is made again from it.
    """
    by = By(actor=f"worker {job.worker}", door="worker")
    while True:
        change = conclude(job, outcome, desk.clock.now(), by)
        current = await desk.apply(change)
        if current is None or _was_applied(change, current):
            return change.after
        if isinstance(current, Gone) or not _is_ours(job, current):
            return None
        job = replace(job, version=current.version, requested=current.requested)


def _open_context(attempt: Attempt, desk: Desk) -> Context:
    job = attempt.job
    return Context(
        job.id,
        job.attempt,
        stop=attempt.stop,
        tell=lambda progress: desk.tell(job, progress),
    )


def _was_applied(change: Change, current: Job | Gone) -> bool:
    """An answer was lost and the change was sent twice: the first one stands."""
    after = change.after
    return isinstance(current, Job) and (current.token, current.version, current.state) == (
        after.token,
        after.version,
        after.state,
    )


def _is_ours(job: Job, current: Job) -> bool:
    return current.token == job.token and current.state is State.RUNNING
