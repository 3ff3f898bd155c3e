"""Talking to a store in short sentences: every test of stores says what it means by it."""

from collections.abc import Iterable
from itertools import count
from typing import Any, TypeVar

from msgspec import UnsetType
from msgspec.structs import replace

from offload import lifecycle
from offload.model import (
    By,
    Change,
    Error,
    Event,
    Failed,
    Held,
    Job,
    NewJob,
    Outcome,
    Progress,
    Queue,
    QueueSettings,
    State,
    Succeeded,
    Wish,
    WorkerInfo,
)
from offload.store.base import (
    Apply,
    Claim,
    Counts,
    Enter,
    Found,
    Full,
    Get,
    Gone,
    History,
    Insert,
    Inserted,
    KeyReused,
    KeyTaken,
    Leave,
    List,
    Operation,
    Orphans,
    Owned,
    Promote,
    Prune,
    Query,
    Queues,
    Renew,
    Report,
    SetQueue,
    Stopping,
    Store,
    Workers,
)

T = TypeVar("T")

BY = By(actor="a test", door="python")
SOME_ERROR = Error(code="exception", message="no", type="ValueError", traceback="line 1")
LEASE = 30.0
DAY = 86_400.0

A_WORKER = WorkerInfo(
    id=0,
    host="here",
    boot_id="boot",
    pid=12,
    lock_file="worker-12.lock",
    queues=("default", "other"),
    tasks=("render", "fetch"),
    slots=5,
    started_at=1000.0,
    seen_at=1000.0,
)


def a_new_job(**fields: Any) -> NewJob:
    """Return a job to be started; `fields` override."""
    given: dict[str, Any] = {"task": "render", "kind": "async", "params": b"{}"}
    return NewJob(**(given | fields))


