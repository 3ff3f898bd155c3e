"""Every error that offload raises, in one tree.

    OffloadError
    ├── InvalidParameters      a call does not fit its task's signature; every fault is listed
    ├── UnknownTask            no task of that name is registered here
    ├── InvalidTask            a function cannot be registered as it is written
    ├── Fatal                  raised by a task: no further attempt is worth it
    ├── NotSerializable        a value that JSON cannot carry exactly
    ├── Undecodable            stored bytes that are not a value
    ├── Refused                the store said no; nothing was changed
    │   ├── QueueFull          the queue is at capacity
    │   ├── KeyTaken           an unfinished job has the same unique key
    │   ├── IdempotencyKeyReused  the same key came with another request
    │   └── Draining           this process is stopping and takes nothing new
    ├── JobError               something about one job
    │   ├── UnknownJob         the id was never issued
    │   ├── Evicted            the job was finished and is no longer kept
    │   ├── NotFinished        the job has no result yet
    │   ├── AlreadyFinished    the verb needs an unfinished job
    │   ├── NotCompletable     the job cannot be completed from outside
    │   ├── NotPausable        the job's code cannot be made to stand still
    │   ├── NotAmendable       a worker has the job: nothing of it can be altered
    │   ├── BeingCancelled     the job is being cancelled: nothing else can be asked of it
    │   ├── JobFailed          the job failed; carries the remote error
    │   ├── JobCancelled       the job was cancelled
    │   └── NotKept            the job's result is held only by the program that ran it
    ├── UnknownGroup           there is no such group of jobs
    ├── GroupEvicted           some of its jobs are no longer kept
    ├── ConfigError            a setting, a module or a database that cannot be used as it is
    └── StoreError             the database did not answer
        ├── StoreUnavailable   it cannot be reached or is locked for too long; try again
        ├── StoreUncertain     it took the operation and never said what became of it
        ├── StoreUnreadable    the file is no offload database, or may not be opened
        ├── SchemaTooNew       a newer offload wrote it; this one keeps its hands off
        └── QueryTooSlow       a reading query was stopped at its time limit

Beside it stands `Stopped`, which is no error: it unwinds the code of a job that is to stop.

The class docstring is the default message; a message says what happened, to which job or task,
and what to do next.
"""

from collections.abc import Sequence
from typing import Any

import msgspec


class OffloadError(Exception):
    """Something went wrong in offload."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").splitlines()[0])


class Stopped(BaseException):
    """Raised by `Context.checkpoint` in code that is to stop: let it pass.

    Like `asyncio.CancelledError` it is no `Exception`, so that `except Exception` does not hold
    it; `finally` and `with` tidy up as it goes by.
    """


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong with one parameter.

    Attributes:
        parameter: its name as the caller wrote it.
        problem: what is wrong, in words: "missing", "unexpected", "expected an integer, got 'x'".
    """

    parameter: str
    problem: str


class InvalidParameters(OffloadError):
    """The parameters do not fit the task."""

    def __init__(self, task: str, faults: Sequence[Fault]) -> None:
        listed = "; ".join(f"{fault.parameter}: {fault.problem}" for fault in faults)
        super().__init__(f"the parameters do not fit the task {task!r}: {listed}")
        self.task = task
        self.faults = tuple(faults)


class UnknownTask(OffloadError):
    """No task of that name is registered here."""

    def __init__(self, name: str, nearest: Sequence[str] = ()) -> None:
        hint = f"; did you mean {' or '.join(nearest)}?" if nearest else ""
        super().__init__(f"there is no task {name!r} here{hint}")
        self.name = name
        self.nearest = tuple(nearest)


class InvalidTask(OffloadError):
    """The function cannot be registered as a task."""


