"""One attempt at a job, a pipeline of named steps: find task, open context, execute.

What came of it is settled afterwards, see `settling`.
"""

import asyncio
import contextvars
import hashlib
import hmac
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Protocol

from msgspec.structs import replace

from offload import lifecycle
from offload.model import (
    NOTHING_SAVED,
    Cause,
    Deed,
    Failed,
    Job,
    LogLine,
    Mode,
    Outcome,
    Record,
    Saved,
    State,
    Usage,
    Yielded,
)
from offload.redacting import Redaction
from offload.registry import RegisteredTask
from offload.store.base import Identified, Keep
from offload.worker import settling
from offload.worker.capture import recording
from offload.worker.context import Context, Stop
from offload.worker.executors import Executor
from offload.worker.executors.call import raised
from offload.worker.keeper import LoopKeeper
from offload.worker.pausing import Pausing
from offload.worker.progressing import Board
from offload.worker.settling import by_worker, store
from offload.worker.work import Work

MOST_DEEDS = 100
"""Of one attempt; the first twenty stay, and of the rest the newest."""

FIRST_DEEDS = 20


class Desk(settling.Desk, Protocol):
    """What an attempt needs of its worker.

    Attributes:
        identity: of the database.
    """

    executors: Mapping[str, Executor]
    identity: Identified

    def find(self, job: Job) -> RegisteredTask:
        """Return what the job runs; raises `UnknownTask`."""
        ...

    def tell(self, job: Job, board: Board) -> None:
        """Note that a job's progress is to be stored soon. From any thread."""
        ...

    def keep(self, job: Job, value: bytes) -> None:
        """Keep the latest checkpoint of a job, to be stored soon. From any thread."""
        ...

    def say(self, job: Job, lines: Iterable[LogLine]) -> None:
        """Keep lines of a job's log, to be stored soon. From any thread."""
        ...

    def note(self, record: Record) -> None:
        """Keep what the flight recorder has of an attempt, to be stored soon."""
        ...

    def check_again(self, job: Job, next_check_at: float) -> None:
        """Keep when a waiting job is looked at next, to be stored soon."""
        ...

    async def save(self, keep: Keep) -> bool:
        """Store a checkpoint now; says whether the job is still ours."""
        ...

    async def saved(self, job_id: int) -> Saved:
        """Read what earlier attempts at a job have kept."""
        ...

    def release(self, attempt: "Attempt") -> None:
        """Take the attempt's place back while it goes on without one."""
        ...


