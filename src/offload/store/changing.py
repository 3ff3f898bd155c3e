"""Changes to jobs: applied by compare-and-set, with their event, counters and bodies."""

from collections.abc import Iterable

from msgspec.structs import asdict

from offload.model import FINISHED, Change, Error, Held, Job, Mode, State
from offload.store import rows, saving
from offload.store.base import Apply, Checked, Complete, Full, Gone, KeyTaken, Renew, Report, Retry
from offload.store.session import Session

Answer = Job | Gone | None


def apply_all(session: Session, applies: list[Apply]) -> list[list[Answer]]:
    """Apply all changes of these; each has its own answer."""
    changes = [(change, apply.now) for apply in applies for change in apply.changes]
    answers = iter(_apply(session, changes))
    return [[next(answers) for _ in apply.changes] for apply in applies]


def retry(session: Session, retry: Retry) -> Answer | Full | KeyTaken:
    """Send a finished job back to the queue, if there is room for it; see `Retry`."""
    job = retry.change.after
    if session.room(job.queue) < 1:
        return Full(job.queue, session.queue(job.queue).capacity or 0)
    if job.key is not None:
        row = session.one("unfinished_with_key", {"task": job.task, "key": job.key})
        if row is not None and row[0] != job.id:
            return KeyTaken(job.key, row[0])
    before = session.job(job.id)
    if before is None:
        return Gone()
    before = session.with_bodies(before)
    [answer] = _apply(session, [(retry.change, retry.now)])
    if answer is None:
        _forget_outcome(session, before)
    return answer


def complete(session: Session, complete: Complete) -> Answer:
    """Keep the value with which a job was completed from outside; see `Complete`."""
    [answer] = _apply(session, [(complete.change, complete.now)])
    if answer is None:
        session.do("put_completion", (complete.change.after.id, complete.value))
    return answer


def _forget_outcome(session: Session, before: Job) -> None:
    """Keep no bytes of what a job had come to before it was tried anew."""
    error = _error_bytes(before.error) or b""
    session.do("delete_outcome", (before.id,))
    session.do("shrink", {"id": before.id, "size": len(error)})


def renew(session: Session, renew: Renew) -> list[Held]:
    """Renew all leases of a worker; see `Renew`."""
    session.do("seen", {"worker": renew.worker, "now": renew.now, **asdict(renew.vitals)})
    parameters = {"worker": renew.worker, "lease_until": renew.lease_until}
    return [rows.held_of(row) for row in session.all("renew", parameters)]


def report(session: Session, report: Report) -> None:
    """Store the latest progress of running jobs."""
    words = [(rows.progress_bytes(word), job_id, token) for job_id, token, word in report.progress]
    session.many("report", [word for word in words if word[0] is not None])


def check_again(session: Session, checked: Checked) -> None:
    """Store when waiting jobs are looked at next."""
    session.many(
        "check_again",
        [
            (at, None if word is None else rows.progress_bytes(word), job_id, token)
            for job_id, token, at, word in checked.checks
        ],
    )


def _apply(session: Session, changes: list[tuple[Change, float]]) -> list[Answer]:
    """Apply all at once; where some are stale, undo and apply one by one to learn which."""
    errors = [_error_bytes(change.after.error) for change, _ in changes]
    laid_out = [
        (rows.change_statement(change), rows.change_row(change, error, now))
        for (change, now), error in zip(changes, errors, strict=True)
    ]
    session.connection.execute("savepoint changes")
    if _write(session, laid_out) == len(changes):
        answers: list[Answer] = [None] * len(changes)
    else:
        session.connection.execute("rollback to changes")
        answers = [
            _apply_one(session, change, row)
            for (change, _), row in zip(changes, laid_out, strict=True)
        ]
    session.connection.execute("release changes")
    _record(
        session,
        (
            (change, now, error)
            for (change, now), error, answer in zip(changes, errors, answers, strict=True)
            if answer is None
        ),
    )
    return answers


def _apply_one(session: Session, change: Change, laid_out: tuple[str, rows.Row]) -> Answer:
    if _write(session, [laid_out]):
        return None
    current = session.job(change.after.id)
    return Gone() if current is None else current


def _write(session: Session, laid_out: list[tuple[str, rows.Row]]) -> int:
    """Write rows, each with its statement; returns how many were the ones that were meant.

    Ends come last: of several changes to one job that is the order in which they were decided.
    """
    return sum(
        session.many(statement, [row for name, row in laid_out if name == statement])
        for statement in ("apply", "finish")
    )


def _record(session: Session, changes: Iterable[tuple[Change, float, bytes | None]]) -> None:
    events, bodies, freed, completed, done_with = [], [], [], [], []
    for change, now, error in changes:
        job = change.after
        events.append(rows.event_row(change, now))
        for kind, value in (("result", job.result), ("error", error)):
            if value is not None and rows.inline(value) is None:
                bodies.append((job.id, kind, value))
        if job.lane and not _uses_its_limits(job):
            freed.append((job.id,))
        if job.is_finished and job.kind == "polling":
            completed.append((job.id,))
        if job.saved_at is not None and job.state is State.SUCCEEDED:
            done_with.append(job.id)
        _count(session, change, rows.grown(change, error))
        _tell(session, change)
    session.many("insert_event", events)
    session.many("put_body", bodies)
    session.many("let_go", freed)
    session.many("delete_completion", completed)
    if done_with:
        saving.forget(session, done_with)


def _uses_its_limits(job: Job) -> bool:
    """Whether its work goes on: here, or elsewhere though nobody looks at it for a while."""
    is_not_looked_at = job.pause is not None and job.pause.mode is Mode.NOT_CHECKING
    return job.state is State.RUNNING or (job.is_owned and is_not_looked_at)


def _count(session: Session, change: Change, grown: int) -> None:
    """Count the job out of the state that it had and into the one that it has."""
    job = change.after
    kept_before = -job.size if change.before in FINISHED else 0
    kept_after = job.size + grown if job.is_finished else 0
    session.count(job.queue, change.before, -1, kept_before)
    session.count(job.queue, job.state, 1, kept_after)
    if job.options.retain is not None:
        ended = job.is_finished - (change.before in FINISHED)
        session.count_retained(job.queue, ended, kept_after + kept_before)


def _tell(session: Session, change: Change) -> None:
    """Note who may be waiting for this; an owner hears of what others have made of its job."""
    job = change.after
    session.changed.append(job.id)
    if job.is_finished:
        session.finished.append(job)
    if job.requested is not None or (job.is_owned and change.by.door != "worker"):
        session.wished.append(job.id)
    if job.state is State.QUEUED and job.run_at is not None:
        session.put_off(job.run_at)
    left_its_slot = change.before is State.RUNNING and not job.occupies_slot
    if left_its_slot or job.claimable:
        session.claimable = True


def _error_bytes(error: Error | None) -> bytes | None:
    return None if error is None else rows.encode(error)