class NotSerializable(OffloadError):
    """A value that JSON cannot carry exactly.

    Attributes:
        path: where in the value, as in ``$.loss[3]``.
        problem: what stands there and why it was refused.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


class Fatal(OffloadError):
    """Raised by a task: the job has failed, and no further attempt is worth it."""


class Undecodable(OffloadError):
    """Stored bytes that are not a value."""


class Refused(OffloadError):
    """The request was refused and nothing was changed.

    Attributes:
        retry_after: seconds after which it may be tried again, where a server has said so.
    """

    retry_after: float | None = None


class QueueFull(Refused):
    """The queue is at capacity."""

    def __init__(self, queue: str, capacity: int) -> None:
        super().__init__(
            f"the queue {queue!r} already holds its {capacity} waiting jobs; nothing was started. "
            "Try again when one of them has begun, or raise the capacity"
        )
        self.queue = queue
        self.capacity = capacity


class KeyTaken(Refused):
    """An unfinished job of the same task has the same unique key."""

    def __init__(self, key: str, job_id: int) -> None:
        super().__init__(
            f"the key {key!r} belongs to job {job_id}, which has not ended; nothing was started. "
            "Wait for it, or use another key"
        )
        self.key = key
        self.job_id = job_id


class IdempotencyKeyReused(Refused):
    """The idempotency key was already used for another request."""

    def __init__(self, key: str, job_id: int) -> None:
        super().__init__(
            f"the idempotency key {key!r} already belongs to job {job_id}, "
            "which was started by another request; use a new key"
        )
        self.key = key
        self.job_id = job_id


class Draining(Refused):
    """This process is stopping and takes nothing new."""


class JobError(OffloadError):
    """Something about one job."""

    def __init__(self, job_id: int, message: str) -> None:
        super().__init__(message)
        self.job_id = job_id


class UnknownJob(JobError):
    """The id was never issued."""

    def __init__(self, job_id: int) -> None:
        super().__init__(job_id, f"job {job_id} was never started")


class Evicted(JobError):
    """The job was finished and is no longer kept."""

    def __init__(self, job_id: int) -> None:
        super().__init__(job_id, f"job {job_id} was finished and is no longer kept")


class UnknownGroup(OffloadError):
    """There is no such group."""

    def __init__(self, group_id: int) -> None:
        super().__init__(f"there is no group {group_id}, or none of its jobs is kept any more")
        self.group_id = group_id


class GroupEvicted(OffloadError):
    """Some jobs of the group are no longer kept."""

    def __init__(self, group_id: int, gone: int, size: int) -> None:
        super().__init__(
            f"{gone} of the {size} jobs of group {group_id} have ended and are no longer kept; "
            "collect results earlier, or let the queue keep more (keep)"
        )
        self.group_id = group_id
        self.gone = gone


class NotFinished(JobError):
    """The job has no result yet."""

    def __init__(self, job_id: int, state: str) -> None:
        super().__init__(job_id, f"job {job_id} is {state}; it has no result yet")
        self.state = state


class AlreadyFinished(JobError):
    """The verb needs an unfinished job."""

    def __init__(self, job_id: int, state: str) -> None:
        super().__init__(job_id, f"job {job_id} has already {_ENDED.get(state, state)}")
        self.state = state


class NotCompletable(JobError):
    """The job cannot be completed from outside."""

    def __init__(self, job_id: int, why: str) -> None:
        super().__init__(job_id, f"job {job_id} cannot be completed from outside: {why}")


_ENDED = {"succeeded": "succeeded", "failed": "failed", "cancelled": "been cancelled"}


class NotPausable(JobError):
    """The job's code cannot be made to stand still."""

    def __init__(self, job_id: int, why: str) -> None:
        super().__init__(job_id, f"job {job_id} cannot be paused: {why}")


class NotAmendable(JobError):
    """A worker has the job in hand: nothing of it can be altered."""

    def __init__(self, job_id: int, why: str) -> None:
        super().__init__(
            job_id,
            f"job {job_id} cannot be altered: {why}; what has not begun, and what is held, can be",
        )


class BeingCancelled(JobError):
    """The job is being cancelled: nothing else can be asked of it."""

    def __init__(self, job_id: int) -> None:
        super().__init__(job_id, f"job {job_id} is being cancelled; it can no longer be paused")


class JobFailed(JobError):
    """The job failed.

    Attributes:
        code: the kind of failure, one word (``exception``, ``lost``, ``not-serializable``, …).
        type: the remote exception's class name, if there was one.
        remote_message: the remote exception's text.
        traceback: the remote traceback as text, if there was one.
    """

    def __init__(self, job_id: int, task: str, error: Any) -> None:
        what = f"{error.type}: {error.message}" if error.type else error.message
        tail = f"\n\n{error.traceback}" if error.traceback else ""
        super().__init__(job_id, f"job {job_id} ({task}) failed: {what}{tail}")
        self.task = task
        self.code: str = error.code
        self.type: str | None = error.type
        self.remote_message: str = error.message
        self.traceback: str | None = error.traceback


class JobCancelled(JobError):
    """The job was cancelled."""

    def __init__(self, job_id: int) -> None:
        super().__init__(job_id, f"job {job_id} was cancelled")


class NotKept(JobError):
    """The job has succeeded, and only the program that ran it can hold its result."""

    def __init__(self, job_id: int, reason: str | None) -> None:
        why = reason or "its result is not in the database"
        super().__init__(job_id, f"job {job_id} has succeeded; {why}")


class ConfigError(OffloadError):
    """A setting, a module or a database that cannot be used as it is."""


class StoreError(OffloadError):
    """The database did not answer."""


class StoreUnavailable(StoreError):
    """The database cannot be reached; try again."""


class StoreUncertain(StoreError):
    """The database took the operation and never said what became of it."""


class StoreUnreadable(StoreError):
    """The file is not an offload database, or may not be opened."""


class SchemaTooNew(StoreError):
    """A newer offload wrote this database."""


class QueryTooSlow(StoreError):
    """The query was stopped at its time limit."""