class Attempt:
    """A claimed job, the signals that stop and pause its code, and the time that it has.

    Attributes:
        job: as it was claimed, or as it became since.
        heard: the newest version of its row of which anything was heard.
        pool: the pool of places that it was claimed for.
        holds_place: whether it takes one of its worker's places.
    """

    def __init__(self, job: Job, desk: Desk, pool: str = "slots") -> None:
        self.job = job
        self.heard = job.version
        self.stop = Stop()
        self.pause = Pausing()
        self.work: asyncio.Task[None] | None = None
        self.pool = pool
        self.holds_place = True
        self._desk = desk
        self._timers: dict[Cause, asyncio.TimerHandle] = {}
        self._time_left: float | None = None
        self._changing: asyncio.Task[None] | None = None
        self._mode: Mode | None = None
        self._deeds: list[Deed] = []
        self._usage: Usage | None = None
        self._has_kept = False
        self._redaction = Redaction(job.params or b"{}", job.options.secret)

    @property
    def is_paused(self) -> bool:
        """Whether its code stands still, and is known to by everybody."""
        return self.job.state is State.PAUSED

    @property
    def is_freezing(self) -> bool:
        """Whether its code is to stand still with all that it holds in memory."""
        return self.pause.is_set and self.job.handle is None

    @property
    def ended(self) -> Job:
        """The job, to be concluded: that it has kept something is known, for that may go now."""
        if not self._has_kept or self.job.saved_at is not None:
            return self.job
        return replace(self.job, saved_at=self._desk.clock.now())

    # --- the time that it has

    def begin(self) -> None:
        """Count the time of the job's code from now on."""
        self._stop_after(self.job.options.timeout, Cause.TIMEOUT)

    def begin_waiting(self) -> None:
        """Count the time until the job's deadline from now on; its code has not begun yet."""
        if self.job.deadline_at is not None:
            self._stop_after(self.job.deadline_at - self._desk.clock.now(), Cause.DEADLINE)

    def end(self) -> None:
        """Count nothing any more, and hold on to nothing of the code."""
        for cause in list(self._timers):
            self._timers.pop(cause).cancel()
        self.pause.forget()

    # --- turns that its executor sees

    async def wait(self, handle: bytes, next_check_at: float) -> bool:
        """Store the handle and give the place back; see `Work.wait`."""
        if Cause.TIMEOUT in self._timers:
            self._timers.pop(Cause.TIMEOUT).cancel()
        by = by_worker(self.job)
        waiting = await store(
            self.job, lambda job: lifecycle.wait(job, handle, next_check_at, by), self._desk
        )
        if waiting is None:
            return False
        self.hear(waiting)
        self._desk.release(self)
        return True

    def check_again(self, next_check_at: float) -> None:
        """Note when the job is looked at next; see `Work.check_again`."""
        self._desk.check_again(self.job, next_check_at)

    def stands_still(self, mode: Mode) -> None:
        """Store that the code stands still, and give the place back; see `Work.stands_still`."""
        if self.pause.is_set:
            self._mode = mode
            self._stop_the_clock()
            self._beside(self._follow_pause)

    def note(self, what: str, pids: tuple[int, ...] = ()) -> None:
        """Keep a deed for the receipt; see `Work.note`."""
        if len(self._deeds) == MOST_DEEDS:
            del self._deeds[FIRST_DEEDS]
        self._deeds.append(Deed(self._desk.clock.now(), what, pids))
        self._note_all()

    def used(self, usage: Usage) -> None:
        """Keep what the attempt has used; see `Work.used`."""
        self._usage = usage
        self._note_all()

    def keep(self, value: bytes) -> None:
        """Keep a checkpoint; see `Work.keep`."""
        self._has_kept = True
        self._desk.keep(self.job, value)

    async def keep_now(
        self, value: bytes | None = None, steps: tuple[tuple[str, bytes], ...] = ()
    ) -> bool:
        """Store a checkpoint and steps; see `Work.keep_now`."""
        self._has_kept = True
        return await self._desk.save(Keep(self.job.id, self.job.token, value, steps))

    def say(self, lines: Iterable[LogLine]) -> None:
        """Keep lines of the log; see `Work.say`."""
        if self._redaction:
            lines = [replace(line, text=self._redaction(line.text)) for line in lines]
        self._desk.say(self.job, lines)

    # --- what nobody is to read

    def tell(self, board: Board) -> None:
        """Note that there is news of how far the job has come. From any thread."""
        if self._redaction:
            board.redact = self._redaction
        self._desk.tell(self.job, board)

    def redacted(self, outcome: Outcome) -> Outcome:
        """Return how the code ended, without the job's secrets in what is told of it."""
        if not self._redaction or not isinstance(outcome, Failed):
            return outcome
        error, redact = outcome.error, self._redaction
        traceback = None if error.traceback is None else redact(error.traceback)
        told = replace(error, message=redact(error.message), traceback=traceback)
        return replace(outcome, error=told)

    # --- pausing and going on

    def hear(self, job: Job) -> bool:
        """Take note of the job's row as somebody has read it; says whether it is news, or as known.

        What was read before something that was heard since is passed over. So is a row that is not
        ours any more, which keeps its token until somebody claims it: it is no row to decide from.
        """
        if job.version < self.heard or job.worker != self.job.worker:
            return False
        self.heard = job.version
        self.job = replace(job, params=self.job.params)
        return True

    def check_on(self) -> None:
        """Let a job go on that stood still without anything that would need a place."""
        self._mode = None
        self._beside(self._store_checking)

    def go_on(self) -> None:
        """Let the code go on."""
        self._mode = None
        if self._time_left is not None:
            self._stop_after(self._time_left, Cause.TIMEOUT)
            self._time_left = None
        self.pause.clear()

    async def _follow_pause(self) -> None:
        """Store that it stands still; again where it was let go and stands still anew meanwhile."""
        while self._mode is not None and not self.is_paused:
            mode, self._mode = self._mode, None
            await self._store_pause(mode)

    async def _store_pause(self, mode: Mode) -> None:
        by = by_worker(self.job)
        paused = await store(
            self.job,
            lambda job: lifecycle.pause(job, mode, self._desk.clock.now(), by),
            self._desk,
        )
        if paused is None or not self.hear(paused):
            return  # it has ended, or is not ours any more
        if self.is_paused:
            self._desk.release(self)
        elif paused.requested is None:
            self.go_on()  # nobody wants it any more

    async def _store_checking(self) -> None:
        by = by_worker(self.job)
        checking = await store(
            self.job,
            lambda job: (
                lifecycle.resume(job, self._desk.clock.now(), by)
                if job.state is State.PAUSED
                else None
            ),
            self._desk,
        )
        if checking is not None and self.hear(checking):
            self.go_on()

    def _note_all(self) -> None:
        job = self.job
        deeds = tuple(self._deeds)
        self._desk.note(Record(job.id, job.token, job.attempt, job.worker, self._usage, deeds))

    def _beside(self, change: Callable[[], Coroutine[None, None, None]]) -> None:
        """Change the row beside what is going on, one change at a time.

        In surroundings of its own: those of the job's code would hold it back with the code.
        """
        if self._changing is None or self._changing.done():
            loop = asyncio.get_running_loop()
            self._changing = loop.create_task(change(), context=contextvars.Context())

    def _stop_after(self, seconds: float | None, cause: Cause) -> None:
        if cause in self._timers:
            self._timers.pop(cause).cancel()
        if seconds is not None:
            loop = asyncio.get_running_loop()
            self._timers[cause] = loop.call_later(max(0.0, seconds), self.stop.set, cause)

    def _stop_the_clock(self) -> None:
        """Time that it stands still is no time that it runs; a deadline knows no pause."""
        if Cause.TIMEOUT in self._timers:
            timer = self._timers.pop(Cause.TIMEOUT)
            self._time_left = timer.when() - asyncio.get_running_loop().time()
            timer.cancel()


