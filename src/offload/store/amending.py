"""A job that nobody has in hand is altered: another queue, priority, tags or instant."""

from offload.model import Change, Job, State
from offload.store import rows
from offload.store.base import Amend, Full, Gone
from offload.store.session import Session


def amend(session: Session, amend: Amend) -> Job | Gone | Full | None:
    """Apply an amendment by compare-and-set, with its event and the counters; see `Amend`."""
    after = amend.change.after
    before = session.job(after.id)
    if before is None:
        return Gone()
    if before.version != after.version - 1:
        return before
    if after.queue != before.queue and session.room(after.queue) < 1:
        return Full(after.queue, session.queue(after.queue).capacity or 0)
    session.do("amend", _row(after, amend.now))
    *event, _ = rows.event_row(amend.change, amend.now)
    session.many("insert_event", [(*event, amend.said)])
    session.count(before.queue, before.state, -1)
    session.count(after.queue, after.state, 1)
    _tell(session, amend.change)
    return None


def _row(job: Job, now: float) -> rows.Row:
    return (
        job.queue,
        job.priority,
        rows.encode(job.tags).decode() if job.tags else None,
        job.run_at,
        job.claimable,
        job.version,
        now,
        job.id,
        job.version - 1,
        job.token,
    )


def _tell(session: Session, change: Change) -> None:
    """Note who may be waiting for this: who watches the job, and who may now take it."""
    job = change.after
    session.changed.append(job.id)
    session.claimable = session.claimable or job.claimable
    if job.state is State.QUEUED and job.run_at is not None:
        session.put_off(job.run_at)
