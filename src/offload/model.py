"""The frozen records that all rooms share: a job, its outcome, a change to it, its surroundings.

Nothing here acts. Instants are seconds since the epoch, UTC, as float; values are JSON bytes,
already encoded. A change to a record makes a new record.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import asdict, replace

from offload.backoff import Backoff
from offload.redacting import HIDDEN, hide
from offload.units import Rate, seconds


class State(StrEnum):
    """What is stored about a job's life. What people are shown is `lifecycle.shown_state`."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINISHED = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})


class Wish(StrEnum):
    """What somebody outside asked of a job. It is kept in the row until it has come true."""

    CANCEL = "cancel"
    COMPLETE = "complete"
    PAUSE = "pause"
    RESUME = "resume"


class Mode(StrEnum):
    """How a paused job stands still; what each keeps and frees is told in the guide."""

    HELD = "held"
    FROZEN = "frozen"
    PARKED = "parked"
    NOT_CHECKING = "not-checking"


class Cause(StrEnum):
    """Why running code was asked to stop."""

    CANCEL = "cancel"
    COMPLETE = "complete"
    TIMEOUT = "timeout"
    DEADLINE = "deadline"
    INTERRUPT = "interrupt"
    LOST = "lost"


class Error(Struct, frozen=True, omit_defaults=True):
    """How a job failed, as text: no exception object outlives its process.

    Attributes:
        code: the kind of failure in one word: ``exception``, ``timeout``, ``deadline``, ``lost``,
            ``crash-loop``, ``out-of-memory``, ``killed``, ``not-serializable``, ``undecodable``.
        message: the exception's text, or a sentence of ours.
        type: the exception's class name, if there was an exception.
        traceback: the formatted traceback, if there was one.
        exit_code: with which the job's process ended, if it ended.
        signal: the name of the signal that ended it: ``SIGKILL``.
        peak_memory: bytes that the job's processes held at most, where that is why it failed.
    """

    code: str
    message: str
    type: str | None = None
    traceback: str | None = None
    exit_code: int | None = None
    signal: str | None = None
    peak_memory: int | None = None


class Bar(Struct, frozen=True, omit_defaults=True, repr_omit_defaults=True):
    """How far one part of a job has come, beside its progress; see `Progress` for the fields."""

    name: str
    done: float
    total: float | None = None
    unit: str | None = None
    message: str | None = None


class Progress(Struct, frozen=True, omit_defaults=True, repr_omit_defaults=True):
    """How far a job says it has come.

    Attributes:
        done: units finished.
        total: units in all, if known.
        message: a few words for people.
        unit: what is counted, in the singular: ``frame``.
        rate: units per second, as measured by its worker.
        eta: when it is expected to be done, while it runs.
        bars: what else it counts: downloads, inner loops.
    """

    done: float
    total: float | None = None
    message: str | None = None
    unit: str | None = None
    rate: float | None = None
    eta: float | None = None
    bars: tuple[Bar, ...] = ()


class OnCrash(StrEnum):
    """What becomes of a job whose worker died with it."""

    AGAIN = "again"
    FAIL = "fail"


class JobOptions(Struct, frozen=True, omit_defaults=True):
    """How a job is run: what its task said when it was started, and what the call said.

    A job keeps them, so that it runs as it was asked, whatever its task says by then.

    Attributes:
        retries: further attempts after one that failed.
        backoff: how long to wait before each.
        timeout: seconds that the code may run, counted from its start.
        deadline: seconds from its start, waiting included, by which it must have ended.
        memory: bytes that the processes of the job may hold together.
        on_crash: whether it runs again when its worker died with it, or fails as lost.
        retain: seconds that it is kept once it has ended; None leaves that to its queue.
        pausable: whether its code can be made to stand still once it runs.
        secret: the parameters that nobody is shown.
    """

    retries: int = 0
    backoff: Backoff = Backoff()
    timeout: float | None = None
    deadline: float | None = None
    memory: int | None = None
    on_crash: OnCrash = OnCrash.AGAIN
    retain: float | None = None
    pausable: bool = True
    secret: tuple[str, ...] = ()


PLAIN = JobOptions()
"""What most jobs have: one attempt, no limit of time or memory, again after a crash. There is one
such object, so that `is` tells it."""


