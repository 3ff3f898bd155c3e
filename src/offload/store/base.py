"""What every store promises: operations that write, queries that read, and who is told.

An operation is a frozen record, already encoded, so that a caller's thread does the work of
encoding and the writer only writes. Many operations travel in one transaction; each has its own
answer. A refusal is an answer, not an exception: it must not undo its neighbours.
"""

from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct, UnsetType

from offload.model import (
    By,
    Change,
    Event,
    Held,
    Job,
    NewJob,
    Progress,
    Queue,
    QueueSettings,
    State,
    WorkerInfo,
)

T = TypeVar("T")


class Operation(Struct, Generic[T], frozen=True):
    """Something to write; `T` is what it answers with."""


class Query(Struct, Generic[T], frozen=True):
    """Something to read; `T` is what it answers with."""


class Insert(Operation["Inserted | Full | KeyReused"], frozen=True):
    """Start jobs, all or none.

    Attributes:
        token: a random number that finds the jobs again when a commit's result is unknown.
        key: an idempotency key: the same key with the same digest gives the first answer again.
        digest: a digest of the request that came with the key.
    """

    jobs: tuple[NewJob, ...]
    now: float
    by: By
    token: int
    key: str | None = None
    digest: bytes = b""


class Inserted(Struct, frozen=True):
    """The jobs are stored under these ids; `repeated` says that an earlier request did it."""

    ids: tuple[int, ...]
    repeated: bool = False


class Full(Struct, frozen=True):
    """Refused: the queue is at capacity. Nothing was stored."""

    queue: str
    capacity: int


class KeyReused(Struct, frozen=True):
    """Refused: the idempotency key belongs to another request."""

    key: str
    job_id: int


class Claim(Operation[list[Job]], frozen=True):
    """Take up to `count` claimable jobs of a queue, never more than its limit leaves free.

    Answers with a list of `Job`, in the order in which they should begin.
    """

    worker: int
    queue: str
    tasks: tuple[str, ...]
    count: int
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


class Renew(Operation[list[Held]], frozen=True):
    """Renew every lease of a worker; answers with all that is recorded as its own."""

    worker: int
    now: float
    lease_until: float


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
    """Remove finished jobs beyond what their queues keep, oldest first, at most `batch` of them.

    Answers with the number removed.
    """

    now: float
    batch: int = 500


class Get(Query["Found"], frozen=True):
    """Read jobs by id; without `bodies` parameters, results and errors may stay behind."""

    ids: tuple[int, ...]
    bodies: bool = True


class Found(Struct, frozen=True):
    """The jobs that are kept, and the highest id ever issued: an absent id below it is evicted."""

    jobs: dict[int, Job]
    issued: int


class List(Query[list[Job]], frozen=True):
    """Read a page of jobs, newest first, by id below `before`; answers with a list of `Job`."""

    limit: int = 100
    before: int | None = None
    states: tuple[State, ...] = ()
    task: str | None = None
    queue: str | None = None


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


class Situation(Struct, frozen=True):
    """What a waiting job may wait for, in one snapshot: workers, queues, and the counts."""

    workers: list[WorkerInfo]
    queues: list[Queue]
    counts: dict[tuple[str, State], int]


class Look(Query[Situation], frozen=True):
    """Read the situation as a whole."""


class History(Query[list[Event]], frozen=True):
    """Read a job's events, oldest first; answers with a list of `Event`."""

    job_id: int


class Effects(Struct, frozen=True, array_like=True):
    """What a transaction did that somebody may be waiting for.

    Attributes:
        changed: ids of the jobs whose state changed.
        wished: ids of the running jobs of which something was asked.
        claimable: whether a job became claimable or a slot became free.
    """

    changed: tuple[int, ...] = ()
    wished: tuple[int, ...] = ()
    claimable: bool = False

    def __bool__(self) -> bool:
        return self.claimable or bool(self.changed) or bool(self.wished)


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
