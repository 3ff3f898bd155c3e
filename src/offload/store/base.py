"""What every store promises: operations that write, queries that read, and who is told.

An operation is a frozen record, already encoded, so that a caller's thread does the work of
encoding and the writer only writes. Many operations travel in one transaction; each has its own
answer. A refusal is an answer, not an exception: it must not undo its neighbours.
"""

from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct, UnsetType

from offload.model import (
    NO_VITALS,
    By,
    Change,
    Event,
    Held,
    Job,
    LogLine,
    NewJob,
    Progress,
    Queue,
    QueueSettings,
    Record,
    Saved,
    State,
    StoredLine,
    Vitals,
    WorkerInfo,
)

T = TypeVar("T")


class Operation(Struct, Generic[T], frozen=True):
    """Something to write; `T` is what it answers with."""


class Query(Struct, Generic[T], frozen=True):
    """Something to read; `T` is what it answers with."""


class Insert(Operation["Inserted | Full | KeyReused | KeyTaken"], frozen=True):
    """Start jobs, all or none.

    Attributes:
        token: a random number that finds the jobs again when a commit's result is unknown.
        key: an idempotency key: the same key with the same digest gives the first answer again.
        digest: a digest of the request that came with the key.
        grouped: the jobs are a group of their own.
    """

    jobs: tuple[NewJob, ...]
    now: float
    by: By
    token: int
    key: str | None = None
    digest: bytes = b""
    grouped: bool = False


class Inserted(Struct, frozen=True):
    """The jobs are stored under these ids, one for each that was asked for.

    Attributes:
        ids: in the order asked for; of a job whose key was known, the unfinished one that has it.
        repeated: an earlier request of the same idempotency key did it.
        group: the id of their group, if they were to have one.
    """

    ids: tuple[int, ...]
    repeated: bool = False
    group: int | None = None


class Full(Struct, frozen=True):
    """Refused: the queue is at capacity. Nothing was stored."""

    queue: str
    capacity: int


class KeyReused(Struct, frozen=True):
    """Refused: the idempotency key belongs to another request."""

    key: str
    job_id: int


class KeyTaken(Struct, frozen=True):
    """Refused: an unfinished job of the same task has this unique key."""

    key: str
    job_id: int


class Claim(Operation[list[Job]], frozen=True):
    """Take claimable jobs, as many as there are free places for, and never beyond a limit or rate.

    Of all that can be claimed those of the highest priority come first, then the oldest; ahead of
    them what was resumed. Answers with a list of `Job` in that order; an empty one for a worker
    that is not enrolled (any more).

    Attributes:
        house: of the worker's process; what is bound to it is claimed whatever its task.
        queues: the queues to claim from; all when empty.
        tasks: the names that the worker can run.
        free: free places by the name of their pool; see `Lane`.
    """

    worker: int
    house: int
    queues: tuple[str, ...]
    tasks: tuple[str, ...]
    free: dict[str, int]
    now: float
    lease_until: float
    by: By


class Apply(Operation[list["Job | Gone | None"]], frozen=True):
    """Apply decisions, each by compare-and-set on the job's version.

    Answers with a list, one item per change: None where it was applied, the job as it stands
    (without bodies) where somebody was faster, `Gone` where it is no longer kept. Whoever sends a
    change a second time is shown the job with the version that the first one gave it.
    """

    changes: tuple[Change, ...]
    now: float


class Gone(Struct, frozen=True):
    """The job is not kept any more."""


class Retry(Operation["Job | Gone | Full | KeyTaken | None"], frozen=True):
    """Apply the decision to try a finished job anew, if its queue has room and its key is free.

    Answers as `Apply` does for one change, or with the refusal.
    """

    change: Change
    now: float


class Amend(Operation["Job | Gone | Full | None"], frozen=True):
    """Apply the decision to alter a job that has not begun, if its new queue has room for it.

    Answers as `Apply` does for one change, or with the refusal.

    Attributes:
        said: what was altered, in words, for its event.
    """

    change: Change
    said: str
    now: float


class Complete(Operation["Job | Gone | None"], frozen=True):
    """Apply the decision that a job's work elsewhere is done, and keep what it came to.

    The value waits for the job's holder, who asks for it with `Completed`. Answers as `Apply` does
    for one change.
    """

    change: Change
    value: bytes
    now: float


class Checked(Operation[None], frozen=True):
    """Note when waiting jobs are looked at next: (job id, token, instant, progress or None).

    A stale token is ignored.
    """

    checks: tuple[tuple[int, int, float, Progress | None], ...]


