"""The handle of jobs that were started together: watch, collect and stop them as one."""

from typing import Any, Generic, Protocol, TypeVar

from offload.errors import GroupEvicted, JobError
from offload.job import Job
from offload.model import FINISHED, Progress, State, Wish

R = TypeVar("R")

Counts = dict[State, int]


class _Desk(Protocol):
    """What a group needs of the Offload that it was got from."""

    def group_counts(self, group_id: int) -> Counts: ...
    async def agroup_counts(self, group_id: int) -> Counts: ...
    def group_jobs(self, group_id: int) -> list[Job[Any]]: ...
    async def agroup_jobs(self, group_id: int) -> list[Job[Any]]: ...
    def wait_for_group(self, group_id: int, timeout: float | None) -> bool: ...
    async def await_for_group(self, group_id: int, timeout: float | None) -> bool: ...
    def outcomes_of_group(self, group_id: int) -> list[Any]: ...
    async def aoutcomes_of_group(self, group_id: int) -> list[Any]: ...
    def ask_group(self, group_id: int, wish: Wish, reason: str | None = None) -> int: ...
    async def aask_group(self, group_id: int, wish: Wish, reason: str | None = None) -> int: ...
    def retry_failed_of(self, group_id: int) -> int: ...
    async def aretry_failed_of(self, group_id: int) -> int: ...


class Group(Generic[R]):
    """Jobs that were started together; stored, so any process may ask for it by its id.

    Its jobs are kept and removed like all others: collect the results while they are kept.

    Attributes:
        id: a small integer, 1, 2, 3, never reused.
        size: how many jobs were started.
    """

    def __init__(self, group_id: int, size: int, desk: _Desk) -> None:
        self.id = group_id
        self.size = size
        self._desk = desk

    def jobs(self) -> list[Job[R]]:
        """Return the handles of its jobs that are kept, in the order in which they were started."""
        return self._desk.group_jobs(self.id)

    async def ajobs(self) -> list[Job[R]]:
        """The same without blocking the loop."""
        return await self._desk.agroup_jobs(self.id)

    def counts(self) -> Counts:
        """Return how many of its jobs are in each stored state."""
        return self._desk.group_counts(self.id)

    async def acounts(self) -> Counts:
        """The same without blocking the loop."""
        return await self._desk.agroup_counts(self.id)

    @property
    def progress(self) -> Progress:
        """How many of its jobs have ended, of all; one that is no longer kept has ended."""
        return self._progress(self.counts())

    async def aprogress(self) -> Progress:
        """The same without blocking the loop."""
        return self._progress(await self.acounts())

    def _progress(self, counts: Counts) -> Progress:
        unfinished = sum(count for state, count in counts.items() if state not in FINISHED)
        return Progress(self.size - unfinished, self.size, unit="job")

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all its jobs have ended; returns False if they have not within `timeout` s."""
        return self._desk.wait_for_group(self.id, timeout)

    async def await_(self, timeout: float | None = None) -> bool:
        """`wait` without blocking the loop (the underscore because `await` is a keyword)."""
        return await self._desk.await_for_group(self.id, timeout)

    def results(
        self, timeout: float | None = None, *, return_exceptions: bool = False
    ) -> list[Any]:
        """Wait for all and return what they returned, in the order in which they were started.

        Args:
            timeout: seconds to wait at most; None waits for ever.
            return_exceptions: put the error of a job that failed or was cancelled in its place.

        Raises:
            JobFailed, JobCancelled: the first one that did not succeed; the others go on.
            GroupEvicted: some of the results are no longer kept.
            TimeoutError: not all have ended in time; they go on.
        """
        self._check_ended(self.wait(timeout), timeout)
        return self._collected(self._desk.outcomes_of_group(self.id), return_exceptions)

    async def aresults(
        self, timeout: float | None = None, *, return_exceptions: bool = False
    ) -> list[Any]:
        """The same without blocking the loop."""
        self._check_ended(await self.await_(timeout), timeout)
        return self._collected(await self._desk.aoutcomes_of_group(self.id), return_exceptions)

    def _check_ended(self, has_ended: bool, timeout: float | None) -> None:
        if not has_ended:
            raise TimeoutError(f"group {self.id} has not ended after {timeout:g} s; it goes on")

    def _collected(self, outcomes: list[Any], return_exceptions: bool) -> list[Any]:
        if len(outcomes) < self.size:
            raise GroupEvicted(self.id, self.size - len(outcomes), self.size)
        errors = (outcome for outcome in outcomes if isinstance(outcome, JobError))
        if not return_exceptions and (error := next(errors, None)) is not None:
            raise error
        return outcomes

    def cancel(self) -> int:
        """Ask for all its jobs that have not ended to be cancelled; returns how many that changed.

        See `Job.cancel`.
        """
        return self._desk.ask_group(self.id, Wish.CANCEL)

    async def acancel(self) -> int:
        """The same without blocking the loop."""
        return await self._desk.aask_group(self.id, Wish.CANCEL)

    def pause(self, reason: str | None = None) -> int:
        """Ask for all its jobs that have not ended to stand still; returns how many that changed.

        See `Job.pause`; jobs that cannot be paused as they are run on.
        """
        return self._desk.ask_group(self.id, Wish.PAUSE, reason)

    async def apause(self, reason: str | None = None) -> int:
        """The same without blocking the loop."""
        return await self._desk.aask_group(self.id, Wish.PAUSE, reason)

    def resume(self) -> int:
        """Let all its paused jobs go on; returns how many that changed. See `Job.resume`."""
        return self._desk.ask_group(self.id, Wish.RESUME)

    async def aresume(self) -> int:
        """The same without blocking the loop."""
        return await self._desk.aask_group(self.id, Wish.RESUME)

    def retry_failed(self) -> int:
        """Try all its jobs that failed anew; returns how many. See `Job.retry`.

        Raises:
            QueueFull: the queue has no room for all of them; those before go on.
        """
        return self._desk.retry_failed_of(self.id)

    async def aretry_failed(self) -> int:
        """The same without blocking the loop."""
        return await self._desk.aretry_failed_of(self.id)

    def __len__(self) -> int:
        return self.size

    def __repr__(self) -> str:
        return f"Group({self.id})"
