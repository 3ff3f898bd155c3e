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
    """Remove finished jobs that are kept no longer; see `Prune`."""
    session.do("forget_keys", {"before": prune.now - KEEP_KEYS_SECONDS})
    session.do("forget_groups", {"before": prune.now - KEEP_KEYS_SECONDS})
    session.write_tally()
    removed = _remove_past_their_time(session, prune.now, prune.batch)
    for queue in session.queues():
        jobs = _beyond(session, queue, prune.now, prune.batch - removed)
        _delete(session, queue.name, jobs)
        removed += len(jobs)
    return removed


def remove(session: Session, remove: Remove) -> Job | Gone | None:
    """Remove one finished job; see `Remove`."""
    job = session.job(remove.job)
    if job is None:
        return Gone()
    if not job.is_finished:
        return job
    _delete(session, job.queue, {job.id: (job.state, job.size)})
    if job.kept_until is not None:
        session.count_retained(job.queue, -1, -job.size)
    return None


def _remove_past_their_time(session: Session, now: float, batch: int) -> int:
    """Remove the jobs that were kept for a time of their own, which is over; returns how many."""
    jobs: dict[str, dict[int, tuple[State, int]]] = {}
    found = session.all("past_their_time", {"now": now, "limit": batch})
    for job_id, queue, state, size in found:
        jobs.setdefault(queue, {})[job_id] = (State(state), size)
        session.count_retained(queue, -1, -size)
    for queue, of_queue in jobs.items():
        _delete(session, queue, of_queue)
    return len(found)


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


def _delete(session: Session, queue: str, jobs: dict[int, tuple[State, int]]) -> None:
    ids = [(job_id,) for job_id in jobs]
    session.many("delete_job", ids)
    session.many("delete_bodies", ids)
    session.many("delete_events", ids)
    _delete_traces(session, list(jobs))
    for state, size in jobs.values():
        session.count(queue, state, -1, -size)


def _delete_traces(session: Session, job_ids: list[int]) -> None:
    """Most jobs have none of these: one statement for all jobs, not one for each."""
    if job_ids:
        saving.forget(session, job_ids)
        ids = {"ids": rows.encode(job_ids).decode()}
        session.do("forget_records", ids)
        session.do("forget_log", ids)