class Keep(Struct, frozen=True):
    """What a running job wants the next attempt to have, as JSON: see `Saved`.

    Attributes:
        value: its checkpoint; None leaves the last one.
        steps: names and what they came to.
    """

    job_id: int
    token: int
    value: bytes | None = None
    steps: tuple[tuple[str, bytes], ...] = ()


class Save(Operation[list[bool]], frozen=True):
    """Store checkpoints; answers for each whether it is stored: a stale token changes nothing."""

    keeps: tuple[Keep, ...]
    now: float


class Note(Operation[None], frozen=True):
    """Store what the flight recorder has of attempts; a later word on one replaces the earlier."""

    records: tuple[Record, ...]


class Said(Struct, frozen=True):
    """A line that an attempt at a job has written."""

    job_id: int
    token: int
    attempt: int
    line: LogLine


class Say(Operation[None], frozen=True):
    """Store log lines, in their order."""

    lines: tuple[Said, ...]


class SetTask(Operation[None], frozen=True):
    """Pause a task: none of its jobs is claimed; or let it go on."""

    task: str
    paused: bool
    reason: str | None
    now: float
    by: By


class Renew(Operation[list[Held]], frozen=True):
    """Renew every lease of a worker; answers with all that is recorded as its own."""

    worker: int
    now: float
    lease_until: float
    vitals: Vitals = NO_VITALS


class Report(Operation[None], frozen=True):
    """Store the latest progress of running jobs: (job id, token, progress).

    A stale token is ignored.
    """

    progress: tuple[tuple[int, int, Progress], ...]


class Enter(Operation[int], frozen=True):
    """Enrol a worker; answers with its id. The id in `info` is ignored."""

    info: WorkerInfo


class Stopping(Operation[None], frozen=True):
    """Note that a worker was told to end."""

    worker: int


class Leave(Operation[None], frozen=True):
    """Strike a worker off; it owns nothing any more."""

    worker: int


class SetQueue(Operation[Queue], frozen=True):
    """Write explicit settings, create what is missing with defaults; answers with the `Queue`."""

    name: str
    explicit: QueueSettings = QueueSettings()
    defaults: QueueSettings = QueueSettings()


class Promote(Operation[int], frozen=True):
    """Make claimable what has come due; answers with the number of jobs."""

    now: float


class Prune(Operation[int], frozen=True):
    """Remove finished jobs that are kept no longer, at most `batch` of them.

    First those whose own time is over (`Job.kept_until`), then those beyond what their queues keep,
    oldest first. What has a time of its own is not removed before that, and none of those that its
    queue keeps. Answers with the number removed.
    """

    now: float
    batch: int = 500


class Remove(Operation["Job | Gone | None"], frozen=True):
    """Keep a finished job no longer.

    Answers None where it was removed, the job as it stands (without bodies) where it has not
    ended, `Gone` where it was not kept any more.
    """

    job: int


class Get(Query["Found"], frozen=True):
    """Read jobs by id; without `bodies` parameters, results and errors may stay behind."""

    ids: tuple[int, ...]
    bodies: bool = True


class Found(Struct, frozen=True):
    """The jobs that are kept, and the highest id ever issued: an absent id below it is evicted."""

    jobs: dict[int, Job]
    issued: int


class List(Query[list[Job]], frozen=True):
    """Read a page of jobs, newest first, by id below `before`; answers with a list of `Job`.

    Attributes:
        tag: only jobs with this tag.
        group: only jobs of this group.
        since: only jobs that were started at this instant or later.
        worker: only jobs that this worker has; of finished ones those that it had last.
    """

    limit: int = 100
    before: int | None = None
    states: tuple[State, ...] = ()
    task: str | None = None
    queue: str | None = None
    tag: str | None = None
    group: int | None = None
    since: float | None = None
    worker: int | None = None


class Term(Struct, frozen=True, array_like=True):
    """A piece of free text that a job must have somewhere; case does not count in ASCII.

    Attributes:
        kind: "any" for anywhere, "error" for in its error, "param" for the whole of a parameter.
        text: what is looked for.
        name: of which parameter.
    """

    kind: str
    text: str
    name: str = ""


class Paged(Query["Listed"], frozen=True):
    """Read a page of jobs and how to go on; looks at few rows, however many there are.

    Attributes:
        which: its `limit` and `before` bound the page.
        terms: free text, all of it; looked for in the newest 10,000 jobs only.
    """

    which: List
    terms: tuple[Term, ...] = ()


class Listed(Struct, frozen=True):
    """A page of jobs, newest first.

    Attributes:
        before: where the next page begins; None where nothing is left. A page may be shorter than
            its limit, or empty, and still have a next one: only so many rows were looked at.
    """

    jobs: list[Job]
    before: int | None


class Overdue(Query[list[Job]], frozen=True):
    """Read the jobs that have not begun and whose deadline has passed, without bodies."""

    now: float
    limit: int = 500


