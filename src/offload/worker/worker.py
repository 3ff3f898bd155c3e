"""The worker: claims as many jobs as it has free slots, runs them, and applies their outcomes.

Hot path, batched both ways: what has ended since the last round is applied, and free slots are
filled, in the same transaction. No claim goes beyond the free slots: a claimed job is a running
job. One round at a time; what ends meanwhile goes with the next one.
"""

import asyncio
import contextlib
import logging
import os
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from msgspec import Struct

from offload.clock import Clock
from offload.errors import StoreError
from offload.model import By, Change, Held, Job, Progress, Wish, WorkerInfo, Yielded
from offload.registry import Registry
from offload.store.base import (
    Apply,
    Claim,
    Effects,
    Enter,
    Get,
    Gone,
    Leave,
    Queues,
    Renew,
    Report,
    Stopping,
)
from offload.store.mailbox import Mailbox
from offload.store.wake import Bell
from offload.worker.attempt import Attempt, execute, settle
from offload.worker.care import care
from offload.worker.executors import EXECUTORS, Executor
from offload.worker.presence import Presence, boot_id, host_name

T = TypeVar("T")

log = logging.getLogger("offload.worker")

LOOK_SECONDS = 1.0
"""How often it looks for work, and cares, without having been woken."""

REPORT_SECONDS = 0.25
"""How often the latest progress is stored: four times a second is what an eye can use."""

STOPPING_SECONDS = 0.8
"""How long stopped code may take to end, after the grace period."""


class WorkerSettings(Struct, frozen=True):
    """How a worker works.

    Attributes:
        slots: jobs that it runs at once.
        lease: seconds for which it owns a job without a sign of life; renewed three times in it.
        queues: the queues that it serves; all when empty.
    """

    slots: int = 100
    lease: float = 30.0
    queues: tuple[str, ...] = ()


