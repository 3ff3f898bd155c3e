"""One attempt at a job, a pipeline of named steps: find task, open context, execute, settle.

Settling is conclude, apply, tell: what was decided is applied only if the row still is the one it
was decided from, and otherwise decided again from the row as it stands.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec.structs import replace

from offload import lifecycle
from offload.clock import Clock
from offload.model import By, Cause, Change, Job, Outcome, Progress, State, Succeeded, Yielded
from offload.registry import RegisteredTask
from offload.store.base import Gone, Identified
from offload.worker.context import Context, Stop
from offload.worker.executors import Executor
from offload.worker.executors.call import raised
from offload.worker.work import Work


class Desk(Protocol):
    """What an attempt needs of its worker.

    Attributes:
        identity: of the database.
        draw: a random number from 0 to 1.
    """

    executors: Mapping[str, Executor]
    clock: Clock
    identity: Identified
    draw: Callable[[], float]

    def find(self, job: Job) -> RegisteredTask:
        """Return what the job runs; raises `UnknownTask`."""
        ...

    def tell(self, job: Job, progress: Progress) -> None:
        """Keep the latest progress of a job, to be stored soon. From any thread."""
        ...

    def check_again(self, job: Job, next_check_at: float) -> None:
        """Keep when a waiting job is looked at next, to be stored soon."""
        ...

    async def apply(self, change: Change) -> Job | Gone | None:
        """Store a change with the others that are ready; see `offload.store.base.Apply`."""
        ...

    async def completed(self, job_id: int) -> bytes | None:
        """Read the value with which a job was completed from outside."""
        ...

    def release(self, attempt: "Attempt") -> None:
        """Take the attempt's place back while it goes on without one; once at most."""
        ...


class Attempt:
    """A claimed job, the signal that stops its code, and the time that it has.

    Attributes:
        job: as it was claimed, or as it became since.
        pool: the pool of places that it was claimed for.
        holds_place: whether it takes one of its worker's places.
    """

    def __init__(self, job: Job, desk: Desk, pool: str = "slots") -> None:
        self.job = job
        self.stop = Stop()
        self.work: asyncio.Task[None] | None = None
        self.pool = pool
        self.holds_place = True
        self._desk = desk
        self._timers: dict[Cause, asyncio.TimerHandle] = {}

    def begin(self) -> None:
        """Count the time of the job's code from now on."""
        self._stop_after(self.job.options.timeout, Cause.TIMEOUT)

    def begin_waiting(self) -> None:
        """Count the time until the job's deadline from now on; its code has not begun yet."""
        if self.job.deadline_at is not None:
            self._stop_after(self.job.deadline_at - self._desk.clock.now(), Cause.DEADLINE)

    def end(self) -> None:
        """Count nothing any more."""
        for cause in list(self._timers):
            self._timers.pop(cause).cancel()

    async def wait(self, handle: bytes, next_check_at: float) -> bool:
        """Store the handle and give the place back; see `Work.wait`."""
        if Cause.TIMEOUT in self._timers:
            self._timers.pop(Cause.TIMEOUT).cancel()
        by = _by(self.job)
        waiting = await store(
            self.job, lambda job: lifecycle.wait(job, handle, next_check_at, by), self._desk
        )
        if waiting is None:
            return False
        self.job = waiting
        self._desk.release(self)
        return True

    def check_again(self, next_check_at: float) -> None:
        """Note when the job is looked at next; see `Work.check_again`."""
        self._desk.check_again(self.job, next_check_at)

    def _stop_after(self, seconds: float | None, cause: Cause) -> None:
        if cause in self._timers:
            self._timers.pop(cause).cancel()
        if seconds is not None:
            loop = asyncio.get_running_loop()
            self._timers[cause] = loop.call_later(max(0.0, seconds), self.stop.set, cause)


async def execute(attempt: Attempt, desk: Desk) -> Outcome:
    """Run the job's code to its end. Never raises: every path ends in an outcome."""
    try:
        task = desk.find(attempt.job)
        context = _open_context(attempt, desk)
        work = Work(task, attempt.job, context, attempt.stop, attempt)
        attempt.begin_waiting()
        outcome = await desk.executors[task.executor].run(work)
    except Exception as error:  # a task that is not registered any more, or a fault of an executor
        return raised(error)
    finally:
        attempt.end()
    return _with_cause(outcome, attempt)


async def settle(job: Job, outcome: Outcome, desk: Desk) -> Job | None:
    """Conclude the job and store it; returns the job as it became, None if it is not ours any more.

    Somebody may have asked for something meanwhile: then the row is newer than what we hold, and
    the decision is made again from it.
    """
    by, draw = _by(job), desk.draw()
    if outcome == Yielded(Cause.COMPLETE):
        value = await desk.completed(job.id)
        outcome = outcome if value is None else Succeeded(value)
    return await store(
        job, lambda job: lifecycle.conclude(job, outcome, desk.clock.now(), by, draw), desk
    )


async def store(job: Job, decide: Callable[[Job], Change], desk: Desk) -> Job | None:
    """Decide about a job that is ours and store it; again where it has changed meanwhile."""
    while True:
        change = decide(job)
        current = await desk.apply(change)
        if current is None or _was_applied(change, current):
            return change.after
        if isinstance(current, Gone) or not _is_ours(job, current):
            return None
        job = replace(job, version=current.version, requested=current.requested)


def completion_token(job_id: int, secret: str) -> str:
    """Return what entitles its holder to complete one job: an HMAC (RFC 2104) of its id."""
    return hmac.new(secret.encode(), f"complete {job_id}".encode(), hashlib.sha256).hexdigest()


def _open_context(attempt: Attempt, desk: Desk) -> Context:
    job = attempt.job
    return Context(
        job.id,
        job.attempt,
        stop=attempt.stop,
        tell=lambda progress: desk.tell(job, progress),
        idempotency_key=f"offload-{desk.identity.name}-{job.id}-{job.attempt}",
        completion_token=lambda: completion_token(job.id, desk.identity.secret),
    )


def _by(job: Job) -> By:
    return By(actor=f"worker {job.worker}", door="worker")


def _with_cause(outcome: Outcome, attempt: Attempt) -> Outcome:
    """Say why code that stopped was asked to."""
    cause = attempt.stop.cause
    if isinstance(outcome, Yielded) and cause is not None:
        return lifecycle.left_behind(attempt.job) if cause is Cause.LOST else Yielded(cause)
    return outcome


def _was_applied(change: Change, current: Job | Gone) -> bool:
    """An answer was lost and the change was sent twice: the first one stands."""
    return isinstance(current, Job) and _identity(current) == _identity(change.after)


def _identity(job: Job) -> tuple[object, ...]:
    """What tells two changes of one version apart: a wish leaves the state as it is."""
    return job.token, job.version, job.state, job.requested, job.handle


def _is_ours(job: Job, current: Job) -> bool:
    return current.token == job.token and current.state is State.RUNNING