class Lane(Struct, frozen=True, omit_defaults=True):
    """What a job competes for, besides its queue. Jobs of one lane are claimed in order.

    Attributes:
        pool: which of a worker's places its code takes: "slots", or "processes".
        limits: named limits, and how many jobs that name it may run at once.
        rates: named rates: how many jobs that name it may begin in a time.
    """

    pool: str = "slots"
    limits: dict[str, int] = {}
    rates: dict[str, Rate] = {}


class Pause(Struct, frozen=True, omit_defaults=True):
    """Who wants a job to stand still, and how it does.

    Attributes:
        asked_at: when it was asked for.
        actor: who asked, and `door`: where.
        reason: why, in their words.
        mode: how it stands still; None while its code still runs.
        since: from when on it does.
        begun: its code had begun: once resumed it goes ahead of its queue.
    """

    asked_at: float
    actor: str
    door: str
    reason: str | None = None
    mode: Mode | None = None
    since: float | None = None
    begun: bool = False


class Job(Struct, frozen=True):
    """One execution asked for: a row.

    Attributes:
        id: a small integer, 1, 2, 3, never reused.
        version: rises by one with every change of state or wish; each has one event.
        token: rises by one with every claim; proves who owns the job.
        attempt: the number of the current try, from 1; an interrupt or a crash gives it back.
        crashes: how often a worker died with it.
        interrupts: how often a shutdown sent it back to the queue.
        claimable: queued and due: a worker may take it now.
        ahead: goes before all others of its queue (it was resumed).
        worker: the id of the worker that owns it.
        lease_until: the instant until which it is owned.
        occupies_slot: counts against the queue's limit.
        started_at: when the code of the current attempt began.
        reason: why it is as it is, in words.
        size: bytes of parameters, result and error, for retention by bytes.
        options: how it is run.
        lane: what it competes for, as `Lane` in JSON; "" for the plainest.
        key: its unique key: of a task and a key there is one unfinished job.
        group: the group that it was started with.
        bound_to: the house of the only process that can run it: a black box is held there.
        deadline_at: the instant by which it must have ended.
        handle: what is known of the work elsewhere that it waits for, as JSON.
        next_check_at: when it is looked at next, while it waits for that.
        forgiven: attempts before the last manual retry: they count no more.
        pause: who wants it to stand still and how it does, if somebody does.
        paused_seconds: for how long its attempt has stood still, without the pause that lasts.
        saved_at: when its last checkpoint was stored.
        kept_until: it has ended, and until then it is kept, whatever its queue keeps; None where
            its queue's keep decides.
    """

    id: int
    task: str
    kind: str
    queue: str
    priority: int
    state: State
    requested: Wish | None
    claimable: bool
    ahead: bool
    version: int
    token: int
    worker: int | None
    lease_until: float | None
    occupies_slot: bool
    attempt: int
    crashes: int
    interrupts: int
    created_at: float
    run_at: float | None
    started_at: float | None
    finished_at: float | None
    reason: str | None
    owner: str | None
    tags: tuple[str, ...]
    params: bytes | None
    result: bytes | None
    error: Error | None
    progress: Progress | None
    size: int
    options: JobOptions
    lane: str
    key: str | None
    group: int | None
    bound_to: int | None
    deadline_at: float | None
    handle: bytes | None
    next_check_at: float | None
    forgiven: int
    pause: Pause | None
    paused_seconds: float
    saved_at: float | None
    kept_until: float | None

    def __repr__(self) -> str:
        return _told(self)

    @property
    def is_finished(self) -> bool:
        """Whether the job has its final outcome."""
        return self.state in FINISHED

    @property
    def is_waiting(self) -> bool:
        """Whether its work goes on elsewhere, and somebody looks at it now and then."""
        return self.state is State.RUNNING and self.next_check_at is not None

    @property
    def is_owned(self) -> bool:
        """Whether a worker has it: running, waiting, or standing still in its hands."""
        return self.worker is not None


class By(Struct, frozen=True):
    """Who asked for a change, and through which door."""

    actor: str
    door: Literal["python", "http", "cli", "worker", "care"]


