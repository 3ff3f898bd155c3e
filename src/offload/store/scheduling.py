"""Schedules: their rows are kept, and what is due is started by exactly one of those who try."""

from offload.store.base import (
    Fire,
    Fired,
    Full,
    Inserted,
    KeyReused,
    KeyTaken,
    PutSchedules,
    Scheduled,
    Schedules,
)
from offload.store.session import Session
from offload.store.starting import insert_all


def put(session: Session, putting: PutSchedules) -> None:
    """Write what tasks say about the clock, and drop what they say no more."""
    written = [(row.name, row.task, row.spec, row.next_at) for row in putting.schedules]
    session.many("put_schedule", written)
    session.many("drop_schedule", [(name,) for name in putting.gone])


def fire(session: Session, fire: Fire) -> Fired | Full | None:
    """Start what is due, if the schedule still stands where it was decided from."""
    found = session.all("schedule", {"name": fire.name})
    row = Scheduled(*found[0]) if found else None
    if row is None or row.next_at != fire.due_at:
        return None
    issued = session.issued()
    answer = _started(session, fire)
    if isinstance(answer, Full):
        return answer
    new = tuple(sorted({job_id for job_id in answer if job_id > issued}))
    held_back = len(answer) - len(new)
    session.do(
        "fire",
        {
            "name": fire.name,
            "next_at": fire.next_at,
            "last_at": fire.last_at if new or not answer else row.last_at,
            "last_job": new[-1] if new else None,
            "skipped": fire.missed + held_back,
        },
    )
    return Fired(new, held_back)


def all_schedules(session: Session, query: Schedules) -> list[Scheduled]:
    """Read all of them by name."""
    return [Scheduled(*row) for row in session.all("schedules")]


def _started(session: Session, fire: Fire) -> tuple[int, ...] | Full:
    """Insert the jobs; the ids of those whose key was known are those that had it."""
    if not fire.insert.jobs:
        return ()
    [answer] = insert_all(session, [fire.insert])
    match answer:
        case Inserted(ids):
            return ids
        case Full():
            return answer
        case KeyReused() | KeyTaken():
            raise AssertionError(f"a schedule's jobs refuse no key: {answer}")
