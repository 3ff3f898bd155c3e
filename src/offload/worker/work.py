"""What an executor is given: one attempt at a job, and what it needs for it."""

from collections.abc import Iterable
from typing import Protocol

from offload.model import NOTHING_SAVED, Job, LogLine, Mode, Saved, Usage
from offload.registry import RegisteredTask
from offload.worker.context import Context, Stop
from offload.worker.pausing import Pausing


class Course(Protocol):
    """What the attempt does at turns that only its executor sees."""

    def begin(self) -> None:
        """Note that the code begins now."""
        ...

    async def wait(self, handle: bytes, next_check_at: float) -> bool:
        """Store a handle and give the slot back; says whether the job is still ours."""
        ...

    def check_again(self, next_check_at: float) -> None:
        """Note when the job is looked at next."""
        ...

    def stands_still(self, mode: Mode) -> None:
        """Note that the code stands still."""
        ...

    def note(self, what: str, pids: tuple[int, ...] = ()) -> None:
        """Note for the receipt what was done to the code."""
        ...

    def used(self, usage: Usage) -> None:
        """Note what the attempt has used."""
        ...

    def keep(self, value: bytes) -> None:
        """Keep a checkpoint, to be stored soon."""
        ...

    async def keep_now(
        self, value: bytes | None = None, steps: tuple[tuple[str, bytes], ...] = ()
    ) -> bool:
        """Store a checkpoint and steps; says whether the job is still ours."""
        ...

    def say(self, lines: Iterable[LogLine]) -> None:
        """Keep lines of the log, to be stored soon."""
        ...


class Work:
    """One attempt at a job, in the hands of an executor.

    Attributes:
        task: what the job runs.
        job: the job as it was claimed: its parameters, its options, its handle if it has one.
        context: what the running code may hold.
        stop: asked when the code is to stop; its cause says why.
        pause: asked when the code is to stand still for a while.
        saved: what earlier attempts have kept for this one.
    """

    __slots__ = ("_course", "context", "job", "pause", "saved", "stop", "task")

    def __init__(
        self,
        task: RegisteredTask,
        job: Job,
        context: Context,
        stop: Stop,
        course: Course,
        *,
        pause: Pausing | None = None,
        saved: Saved = NOTHING_SAVED,
    ) -> None:
        self.task = task
        self.job = job
        self.context = context
        self.stop = stop
        self.pause = pause or Pausing()
        self.saved = saved
        self._course = course

    @property
    def params(self) -> bytes:
        """The job's parameters, as a JSON object."""
        return self.job.params or b"{}"

    def begin(self) -> None:
        """Say that the code begins now: the time that it has (`timeout`) is counted from here."""
        self._course.begin()

    async def wait(self, handle: bytes, next_check_at: float) -> bool:
        """Store the handle of what now runs elsewhere, and give the slot back.

        From then on the job is shown as waiting, and `timeout` counts no more. Says whether the job
        is still ours; when it is not, the work elsewhere has another owner and must be left alone.
        """
        return await self._course.wait(handle, next_check_at)

    def check_again(self, next_check_at: float) -> None:
        """Say when the waiting job is looked at next; stored soon, together with its progress."""
        self._course.check_again(next_check_at)

    def stands_still(self, mode: Mode) -> None:
        """Say, on the worker's loop, that the code stands still.

        Only then the job is shown as paused, and its place given to another one. When no pause is
        asked for any more this says nothing.
        """
        self._course.stands_still(mode)

    def note(self, what: str, pids: tuple[int, ...] = ()) -> None:
        """Say for the receipt what was done to the code: a few words, and to which processes."""
        self._course.note(what, pids)

    def used(self, usage: Usage) -> None:
        """Say what the attempt has used; the last word stands."""
        self._course.used(usage)

    def keep(self, value: bytes) -> None:
        """Keep a checkpoint: stored at most once a second, and when the attempt ends or pauses.

        From any thread.
        """
        self._course.keep(value)

    async def keep_now(
        self, value: bytes | None = None, steps: tuple[tuple[str, bytes], ...] = ()
    ) -> bool:
        """Store a checkpoint and what steps came to, on the worker's loop.

        Returns when it is stored, True; False when the job is not ours any more.
        """
        return await self._course.keep_now(value, steps)

    def say(self, lines: Iterable[LogLine]) -> None:
        """Keep lines of the job's log: stored a few times a second. From any thread."""
        self._course.say(lines)
