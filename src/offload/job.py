"""The handle of a job that users hold: it knows the id and asks the store for the rest."""

from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any, Generic, Protocol, TypeVar, Unpack

from offload import model
from offload.amending import Otherwise, amendment
from offload.following import Wanted
from offload.lifecycle import Amendment, Shown

R = TypeVar("R")


class _Desk(Protocol):
    """What a handle needs of the Offload that gave it out."""

    def read_job(self, job_id: int) -> model.Job: ...
    async def aread_job(self, job_id: int) -> model.Job: ...
    def shown(self, job: model.Job) -> Shown: ...
    def wait_for(self, job_id: int, timeout: float | None) -> bool: ...
    async def await_for(self, job_id: int, timeout: float | None) -> bool: ...
    def result_of(self, job_id: int, timeout: float | None) -> Any: ...
    async def aresult_of(self, job_id: int, timeout: float | None) -> Any: ...
    def logs(self, job_id: int, **wanted: Unpack[Wanted]) -> Iterator[model.StoredLine]: ...
    def alogs(self, job_id: int, **wanted: Unpack[Wanted]) -> AsyncIterator[model.StoredLine]: ...
    def cancel(self, job_id: int) -> bool: ...
    async def acancel(self, job_id: int) -> bool: ...
    def pause_job(self, job_id: int, reason: str | None) -> bool: ...
    async def apause_job(self, job_id: int, reason: str | None) -> bool: ...
    def resume_job(self, job_id: int) -> bool: ...
    async def aresume_job(self, job_id: int) -> bool: ...
    def retry(self, job_id: int) -> None: ...
    async def aretry(self, job_id: int) -> None: ...
    def amend_job(self, job_id: int, wanted: Amendment) -> bool: ...
    async def aamend_job(self, job_id: int, wanted: Amendment) -> bool: ...


