"""The table: what can be done to a job of each kind, and what becomes of it."""

from dataclasses import dataclass, field
from typing import Any

from tests.control.site import CLOSED, GRACE, Site
from tests.control.tasks import BEGUN
from tests.support import eventually

FIVE_TIMES = 5
"""A bound is given in seconds, and looked at with five times of it: the machine may be busy."""

RUNS_AGAIN, IS_ADOPTED, IS_STILL_THERE = "runs again", "is adopted", "is still there"


@dataclass(frozen=True)
class Kind:
    """A row of the table.

    Attributes:
        name: what runs the job's code, or why nothing does.
        task: the task.
        shown: what people are shown of it, once it is under way.
        stops_in: within how many seconds after a cancel its code stands still.
        after_a_crash: what becomes of it when its worker dies.
        counts_a_crash: whether that counts against it.
        options: with which it is started.
    """

    name: str
    task: str
    shown: str
    stops_in: float
    after_a_crash: str
    counts_a_crash: int = 0
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    @property
    def begins(self) -> bool:
        """Whether its code is begun."""
        return self.after_a_crash != IS_STILL_THERE

    def start(self, site: Site, variant: str = "", **params: Any) -> int:
        """Start a job, and wait until it is under way; returns its id."""
        job_id = site.start(f"{self.task}{variant}", self.options, **params)
        if self.begins:
            site.await_words([job_id], BEGUN)
        eventually(lambda: site.shown(job_id) == self.shown)
        return job_id


#    kind         task         shown        stops in     after a crash
TABLE = [
    Kind("async", "coroutine", "running", 1, RUNS_AGAIN, 1),
    Kind("thread", "thread", "running", 1, RUNS_AGAIN, 1),
    Kind("process", "process", "running", GRACE + 1, RUNS_AGAIN, 1),
    Kind("poll", "poll", "waiting", 1, IS_ADOPTED),
    Kind("queued", "coroutine", "queued", 1, IS_STILL_THERE, options={"queue": CLOSED}),
    Kind("scheduled", "coroutine", "scheduled", 1, IS_STILL_THERE, options={"delay": 3600}),
]

BEGUN_KINDS = [kind for kind in TABLE if kind.begins]
CODE_KINDS = [kind for kind in TABLE if kind.after_a_crash == RUNS_AGAIN]
