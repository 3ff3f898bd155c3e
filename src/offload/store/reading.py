"""Queries: what can be asked of the store, each answered from one snapshot."""

from collections.abc import Callable
from typing import Any

import msgspec

from offload.model import Event, Job, Progress, State, WorkerInfo
from offload.store import access, listing, logs, recording, rows, saving, scheduling
from offload.store.base import (
    Abandoned,
    Admitted,
    Completed,
    Counts,
    Feed,
    Found,
    Frozen,
    Get,
    Group,
    Happened,
    Happening,
    History,
    Identified,
    Identity,
    Kept,
    List,
    Log,
    Look,
    MemberJobs,
    Members,
    Moved,
    Moving,
    OldestWaiting,
    Orphans,
    Overdue,
    Owned,
    Paged,
    PausedTasks,
    Query,
    Queues,
    Records,
    Schedules,
    Situation,
    TaskPause,
    Worked,
    Workers,
)
from offload.store.session import Session

_decode_progress = msgspec.json.Decoder(Progress).decode


def read(session: Session, query: Query[Any]) -> Any:
    """Answer a query."""
    return _ANSWERS[type(query)](session, query)


def _get(session: Session, query: Get) -> Found:
    jobs = session.jobs("jobs", {"ids": rows.encode(query.ids).decode()})
    if query.bodies:
        jobs = [session.with_bodies(job) for job in jobs]
    return Found(jobs={job.id: job for job in jobs}, issued=session.issued())


def _completed(session: Session, query: Completed) -> bytes | None:
    row = session.one("completion", (query.job_id,))
    return None if row is None else row[0]


def _history(session: Session, query: History) -> list[Event]:
    return [rows.event_of(row) for row in session.all("history", {"job_id": query.job_id})]


def _feed(session: Session, query: Feed) -> Happened:
    happenings = [
        Happening(rows.event_of(tuple(event)), task, queue, group, created_at, began_at, bool(last))
        for *event, task, queue, group, created_at, began_at, last in session.all(
            "feed", {"after": query.after, "limit": query.limit}
        )
    ]
    newest: int = session.one("newest_event")[0]
    reached = happenings[-1].event.id if len(happenings) == query.limit else newest
    return Happened(happenings, newest, is_whole=reached - query.after == len(happenings))


def _moving(session: Session, query: Moving) -> list[Moved]:
    return [
        Moved(job_id, task, queue, group, attempt, _decode_progress(progress))
        for job_id, task, queue, group, attempt, progress in session.all("moving")
    ]


def _counts(session: Session, query: Counts) -> dict[tuple[str, State], int]:
    return {(queue, State(state)): count for queue, state, count in session.all("tally")}


def _admitted(session: Session, query: Admitted) -> dict[str, int]:
    limited = [queue.name for queue in session.queues() if queue.capacity is not None]
    return {name: session.admitted(name) for name in limited}


def _oldest_waiting(session: Session, query: OldestWaiting) -> dict[str, float]:
    names = [queue.name for queue in session.queues()]
    since = {name: session.one("oldest_waiting", {"queue": name})[0] for name in names}
    return {name: at for name, at in since.items() if at is not None}


def _workers(session: Session, query: Workers) -> list[WorkerInfo]:
    return [rows.worker_of(row) for row in session.all("workers")]


def _look(session: Session, query: Look) -> Situation:
    begun: dict[str, dict[int, int]] = {}
    for name, slice_, jobs in session.all("all_begun"):
        begun.setdefault(name, {})[slice_] = jobs
    return Situation(
        workers=_workers(session, Workers()),
        queues=session.queues(),
        counts=_counts(session, Counts()),
        holdings=dict(session.all("holdings")),
        begun=begun,
        paused_tasks=_paused_tasks(session, PausedTasks()),
    )


def _paused_tasks(session: Session, query: PausedTasks) -> dict[str, TaskPause]:
    return {task: TaskPause(*said) for task, *said in session.all("paused_tasks")}


def _members(session: Session, query: Members) -> Group | None:
    row = session.one("group", {"id": query.group})
    if row is None:
        return None
    group_id, jobs, created_at, _, _ = row
    counts = {State(state): count for state, count in session.all("group_counts", {"id": group_id})}
    return Group(group_id, jobs, created_at, counts)


def _member_jobs(session: Session, query: MemberJobs) -> list[Job]:
    jobs = session.jobs("group_jobs", {"id": query.group})
    return [session.with_bodies(job) for job in jobs] if query.bodies else jobs


def _identity(session: Session, query: Identity) -> Identified:
    said = dict(session.all("identity"))
    return Identified(name=said["database"], secret=said["secret"])


_ANSWERS: dict[type, Callable[[Session, Any], Any]] = {
    Completed: _completed,
    Get: _get,
    List: listing.whole,
    Paged: listing.paged,
    History: _history,
    Feed: _feed,
    Moving: _moving,
    Counts: _counts,
    Admitted: _admitted,
    OldestWaiting: _oldest_waiting,
    Workers: _workers,
    Look: _look,
    Members: _members,
    MemberJobs: _member_jobs,
    Identity: _identity,
    Kept: saving.kept,
    Log: logs.log,
    Records: recording.records,
    Worked: recording.worked,
    PausedTasks: _paused_tasks,
    Frozen: lambda session, query: session.one("frozen", {"worker": query.worker})[0],
    Schedules: scheduling.all_schedules,
    access.Credentials: access.credentials,
    access.Tokens: access.tokens,
    Queues: lambda session, query: session.queues(),
    Orphans: lambda session, query: session.jobs("orphans"),
    Owned: lambda session, query: session.jobs("owned", {"worker": query.worker}),
    Overdue: lambda session, query: session.jobs(
        "overdue", {"now": query.now, "limit": query.limit}
    ),
    Abandoned: lambda session, query: session.jobs(
        "abandoned", {"before": query.before, "limit": query.limit}
    ),
}
