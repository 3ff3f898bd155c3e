"""The worker: enrols, goes its rounds, runs what it claims, and drains.

Its parts are one idea each: `enrolment` (that it lives), `rounds` (applying and claiming),
`holding` (its jobs and its places), `equipment` (what runs their code), `wishes` (what others want
of them), `reports` (what they say of themselves).
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct

from offload import chance, lifecycle
from offload.boxes import Shelf
from offload.clock import Clock
from offload.errors import StoreError
from offload.lanes import lane_of
from offload.lifespan import Lifespan, worker_lifespans
from offload.model import (
    By,
    Cause,
    Change,
    Held,
    Job,
    LogLine,
    Mode,
    Record,
    Saved,
    WorkerInfo,
)
from offload.registry import RegisteredTask, Registry
from offload.store.base import (
    Claim,
    Completed,
    Effects,
    Gone,
    Identified,
    Identity,
    Keep,
    Kept,
    Query,
    Renew,
    Stopping,
)
from offload.store.mailbox import Mailbox
from offload.store.wake import Bell
from offload.worker.alarm import Alarm
from offload.worker.attempt import Attempt, execute
from offload.worker.capture import capturing
from offload.worker.care import care
from offload.worker.complaints import Complaints
from offload.worker.enrolment import Enrolment
from offload.worker.equipment import Equipment
from offload.worker.executors import EXECUTORS, Executor
from offload.worker.family import Use
from offload.worker.holding import Holding
from offload.worker.presence import Presence, boot_id, host_name
from offload.worker.progressing import Board
from offload.worker.repeating import repeat
from offload.worker.reports import Reports
from offload.worker.rounds import Rounds, ignore_failure
from offload.worker.schedules import ScheduleKeeper
from offload.worker.settling import by_worker, settle, store
from offload.worker.vitals import VitalSigns
from offload.worker.wishes import Wishes

T = TypeVar("T")

log = logging.getLogger("offload.worker")

LOOK_SECONDS = 1.0
"""How often it looks for work and wishes, and cares, without having been woken."""

REPORT_SECONDS = 0.25
"""How often the latest progress is stored: four times a second is what an eye can use."""

STOPPING_SECONDS = 0.8
"""How long stopped code may take to end, after the grace period."""


class WorkerSettings(Struct, frozen=True):
    """How a worker works.

    Attributes:
        slots: async jobs and threads that it runs at once.
        processes: blocking jobs that it runs at once, each in a process of its own.
        lease: seconds for which it owns a job without a sign of life; renewed three times in it.
        queues: the queues that it serves; all when empty.
        max_frozen: paused jobs that it holds with all their memory.
    """

    slots: int = 100
    processes: int = os.cpu_count() or 1
    lease: float = 30.0
    queues: tuple[str, ...] = ()
    max_frozen: int = 1000


class Worker:
    """Runs on one event loop; everything but `tell` is called on it.

    Args:
        mailbox: the way to the store.
        bell: says when there is work, or a wish for a running job.
        registry: the tasks that it knows; it claims no others.
        presence: its proof of life.
        executors: by the names that tasks give; its own, closed at its end.
        equip: makes further ones, given its mark: the name of the lock that proves it alive.
        draw: a random number from 0 to 1, for the back-off.
        house: tells its process from all others.
        shelf: the black boxes that are held there.
        lifespans: hooks; those of workers are set up before the first job, and torn down after
            the last one.
        use: what its process and all below it hold and have used; None is not known.
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
        equip: Callable[[str], Mapping[str, Executor]] = lambda mark: {},
        draw: Callable[[], float] = chance.draw,
        house: int = 0,
        shelf: Shelf | None = None,
        lifespans: Sequence[Lifespan] = (),
        use: Callable[[], Use | None] = lambda: None,
    ) -> None:
        self.registry = registry
        self.executors = executors
        self.clock = clock
        self.draw = draw
        self.identity = Identified(name="", secret="")
        self._mailbox = mailbox
        self._bell = bell
        self._presence = presence
        self._settings = settings
        self._equipment = Equipment(executors, equip)
        self._house = house
        self._shelf = shelf
        self._lifespans = lifespans
        self._complaints = Complaints(clock)
        self._enrolment = Enrolment(mailbox, presence, self._describe)
        self._vitals = VitalSigns(clock, use)
        self._alarm = Alarm(mailbox, clock)
        self._schedules = ScheduleKeeper(mailbox, registry, clock)
        self._held = Holding({"slots": settings.slots, "processes": settings.processes})
        self._reports = Reports(mailbox, clock)
        self._rounds = Rounds(
            mailbox,
            clock,
            claim=self._claim,
            begin=self._begin,
            last_words=self._reports.last_words,
            heard_again=self._heard,
            failed=self._complaints.store_failed,
            draw=draw,
        )
        self._wishes = Wishes(
            mailbox, self._held, self, self._complaints, lambda: self._rounds.is_claiming
        )
        self._refusing: set[asyncio.Task[None]] = set()
        self._going: asyncio.Task[None] | None = None
        self._draining = False
        self._interrupting = False
        self._left = False

    @property
    def id(self) -> int:
        """Its id in the store; 0 before it has entered."""
        return self._enrolment.id

    @property
    def running(self) -> int:
        """How many jobs it holds at this moment."""
        return len(self._held)

    # --- its life

    async def run(self) -> None:
        """Work until `drain` was called and what ran has ended, or has been left.

        Raises:
            Exception: what a hook raised as it was set up; nothing was done then.
        """
        async with worker_lifespans(self._lifespans):
            with capturing():
                await self._work_on()

    async def _work_on(self) -> None:
        loop = asyncio.get_running_loop()
        await self._enter()
        unlisten = self._bell.listen(lambda effects: _call(loop, self._heard, effects))
        end_renewals = self._mailbox.every(
            self._settings.lease / 3, self._renewal, lambda held: _call(loop, self._renewed, held)
        )
        beat = self._vitals.pulse.sleep
        helpers = [
            loop.create_task(repeat(self._reports.send, REPORT_SECONDS, self._complaints, beat)),
            loop.create_task(repeat(self._look_round, LOOK_SECONDS, self._complaints)),
        ]
        self._going = loop.create_task(self._rounds.go(self._is_over), name="offload rounds")
        try:
            await asyncio.wait({self._going})
        finally:
            self._left = True
            for task in (self._going, *helpers):
                task.cancel()
            end_renewals()
            unlisten()
            self._alarm.stop()
        await self._equipment.close()
        if not self._going.cancelled():
            self._going.result()  # raises what broke it: a fault of ours
        await self._leave()

    async def drain(self, patience: float) -> None:
        """Take nothing more; wait for what runs, then interrupt it, then end.

        Interrupted jobs go back to the queue. Code that does not stop (a thread) is left to the
        end of the process; whoever finds this worker gone then gives its jobs back. What waits for
        work elsewhere loses nothing and is interrupted at once. A store that does not answer is not
        waited for.

        Args:
            patience: seconds given to running jobs to end by themselves.
        """
        self._draining = True
        self._rounds.wake()
        if self._held or self._rounds.is_claiming:
            self._mailbox.ask_soon(Stopping(self.id)).add_done_callback(ignore_failure)
            self._held.stop_waiting(Cause.INTERRUPT)
            await self._wait_for_the_end(patience)
            self._interrupting = True
            self._held.stop_all(Cause.INTERRUPT)
            await self._wait_for_the_end(STOPPING_SECONDS)
        self._left = True
        if self._going is not None:
            self._going.cancel()

    async def _wait_for_the_end(self, seconds: float) -> None:
        if self._going is not None:
            await asyncio.wait({self._going}, timeout=seconds)

    def _is_over(self) -> bool:
        return self._draining and not self._held

    async def _enter(self) -> None:
        await self._enrolment.enter()
        self.executors = self._equipment.prepare(self._enrolment.mark)
        await self._learn_identity()
        with contextlib.suppress(StoreError):  # it is looked again in a second
            await self._look_round()

    async def _learn_identity(self) -> None:
        """Read what the database calls itself; it may just have stopped answering."""
        while not self._draining:
            try:
                self.identity = await self._mailbox.read_soon(Identity())
                return
            except StoreError as error:
                self._complaints.store_failed(error)
                await asyncio.sleep(LOOK_SECONDS)

    async def _leave(self) -> None:
        """Strike itself off, unless jobs are or may be its own: its lock lives as long as they."""
        if not self._held and not self._rounds.is_claiming:
            await self._enrolment.leave()

    # --- its jobs

    def _claim(self) -> Claim | None:
        free = self._held.free
        if self._draining or not free:
            return None
        now = self.clock.now()
        return Claim(
            worker=self.id,
            house=self._house,
            queues=self._settings.queues,
            tasks=self.registry.every_name(),
            free=free,
            now=now,
            lease_until=now + self._settings.lease,
            by=By(actor=f"worker {self.id}", door="worker"),
        )

    def _begin(self, job: Job) -> None:
        if job.worker != self.id:
            return  # claimed under an id that was struck off meanwhile: it is rescued
        if job.ahead:
            self._take_back(job)
            return
        attempt = Attempt(job, self, lane_of(job.lane).pool)
        if self._interrupting:
            attempt.stop.set(Cause.INTERRUPT)
        self._held.add(attempt)
        self._wishes.note(Held(job.id, job.token, job.version, job.state, job.requested))
        loop = asyncio.get_running_loop()
        attempt.work = loop.create_task(self._work(attempt), name=f"offload attempt {job.id}")

    def _take_back(self, job: Job) -> None:
        """Let a job go on that began long ago. One not held any more has ended."""
        attempt = self._held.get((job.id, job.token))
        if attempt is not None and attempt.hear(job):
            self.went_on(attempt)

    async def _work(self, attempt: Attempt) -> None:
        """Run one attempt to its stored end. Its place is free as soon as the code has ended."""
        try:
            outcome = await execute(attempt, self)
            self._held.release(attempt)
            if self._left:
                return  # nobody stores it any more; whoever finds this worker gone gives it back
            if await settle(attempt.ended, outcome, self) is None:
                self._complaints.note("not ours any more when it ended: the outcome is dropped")
            self._held.remove(attempt)
        except Exception:
            log.critical(
                "job %d: its attempt broke: a fault of ours", attempt.job.id, exc_info=True
            )
        if not self._held:
            self._rounds.wake()

    def find(self, job: Job) -> RegisteredTask:
        """Return what a job runs; see `Desk.find`."""
        if job.bound_to is not None and self._shelf is not None:
            return self._shelf.task_of(job)
        return self.registry.find(job.task)

    async def apply(self, change: Change) -> Job | Gone | None:
        """Store a change with the next round; see `Desk.apply`."""
        return await self._rounds.apply(change)

    def tell(self, job: Job, board: Board) -> None:
        """Note that a job's progress is to be stored; see `Desk.tell`."""
        self._reports.tell(job, board)

    def check_again(self, job: Job, next_check_at: float) -> None:
        """Keep when a waiting job is looked at next; see `Desk.check_again`."""
        self._reports.check_again(job, next_check_at)

    def keep(self, job: Job, value: bytes) -> None:
        """Keep a job's latest checkpoint until it is stored; see `Desk.keep`."""
        self._reports.keep(job, value)

    def say(self, job: Job, lines: Iterable[LogLine]) -> None:
        """Keep lines of a job's log until they are stored; see `Desk.say`."""
        self._reports.say(job, lines)

    def note(self, record: Record) -> None:
        """Keep what the flight recorder has of an attempt; see `Desk.note`."""
        self._reports.note(record)

    async def save(self, keep: Keep) -> bool:
        """Store a checkpoint now; see `Desk.save`."""
        while True:
            try:
                return await self._reports.save(keep)
            except StoreError as error:
                self._complaints.store_failed(error)
                await asyncio.sleep(LOOK_SECONDS)

    async def saved(self, job_id: int) -> Saved:
        """Read what a job has kept; see `Desk.saved`."""
        return await self._read(Kept(job_id))

    async def completed(self, job_id: int) -> bytes | None:
        """Read with what a job was completed from outside; see `Desk.completed`."""
        return await self._read(Completed(job_id))

    async def _read(self, query: Query[T]) -> T:
        """Read, however long the store does not answer."""
        while True:
            try:
                return await self._mailbox.read_soon(query)
            except StoreError as error:
                self._complaints.store_failed(error)
                await asyncio.sleep(LOOK_SECONDS)

    # --- pausing

    def pause(self, attempt: Attempt) -> None:
        """Make code stand still, unless too much does already; see `Wishes`."""
        if attempt.pause.is_set or self._has_room_for(attempt):
            attempt.pause.set()
        else:
            refusing = asyncio.get_running_loop().create_task(self._refuse_pause(attempt))
            self._refusing.add(refusing)
            refusing.add_done_callback(self._refusing.discard)

    def resume(self, attempt: Attempt) -> None:
        """Let a paused job go on: with the next claim, if it needs a place; see `Wishes`."""
        if attempt.job.pause is not None and attempt.job.pause.mode is Mode.NOT_CHECKING:
            attempt.check_on()
        else:
            self._rounds.look_again()

    def went_on(self, attempt: Attempt) -> None:
        """Let code go on: it holds a place again, if it needs one; see `Wishes`."""
        if attempt.job.occupies_slot:
            self._held.retake(attempt)
        attempt.go_on()

    def _has_room_for(self, attempt: Attempt) -> bool:
        most = self._settings.max_frozen
        keeps_memory = attempt.job.handle is None
        # A thousand jobs may be paused at once: they are counted only where that can matter.
        return not keeps_memory or len(self._held) <= most or self._held.frozen < most

    async def _refuse_pause(self, attempt: Attempt) -> None:
        most = self._settings.max_frozen
        why = f"worker {self.id} holds {most} paused jobs in memory already (max_frozen)"
        by = by_worker(attempt.job)
        await store(attempt.job, lambda job: lifecycle.refuse_pause(job, why, by), self)

    def release(self, attempt: Attempt) -> None:
        """Free the place of a job whose work goes on elsewhere; see `Desk.release`."""
        self._held.release(attempt)
        if self._draining:
            attempt.stop.set(Cause.INTERRUPT)
        self._rounds.look_again()

    # --- what it hears, and what comes round

    def _heard(self, effects: Effects | None) -> None:
        """A commit somewhere: perhaps there is work, perhaps a wish for a job of ours."""
        self._wishes.hear(effects)
        self._rounds.hear(effects)
        self._alarm.hear(effects)

    def _renewal(self) -> Renew:
        now = self.clock.now()
        return Renew(self.id, now, now + self._settings.lease, self._vitals.take())

    def _renewed(self, held: list[Held]) -> None:
        self._wishes.renewed(held, self.id)

    async def _look_round(self) -> None:
        self._complaints.tell()
        await self._wishes.look()
        if not await self._enrolment.is_seen_alive():
            await self._begin_anew()
        await care(self._mailbox, self._presence, self.clock)
        if not self._draining:
            await self._schedules.look()
        self._complaints.store_answers()
        self._rounds.look_again()

    async def _begin_anew(self) -> None:
        log.warning("worker %d was taken for dead; it stops its jobs and begins anew", self.id)
        self._held.stop_all(Cause.LOST)
        if not self._draining:
            await self._equipment.drop_marked()
            await self._enrolment.enter_anew()
            self.executors = self._equipment.prepare(self._enrolment.mark)

    def _describe(self, mark: str) -> WorkerInfo:
        now = self.clock.now()
        return WorkerInfo(
            id=0,
            host=host_name(),
            boot_id=boot_id(),
            pid=os.getpid(),
            lock_file=mark,
            queues=self._settings.queues,
            tasks=self.registry.every_name(),
            slots=self._settings.slots,
            started_at=now,
            seen_at=now,
            house=self._house,
            max_frozen=self._settings.max_frozen,
            vitals=self._vitals.take(),
        )


def _call(loop: asyncio.AbstractEventLoop, listener: Callable[[T], None], what: T) -> None:
    """Call a listener on its loop, from any thread; a loop that is closed listens no more."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(listener, what)
