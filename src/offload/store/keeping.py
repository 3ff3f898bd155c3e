"""Care: what has come due is made claimable, and what is kept no longer is removed."""

from offload.model import Job, Queue, State
from offload.store import rows, saving
from offload.store.base import Gone, Promote, Prune, Remove
from offload.store.session import Session

KEEP_KEYS_SECONDS = 86_400.0
"""An idempotency key answers for a day, longer than any client goes on repeating a request."""


def promote(session: Session, promote: Promote) -> int:
    """Make claimable what has come due; returns how many jobs."""
    session.write_tally()
    promoted = sum(
        session.do("promote", {"queue": queue.name, "now": promote.now}).rowcount
        for queue in session.queues()
    )
    session.claimable = session.claimable or promoted > 0
    return promoted


def prune(session: Session, prune: Prune) -> int:
    """Remove finished jobs beyond what their queues keep; see `Prune`."""
    session.do("forget_keys", {"before": prune.now - KEEP_KEYS_SECONDS})
    session.do("forget_groups", {"before": prune.now - KEEP_KEYS_SECONDS})
    session.write_tally()
    removed = 0
    for queue in session.queues():
        jobs = _beyond(session, queue, prune.now, prune.batch - removed)
        _delete(session, queue, jobs)
        removed += len(jobs)
    return removed


def remove(session: Session, remove: Remove) -> Job | Gone | None:
    """Remove one finished job; see `Remove`."""
    job = session.job(remove.job)
    if job is None:
        return Gone()
    if not job.is_finished:
        return job
    _delete(session, session.queue(job.queue), {job.id: (job.state, job.size)})
    return None


def _beyond(session: Session, queue: Queue, now: float, batch: int) -> dict[int, tuple[State, int]]:
    """Choose the finished jobs that the queue keeps no longer: id to (state, size)."""
    kept, kept_bytes = session.one("kept", {"queue": queue.name})
    chosen: dict[int, tuple[State, int]] = {}
    for row in session.all("oldest_finished", {"queue": queue.name, "limit": batch}):
        job_id, state, finished_at, size = row
        fits = kept <= queue.keep and kept_bytes <= queue.keep_bytes
        if fits and finished_at >= now - queue.keep_seconds:
            break
        chosen[job_id] = (State(state), size)
        kept -= 1
        kept_bytes -= size
    return chosen


def _delete(session: Session, queue: Queue, jobs: dict[int, tuple[State, int]]) -> None:
    ids = [(job_id,) for job_id in jobs]
    session.many("delete_job", ids)
    session.many("delete_bodies", ids)
    session.many("delete_events", ids)
    _delete_traces(session, list(jobs))
    for state, size in jobs.values():
        session.count(queue.name, state, -1, -size)


def _delete_traces(session: Session, job_ids: list[int]) -> None:
    """Most jobs have none of these: one statement for all jobs, not one for each."""
    if job_ids:
        saving.forget(session, job_ids)
        ids = {"ids": rows.encode(job_ids).decode()}
        session.do("forget_records", ids)
        session.do("forget_log", ids)