class Job(Generic[R]):
    """One execution that was asked for. Cheap to make, safe to share between threads.

    Every reading asks the store anew, so a handle is never out of date and works in any process
    that opens the same database. `await job` is `await job.aresult()`.

    Attributes:
        id: the job's number, 1, 2, 3, never reused.
    """

    __slots__ = ("_desk", "id")

    def __init__(self, job_id: int, desk: _Desk) -> None:
        self.id = job_id
        self._desk = desk

    @property
    def desk(self) -> Any:
        """The Offload that gave this handle out."""
        return self._desk

    @property
    def state(self) -> Shown:
        """What the job is doing now, a string such as "queued", "running" or "succeeded".

        Raises:
            UnknownJob, Evicted: there is no such job.
        """
        return self._desk.shown(self.read())

    async def astate(self) -> Shown:
        """The same without blocking the loop."""
        return self._desk.shown(await self.aread())

    @property
    def progress(self) -> model.Progress | None:
        """How far the job last said it has come; None if it said nothing."""
        return self.read().progress

    async def aprogress(self) -> model.Progress | None:
        """The same without blocking the loop."""
        return (await self.aread()).progress

    def read(self) -> model.Job:
        """Return the job's whole record as it is now.

        Raises:
            UnknownJob, Evicted: there is no such job.
        """
        return self._desk.read_job(self.id)

    async def aread(self) -> model.Job:
        """The same without blocking the loop."""
        return await self._desk.aread_job(self.id)

    def result(self, timeout: float | None = None) -> R:
        """Wait for the end and return what the task returned.

        Args:
            timeout: seconds to wait at most; None waits for ever, 0 not at all.

        Raises:
            JobFailed: the job failed; carries the remote error and its traceback.
            JobCancelled: the job was cancelled.
            TimeoutError: it has not ended in time; it goes on.
            UnknownJob, Evicted: there is no such job.
        """
        value: R = self._desk.result_of(self.id, timeout)
        return value

    async def aresult(self, timeout: float | None = None) -> R:
        """The same without blocking the loop."""
        value: R = await self._desk.aresult_of(self.id, timeout)
        return value

    def __await__(self) -> Generator[Any, None, R]:
        """Wait for the end and return what the task returned; see `result`."""
        return self.aresult().__await__()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end, whatever it is; returns False if it has not come within `timeout` s."""
        return self._desk.wait_for(self.id, timeout)

    async def await_(self, timeout: float | None = None) -> bool:
        """`wait` without blocking the loop (the underscore because `await` is a keyword)."""
        return await self._desk.await_for(self.id, timeout)

    def logs(self, **wanted: Unpack[Wanted]) -> Iterator[model.StoredLine]:
        """Return what the job has written, line after line, oldest first.

        Args:
            wanted: `follow=True` waits for further lines until the job has ended; `after`, `tail`,
                `level`, `text`, `attempt`, `source` give some of them only; see `Offload.logs`.

        Raises:
            UnknownJob, Evicted: there is no such job.
            ValueError: there is no such level.
        """
        return self._desk.logs(self.id, **wanted)

    def alogs(self, **wanted: Unpack[Wanted]) -> AsyncIterator[model.StoredLine]:
        """The same without blocking the loop: `async for line in job.alogs(follow=True)`."""
        return self._desk.alogs(self.id, **wanted)

    def cancel(self) -> bool:
        """Ask for the job to be cancelled; returns whether that changed anything.

        One that has not begun never starts. A running one shows "cancelling" until its code has
        stopped: async code gets `CancelledError` at its next await, a thread is asked through
        `should_stop`. A job that ends by itself meanwhile keeps its own outcome.

        Raises:
            AlreadyFinished: it has succeeded or failed.
            UnknownJob, Evicted: there is no such job.
        """
        return self._desk.cancel(self.id)

    async def acancel(self) -> bool:
        """The same without blocking the loop."""
        return await self._desk.acancel(self.id)

    def pause(self, reason: str | None = None) -> bool:
        """Ask for the job to stand still; returns whether that changed anything.

        One that has not begun is held and keeps its place. A running one shows "pausing" until its
        code stands still, then "paused": async code at its next await, a process at any instant, a
        thread at its next `checkpoint()`. Of work elsewhere only the checks rest; it goes on. The
        slot is given back; a pause lasts until `resume`, over restarts and crashes too.

        Args:
            reason: why, for whoever looks at it; at most 500 characters.

        Raises:
            NotPausable: its code cannot be made to stand still; says why.
            BeingCancelled: it is being cancelled.
            AlreadyFinished: it has ended.
            UnknownJob, Evicted: there is no such job.
        """
        return self._desk.pause_job(self.id, reason)

    async def apause(self, reason: str | None = None) -> bool:
        """The same without blocking the loop."""
        return await self._desk.apause_job(self.id, reason)

    def resume(self) -> bool:
        """Let the job go on; returns whether that changed anything.

        One whose worker still holds it goes on where it stood still, as soon as there is a slot,
        ahead of its queue. A held one goes back to the queue: its next attempt begins from the last
        checkpoint. A pause that has not come true yet is withdrawn.

        Raises:
            AlreadyFinished: it has ended.
            UnknownJob, Evicted: there is no such job.
        """
        return self._desk.resume_job(self.id)

    async def aresume(self) -> bool:
        """The same without blocking the loop."""
        return await self._desk.aresume_job(self.id)

    def retry(self) -> None:
        """Try the job anew after it failed or was cancelled: the same id, all its retries again.

        Raises:
            NotFinished: it has not ended yet.
            AlreadyFinished: it has succeeded.
            QueueFull: its queue is at capacity.
            KeyTaken: another unfinished job has its unique key.
            UnknownJob, Evicted: there is no such job.
        """
        self._desk.retry(self.id)

    async def aretry(self) -> None:
        """The same without blocking the loop."""
        await self._desk.aretry(self.id)

    def amend(self, **otherwise: Unpack[Otherwise]) -> bool:
        """Alter the job while it waits; returns whether that changed anything.

        Args:
            otherwise: what is not said stays. `priority` (higher goes first), `queue` (to wait in),
                `tags` (instead of those that it has), `run_at` (the instant before which it does
                not start: seconds since the epoch, or a `datetime` with a time zone; None is at
                once).

        Raises:
            ValueError: a value does not fit.
            NotAmendable: a worker has it, or it is wanted back from its work elsewhere.
            AlreadyFinished: it has ended.
            QueueFull: the queue that it is to wait in is at capacity.
            UnknownJob, Evicted: there is no such job.
        """
        return self._desk.amend_job(self.id, amendment(**otherwise))

    async def aamend(self, **otherwise: Unpack[Otherwise]) -> bool:
        """The same without blocking the loop."""
        return await self._desk.aamend_job(self.id, amendment(**otherwise))

    def __repr__(self) -> str:
        return f"Job({self.id})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Job) and (other.id, other._desk) == (self.id, self._desk)

    def __hash__(self) -> int:
        return hash(self.id)
