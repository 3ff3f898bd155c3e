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

from offload import lifecycle, pace
from offload.lanes import lane_of
from offload.model import (
    FINISHED,
    NOTHING_SAVED,
    By,
    Change,
    Event,
    Held,
    Job,
    Lane,
    Mode,
    NewJob,
    Queue,
    QueueSettings,
    Record,
    Saved,
    State,
    StoredLine,
    Wish,
    WorkerInfo,
)
from offload.store.base import (
    Amend,
    Apply,
    Checked,
    Claim,
    Complete,
    Enter,
    Fire,
    Fired,
    Full,
    Gone,
    Group,
    Insert,
    Inserted,
    Keep,
    KeyReused,
    KeyTaken,
    Leave,
    Note,
    Operation,
    Promote,
    Prune,
    PutSchedules,
    Remove,
    Renew,
    Report,
    Retry,
    Save,
    Say,
    Scheduled,
    SetQueue,
    SetTask,
    Stopping,
    TaskPause,
    WorkerWas,
)
from offload.text import first_line

KEYS_ARE_KEPT = 86_400.0
GROUPS_ARE_KEPT = 86_400.0


class DictStore:
    """Answers every operation as a store must, and can be looked into."""

    def __init__(self) -> None:
        self.jobs: dict[int, Job] = {}
        self.events: dict[int, list[Event]] = {}
        self.workers: dict[int, WorkerInfo] = {}
        self.keys: dict[str, tuple[bytes, Inserted, float]] = {}
        self.groups: dict[int, tuple[int, float]] = {}
        self.schedules: dict[str, Scheduled] = {}
        self.completions: dict[int, bytes] = {}
        self.begun: list[tuple[str, int]] = []
        self.saved: dict[int, Saved] = {}
        self.records: dict[int, dict[int, Record]] = {}
        self.lines: dict[int, list[StoredLine]] = {}
        self.paused_tasks: dict[str, TaskPause] = {}
        self.worked: dict[int, WorkerWas] = {}
        self.last_worker: dict[int, int] = {}
        self.waits_since: dict[int, float] = {}
        self._to_hold: list[tuple[int, Insert]] = []
        self.issued = 0
        self._set: dict[str, Queue] = {}
        self._used: set[str] = set()
        self._workers_issued = 0
        self.groups_issued = 0
        self._events_issued = 0
        self._verbs: dict[type, Callable[[Any], Any]] = {
            Insert: self._insert,
            Claim: self._claim,
            Apply: self._apply,
            Retry: self._retry,
            Amend: self._amend,
            Complete: self._complete,
            Remove: self._remove,
            Checked: self._checked,
            Renew: self._renew,
            Report: self._report,
            Enter: self._enter,
            Stopping: self._stopping,
            Leave: self._leave,
            SetQueue: self._set_queue,
            SetTask: self._set_task,
            Save: self._save,
            Note: self._note,
            Say: self._say,
            Promote: self._promote,
            Prune: self._prune,
            PutSchedules: self._put_schedules,
            Fire: self._fire,
        }

    def run(self, operations: Sequence[Operation[Any]]) -> list[Any]:
        """Run operations in their order; what begins paused is held behind a row of starts."""
        answers = []
        for operation in operations:
            if not isinstance(operation, Insert):
                self._hold()
            answers.append(self._verbs[type(operation)](operation))
        self._hold()
        return answers

    def _hold(self) -> None:
        held, self._to_hold = self._to_hold, []
        for job_id, insert in held:
            change = lifecycle.request(self.jobs[job_id], Wish.PAUSE, insert.now, insert.by)
            assert change is not None
            self._apply_one(change, insert.now)

    # --- starting

    def _insert(self, insert: Insert) -> Inserted | Full | KeyReused | KeyTaken:
        if insert.key in self.keys:
            digest, first, _ = self.keys[insert.key]
            if digest != insert.digest:
                return KeyReused(insert.key, first.ids[0])
            return replace(first, repeated=True)
        known = {place: self._holder(job) for place, job in enumerate(insert.jobs)}
        for place, job in enumerate(insert.jobs):
            holder = known[place]
            if holder is not None and job.key is not None and job.refuse_known:
                return KeyTaken(job.key, holder)
        new = self._without_repeated(
            [job for place, job in enumerate(insert.jobs) if known[place] is None]
        )
        for name, wanted in Counter(job.queue for job in new).items():
            capacity = self._queue(name).capacity
            if capacity is not None and self._admitted(name) + wanted > capacity:
                return Full(name, capacity)
        return self._put(insert, len(new))

    def _put(self, insert: Insert, new: int) -> Inserted:
        group = None
        if insert.grouped:
            self.groups_issued += 1
            group = self.groups_issued
            self.groups[group] = (new, insert.now)
        ids = tuple(self._holder(job) or self._new(job, insert, group) for job in insert.jobs)
        answer = Inserted(ids, group=group)
        if insert.key is not None:
            self.keys[insert.key] = (insert.digest, answer, insert.now)
        return answer

    def _holder(self, new: NewJob | Job) -> int | None:
        """Return the unfinished job that has this one's unique key."""
        for job in self.jobs.values():
            same = new.key is not None and (job.task, job.key) == (new.task, new.key)
            if same and job.state not in FINISHED:
                return job.id
        return None

    def _without_repeated(self, jobs: list[NewJob]) -> list[NewJob]:
        """Of several jobs with the same key the first one is started."""
        first: dict[Any, NewJob] = {}
        for place, job in enumerate(jobs):
            first.setdefault(place if job.key is None else (job.task, job.key), job)
        return list(first.values())

    def _admitted(self, name: str) -> int:
        waiting = {State.QUEUED, State.PAUSED}
        jobs = [job for job in self.jobs.values() if job.queue == name]
        return sum(job.state in waiting and not job.is_owned for job in jobs)

    def _new(self, new: NewJob, insert: Insert, group: int | None) -> int:
        now = insert.now
        self.issued += 1
        self._used.add(new.queue)
        due = new.run_at is None or new.run_at <= now
        given = {name: getattr(new, name) for name in new.__struct_fields__}
        del given["refuse_known"], given["paused"]
        job = Job(
            **(given | {"run_at": None if due else new.run_at}),
            group=group,
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
            pause=None,
            paused_seconds=0.0,
            saved_at=None,
            kept_until=None,
        )
        if due:
            self.waits_since[job.id] = now
        if new.paused:
            self._to_hold.append((job.id, insert))
        self._write(job, "queued", now, insert.by)
        return job.id

    def _write(self, job: Job, event: str, now: float, by: By) -> None:
        self.jobs[job.id] = job
        self._record(job, event, now, by)

    def _record(self, job: Job, event: str, now: float, by: By) -> None:
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
                reason=job.reason or _failure(job),
            )
        )

    # --- running

    def _claim(self, claim: Claim) -> list[Job]:
        """Those that go on come first; what others wait to go on with is not taken from them."""
        if claim.worker not in self.workers:
            return []
        free = Counter(claim.free)
        resumed = self._resume(claim, free)
        awaited = Counter(job.queue for job in self._resuming() if job.worker != claim.worker)
        waiting = [job for job in self.jobs.values() if self._can_take(job, claim)]
        waiting.sort(key=lambda job: (not job.ahead, -job.priority, job.id))
        claimed = []
        for job in waiting:
            lane = lane_of(job.lane)
            has_place = self._has_place(job.queue, lane, awaited[job.queue])
            if free[lane.pool] > 0 and has_place and self._is_in_time(lane, claim.now):
                free[lane.pool] -= 1
                self.begun += [
                    (name, pace.slice_of(rate, claim.now)) for name, rate in lane.rates.items()
                ]
                taken = lifecycle.claim(job, claim.worker, claim.lease_until, claim.now)
                self.jobs[job.id] = taken
                self.last_worker[job.id] = claim.worker
                claimed.append(taken)
        for job in claimed:
            self._record(job, "claimed", claim.now, claim.by)
        return resumed + claimed

    def _resume(self, claim: Claim, free: Counter[str]) -> list[Job]:
        """Take back what is to go on; began it has long ago, so no rate counts it."""
        mine = [job for job in self._resuming() if job.worker == claim.worker]
        mine.sort(key=lambda job: (-job.priority, job.id))
        resumed = []
        for job in mine[: sum(free.values())]:
            lane = lane_of(job.lane)
            if free[lane.pool] > 0 and self._has_place(job.queue, lane, 0):
                free[lane.pool] -= 1
                self._apply_one(lifecycle.resume(job, claim.now, claim.by), claim.now)
                resumed.append(self.jobs[job.id])
        return resumed

    def _resuming(self) -> list[Job]:
        """Return what waits for a place to go on; what is only looked at again needs none."""
        return [
            job
            for job in self.jobs.values()
            if (job.state, job.requested) == (State.PAUSED, Wish.RESUME)
            and not _is_not_checked(job)
        ]

    def _can_take(self, job: Job, claim: Claim) -> bool:
        is_served = not claim.queues or job.queue in claim.queues
        is_known = job.task in claim.tasks if job.bound_to is None else job.bound_to == claim.house
        return job.claimable and is_served and is_known and job.task not in self.paused_tasks

    def _has_place(self, name: str, lane: Lane, awaited: int) -> bool:
        queue, holdings = self._queue(name), self.holdings()
        occupied = sum(job.queue == name and job.occupies_slot for job in self.jobs.values())
        has_slot = queue.limit is None or occupied + awaited < queue.limit
        is_open = not queue.paused and has_slot
        return is_open and all(holdings[limited] < most for limited, most in lane.limits.items())

    def _is_in_time(self, lane: Lane, now: float) -> bool:
        return all(
            pace.begun_within(rate, self.begun_of(rated), now) < rate.count
            for rated, rate in lane.rates.items()
        )

    def holdings(self) -> Counter[str]:
        """Count how many jobs hold each named limit; those whose work is elsewhere hold theirs."""
        holders = [
            job
            for job in self.jobs.values()
            if job.state is State.RUNNING or (job.is_owned and _is_not_checked(job))
        ]
        return Counter(name for job in holders for name in lane_of(job.lane).limits)

    def begun_of(self, name: str) -> Counter[int]:
        """Count what began of a named rate by slice, ever."""
        return Counter(slice_ for rated, slice_ in self.begun if rated == name)

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
        after = replace(change.after, **kept, saved_at=row.saved_at)
        self._write(after, change.event, now, change.by)
        if after.claimable and not row.claimable:
            self.waits_since[after.id] = now
        if after.state in FINISHED:
            self.completions.pop(after.id, None)
        if after.state is State.SUCCEEDED and change.after.saved_at is not None:
            self.saved.pop(after.id, None)
        return None

    def _retry(self, retry: Retry) -> Job | Gone | Full | KeyTaken | None:
        job = retry.change.after
        capacity = self._queue(job.queue).capacity
        if capacity is not None and self._admitted(job.queue) >= capacity:
            return Full(job.queue, capacity)
        holder = self._holder(job)
        if job.key is not None and holder not in {None, job.id}:
            assert holder is not None
            return KeyTaken(job.key, holder)
        if job.id not in self.jobs:
            return Gone()
        before = self.jobs[job.id]
        answer = self._apply_one(retry.change, retry.now)
        if answer is None:
            error = b"" if before.error is None else msgspec.json.encode(before.error)
            after = self.jobs[job.id]
            self.jobs[job.id] = replace(after, size=before.size - len(error))
        return answer

    def _amend(self, amend: Amend) -> Job | Gone | Full | None:
        after = amend.change.after
        before = self.jobs.get(after.id)
        if before is None:
            return Gone()
        if before.version != after.version - 1:
            return before
        capacity = self._queue(after.queue).capacity
        moves = after.queue != before.queue
        if moves and capacity is not None and self._admitted(after.queue) >= capacity:
            return Full(after.queue, capacity)
        self._used.add(after.queue)
        said = {name: getattr(after, name) for name in ("queue", "priority", "tags", "run_at")}
        self.jobs[after.id] = replace(
            before, **said, claimable=after.claimable, version=after.version
        )
        self._record(
            replace(self.jobs[after.id], reason=amend.said), "amended", amend.now, amend.change.by
        )
        if after.claimable and not before.claimable:
            self.waits_since[after.id] = amend.now
        return None

    def _complete(self, complete: Complete) -> Job | Gone | None:
        answer = self._apply_one(complete.change, complete.now)
        if answer is None:
            self.completions[complete.change.after.id] = complete.value
        return answer

    def _remove(self, remove: Remove) -> Job | Gone | None:
        job = self.jobs.get(remove.job)
        if job is None:
            return Gone()
        if job.state not in FINISHED:
            return job
        self._forget(job.id)
        return None

    def _forget(self, job_id: int) -> None:
        del self.jobs[job_id], self.events[job_id]
        for kept in (self.saved, self.records, self.lines):
            kept.pop(job_id, None)

    def _checked(self, checked: Checked) -> None:
        for job_id, token, next_check_at, progress in checked.checks:
            job = self.jobs.get(job_id)
            if job is not None and job.token == token and job.next_check_at is not None:
                said = job.progress if progress is None else progress
                self.jobs[job_id] = replace(job, next_check_at=next_check_at, progress=said)

    def _renew(self, renew: Renew) -> list[Held]:
        if renew.worker in self.workers:
            worker = self.workers[renew.worker]
            self.workers[renew.worker] = replace(worker, seen_at=renew.now, vitals=renew.vitals)
        mine = [job for job in self.jobs.values() if job.worker == renew.worker]
        for job in mine:
            self.jobs[job.id] = replace(job, lease_until=renew.lease_until)
        return [Held(job.id, job.token, job.version, job.state, job.requested) for job in mine]

    def _report(self, report: Report) -> None:
        for job_id, token, progress in report.progress:
            job = self.jobs.get(job_id)
            if job is not None and job.token == token and job.state is State.RUNNING:
                self.jobs[job_id] = replace(job, progress=progress)

    # --- what jobs keep and tell

    def _save(self, save: Save) -> list[bool]:
        return [self._save_one(keep, save.now) for keep in save.keeps]

    def _save_one(self, keep: Keep, now: float) -> bool:
        job = self.jobs.get(keep.job_id)
        if job is None or job.token != keep.token or not job.is_owned:
            return False
        self.jobs[job.id] = replace(job, saved_at=now)
        before = self.saved.get(job.id, NOTHING_SAVED)
        value = before.value if keep.value is None else keep.value
        self.saved[job.id] = Saved(value, before.steps | dict(keep.steps))
        return True

    def _note(self, note: Note) -> None:
        for record in note.records:
            if record.job_id in self.jobs:
                of_job = self.records.setdefault(record.job_id, {})
                before = of_job.get(record.token, record)
                usage = before.usage if record.usage is None else record.usage
                of_job[record.token] = replace(before, usage=usage, deeds=record.deeds)

    def _say(self, say: Say) -> None:
        for said in say.lines:
            job = self.jobs.get(said.job_id)
            if job is not None and job.token == said.token:
                lines = self.lines.setdefault(job.id, [])
                line = asdict(said.line)
                lines.append(StoredLine(n=len(lines) + 1, attempt=said.attempt, **line))

    # --- workers, queues and tasks

    def _enter(self, enter: Enter) -> int:
        self._workers_issued += 1
        number = self._workers_issued
        seen_at = enter.info.started_at
        self.workers[number] = replace(enter.info, id=number, seen_at=seen_at, stopping=False)
        self.worked[number] = WorkerWas(enter.info.host, enter.info.pid, seen_at)
        return number

    def _stopping(self, stopping: Stopping) -> None:
        if stopping.worker in self.workers:
            worker = self.workers[stopping.worker]
            self.workers[stopping.worker] = replace(worker, stopping=True)

    def _leave(self, leave: Leave) -> None:
        self.workers.pop(leave.worker, None)

    def jobs_of(self, worker: int) -> list[int]:
        """Return the jobs that a worker has, and the finished ones that it had last."""
        return [
            job.id
            for job in self.jobs.values()
            if worker == (self.last_worker.get(job.id) if job.state in FINISHED else job.worker)
        ]

    def admitted(self) -> dict[str, int]:
        """Return how many jobs have been admitted that have not begun, where that is limited."""
        limited = [queue.name for queue in self.queues() if queue.capacity is not None]
        return {name: self._admitted(name) for name in limited}

    def oldest_waiting(self) -> dict[str, float]:
        """Return since when a job has waited at the longest that can be claimed, by queue."""
        since: dict[str, float] = {}
        for job in self.jobs.values():
            if job.claimable:
                at = self.waits_since[job.id]
                since[job.queue] = min(at, since.get(job.queue, at))
        return since

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

    def _set_task(self, setting: SetTask) -> None:
        if not setting.paused:
            self.paused_tasks.pop(setting.task, None)
            return
        by = setting.by
        said = TaskPause(setting.now, by.actor, by.door, setting.reason)
        self.paused_tasks.setdefault(setting.task, said)

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
            assert job.run_at is not None
            self.waits_since[job.id] = job.run_at
        return len(due)

    def _prune(self, prune: Prune) -> int:
        old = [k for k, (_, _, at) in self.keys.items() if at < prune.now - KEYS_ARE_KEPT]
        for key in old:
            del self.keys[key]
        used = {job.group for job in self.jobs.values()}
        for group, (_, at) in list(self.groups.items()):
            if at < prune.now - GROUPS_ARE_KEPT and group not in used:
                del self.groups[group]
        timed = [job for job in self.jobs.values() if job.kept_until is not None]
        timed.sort(key=lambda job: (job.kept_until, job.id))
        over = [job.id for job in timed if (job.kept_until or 0.0) <= prune.now][: prune.batch]
        for job_id in over:
            self._forget(job_id)
        removed = len(over)
        for queue in self.queues():
            for job in self._beyond(queue, prune.now)[: prune.batch - removed]:
                self._forget(job.id)
                removed += 1
        return removed

    def _beyond(self, queue: Queue, now: float) -> list[Job]:
        """Return what the queue keeps no longer: the newest that fit stay."""
        finished = [job for job in self.jobs.values() if job.queue == queue.name]
        finished = [job for job in finished if job.state in FINISHED and job.kept_until is None]
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

    # --- groups and schedules

    def group(self, number: int) -> Group | None:
        """Return a group, and its jobs by state."""
        if number not in self.groups:
            return None
        jobs, created_at = self.groups[number]
        counts = Counter(job.state for job in self.jobs.values() if job.group == number)
        return Group(number, jobs, created_at, dict(counts))

    def _put_schedules(self, putting: PutSchedules) -> None:
        for said in putting.schedules:
            row = self.schedules.get(said.name)
            if row is None:
                self.schedules[said.name] = replace(said, last_at=None, last_job=None, skipped=0)
            elif row.spec != said.spec:
                anew = {"task": said.task, "spec": said.spec, "next_at": said.next_at}
                self.schedules[said.name] = replace(row, **anew)
        for name in putting.gone:
            self.schedules.pop(name, None)

    def _fire(self, fire: Fire) -> Fired | Full | None:
        row = self.schedules.get(fire.name)
        if row is None or row.next_at != fire.due_at:
            return None
        issued = self.issued
        answer = self._insert(fire.insert)
        self._hold()
        if isinstance(answer, Full):
            return answer
        assert isinstance(answer, Inserted)
        new = tuple(sorted({job_id for job_id in answer.ids if job_id > issued}))
        held_back = len(answer.ids) - len(new)
        starts = bool(new) or not fire.insert.jobs
        self.schedules[fire.name] = replace(
            row,
            next_at=fire.next_at,
            last_at=fire.last_at if starts else row.last_at,
            last_job=new[-1] if new else row.last_job,
            skipped=row.skipped + fire.missed + held_back,
        )
        return Fired(new, held_back)


def _failure(job: Job) -> str | None:
    """How it failed, as its event says it."""
    error = job.error
    return None if error is None else f"{error.code}: {first_line(error.message)}"


def _is_not_checked(job: Job) -> bool:
    """Whether it is paused, and its work goes on elsewhere."""
    return job.pause is not None and job.pause.mode is Mode.NOT_CHECKING


def _bytes(jobs: Iterable[Job]) -> int:
    return sum(job.size for job in jobs)


def _said(settings: QueueSettings) -> dict[str, Any]:
    return {name: value for name, value in asdict(settings).items() if value is not UNSET}