async def execute(attempt: Attempt, desk: Desk) -> Outcome:
    """Run the job's code to its end. Never raises: every path ends in an outcome."""
    job = attempt.job
    try:
        task = desk.find(job)
        saved = NOTHING_SAVED if job.saved_at is None else await desk.saved(job.id)
        context = _open_context(attempt, desk, saved)
        work = Work(task, job, context, attempt.stop, attempt, pause=attempt.pause, saved=saved)
        attempt.begin_waiting()
        with recording(context, work.say):
            outcome = await desk.executors[task.executor].run(work)
    except Exception as error:  # a task that is not registered any more, or a fault of an executor
        outcome = raised(error)
    finally:
        attempt.end()
    return attempt.redacted(_with_cause(outcome, attempt))


def completion_token(job_id: int, secret: str) -> str:
    """Return what entitles its holder to complete one job: an HMAC (RFC 2104) of its id."""
    return hmac.new(secret.encode(), f"complete {job_id}".encode(), hashlib.sha256).hexdigest()


def _open_context(attempt: Attempt, desk: Desk, saved: Saved) -> Context:
    job = attempt.job
    return Context(
        job.id,
        job.attempt,
        stop=attempt.stop,
        tell=attempt.tell,
        idempotency_key=f"offload-{desk.identity.name}-{job.id}-{job.attempt}",
        completion_token=lambda: completion_token(job.id, desk.identity.secret),
        keeper=LoopKeeper(saved, attempt),
    )


def _with_cause(outcome: Outcome, attempt: Attempt) -> Outcome:
    """Say why code that stopped was asked to."""
    cause = attempt.stop.cause
    if isinstance(outcome, Yielded) and cause is not None:
        return lifecycle.left_behind(attempt.job) if cause is Cause.LOST else Yielded(cause)
    return outcome
