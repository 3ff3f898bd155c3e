"""How long jobs of a task run as a rule: for those of which nobody knows more yet."""

from statistics import median

from offload.model import Job, State
from offload.store.base import List
from offload.store.mailbox import Mailbox

JOBS = 20
"""The last successes that count."""

STALE_SECONDS = 600.0
"""What was read longer ago is read again, where it is asked for: tasks change with their code."""

UNKNOWN_SECONDS = 15.0
"""The same for a task that had not succeeded yet: perhaps it has by now."""


class History:
    """What a worker knows of the past of its tasks. On its loop."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._seconds: dict[str, float | None] = {}
        self._stale_at: dict[str, float] = {}

    async def usual(self, task: str, now: float) -> float | None:
        """Return the seconds that a job of this task runs as a rule; None if it never succeeded.

        Args:
            task: its name.
            now: seconds on a clock that never jumps.
        """
        if task not in self._stale_at or now >= self._stale_at[task]:
            query = List(task=task, states=(State.SUCCEEDED,), limit=JOBS)
            known = self._seconds[task] = _typical(await self._mailbox.read_soon(query))
            self._stale_at[task] = now + (UNKNOWN_SECONDS if known is None else STALE_SECONDS)
        return self._seconds[task]


def _typical(jobs: list[Job]) -> float | None:
    times = [
        job.finished_at - job.started_at - job.paused_seconds
        for job in jobs
        if job.started_at is not None and job.finished_at is not None
    ]
    return max(0.0, median(times)) if times else None