class Abandoned(Query[list[Job]], frozen=True):
    """Read the jobs, older than `before`, that are bound to a process without a worker."""

    before: float
    limit: int = 500


class Members(Query["Group | None"], frozen=True):
    """Read a group: what it was, and its jobs by state."""

    group: int


class Group(Struct, frozen=True):
    """Jobs that were started together.

    Attributes:
        jobs: how many were started.
        counts: those that are kept, by stored state.
    """

    id: int
    jobs: int
    created_at: float
    counts: dict[State, int]


class MemberJobs(Query[list[Job]], frozen=True):
    """Read the kept jobs of a group in the order in which they were asked for.

    Without `bodies` parameters, results and errors may stay behind.
    """

    group: int
    bodies: bool = False


class PutSchedules(Operation[None], frozen=True):
    """Write down what tasks say about the clock.

    A schedule that is new, or says something else than its row, begins at the `next_at` that comes
    with it; any other goes on from where it was.

    Attributes:
        gone: the names of schedules that are no more.
    """

    schedules: tuple["Scheduled", ...]
    gone: tuple[str, ...] = ()


class Fire(Operation["Fired | Full | None"], frozen=True):
    """Start what a schedule is due to start, if nobody has; None says that somebody has.

    Attributes:
        due_at: the `next_at` that it was decided from.
        next_at: where the schedule goes on; None where it has come to its end.
        insert: the jobs; perhaps none.
        last_at: the newest due time that a job is started for; without jobs it is written as it is.
        missed: how many due times have passed without a start.
    """

    name: str
    due_at: float | None
    next_at: float | None
    insert: Insert
    last_at: float | None
    missed: int = 0


class Fired(Struct, frozen=True):
    """What a schedule has started.

    Attributes:
        ids: the new jobs.
        held_back: due times without one, since the job before has not ended.
    """

    ids: tuple[int, ...]
    held_back: int = 0


class Schedules(Query[list["Scheduled"]], frozen=True):
    """Read all schedules, by name."""


class Scheduled(Struct, frozen=True):
    """A schedule's row.

    Attributes:
        spec: what its task says about the clock: a `schedule.Plan` in JSON.
        next_at: the first due time that has not been dealt with; None if there is none any more.
        last_at: the last due time for which a job was started.
        last_job: that job's id.
        skipped: how many due times passed without a start.
    """

    name: str
    task: str
    spec: str
    next_at: float | None
    last_at: float | None = None
    last_job: int | None = None
    skipped: int = 0


class Completed(Query[bytes | None], frozen=True):
    """Read the value with which a job was completed from outside."""

    job_id: int


class Kept(Query[Saved], frozen=True):
    """Read what a job has kept for its next attempt."""

    job_id: int


class Records(Query[list[Record]], frozen=True):
    """Read what the flight recorder has of a job, by token."""

    job_id: int


class Worked(Query[dict[int, "WorkerWas"]], frozen=True):
    """Read where workers ran, also those that have left."""

    workers: tuple[int, ...]


class WorkerWas(Struct, frozen=True):
    """Where a worker ran."""

    host: str
    pid: int
    started_at: float


class Log(Query["Logged"], frozen=True):
    """Read a page of a job's log, oldest first.

    Attributes:
        after: only lines behind this number.
        level: only lines of this level or above; those of streams count as INFO.
        text: only lines that contain it, whatever its case.
        tail: the newest lines instead of the oldest.
        attempt: only lines of this attempt.
        source: only lines from there.
    """

    job_id: int
    after: int = 0
    limit: int = 500
    level: str | None = None
    text: str | None = None
    tail: bool = False
    attempt: int | None = None
    source: str | None = None


class Logged(Struct, frozen=True):
    """Lines of a log.

    Attributes:
        newest: the number of the last line that the job has written.
        kept: how many of its lines are kept.
    """

    lines: list[StoredLine]
    newest: int
    kept: int


class PausedTasks(Query[dict[str, "TaskPause"]], frozen=True):
    """Read the tasks that are paused, by name."""


class TaskPause(Struct, frozen=True):
    """Who paused a task, when and why."""

    at: float
    actor: str
    door: str
    reason: str | None


class Frozen(Query[int], frozen=True):
    """Count the jobs that a worker holds frozen or parked."""

    worker: int


class Identity(Query["Identified"], frozen=True):
    """Read what tells this database from all others."""


class Identified(Struct, frozen=True):
    """A database's name for itself, and what it signs with: text, never shown."""

    name: str
    secret: str


class Owned(Query[list[Job]], frozen=True):
    """Read the jobs that a worker owns, without bodies."""

    worker: int


