"""The operations and queries on an open connection, one method each, shared by every database.

Rules about states are not here: what a change makes of a job was decided before. Here a change is
applied if the row is still the one it was decided from, its event is written beside it, and the
counters move with it, all in the caller's transaction.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, Protocol

from msgspec import UNSET
from msgspec.structs import asdict, replace

from offload.model import Change, Error, Event, Held, Job, Queue, State, WorkerInfo
from offload.store import rows
from offload.store.base import (
    Apply,
    Claim,
    Counts,
    Effects,
    Enter,
    Found,
    Full,
    Get,
    Gone,
    History,
    Insert,
    Inserted,
    KeyReused,
    Leave,
    List,
    Look,
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
    Situation,
    Stopping,
    Workers,
)

DEFAULT_QUEUE = Queue(
    name="",
    limit=None,
    capacity=None,
    keep=10_000,
    keep_seconds=7 * 86_400.0,
    keep_bytes=1 << 30,
    paused=False,
)
"""What a queue is where nobody said otherwise: no limit, no capacity; the newest
10,000 finished jobs of the last seven days, a gibibyte at most."""

KEEP_KEYS_SECONDS = 86_400.0
"""An idempotency key answers for a day, longer than any client goes on repeating a request."""

MAX_ID = (1 << 63) - 1


class _Cursor(Protocol):
    """What the operations need of a database cursor (DB-API, PEP 249)."""

    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...


class _Connection(Protocol):
    """What the operations need of a database connection."""

    def execute(self, sql: str, parameters: Any = ..., /) -> _Cursor: ...
    def executemany(self, sql: str, parameters: Iterable[Any], /) -> _Cursor: ...


class Transaction:
    """Operations on one open transaction; made for one, thrown away with it."""

    def __init__(
        self, connection: _Connection, queries: dict[str, str], job_of: Callable[[rows.Row], Job]
    ) -> None:
        self._connection = connection
        self._queries = queries
        self._job_of = job_of
        self._changed: list[int] = []
        self._wished: list[int] = []
        self._claimable = False
        self._jobs: Counter[tuple[str, State]] = Counter()
        self._bytes: Counter[tuple[str, State]] = Counter()
        self._verbs: dict[type, Callable[[list[Any]], list[Any]]] = {
            Insert: self._insert_all,
            Apply: self._apply_all,
            Claim: _each(self._claim),
            Renew: _each(self._renew),
            Report: _each(self._report),
            Enter: _each(self._enter),
            Stopping: _each(self._stopping),
            Leave: _each(self._leave),
            SetQueue: _each(self._set_queue),
            Promote: _each(self._promote),
            Prune: _each(self._prune),
        }

    def run(self, operations: Sequence[Operation[Any]]) -> tuple[list[Any], Effects]:
        """Run the operations in order; neighbours of one kind share their statements."""
        answers: list[Any] = []
        for kind, group in groupby(operations, key=type):
            answers += self._verbs[kind](list(group))
        self._write_tally()
        return answers, Effects(tuple(self._changed), tuple(self._wished), self._claimable)

    # --- starting

    def _insert_all(self, inserts: list[Insert]) -> list[Inserted | Full | KeyReused]:
        next_id = self.issued() + 1
        room: dict[str, float] = {}
        answers: list[Inserted | Full | KeyReused] = []
        batch: list[tuple[int, Insert]] = []
        for insert in inserts:
            answer = self._known_key(insert) or self._no_room(insert, room)
            if answer is None:
                answer = Inserted(tuple(range(next_id, next_id + len(insert.jobs))))
                batch.append((next_id, insert))
                self._put_key(insert, next_id)
                next_id += len(insert.jobs)
            answers.append(answer)
        self._write_jobs(batch)
        return answers

    def _known_key(self, insert: Insert) -> Inserted | KeyReused | None:
        if insert.key is None:
            return None
        row = self._one("key", {"key": insert.key})
        if row is None:
            return None
        digest, first, count = row
        if bytes(digest) != insert.digest:
            return KeyReused(insert.key, first)
        return Inserted(tuple(range(first, first + count)), repeated=True)

    def _put_key(self, insert: Insert, first: int) -> None:
        if insert.key is not None:
            self._do(
                "put_key",
                {
                    "key": insert.key,
                    "digest": insert.digest,
                    "job_id": first,
                    "jobs": len(insert.jobs),
                    "now": insert.now,
                },
            )

    def _no_room(self, insert: Insert, room: dict[str, float]) -> Full | None:
        """Refuse the whole insert where one of its queues has no room for all of it."""
        wanted = Counter(job.queue for job in insert.jobs)
        for name, count in wanted.items():
            if name not in room:
                room[name] = self._room(name)
            if room[name] < count:
                capacity = self._queue(name).capacity
                return Full(name, capacity if capacity is not None else 0)
        for name, count in wanted.items():
            room[name] -= count
        return None

    def _room(self, name: str) -> float:
        capacity = self._queue(name).capacity
        if capacity is None:
            return float("inf")
        admitted: int = self._one("admitted", {"queue": name})[0]
        return capacity - admitted

    def _write_jobs(self, batch: list[tuple[int, Insert]]) -> None:
        jobs, bodies, events = [], [], []
        for first, insert in batch:
            by = insert.by
            for job_id, job in enumerate(insert.jobs, first):
                jobs.append(rows.insert_row(job_id, job, insert.now, insert.token))
                events.append(
                    (job_id, 1, "queued", "queued", insert.now, by.actor, by.door, 0, None, None)
                )
                if rows.inline(job.params) is None:
                    bodies.append((job_id, "params", job.params))
                self._jobs[job.queue, State.QUEUED] += 1
        self._many("insert_job", jobs)
        self._many("put_body", bodies)
        self._many("insert_event", events)
        self._claimable = self._claimable or bool(jobs)

    def inserted(self, insert: Insert, after: int) -> Inserted | None:
        """Find the jobs of an insert among those issued after an id, by its token."""
        found = self._all("inserted", {"after": after, "token": insert.token})
        return Inserted(tuple(row[0] for row in found)) if found else None

    def issued(self) -> int:
        """Return the highest job id ever issued; 0 if none was."""
        issued: int = self._one("issued", {})[0]
        return issued

    # --- running

    def _claim(self, claim: Claim) -> list[Job]:
        free = self._free_slots(claim)
        if free <= 0:
            return []
        tasks = rows.encode(claim.tasks).decode()
        parameters = asdict(claim) | {"tasks": tasks, "count": free}
        del parameters["by"]
        jobs = [self._job_of(row) for row in self._all("claim", parameters)]
        jobs.sort(key=lambda job: (-job.priority, job.id))
        self._record_claims(jobs, claim)
        return [self._with_params(job) for job in jobs]

    def _free_slots(self, claim: Claim) -> int:
        queue = self._queue(claim.queue)
        if queue.paused:
            return 0
        if queue.limit is None:
            return claim.count
        occupied: int = self._one("occupied", {"queue": claim.queue})[0]
        return min(claim.count, queue.limit - occupied)

    def _record_claims(self, jobs: list[Job], claim: Claim) -> None:
        self._many(
            "insert_event",
            [rows.claim_event_row(job, claim.now, claim.by) for job in jobs],
        )
        self._jobs[claim.queue, State.QUEUED] -= len(jobs)
        self._jobs[claim.queue, State.RUNNING] += len(jobs)
        self._changed += [job.id for job in jobs]

    def _apply_all(self, applies: list[Apply]) -> list[list[Job | Gone | None]]:
        changes = [(change, apply.now) for apply in applies for change in apply.changes]
        answers = iter(self._apply(changes))
        return [[next(answers) for _ in apply.changes] for apply in applies]

    def _apply(self, changes: list[tuple[Change, float]]) -> list[Job | Gone | None]:
        """Apply all at once; where some are stale, undo and apply one by one to learn which."""
        errors = [_error_bytes(change.after.error) for change, _ in changes]
        rows_ = [
            rows.change_row(change, error)
            for (change, _), error in zip(changes, errors, strict=True)
        ]
        self._connection.execute("savepoint changes")
        applied = self._many("apply", rows_)
        if applied == len(changes):
            answers: list[Job | Gone | None] = [None] * len(changes)
        else:
            self._connection.execute("rollback to changes")
            answers = [
                self._apply_one(change, row)
                for (change, _), row in zip(changes, rows_, strict=True)
            ]
        self._connection.execute("release changes")
        self._record_changes(
            (change, now, error)
            for (change, now), error, answer in zip(changes, errors, answers, strict=True)
            if answer is None
        )
        return answers

    def _apply_one(self, change: Change, row: rows.Row) -> Job | Gone | None:
        if self._many("apply", [row]):
            return None
        current = self._one_job(change.after.id)
        return Gone() if current is None else current

    def _record_changes(self, changes: Iterable[tuple[Change, float, bytes | None]]) -> None:
        events, bodies = [], []
        for change, now, error in changes:
            job = change.after
            events.append(rows.event_row(change, now))
            for kind, value in (("result", job.result), ("error", error)):
                if value is not None and rows.inline(value) is None:
                    bodies.append((job.id, kind, value))
            self._count_change(change, rows.grown(change, error))
            self._changed.append(job.id)
            if job.state is State.RUNNING:
                self._wished.append(job.id)
            elif change.before is State.RUNNING or job.claimable:
                self._claimable = True
        self._many("insert_event", events)
        self._many("put_body", bodies)

    def _count_change(self, change: Change, grown: int) -> None:
        job = change.after
        self._jobs[job.queue, change.before] -= 1
        self._jobs[job.queue, job.state] += 1
        if job.is_finished:
            self._bytes[job.queue, job.state] += job.size + grown

    def _renew(self, renew: Renew) -> list[Held]:
        parameters = asdict(renew)
        self._do("seen", {"worker": renew.worker, "now": renew.now})
        del parameters["now"]
        return [rows.held_of(row) for row in self._all("renew", parameters)]

    def _report(self, report: Report) -> None:
        words = [
            (rows.progress_bytes(word), job_id, token) for job_id, token, word in report.progress
        ]
        self._many("report", [word for word in words if word[0] is not None])

    # --- workers and queues

    def _enter(self, enter: Enter) -> int:
        info = enter.info
        parameters = {
            "host": info.host,
            "boot_id": info.boot_id,
            "pid": info.pid,
            "lock_file": info.lock_file,
            "queues": rows.encode(info.queues).decode(),
            "tasks": rows.encode(info.tasks).decode(),
            "slots": info.slots,
            "now": info.started_at,
        }
        worker: int = self._one("enter", parameters)[0]
        return worker

    def _stopping(self, stopping: Stopping) -> None:
        self._do("stopping", {"worker": stopping.worker})

    def _leave(self, leave: Leave) -> None:
        self._do("leave", {"worker": leave.worker})

    def _set_queue(self, setting: SetQueue) -> Queue:
        row = self._one("queue", {"name": setting.name})
        base = (
            rows.queue_of(row)
            if row is not None
            else replace(DEFAULT_QUEUE, name=setting.name, **_given(setting.defaults))
        )
        queue = replace(base, **_given(setting.explicit))
        self._do("put_queue", asdict(queue))
        self._claimable = True
        return queue

    def _queue(self, name: str) -> Queue:
        """Return a queue's settings; one that nobody has set has the defaults, and no row.

        So `offload serve` still finds it new after a script has used it.
        """
        row = self._one("queue", {"name": name})
        return rows.queue_of(row) if row is not None else replace(DEFAULT_QUEUE, name=name)

    # --- care

    def _promote(self, promote: Promote) -> int:
        promoted = sum(
            self._do("promote", {"queue": queue.name, "now": promote.now}).rowcount
            for queue in self.queues()
        )
        self._claimable = self._claimable or promoted > 0
        return promoted

    def _prune(self, prune: Prune) -> int:
        self._do("forget_keys", {"before": prune.now - KEEP_KEYS_SECONDS})
        self._write_tally()
        removed = 0
        for queue in self.queues():
            ids = self._beyond(queue, prune.now, prune.batch - removed)
            self._delete(queue, ids)
            removed += len(ids)
        return removed

    def _beyond(self, queue: Queue, now: float, batch: int) -> dict[int, tuple[State, int]]:
        """Choose the finished jobs that the queue keeps no longer: id to (state, size)."""
        kept, kept_bytes = self._one("kept", {"queue": queue.name})
        chosen: dict[int, tuple[State, int]] = {}
        for row in self._all("oldest_finished", {"queue": queue.name, "limit": batch}):
            job_id, state, finished_at, size = row
            fits = kept <= queue.keep and kept_bytes <= queue.keep_bytes
            if fits and finished_at >= now - queue.keep_seconds:
                break
            chosen[job_id] = (State(state), size)
            kept -= 1
            kept_bytes -= size
        return chosen

    def _delete(self, queue: Queue, jobs: dict[int, tuple[State, int]]) -> None:
        ids = [(job_id,) for job_id in jobs]
        self._many("delete_job", ids)
        self._many("delete_bodies", ids)
        self._many("delete_events", ids)
        for state, size in jobs.values():
            self._jobs[queue.name, state] -= 1
            self._bytes[queue.name, state] -= size

    def _write_tally(self) -> None:
        self._many(
            "add_tally",
            [
                (*key, jobs, self._bytes[key])
                for key, jobs in self._jobs.items()
                if jobs or self._bytes[key]
            ],
        )
        self._jobs.clear()
        self._bytes.clear()

    # --- reading

    def read(self, query: Query[Any]) -> Any:
        """Answer a query."""
        match query:
            case Get(ids, bodies):
                return self._get(ids, bodies)
            case List():
                return self._page(query)
            case Owned(worker):
                return [self._job_of(row) for row in self._all("owned", {"worker": worker})]
            case Orphans():
                return [self._job_of(row) for row in self._all("orphans", {})]
            case Workers():
                return self._workers()
            case Queues():
                return self.queues()
            case Counts():
                return self._counts()
            case Look():
                return Situation(self._workers(), self.queues(), self._counts())
            case History(job_id):
                return self._history(job_id)
        raise TypeError(f"the store has no query {type(query).__name__}")

    def queues(self) -> list[Queue]:
        """Return all queues by name: those that were set, and those that have had a job."""
        return [self._queue(row[0]) for row in self._all("queues", {})]

    def _get(self, ids: tuple[int, ...], bodies: bool) -> Found:
        found = self._all("jobs", {"ids": rows.encode(ids).decode()})
        jobs = [self._job_of(row) for row in found]
        if bodies:
            jobs = [self._with_bodies(job) for job in jobs]
        return Found(jobs={job.id: job for job in jobs}, issued=self.issued())

    def _page(self, query: List) -> list[Job]:
        parameters = {
            "limit": query.limit,
            "before": MAX_ID if query.before is None else query.before,
            "states": rows.encode(query.states).decode() if query.states else None,
            "task": query.task,
            "queue": query.queue,
        }
        return [self._with_params(self._job_of(row)) for row in self._all("page", parameters)]

    def _history(self, job_id: int) -> list[Event]:
        return [rows.event_of(row) for row in self._all("history", {"job_id": job_id})]

    def _counts(self) -> dict[tuple[str, State], int]:
        return {(queue, State(state)): count for queue, state, count in self._all("tally", {})}

    def _workers(self) -> list[WorkerInfo]:
        return [rows.worker_of(row) for row in self._all("workers", {})]

    def _one_job(self, job_id: int) -> Job | None:
        row = self._one("job", (job_id,))
        return None if row is None else self._job_of(row)

    def _with_params(self, job: Job) -> Job:
        return job if job.params is not None else replace(job, params=self._body(job, "params"))

    def _with_bodies(self, job: Job) -> Job:
        job = self._with_params(job)
        if job.state is State.SUCCEEDED and job.result is None:
            return replace(job, result=self._body(job, "result"))
        if job.state is State.FAILED and job.error is None:
            return replace(job, error=rows.decode_error(self._body(job, "error")))
        return job

    def _body(self, job: Job, kind: str) -> bytes:
        row = self._one("body", (job.id, kind))
        return bytes(row[0]) if row is not None else b"null"

    # --- statements

    def _do(self, name: str, parameters: Any) -> _Cursor:
        return self._connection.execute(self._queries[name], parameters)

    def _one(self, name: str, parameters: Any) -> Any:
        return self._do(name, parameters).fetchone()

    def _all(self, name: str, parameters: Any) -> list[Any]:
        return self._do(name, parameters).fetchall()

    def _many(self, name: str, parameters: list[Any]) -> int:
        if not parameters:
            return 0
        return self._connection.executemany(self._queries[name], parameters).rowcount


def _each(verb: Callable[[Any], Any]) -> Callable[[list[Any]], list[Any]]:
    """Lift a verb for one operation to a group of them."""
    return lambda operations: [verb(operation) for operation in operations]


def _given(settings: Any) -> dict[str, Any]:
    """Return the settings that were said, by name."""
    return {name: value for name, value in asdict(settings).items() if value is not UNSET}


def _error_bytes(error: Error | None) -> bytes | None:
    return None if error is None else rows.encode(error)
