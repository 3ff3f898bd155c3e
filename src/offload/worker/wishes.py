"""What others want of a worker's jobs, and whether they still are its own.

A wake-up hurries a wish, and may be lost; looking once a second finds it, and the renewal of the
leases, which user code cannot hold up, brings it in any case.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from offload.errors import StoreError
from offload.model import Cause, Held, Job, State, Wish, Yielded
from offload.store.base import Effects, Get
from offload.store.mailbox import Mailbox
from offload.worker import settling
from offload.worker.attempt import Attempt
from offload.worker.complaints import Complaints
from offload.worker.holding import Holding, Key
from offload.worker.settling import settle

MOST_LOOKED_AT = 1_000
"""A worker that holds more jobs does not read them all each second; the renewal has their wishes.
"""


_CAUSES: dict[Wish | None, Cause] = {Wish.CANCEL: Cause.CANCEL, Wish.COMPLETE: Cause.COMPLETE}


class Desk(settling.Desk, Protocol):
    """What wishes need of the worker."""

    def pause(self, attempt: Attempt) -> None:
        """Make the code of a job stand still, if there is room for it."""
        ...

    def resume(self, attempt: Attempt) -> None:
        """Let a paused job go on as soon as it may."""
        ...

    def went_on(self, attempt: Attempt) -> None:
        """Let a job's code go on: nobody wants it to stand still any more."""
        ...


class Wishes:
    """Hears of wishes, and does what is wished to the code of which they are.

    Args:
        held: the worker's jobs.
        desk: the worker, to give back what it never began.
        may_come: whether a claim is on its way, whose answer may bring a job.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        held: Holding,
        desk: Desk,
        complaints: Complaints,
        may_come: Callable[[], bool],
    ) -> None:
        self._mailbox = mailbox
        self._held = held
        self._desk = desk
        self._complaints = complaints
        self._may_come = may_come
        self._strays: set[Key] = set()
        self._missing: set[Key] = set()
        self._looking: set[asyncio.Task[None]] = set()

    def hear(self, effects: Effects | None) -> None:
        """A commit somewhere: perhaps it has a wish for a job of ours."""
        if effects is None:
            self._beside(self.look())
        elif effects.wished:
            wished = {job_id for job_id, _ in self._held}.intersection(effects.wished)
            if wished:
                self._beside(self._read(tuple(wished)))

    async def look(self) -> None:
        """See what is wished of the jobs that are held."""
        if 0 < len(self._held) <= MOST_LOOKED_AT:
            await self._read(tuple(job_id for job_id, _ in self._held))

    def renewed(self, held: list[Held], worker: int) -> None:
        """Take the wishes that came with the renewal, and mind what does not agree.

        A difference counts only when it is seen twice in a row: an answer may be on its way.
        """
        recorded = {(item.job_id, item.token) for item in held}
        known = self._held.keys()
        for item in held:
            self.note(item)
        for key in (known - recorded) & self._missing:
            self._held.stop(key, Cause.LOST)
        for stray in (recorded - known) & self._strays:
            self._beside(self._give_back(stray, worker))
        self._missing, self._strays = known - recorded, recorded - known

    def note(self, held: Held) -> None:
        """Stop code that is to stop; what else is news has to be read."""
        attempt = self._held.get((held.job_id, held.token))
        if attempt is None or held.version < attempt.heard:
            return
        if held.requested in _CAUSES:
            attempt.heard = held.version
            attempt.stop.set(_CAUSES[held.requested])
        elif held.version > attempt.heard:
            self._beside(self._read((held.job_id,)))

    async def _read(self, ids: tuple[int, ...]) -> None:
        with contextlib.suppress(StoreError):  # then the next look, or renewal, brings them
            found = await self._mailbox.read_soon(Get(ids, bodies=False))
            for job in found.jobs.values():
                self._see(job)

    def _see(self, job: Job) -> None:
        """Do what is wished of a job; what is older than what was heard before is passed over."""
        attempt = self._held.get((job.id, job.token))
        if attempt is None or not attempt.hear(job):
            return
        match job.requested:
            case Wish.CANCEL | Wish.COMPLETE:
                attempt.stop.set(_CAUSES[job.requested])
            case Wish.PAUSE:
                self._desk.pause(attempt)
            case Wish.RESUME:
                self._desk.resume(attempt)
            case None if job.state is State.RUNNING:
                self._desk.went_on(attempt)

    async def _give_back(self, key: Key, worker: int) -> None:
        """Give back a job that is recorded as ours and was never begun: its claim's answer is lost.

        While a claim is on its way its answer may still bring the job; then the next renewal asks
        again.
        """
        with contextlib.suppress(StoreError):
            job = (await self._mailbox.read_soon(Get(key[:1], bodies=False))).jobs.get(key[0])
            may_come = self._may_come() or key in self._held
            if job is not None and (job.token, job.worker) == (key[1], worker) and not may_come:
                self._complaints.note("claimed and never begun: given back")
                await settle(job, Yielded(Cause.LOST), self._desk)

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside what is going on."""
        task = asyncio.get_running_loop().create_task(work)
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)
