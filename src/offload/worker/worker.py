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
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
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
    Workers,
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

LEAVING_SECONDS = 0.15
"""How long a worker that ends waits to be struck off; otherwise another one finds it gone."""

Key = tuple[int, int]
"""A job's id and the token of a claim: a job that was lost and claimed again is held twice."""


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
        self.id = 0
        self._mailbox = mailbox
        self._bell = bell
        self._presence = presence
        self._settings = settings
        self._draw = draw
        self._queues: list[str] = list(settings.queues)
        self._held: dict[Key, Attempt] = {}
        self._busy = 0
        self._ready: list[_Ready] = []
        self._progress: dict[Key, Progress] = {}
        self._strays: set[Key] = set()
        self._missing: set[Key] = set()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._listening: set[asyncio.Task[None]] = set()
        self._rounds: asyncio.Task[None] | None = None
        self._may_claim = True
        self._claiming = False
        self._heard_while_claiming: list[Effects | None] = []
        self._draining = False
        self._interrupting = False
        self._left = False
        self._told_of_failure = False
        self._told_at = float("-inf")
        self._oddities: Counter[str] = Counter()

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
            loop.create_task(self._every(REPORT_SECONDS, self._report), name="offload report"),
            loop.create_task(self._every(LOOK_SECONDS, self._look_round), name="offload care"),
        ]
        self._rounds = loop.create_task(self._go_round(), name="offload rounds")
        try:
            await self._rounds
        except asyncio.CancelledError:
            if not self._left:
                raise
        finally:
            self._left = True
            for helper in helpers:
                helper.cancel()
            end_renewals()
            unlisten()
        await self._leave()

    async def drain(self, patience: float) -> None:
        """Take nothing more; wait for what runs, then interrupt it, then end.

        Interrupted jobs go back to the queue. Code that does not stop (a thread) is left to the
        end of the process; whoever finds this worker gone then gives its jobs back. A store that
        does not answer is not waited for.

        Args:
            patience: seconds given to running jobs to end by themselves.
        """
        self._draining = True
        self._wake.set()
        if not self._idle.is_set():
            self._mailbox.ask_soon(Stopping(self.id)).add_done_callback(_ignore_failure)
            await self._wait_idle(patience)
            self._interrupting = True
            self._stop_all()
            await self._wait_idle(STOPPING_SECONDS)
        self._left = True
        if self._rounds is not None:
            self._rounds.cancel()

    @property
    def running(self) -> int:
        """How many jobs it holds at this moment."""
        return len(self._held)

    async def _enter(self) -> None:
        try:
            await self._enrol()
        except BaseException:
            self._presence.leave()
            raise
        with contextlib.suppress(StoreError):  # it is looked again in a second
            await self._look_round()

    async def _enrol(self) -> None:
        now = self.clock.now()
        info = WorkerInfo(
            id=0,
            host=host_name(),
            boot_id=boot_id(),
            pid=os.getpid(),
            lock_file=self._presence.enter(),
            queues=self._settings.queues,
            tasks=self.registry.every_name(),
            slots=self._settings.slots,
            started_at=now,
            seen_at=now,
        )
        self.id = await self._mailbox.ask_soon(Enter(info))

    async def _is_seen_alive(self) -> bool:
        """Look at itself as others do; somebody may have removed its lock file."""
        found = [info for info in await self._mailbox.read_soon(Workers()) if info.id == self.id]
        return bool(found) and self._presence.is_alive(found[0])

    async def _begin_anew(self) -> None:
        """Enrol under another id: this one was taken for dead, and its jobs were given away."""
        log.warning("worker %d was taken for dead; it stops its jobs and begins anew", self.id)
        self._stop_all()
        if not self._draining:
            self._presence.leave()
            await self._enrol()

    async def _leave(self) -> None:
        """Strike itself off, unless jobs are or may be its own: its lock lives as long as they."""
        if self._held or self._claiming:
            return
        with contextlib.suppress(StoreError, TimeoutError):
            await asyncio.wait_for(self._mailbox.ask_soon(Leave(self.id)), LEAVING_SECONDS)
            self._presence.leave()

    def _stop_all(self) -> None:
        for attempt in list(self._held.values()):
            attempt.stop.set()

    def _note_idle(self) -> None:
        if not self._held and not self._claiming:
            self._idle.set()

    async def _wait_idle(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), seconds)

    # --- the round: apply what has ended, fill the free slots

    async def _go_round(self) -> None:
        failures = 0
        while not (self._draining and not self._held):
            await self._wake.wait()
            self._wake.clear()
            error = await self._round()
            failures = failures + 1 if error else 0
            if error:
                self._tell_of_failure(error)
                await self._back_off(failures)

    async def _round(self) -> StoreError | None:
        """Apply and claim once, in one batch; returns what the store could not do."""
        ready, self._ready = self._ready, []
        queues = self._queues if self._wants_more() else []
        if queues:
            self._claiming = True
            self._idle.clear()
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
        self._end_claiming()
        return error

    def _end_claiming(self) -> None:
        """Look for wishes that were heard of before the answer that brought their jobs."""
        self._claiming = False
        heard, self._heard_while_claiming = self._heard_while_claiming, []
        for effects in heard:
            self._mind_wishes(effects)
        self._note_idle()

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
                tasks=self.registry.every_name(),
                count=self._free(),
                now=now,
                lease_until=now + self._settings.lease,
                by=By(actor=f"worker {self.id}", door="worker"),
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
        if job.worker != self.id:
            return  # claimed under an id that was struck off meanwhile: it is rescued
        attempt = Attempt(job)
        if self._interrupting:
            attempt.stop.set()
        self._held[job.id, job.token] = attempt
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
        if self._left:
            return  # nobody stores it any more; whoever finds this worker gone gives the job back
        if await settle(attempt.job, outcome, self) is None:
            self._oddities["not ours any more when it ended: the outcome is dropped"] += 1
        del self._held[attempt.job.id, attempt.job.token]
        self._note_idle()
        if not self._held:
            self._wake.set()

    async def apply(self, change: Change) -> Job | Gone | None:
        """Store a change with the next round; see `Desk.apply`."""
        ready = _Ready(change, asyncio.get_running_loop().create_future())
        self._ready.append(ready)
        self._look_again()
        return await ready.answer

    def _send(self, ready: list["_Ready"]) -> "asyncio.Future[list[Job | Gone | None]]":
        """Send changes, and before them the last word of each job about its progress."""
        for item in ready:
            item.last_word = self._progress.pop(item.key, item.last_word)
        progress = tuple((*r.key, r.last_word) for r in ready if r.last_word is not None)
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

    def _tell_of_oddities(self) -> None:
        """Say what happened to how many jobs: a line a second, however many they were."""
        oddities, self._oddities = self._oddities, Counter()
        for what, jobs in oddities.items():
            log.warning("%d jobs were %s", jobs, what)

    def _tell_of_failure(self, error: StoreError) -> None:
        """Say once what the store could not do, and at most one such line a second."""
        now = self.clock.monotonic()
        if not self._told_of_failure and now >= self._told_at + 1.0:
            self._told_of_failure, self._told_at = True, now
            log.warning("the store does not answer; going on trying: %s", error)

    async def _back_off(self, failures: int) -> None:
        """Wait a little longer after each failure, five seconds at most."""
        await asyncio.sleep(min(5.0, 0.05 * 2 ** min(failures, 8)) * (0.5 + self._draw() / 2))
        self._look_again()

    # --- what it hears

    def _heard(self, effects: Effects | None) -> None:
        """A commit somewhere: perhaps there is work, perhaps a wish for a job of ours."""
        self._mind_wishes(effects)
        if effects is None or effects.claimable:
            self._look_again()

    def _mind_wishes(self, effects: Effects | None) -> None:
        if effects is not None and not effects.wished:
            return
        if self._claiming:
            self._heard_while_claiming.append(effects)
        wished = tuple(
            job_id for job_id, _ in self._held if effects is None or job_id in effects.wished
        )
        if wished:
            self._beside(self._look_for_wishes(wished))

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the rounds."""
        task = asyncio.get_running_loop().create_task(work)
        self._listening.add(task)
        task.add_done_callback(self._listening.discard)

    def _look_again(self) -> None:
        self._may_claim = True
        self._wake.set()

    async def _look_for_wishes(self, ids: tuple[int, ...]) -> None:
        with contextlib.suppress(StoreError):  # then the next renewal brings them
            found = await self._mailbox.read_soon(Get(ids, bodies=False))
            for job in found.jobs.values():
                self._note_wish(job.id, job.token, job.requested)

    def _note_wish(self, job_id: int, token: int, wish: Wish | None) -> None:
        attempt = self._held.get((job_id, token))
        if attempt is not None and wish is Wish.CANCEL:
            attempt.stop.set()

    # --- what comes round

    async def _every(self, seconds: float, step: Callable[[], Awaitable[None]]) -> None:
        """Do a step at an interval, for ever; what could not be done is left to the next turn."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await step()
            except StoreError as error:
                self._tell_of_failure(error)
            except Exception:  # a fault of ours, or of what surrounds us: a lock cannot be read
                log.exception("what comes round every %g s failed; going on", seconds)
                await asyncio.sleep(1.0)  # at most one such line a second

    def tell(self, job: Job, progress: Progress) -> None:
        """Keep a job's latest progress until it is stored; see `Desk.tell`."""
        self._progress[job.id, job.token] = progress

    async def _report(self) -> None:
        # Taken out one by one, each in one step of the interpreter: threads go on telling.
        words = [self._progress.popitem() for _ in range(len(self._progress))]
        if not words:
            return
        try:
            await self._mailbox.ask_soon(Report(tuple((*key, word) for key, word in words)))
        except StoreError:
            for key, word in words:
                self._progress.setdefault(key, word)
            raise

    async def _look_round(self) -> None:
        self._tell_of_oddities()
        if not await self._is_seen_alive():
            await self._begin_anew()
        await care(self._mailbox, self._presence, self.clock)
        if not self._settings.queues:
            self._queues = [queue.name for queue in await self._mailbox.read_soon(Queues())]
        self._told_of_failure = False
        self._look_again()

    def _renewal(self) -> Renew:
        now = self.clock.now()
        return Renew(self.id, now, now + self._settings.lease)

    def _renewed(self, held: list[Held]) -> None:
        """Take the wishes that came with the renewal, and mind what does not agree.

        A difference counts only when it is seen twice in a row: an answer may be on its way.
        """
        recorded = {(item.job_id, item.token) for item in held}
        known = self._held.keys()
        for item in held:
            self._note_wish(item.job_id, item.token, item.requested)
        for key in (known - recorded) & self._missing:
            self._held[key].stop.set()
        for stray in (recorded - known) & self._strays:
            self._beside(self._give_back(*stray))
        self._missing, self._strays = known - recorded, recorded - known

    async def _give_back(self, job_id: int, token: int) -> None:
        """Give back a job that is recorded as ours and was never begun: its claim's answer is lost.

        While a claim is on its way its answer may still bring the job; then the next renewal asks
        again.
        """
        with contextlib.suppress(StoreError):
            job = (await self._mailbox.read_soon(Get((job_id,), bodies=False))).jobs.get(job_id)
            may_come = self._claiming or (job_id, token) in self._held
            if job is not None and (job.token, job.worker) == (token, self.id) and not may_come:
                self._oddities["claimed and never begun: given back"] += 1
                await settle(job, Yielded(), self)


class _Ready:
    """A decided change that waits for its round, and who waits for it."""

    __slots__ = ("answer", "change", "key", "last_word")

    def __init__(self, change: Change, answer: "asyncio.Future[Job | Gone | None]") -> None:
        self.change = change
        self.answer = answer
        self.key = (change.after.id, change.after.token)
        self.last_word: Progress | None = None


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
        future.exception()  # a word of progress, or of farewell, that is not missed