class NewJob(Struct, frozen=True):
    """A job that somebody asks for; the store gives it its id. See `Job` for the fields.

    Attributes:
        refuse_known: what an unfinished job of the same key means: this one is refused, or
            (False) the other one is the answer.
        paused: it is held from the start, until somebody resumes it.
    """

    task: str
    kind: str
    params: bytes
    queue: str = "default"
    priority: int = 0
    run_at: float | None = None
    owner: str | None = None
    tags: tuple[str, ...] = ()
    options: JobOptions = PLAIN
    lane: str = ""
    key: str | None = None
    refuse_known: bool = False
    bound_to: int | None = None
    deadline_at: float | None = None
    paused: bool = False

    def __repr__(self) -> str:
        return _told(self)


def _told(record: Job | NewJob) -> str:
    """Write a record for people, without what is secret in it."""
    secret = record.options.secret
    if secret and record.params is not None:
        record = replace(record, params=hide(record.params, secret))
    if secret and isinstance(record, Job) and record.handle is not None:
        record = replace(record, handle=HIDDEN.encode())  # the code's own: nobody knows what of it
    return Struct.__repr__(record)


class Succeeded(Struct, frozen=True):
    """The code returned; `value` is what it returned, as JSON bytes."""

    value: bytes


class Withheld(Struct, frozen=True):
    """The code returned what only its own program can hold; `reason` says so to everybody else."""

    reason: str


class Failed(Struct, frozen=True):
    """The code raised, or its value cannot be kept; `again`: another attempt may end otherwise."""

    error: Error
    again: bool = True


class Snooze:
    """What a task returns to be run again later: `return Snooze("10m")`. No attempt is used up.

    Args:
        wait: seconds, a `timedelta`, or text such as ``"10m"``.

    Raises:
        ValueError: it is no duration.
    """

    __slots__ = ("seconds",)

    def __init__(self, wait: float | str | timedelta) -> None:
        self.seconds = seconds(wait)

    def __repr__(self) -> str:
        return f"Snooze({self.seconds:g})"


class Snoozed(Struct, frozen=True):
    """The code asked to be run again after so many seconds; no attempt is used up."""

    seconds: float


class Yielded(Struct, frozen=True):
    """The code stopped because it was asked to, and why it was asked."""

    cause: Cause = Cause.INTERRUPT


class Crashed(Struct, frozen=True):
    """The worker died while it owned the job."""


Outcome = Succeeded | Withheld | Failed | Snoozed | Yielded | Crashed


class Change(Struct, frozen=True):
    """A decision about one job: what it becomes, provided that nobody was faster.

    The store applies it only where the row still has `after.version - 1`; so a worker that lost
    its lease, or that did not see a wish, changes nothing and is shown the row as it is.

    Attributes:
        after: the job as it will be.
        before: the state it had, for the counters.
        event: what happened, in one word, for the job's history.
        by: who asked.
    """

    after: Job
    before: State
    event: str
    by: By


class Event(Struct, frozen=True):
    """A fact about a job, written in the transaction of the change and never altered.

    Attributes:
        id: its place in the order of all events.
        version: the job's version after the change; a job's events count 1, 2, 3 without a gap.
    """

    id: int
    job_id: int
    version: int
    kind: str
    state: State
    at: float
    actor: str
    door: str
    attempt: int
    worker: int | None
    reason: str | None


class Queue(Struct, frozen=True):
    """A named lane.

    Attributes:
        limit: jobs running at once over all workers; None is no limit.
        capacity: jobs admitted and not yet begun; None is no capacity.
        keep: finished jobs retained; those with a `retain` of their own do not count.
        keep_seconds: how long a finished job is retained.
        keep_bytes: how many bytes of parameters, results and errors of finished jobs are retained.
        paused: nothing is claimed from it.
        paused_reason: why, in the words of whoever paused it.
    """

    name: str
    limit: int | None
    capacity: int | None
    keep: int
    keep_seconds: float
    keep_bytes: int
    paused: bool
    paused_reason: str | None = None


class QueueSettings(Struct, frozen=True):
    """Settings for a queue; what is UNSET stays as it is, or takes the library's default."""

    limit: int | None | UnsetType = UNSET
    capacity: int | None | UnsetType = UNSET
    keep: int | UnsetType = UNSET
    keep_seconds: float | UnsetType = UNSET
    keep_bytes: int | UnsetType = UNSET
    paused: bool | UnsetType = UNSET
    paused_reason: str | None | UnsetType = UNSET