class Orphans(Query[list[Job]], frozen=True):
    """Read the jobs whose owner is not enrolled any more, without bodies."""


class Workers(Query[list[WorkerInfo]], frozen=True):
    """Read the enrolled workers; answers with a list of `WorkerInfo`."""


class Queues(Query[list[Queue]], frozen=True):
    """Read the queues; answers with a list of `Queue`, by name."""


class Counts(Query[dict[tuple[str, State], int]], frozen=True):
    """Count jobs without scanning them; answers with {(queue, state): number}."""


class Admitted(Query[dict[str, int]], frozen=True):
    """Read how many jobs each queue has admitted that have not begun: what its capacity limits.

    Queues without a capacity are left out.
    """


class OldestWaiting(Query[dict[str, float]], frozen=True):
    """Read since when the job has waited that can be claimed and has waited longest, by queue.

    Queues in which none waits are left out.
    """


class Situation(Struct, frozen=True):
    """What a waiting job may wait for, in one snapshot.

    Attributes:
        counts: kept jobs by queue and stored state.
        holdings: how many jobs hold each named limit.
        begun: how many jobs of a named rate began in which slice of its time; see `store.pace`.
    """

    workers: list[WorkerInfo]
    queues: list[Queue]
    counts: dict[tuple[str, State], int]
    holdings: dict[str, int] = {}
    begun: dict[str, dict[int, int]] = {}
    paused_tasks: dict[str, TaskPause] = {}


class Look(Query[Situation], frozen=True):
    """Read the situation as a whole."""


class History(Query[list[Event]], frozen=True):
    """Read a job's events, oldest first; answers with a list of `Event`."""

    job_id: int


class Happening(Struct, frozen=True):
    """An event, and what its job's row says now.

    Attributes:
        created_at: when the job was started.
        began_at: when its last attempt began.
        is_latest: nothing has changed the job since.
    """

    event: Event
    task: str
    queue: str
    group: int | None
    created_at: float
    began_at: float | None
    is_latest: bool


class Feed(Query["Happened"], frozen=True):
    """Read the events of all jobs in their order, from just behind `after`.

    Ids are given out within the transaction, and there is one writer at a time (SQLite: BEGIN
    IMMEDIATE), so their order is that of the commits: nothing ever appears behind what was read.
    """

    after: int
    limit: int = 500


class Happened(Struct, frozen=True):
    """Some events, oldest first.

    Attributes:
        newest: the highest id that was ever given to an event.
        is_whole: none is missing between `after` and the last of these: what is not kept any more
            leaves a gap, and a rolled back transaction leaves none.
    """

    happenings: list[Happening]
    newest: int
    is_whole: bool


class Moving(Query[list["Moved"]], frozen=True):
    """Read how far the running jobs have come, of those that say so."""


class Moved(Struct, frozen=True):
    """How far a running job has come."""

    job_id: int
    task: str
    queue: str
    group: int | None
    attempt: int
    progress: Progress


class Effects(Struct, frozen=True, array_like=True):
    """What a transaction did that somebody may be waiting for.

    Attributes:
        changed: ids of the jobs whose state changed.
        wished: ids of the running jobs of which something was asked.
        claimable: whether a job became claimable or a slot became free.
        finished: the jobs that have ended, with their outcome; not sent to other processes.
        due_at: when the first of the jobs comes due that it put off, if it put any off.
    """

    changed: tuple[int, ...] = ()
    wished: tuple[int, ...] = ()
    claimable: bool = False
    finished: tuple[Job, ...] = ()
    due_at: float | None = None

    def __bool__(self) -> bool:
        is_heard = self.claimable or bool(self.changed) or bool(self.wished)
        return is_heard or self.due_at is not None


class Store(Protocol):
    """A database that keeps the promises. Synchronous; used by one thread at a time for writing."""

    def run(self, operations: Sequence[Operation[Any]]) -> tuple[list[Any], Effects]:
        """Run all operations in one durable transaction and return their answers in order.

        Raises:
            StoreError: nothing was stored.
            CommitUnknown: the commit was sent and its result was not seen.
        """
        ...

    def recover(self, operation: Operation[Any]) -> Any | UnsetType:
        """Look up what became of an operation whose commit had an unknown result.

        Returns the answer if it was stored, UNSET if it was not and can be run again.
        """
        ...

    def read(self, query: Query[T]) -> T:
        """Answer a query from one snapshot.

        Raises:
            QueryTooSlow: it was stopped at the time limit.
            StoreError: the database did not answer.
        """
        ...

    def close(self) -> None:
        """Let go of every connection. The store opens them again at the next call."""
        ...


class CommitUnknown(Exception):
    """The commit was sent and its result was not seen: it may have happened or not."""
