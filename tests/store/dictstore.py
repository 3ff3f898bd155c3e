"""A store made of plain dicts, one short method per operation: what the real ones are held against.

It is the contract written a second time, by the book and without a thought of speed: jobs are
records, a change is applied where version and token agree, everything is counted by counting.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import asdict, replace

from offload import lifecycle
from offload.model import (
    FINISHED,
    By,
    Change,
    Event,
    Held,
    Job,
    NewJob,
    Queue,
    QueueSettings,
    State,
    WorkerInfo,
)
from offload.store.base import (
    Apply,
    Claim,
    Enter,
    Full,
    Gone,
    Insert,
    Inserted,
    KeyReused,
    Leave,
    Operation,
    Promote,
    Prune,
    Renew,
    Report,
    SetQueue,
    Stopping,
)

KEYS_ARE_KEPT = 86_400.0


class DictStore:
    """Answers every operation as a store must, and can be looked into."""

    def __init__(self) -> None:
        self.jobs: dict[int, Job] = {}
        self.events: dict[int, list[Event]] = {}
        self.workers: dict[int, WorkerInfo] = {}
        self.keys: dict[str, tuple[bytes, tuple[int, ...], float]] = {}
        self.issued = 0
        self._set: dict[str, Queue] = {}
        self._used: set[str] = set()
        self._workers_issued = 0
        self._events_issued = 0
        self._verbs: dict[type, Callable[[Any], Any]] = {
            Insert: self._insert,
            Claim: self._claim,
            Apply: self._apply,
            Renew: self._renew,
            Report: self._report,
            Enter: self._enter,
            Stopping: self._stopping,
            Leave: self._leave,
            SetQueue: self._set_queue,
            Promote: self._promote,
            Prune: self._prune,
        }

    def run(self, operations: Sequence[Operation[Any]]) -> list[Any]:
        """Run operations in their order."""
        return [self._verbs[type(operation)](operation) for operation in operations]

    # --- starting

    def _insert(self, insert: Insert) -> Inserted | Full | KeyReused:
        if insert.key in self.keys:
            digest, ids, _ = self.keys[insert.key]
            if digest != insert.digest:
                return KeyReused(insert.key, ids[0])
            return Inserted(ids, repeated=True)
        for name, wanted in Counter(job.queue for job in insert.jobs).items():
            capacity = self._queue(name).capacity
            if capacity is not None and self._admitted(name) + wanted > capacity:
                return Full(name, capacity)
        ids = tuple(self._new(job, insert.now, insert.by) for job in insert.jobs)
        if insert.key is not None:
            self.keys[insert.key] = (insert.digest, ids, insert.now)
        return Inserted(ids)

    def _admitted(self, name: str) -> int:
        waiting = {State.QUEUED, State.PAUSED}
        return sum(job.queue == name and job.state in waiting for job in self.jobs.values())

    def _new(self, new: NewJob, now: float, by: By) -> int:
        self.issued += 1
        self._used.add(new.queue)
        due = new.run_at is None or new.run_at <= now
        given = {name: getattr(new, name) for name in new.__struct_fields__}
        del given["refuse_known"]
        job = Job(
            **(given | {"run_at": None if due else new.run_at}),
            group=None,
            handle=None,
            next_check_at=None,
            forgiven=0,
            id=self.issued,
            state=State.QUEUED,
            requested=None,
            claimable=due,
            ahead=False,
            version=1,
            token=0,
            worker=None,
            lease_until=None,
            occupies_slot=False,
            attempt=0,
            crashes=0,
            interrupts=0,
            created_at=now,
            started_at=None,
            finished_at=None,
            reason=None,
            result=None,
            error=None,
            progress=None,
            size=len(new.params),
        )
        self._write(job, "queued", now, by)
        return job.id

    def _write(self, job: Job, event: str, now: float, by: By) -> None:
        self.jobs[job.id] = job
        self._events_issued += 1
        self.events.setdefault(job.id, []).append(
            Event(
                id=self._events_issued,
                job_id=job.id,
                version=job.version,
                kind=event,
                state=job.state,
                at=now,
                actor=by.actor,
                door=by.door,
                attempt=job.attempt,
                worker=job.worker,
                reason=job.reason,
            )
        )

    # --- running

    def _claim(self, claim: Claim) -> list[Job]:
        if claim.worker not in self.workers:
            return []
        waiting = [job for job in self.jobs.values() if job.claimable and job.task in claim.tasks]
        waiting.sort(key=lambda job: (-job.priority, job.id))
        free = claim.free["slots"]
        claimed = []
        for job in waiting:
            is_served = not claim.queues or job.queue in claim.queues
            if is_served and len(claimed) < free and self._has_place(job.queue):
                taken = lifecycle.claim(job, claim.worker, claim.lease_until, claim.now)
                self._write(taken, "claimed", claim.now, claim.by)
                claimed.append(taken)
        return claimed

    def _has_place(self, name: str) -> bool:
        limit = self._queue(name).limit
        occupied = sum(job.queue == name and job.occupies_slot for job in self.jobs.values())
        return limit is None or occupied < limit

    def _apply(self, apply: Apply) -> list[Job | Gone | None]:
        return [self._apply_one(change, apply.now) for change in apply.changes]

    def _apply_one(self, change: Change, now: float) -> Job | Gone | None:
        row = self.jobs.get(change.after.id)
        if row is None:
            return Gone()
        if (row.version, row.token) != (change.after.version - 1, change.after.token):
            return row
        error = b"" if change.after.error is None else msgspec.json.encode(change.after.error)
        grown = len(change.after.result or b"") + len(error)
        kept = {"params": row.params, "progress": row.progress, "size": row.size + grown}
        after = replace(change.after, **kept)
        self._write(after, change.event, now, change.by)
        return None

    def _renew(self, renew: Renew) -> list[Held]:
        if renew.worker in self.workers:
            worker = self.workers[renew.worker]
            self.workers[renew.worker] = replace(worker, seen_at=renew.now)
        mine = [job for job in self.jobs.values() if job.worker == renew.worker]
        for job in mine:
            self.jobs[job.id] = replace(job, lease_until=renew.lease_until)
        return [Held(job.id, job.token, job.version, job.requested) for job in mine]

    def _report(self, report: Report) -> None:
        for job_id, token, progress in report.progress:
            job = self.jobs.get(job_id)
            if job is not None and job.token == token and job.state is State.RUNNING:
                self.jobs[job_id] = replace(job, progress=progress)

    # --- workers and queues

    def _enter(self, enter: Enter) -> int:
        self._workers_issued += 1
        number = self._workers_issued
        seen_at = enter.info.started_at
        self.workers[number] = replace(enter.info, id=number, seen_at=seen_at, stopping=False)
        return number

    def _stopping(self, stopping: Stopping) -> None:
        if stopping.worker in self.workers:
            worker = self.workers[stopping.worker]
            self.workers[stopping.worker] = replace(worker, stopping=True)

    def _leave(self, leave: Leave) -> None:
        self.workers.pop(leave.worker, None)

    def queues(self) -> list[Queue]:
        """Return the queues that were set or have had a job, by name."""
        return [self._queue(name) for name in sorted(self._used | self._set.keys())]

    def _queue(self, name: str) -> Queue:
        plain = Queue(name, None, None, 10_000, 7 * 86_400.0, 1 << 30, paused=False)
        return self._set.get(name, plain)

    def _set_queue(self, setting: SetQueue) -> Queue:
        queue = self._queue(setting.name)
        if setting.name not in self._set:
            queue = replace(queue, **_said(setting.defaults))
        self._set[setting.name] = replace(queue, **_said(setting.explicit))
        return self._set[setting.name]

    # --- care

    def _promote(self, promote: Promote) -> int:
        due = [
            job
            for job in self.jobs.values()
            if job.state is State.QUEUED
            and not job.claimable
            and job.run_at is not None
            and job.run_at <= promote.now
        ]
        for job in due:
            self.jobs[job.id] = replace(job, claimable=True)
        return len(due)

    def _prune(self, prune: Prune) -> int:
        old = [k for k, (_, _, at) in self.keys.items() if at < prune.now - KEYS_ARE_KEPT]
        for key in old:
            del self.keys[key]
        removed = 0
        for queue in self.queues():
            for job in self._beyond(queue, prune.now)[: prune.batch - removed]:
                del self.jobs[job.id], self.events[job.id]
                removed += 1
        return removed

    def _beyond(self, queue: Queue, now: float) -> list[Job]:
        """Return what the queue keeps no longer: the newest that fit stay."""
        finished = [job for job in self.jobs.values() if job.queue == queue.name]
        finished = [job for job in finished if job.state in FINISHED]
        finished.sort(key=lambda job: (job.finished_at, job.id))
        beyond = []
        for number, job in enumerate(finished):
            rest = finished[number:]
            too_many = len(rest) > queue.keep or _bytes(rest) > queue.keep_bytes
            assert job.finished_at is not None
            if not too_many and job.finished_at >= now - queue.keep_seconds:
                break
            beyond.append(job)
        return beyond


def _bytes(jobs: Iterable[Job]) -> int:
    return sum(job.size for job in jobs)


def _said(settings: QueueSettings) -> dict[str, Any]:
    return {name: value for name, value in asdict(settings).items() if value is not UNSET}
