"""What an executor is given: one attempt at a job, and what it needs for it."""

from typing import Protocol

from offload.model import Job
from offload.registry import RegisteredTask
from offload.worker.context import Context, Stop


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


class Work:
    """One attempt at a job, in the hands of an executor.

    Attributes:
        task: what the job runs.
        job: the job as it was claimed: its parameters, its options, its handle if it has one.
        context: what the running code may hold.
        stop: asked when the code is to stop; its cause says why.
    """

    __slots__ = ("_course", "context", "job", "stop", "task")

    def __init__(
        self, task: RegisteredTask, job: Job, context: Context, stop: Stop, course: Course
    ) -> None:
        self.task = task
        self.job = job
        self.context = context
        self.stop = stop
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