def merge(first: QueueSettings, second: QueueSettings) -> QueueSettings:
    """Return the settings of both; where both say something, the first one's word."""
    return QueueSettings(**(_given(second) | _given(first)))


def _given(settings: QueueSettings) -> dict[str, Any]:
    return {name: value for name, value in asdict(settings).items() if value is not UNSET}


class Vitals(Struct, frozen=True):
    """How a worker did at its last sign of life; None is what is not known.

    Attributes:
        memory: bytes that its process and all below it held together (their resident sets).
        cpu: processor time of the same since the sign of life before, as a fraction of one core.
        loop_lag: seconds by which its event loop was late since then, at the worst.
    """

    memory: int | None = None
    cpu: float | None = None
    loop_lag: float | None = None


NO_VITALS = Vitals()


class WorkerInfo(Struct, frozen=True):
    """What a worker says of itself when it begins.

    Attributes:
        boot_id: the machine's boot, so that a pid of before a reboot is never believed.
        lock_file: the file that it keeps locked for as long as it lives.
        tasks: the names that it can run.
        house: tells its process from all others: what is held there only it can run.
        stopping: it was told to end; what it leaves behind was interrupted, not crashed.
        max_frozen: so many jobs it holds frozen or parked at most: each keeps its memory.
        vitals: how it does, as it says with each sign of life (`seen_at`).
    """

    id: int
    host: str
    boot_id: str
    pid: int
    lock_file: str
    queues: tuple[str, ...]
    tasks: tuple[str, ...]
    slots: int
    started_at: float
    seen_at: float
    stopping: bool = False
    house: int = 0
    max_frozen: int = 1000
    vitals: Vitals = NO_VITALS

    def serves(self, queue: str) -> bool:
        """Whether it takes jobs of that queue."""
        return not self.stopping and (not self.queues or queue in self.queues)

    def takes(self, task: str, queue: str) -> bool:
        """Whether it takes jobs of that task from that queue."""
        return self.serves(queue) and task in self.tasks


class Held(Struct, frozen=True):
    """A renewed lease, and what is said of its job."""

    job_id: int
    token: int
    version: int
    state: State
    requested: Wish | None


class Saved(Struct, frozen=True):
    """What earlier attempts at a job have kept for the next one, as JSON.

    Attributes:
        value: the last checkpoint.
        steps: what each step came to, by its name.
    """

    value: bytes | None = None
    steps: dict[str, bytes] = {}


NOTHING_SAVED = Saved()


class Usage(Struct, frozen=True, omit_defaults=True):
    """What an attempt has used, as far as it is known.

    Attributes:
        pid: the process that ran its code.
        peak_memory: bytes that it held at most.
        cpu_seconds: processor time of its code and of what it started.
        exit_code: with which its process ended, if it ended.
        signal: the name of the signal that ended it: ``SIGKILL``.
    """

    pid: int | None = None
    peak_memory: int | None = None
    cpu_seconds: float | None = None
    exit_code: int | None = None
    signal: str | None = None


class Deed(Struct, frozen=True, omit_defaults=True):
    """Something that was done to running code, for the receipt.

    Attributes:
        what: in a few words: ``SIGTERM sent``.
        pids: the processes that it was done to.
    """

    at: float
    what: str
    pids: tuple[int, ...] = ()


class Record(Struct, frozen=True):
    """What the flight recorder has of one attempt; `token` tells it from all others of its job."""

    job_id: int
    token: int
    attempt: int
    worker: int | None
    usage: Usage | None = None
    deeds: tuple[Deed, ...] = ()


class LogLine(Struct, frozen=True):
    """A line that running code has written.

    Attributes:
        level: ``INFO``, ``WARNING`` … of a logger's record; "" for a stream.
        source: ``stdout``, ``stderr``, or the logger's name.
    """

    at: float
    level: str
    source: str
    text: str


class StoredLine(Struct, frozen=True):
    """A line as it is kept. Its job's lines count 1, 2, 3; a number that is missing was dropped."""

    n: int
    attempt: int
    at: float
    level: str
    source: str
    text: str
