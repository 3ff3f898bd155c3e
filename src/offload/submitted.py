"""The handles of black boxes that were handed in: there before their jobs are stored."""

import asyncio
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from offload import model
from offload.amending import Otherwise
from offload.boxes import Box
from offload.group import Group
from offload.job import Job
from offload.lifecycle import Shown
from offload.store.base import Inserted

R = TypeVar("R")

Accepted = Future[Inserted]
"""Answered when jobs are stored; raises what the store refused."""


class BoxJob(Job[R]):
    """The job of a black box. It is there at once; `id` waits until the job is stored.

    It equals no other handle, so that it can stand in sets and dicts while it has no id yet. As
    long as it is held, `result()` is the very object that `get_output()` returned.

    Attributes:
        id: the job's number; waits until it is stored, and raises what the store refused.
    """

    __slots__ = ("__weakref__", "_accepted", "_box", "_index")

    def __init__(self, accepted: Accepted, index: int, box: Box, desk: Any) -> None:
        self._accepted = accepted
        self._index = index
        self._box = box
        self._desk = desk

    if not TYPE_CHECKING:  # to a type checker it is the attribute in whose place it stands

        @property
        def id(self):
            """The job's number."""
            return self._accepted.result().ids[self._index]

    @property
    def accepted(self) -> Accepted:
        """Answered when the job is stored, or refused."""
        return self._accepted

    @property
    def state(self) -> Shown:
        """What the job is doing now: "queued" while it is not stored yet. Never waits for that."""
        return super().state if self._accepted.done() else Shown.QUEUED

    async def astate(self) -> Shown:
        """The same without blocking the loop."""
        return await super().astate() if self._accepted.done() else Shown.QUEUED

    async def aprogress(self) -> model.Progress | None:
        """See `Job.aprogress`."""
        await stored(self._accepted)
        return await super().aprogress()

    async def aread(self) -> model.Job:
        """See `Job.aread`."""
        await stored(self._accepted)
        return await super().aread()

    def result(self, timeout: float | None = None) -> R:
        """Wait for the end and return what `get_output()` returned: the object itself.

        Raises:
            QueueFull, StoreError: the job was never stored.
            JobFailed, JobCancelled, TimeoutError, Evicted: see `Job.result`.
        """
        left = _waited(self._accepted, timeout)
        if left is None and timeout is not None:
            raise TimeoutError(f"the box was not stored in {timeout:g} s; it will be")
        return super().result(left)

    async def aresult(self, timeout: float | None = None) -> R:
        """The same without blocking the loop."""
        left = await _awaited(self._accepted, timeout)
        if left is None and timeout is not None:
            raise TimeoutError(f"the box was not stored in {timeout:g} s; it will be")
        return await super().aresult(left)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end, whatever it is; returns False if it has not come within `timeout` s."""
        left = _waited(self._accepted, timeout)
        return super().wait(left) if left is not None or timeout is None else False

    async def await_(self, timeout: float | None = None) -> bool:
        """`wait` without blocking the loop."""
        left = await _awaited(self._accepted, timeout)
        return await super().await_(left) if left is not None or timeout is None else False

    async def acancel(self) -> bool:
        """See `Job.acancel`."""
        await stored(self._accepted)
        return await super().acancel()

    async def apause(self, reason: str | None = None) -> bool:
        """See `Job.apause`."""
        await stored(self._accepted)
        return await super().apause(reason)

    async def aresume(self) -> bool:
        """See `Job.aresume`."""
        await stored(self._accepted)
        return await super().aresume()

    async def aretry(self) -> None:
        """See `Job.aretry`."""
        await stored(self._accepted)
        await super().aretry()

    async def aamend(self, **otherwise: Unpack[Otherwise]) -> bool:
        """See `Job.aamend`."""
        await stored(self._accepted)
        return await super().aamend(**otherwise)

    def __repr__(self) -> str:
        if not self._accepted.done() or self._accepted.exception() is not None:
            return "BoxJob(not stored)"
        return f"BoxJob({self.id})"

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return object.__hash__(self)


class BoxGroup(Group[R]):
    """Black boxes that were handed in together. It is there at once; `id` waits until it is stored.

    Attributes:
        id: the group's number; waits until it is stored, and raises what the store refused.
    """

    def __init__(self, accepted: Accepted, jobs: list[BoxJob[R]], desk: Any) -> None:
        self.size = len(jobs)
        self._desk = desk
        self._accepted = accepted
        self._jobs = jobs

    if not TYPE_CHECKING:  # see BoxJob

        @property
        def id(self):
            """The group's number."""
            return self._accepted.result().group

    @property
    def accepted(self) -> Accepted:
        """Answered when the jobs are stored, or refused: all or none."""
        return self._accepted

    def jobs(self) -> list[Job[R]]:
        """Return the handles of its jobs, in the order in which they were handed in; at once."""
        return list(self._jobs)

    async def ajobs(self) -> list[Job[R]]:
        """The same for a caller on a loop."""
        return self.jobs()

    async def acounts(self) -> dict[model.State, int]:
        """See `Group.acounts`."""
        await stored(self._accepted)
        return await super().acounts()

    def wait(self, timeout: float | None = None) -> bool:
        """See `Group.wait`."""
        left = _waited(self._accepted, timeout)
        return super().wait(left) if left is not None or timeout is None else False

    async def await_(self, timeout: float | None = None) -> bool:
        """See `Group.await_`."""
        left = await _awaited(self._accepted, timeout)
        return await super().await_(left) if left is not None or timeout is None else False

    async def acancel(self) -> int:
        """See `Group.acancel`."""
        await stored(self._accepted)
        return await super().acancel()

    async def apause(self, reason: str | None = None) -> int:
        """See `Group.apause`."""
        await stored(self._accepted)
        return await super().apause(reason)

    async def aresume(self) -> int:
        """See `Group.aresume`."""
        await stored(self._accepted)
        return await super().aresume()

    async def aretry_failed(self) -> int:
        """See `Group.aretry_failed`."""
        await stored(self._accepted)
        return await super().aretry_failed()

    def __repr__(self) -> str:
        return f"BoxGroup({len(self._jobs)} boxes)"


def ids_of(several: list[Accepted]) -> list[int]:
    """Wait until jobs are stored; returns their ids, without those that were refused."""
    found: list[int] = []
    for accepted in several:
        if accepted.exception() is None:
            found += accepted.result().ids
    return found


async def stored(accepted: Accepted) -> Inserted:
    """Wait on a loop until jobs are stored; raises what the store refused.

    Who gives up waiting does not take the jobs back.
    """
    return await asyncio.shield(asyncio.wrap_future(accepted))


def _waited(accepted: Accepted, timeout: float | None) -> float | None:
    """Wait until jobs are stored; returns the seconds that are left, None when none or all are."""
    give_up_at = None if timeout is None else time.monotonic() + timeout
    try:
        accepted.result(timeout)
    except TimeoutError:
        if accepted.done():
            raise  # it is the store's own
        return None
    return None if give_up_at is None else max(0.0, give_up_at - time.monotonic())


async def _awaited(accepted: Accepted, timeout: float | None) -> float | None:
    """The same without blocking the loop."""
    give_up_at = None if timeout is None else time.monotonic() + timeout
    try:
        async with asyncio.timeout(timeout):
            await stored(accepted)
    except TimeoutError:
        if accepted.done() and accepted.exception() is not None:
            raise
        return None
    return None if give_up_at is None else max(0.0, give_up_at - time.monotonic())