class Worker:
    """Runs on one event loop; everything but `tell` is called on it.

    Args:
        mailbox: the way to the store.
        bell: says when there is work, or a wish for a running job.
        registry: the tasks that it knows; it claims no others.
        presence: its proof of life.
        draw: a random number from 0 to 1, for the back-off.
    """

    def __init__(
        self,
        *,
        mailbox: Mailbox,
        bell: Bell,
        registry: Registry,
        presence: Presence,
        clock: Clock,
        settings: WorkerSettings,
        executors: Mapping[str, Executor] = EXECUTORS,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.registry = registry
        self.executors = executors
        self.clock = clock
        self.by = By(actor="worker", door="worker")
        self.id = 0
        self._mailbox = mailbox
        self._bell = bell
        self._presence = presence
        self._settings = settings
        self._draw = draw
        self._queues: list[str] = list(settings.queues)
        self._held: dict[int, Attempt] = {}
        self._busy = 0
        self._ready: list[_Ready] = []
        self._progress: dict[int, tuple[int, Progress]] = {}
        self._strays: set[tuple[int, int]] = set()
        self._missing: set[tuple[int, int]] = set()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._listening: set[asyncio.Task[None]] = set()
        self._may_claim = True
        self._draining = False
        self._left = False

    # --- its life

    async def run(self) -> None:
        """Work until `drain` was called and what ran has ended, or has been left."""
        loop = asyncio.get_running_loop()
        await self._enter()
        unlisten = self._bell.listen(lambda effects: _call(loop, self._heard, effects))
        end_renewals = self._mailbox.every(
            self._settings.lease / 3, self._renewal, lambda held: _call(loop, self._renewed, held)
        )
        helpers = [
            loop.create_task(_every(REPORT_SECONDS, self._report), name="offload report"),
            loop.create_task(_every(LOOK_SECONDS, self._look_round), name="offload care"),
        ]
        try:
            await self._go_round()
        finally:
            for helper in helpers:
                helper.cancel()
            end_renewals()
            unlisten()
        await self._leave()

    async def drain(self, patience: float) -> None:
        """Take nothing more; wait for what runs, then interrupt it, then end.

        Interrupted jobs go back to the queue. Code that does not stop (a thread) is left to the
        end of the process; whoever finds this worker gone then gives its jobs back.

        Args:
            patience: seconds given to running jobs to end by themselves.
        """
        self._draining = True
        self._wake.set()
        if self._held:
            with contextlib.suppress(StoreError):
                await self._mailbox.ask_soon(Stopping(self.id))
            await self._wait_idle(patience)
            for attempt in list(self._held.values()):
                attempt.stop.set()
            await self._wait_idle(STOPPING_SECONDS)
        self._left = True
        self._wake.set()

    @property
    def running(self) -> int:
        """How many jobs it holds at this moment."""
        return len(self._held)

    async def _enter(self) -> None:
        now = self.clock.now()
        info = WorkerInfo(
            id=0,
            host=host_name(),
            boot_id=boot_id(),
            pid=os.getpid(),
            lock_file=self._presence.enter(),
            queues=self._settings.queues,
            tasks=tuple(self.registry.names()),
            slots=self._settings.slots,
            started_at=now,
            seen_at=now,
        )
        self.id = await self._mailbox.ask_soon(Enter(info))
        self.by = By(actor=f"worker {self.id}", door="worker")
        await self._look_round()

    async def _leave(self) -> None:
        """Strike itself off, unless code still runs: then its lock must live as long as that."""
        if self._held:
            return
        with contextlib.suppress(StoreError):
            await self._mailbox.ask_soon(Leave(self.id))
            self._presence.leave()

    async def _wait_idle(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), seconds)

    # --- the round: apply what has ended, fill the free slots

    async def _go_round(self) -> None:
        failures = 0
        while not self._left and not (self._draining and not self._held):
            await self._wake.wait()
            self._wake.clear()
            error = await self._round()
            failures = failures + 1 if error else 0
            if error:
                await self._back_off(error, failures)

    async def _round(self) -> StoreError | None:
        """Apply and claim once, in one batch; returns what the store could not do."""
        ready, self._ready = self._ready, []
        queues = self._queues if self._wants_more() else []
        sent: list[asyncio.Future[Any]] = [self._send(ready)] if ready else []
        sent += [self._claim(queue) for queue in queues[:1]]
        answers: list[Any] = await asyncio.gather(*sent, return_exceptions=True)
        error = self._hand_out(ready, answers.pop(0)) if ready else None
        for answer in answers:
            error = self._begin_all(answer) or error
        for queue in queues[1:]:
            if self._free() > 0:
                [answer] = await asyncio.gather(self._claim(queue), return_exceptions=True)
                error = self._begin_all(answer) or error
        return error

    def _wants_more(self) -> bool:
        wants = self._may_claim and not self._draining and self._free() > 0
        self._may_claim = self._may_claim and not wants
        return wants

    def _free(self) -> int:
        return self._settings.slots - self._busy

    def _claim(self, queue: str) -> "asyncio.Future[list[Job]]":
        now = self.clock.now()
        return self._mailbox.ask_soon(
            Claim(
                worker=self.id,
                queue=queue,
                tasks=tuple(self.registry.names()),
                count=self._free(),
                now=now,
                lease_until=now + self._settings.lease,
                by=self.by,
            )
        )

    def _begin_all(self, answer: list[Job] | BaseException) -> StoreError | None:
        if isinstance(answer, StoreError):
            self._may_claim = True
            return answer
        if isinstance(answer, BaseException):
            raise answer
        for job in answer:
            self._begin(job)
        if answer and self._free() > 0:
            self._look_again()  # a limit or a short batch may have cut it; one more look is cheap
        return None

    def _begin(self, job: Job) -> None:
        attempt = Attempt(job)
        self._held[job.id] = attempt
        self._busy += 1
        self._idle.clear()
        loop = asyncio.get_running_loop()
        attempt.work = loop.create_task(self._work(attempt), name=f"offload attempt {job.id}")
        attempt.work.add_done_callback(_say_loudly)

    async def _work(self, attempt: Attempt) -> None:
        """Run one attempt to its stored end. The slot is free as soon as the code has ended."""
        try:
            outcome = await execute(attempt, self)
        finally:
            self._busy -= 1
        if await settle(attempt.job, outcome, self) is None:
            log.warning("job %d was not ours any more; its outcome is dropped", attempt.job.id)
        del self._held[attempt.job.id]
        if not self._held:
            self._idle.set()
            self._wake.set()

    async def apply(self, change: Change) -> Job | Gone | None:
        """Store a change with the next round; see `Desk.apply`."""
        ready = _Ready(change, asyncio.get_running_loop().create_future())
        self._ready.append(ready)
        self._look_again()
        return await ready.answer

    def _send(self, ready: list["_Ready"]) -> "asyncio.Future[list[Job | Gone | None]]":
        """Send changes, and before them the last word of each job about its progress."""
        last = [(r.change.after.id, self._progress.pop(r.change.after.id, None)) for r in ready]
        progress = tuple((job_id, *word) for job_id, word in last if word is not None)
        if progress:
            self._mailbox.ask_soon(Report(progress)).add_done_callback(_ignore_failure)
        changes = tuple(r.change for r in ready)
        return self._mailbox.ask_soon(Apply(changes, self.clock.now()))

    def _hand_out(
        self, ready: list["_Ready"], answers: list[Job | Gone | None] | BaseException
    ) -> StoreError | None:
        """Give each attempt its answer; what could not be stored is kept for the next round."""
        if isinstance(answers, StoreError):
            self._ready[:0] = ready
            return answers
        if isinstance(answers, BaseException):
            raise answers
        for item, answer in zip(ready, answers, strict=True):
            item.answer.set_result(answer)
        return None

    async def _back_off(self, error: StoreError, failures: int) -> None:
        """Wait a little longer after each failure, five seconds at most; say it once."""
        if failures == 1:
            log.warning("the store does not answer; going on trying: %s", error)
        await asyncio.sleep(min(5.0, 0.05 * 2 ** min(failures, 8)) * (0.5 + self._draw() / 2))
        self._look_again()

    # --- what it hears

    def _heard(self, effects: Effects | None) -> None:
        """A commit somewhere: perhaps there is work, perhaps a wish for a job of ours."""
        wished = self._held.keys() if effects is None else self._held.keys() & effects.wished
        if wished:
            loop = asyncio.get_running_loop()
            task = loop.create_task(self._look_for_wishes(tuple(wished)), name="offload wishes")
            self._listening.add(task)
            task.add_done_callback(self._listening.discard)
        if effects is None or effects.claimable:
            self._look_again()

    def _look_again(self) -> None:
        self._may_claim = True
        self._wake.set()

    async def _look_for_wishes(self, ids: tuple[int, ...]) -> None:
        with contextlib.suppress(StoreError):  # then the next renewal brings them
            found = await self._mailbox.read_soon(Get(ids, bodies=False))
            for job in found.jobs.values():
                self._note_wish(job.id, job.token, job.requested)

    def _note_wish(self, job_id: int, token: int, wish: Wish | None) -> None:
        attempt = self._held.get(job_id)
        if attempt is not None and attempt.job.token == token and wish is Wish.CANCEL:
            attempt.stop.set()

    # --- what comes round

    def tell(self, job: Job, progress: Progress) -> None:
        """Keep a job's latest progress until it is stored; see `Desk.tell`."""
        self._progress[job.id] = (job.token, progress)

    async def _report(self) -> None:
        progress, self._progress = self._progress, {}
        if progress:
            words = tuple((job_id, *word) for job_id, word in progress.items())
            await self._mailbox.ask_soon(Report(words))

    async def _look_round(self) -> None:
        await care(self._mailbox, self._presence, self.clock)
        if not self._settings.queues:
            self._queues = [queue.name for queue in await self._mailbox.read_soon(Queues())]
        self._look_again()

    def _renewal(self) -> Renew:
        now = self.clock.now()
        return Renew(self.id, now, now + self._settings.lease)

    def _renewed(self, held: list[Held]) -> None:
        """Take the wishes that came with the renewal, and mind what does not agree.

        A difference counts only when it is seen twice in a row: an answer may be on its way.
        """
        recorded = {(item.job_id, item.token) for item in held}
        known = {(job_id, attempt.job.token) for job_id, attempt in self._held.items()}
        for item in held:
            self._note_wish(item.job_id, item.token, item.requested)
        for job_id, _ in (known - recorded) & self._missing:
            self._held[job_id].stop.set()
        for stray in (recorded - known) & self._strays:
            self._give_back(stray)
        self._missing, self._strays = known - recorded, recorded - known

    def _give_back(self, stray: tuple[int, int]) -> None:
        """A job is recorded as ours that we never began: the answer to its claim was lost."""
        job_id, token = stray
        log.warning("job %d was claimed and never begun; it goes back", job_id)
        task = asyncio.get_running_loop().create_task(self._settle_stray(job_id, token))
        self._listening.add(task)
        task.add_done_callback(self._listening.discard)

    async def _settle_stray(self, job_id: int, token: int) -> None:
        with contextlib.suppress(StoreError):
            job = (await self._mailbox.read_soon(Get((job_id,), bodies=False))).jobs.get(job_id)
            if job is not None and job.token == token and job_id not in self._held:
                await settle(job, Yielded(), self)


class _Ready:
    """A decided change that waits for its round, and who waits for it."""

    __slots__ = ("answer", "change")

    def __init__(self, change: Change, answer: "asyncio.Future[Job | Gone | None]") -> None:
        self.change = change
        self.answer = answer


def _call(loop: asyncio.AbstractEventLoop, listener: Callable[[T], None], what: T) -> None:
    """Call a listener on its loop, from any thread; a loop that is closed listens no more."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(listener, what)


def _say_loudly(work: "asyncio.Task[None]") -> None:
    """An attempt's task ends without an exception; one that does not is a fault of ours."""
    if not work.cancelled() and (error := work.exception()) is not None:
        log.critical("%s broke: %r", work.get_name(), error, exc_info=error)


def _ignore_failure(future: "asyncio.Future[None]") -> None:
    if not future.cancelled():
        future.exception()  # progress is for people: the next word replaces it


async def _every(seconds: float, step: Callable[[], Awaitable[None]]) -> None:
    """Do a step at an interval, for ever; what the store could not do is left to the next turn."""
    while True:
        await asyncio.sleep(seconds)
        with contextlib.suppress(StoreError):
            await step()