class Asker:
    """Asks one store, one operation a transaction, at an instant that the test moves."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = 1000.0
        self._tokens = count(1)
        self._enrolled = 0

    def do(self, operation: Operation[T]) -> T:
        """Run one operation and return its answer."""
        [answer], _ = self.store.run([operation])
        result: T = answer
        return result

    def read(self, query: Query[T]) -> T:
        return self.store.read(query)

    # --- starting

    def insert(
        self, *jobs: NewJob, key: str | None = None, digest: bytes = b""
    ) -> Inserted | Full | KeyReused | KeyTaken:
        """Try to start jobs; return what the store answers."""
        return self.do(self.an_insert(*jobs, key=key, digest=digest))

    def an_insert(self, *jobs: NewJob, key: str | None = None, digest: bytes = b"") -> Insert:
        """Make an insert with a token of its own."""
        return Insert(jobs, self.now, BY, next(self._tokens), key, digest)

    def start(self, number: int = 1, **fields: Any) -> tuple[int, ...]:
        """Start so many jobs, which must be taken; return their ids."""
        answer = self.insert(*[a_new_job(**fields)] * number)
        assert isinstance(answer, Inserted), answer
        return answer.ids

    def start_one(self, **fields: Any) -> int:
        [job_id] = self.start(**fields)
        return job_id

    # --- running

    def a_claim(
        self,
        count: int = 1,
        *,
        worker: int = 1,
        queue: str = "default",
        queues: tuple[str, ...] | None = None,
        tasks: tuple[str, ...] = ("render", "fetch"),
        house: int = 0,
        processes: int = 0,
    ) -> Claim:
        """Make a claim by a worker, which is enrolled for it if it never was."""
        while self._enrolled < worker:
            self.enter()
        free = {"slots": count, "processes": processes}
        of = (queue,) if queues is None else queues
        return Claim(worker, house, of, tasks, free, self.now, self.now + LEASE, BY)

    def claim(self, count: int = 1, **fields: Any) -> list[Job]:
        """Take up to `count` jobs."""
        return self.do(self.a_claim(count, **fields))

    def claim_one(self, **fields: Any) -> Job:
        [job] = self.claim(1, **fields)
        return job

    def an_apply(self, *changes: Change) -> Apply:
        return Apply(changes, self.now)

    def apply(self, *changes: Change) -> list[Job | Gone | None]:
        return self.do(self.an_apply(*changes))

    def apply_one(self, change: Change) -> Job | Gone | None:
        [answer] = self.apply(change)
        return answer

    def conclude(self, job: Job, outcome: Outcome) -> Job | Gone | None:
        """Decide what the outcome does and send it; None is that it was applied."""
        return self.apply_one(self.conclusion(job, outcome))

    def conclusion(self, job: Job, outcome: Outcome) -> Change:
        return lifecycle.conclude(job, outcome, self.now, BY)

    def cancellation(self, job: Job) -> Change:
        change = lifecycle.request(job, Wish.CANCEL, self.now, BY)
        assert change is not None
        return change

    def run_to_success(self, number: int = 1, value: bytes = b"1", **fields: Any) -> list[int]:
        """Start jobs and let them succeed, one after the other."""
        ids = []
        for job_id in self.start(number, **fields):
            queue = fields.get("queue", "default")
            assert self.conclude(self.claim_one(queue=queue), Succeeded(value)) is None
            ids.append(job_id)
        return ids

    def run_to_failure(self, error: Error = SOME_ERROR) -> int:
        job_id = self.start_one()
        assert self.conclude(self.claim_one(), Failed(error)) is None
        return job_id

    def renew(self, worker: int = 1, lease_until: float | None = None) -> list[Held]:
        until = self.now + LEASE if lease_until is None else lease_until
        return self.do(Renew(worker, self.now, until))

    def a_report(self, *words: tuple[Job, Progress]) -> Report:
        return Report(tuple((job.id, job.token, progress) for job, progress in words))

    def report(self, job: Job, progress: Progress) -> None:
        self.do(self.a_report((job, progress)))

    # --- workers, queues, care

    def enter(self, **fields: Any) -> int:
        self._enrolled = self.do(Enter(replace(A_WORKER, **fields)))
        return self._enrolled

    def stopping(self, worker: int) -> None:
        self.do(Stopping(worker))

    def leave(self, worker: int) -> None:
        self.do(Leave(worker))

    def set_queue(
        self,
        name: str = "default",
        *,
        defaults: QueueSettings | None = None,
        **explicit: int | float | UnsetType | None,
    ) -> Queue:
        settings: Any = explicit
        return self.do(SetQueue(name, QueueSettings(**settings), defaults or QueueSettings()))

    def promote(self) -> int:
        return self.do(Promote(self.now))

    def a_prune(self, batch: int = 500) -> Prune:
        return Prune(self.now, batch)

    def prune(self, batch: int = 500) -> int:
        return self.do(self.a_prune(batch))

    # --- reading

    def get(self, *ids: int, bodies: bool = True) -> Found:
        return self.read(Get(ids, bodies))

    def job(self, job_id: int) -> Job:
        return self.get(job_id).jobs[job_id]

    def all_jobs(self) -> list[Job]:
        """Every job that is kept, by id, without those parts of it that lists leave out."""
        return self.read(List(limit=1_000_000))[::-1]

    def ids(self, jobs: Iterable[Job] | None = None) -> list[int]:
        return [job.id for job in (self.all_jobs() if jobs is None else jobs)]

    def counts(self) -> dict[tuple[str, State], int]:
        return self.read(Counts())

    def history(self, job_id: int) -> list[Event]:
        return self.read(History(job_id))

    def owned(self, worker: int = 1) -> list[int]:
        return self.ids(self.read(Owned(worker)))

    def orphans(self) -> list[int]:
        return self.ids(self.read(Orphans()))

    def workers(self) -> list[WorkerInfo]:
        return self.read(Workers())

    def queues(self) -> list[Queue]:
        return self.read(Queues())
