"""The flight recorder's rows: what each attempt has used, what was done to it, and where it ran."""

from msgspec import json

from offload.model import Deed, Record, Usage
from offload.store import rows
from offload.store.base import Note, Records, Worked, WorkerWas
from offload.store.session import Session

FIRST_DEEDS = 20
LAST_DEEDS = 80
"""So many are kept of an attempt. One that is paused and resumed all day has thousands: what is
dropped comes out of the middle, so that its beginning and its end can still be told."""

_decode_usage = json.Decoder(Usage).decode
_decode_deeds = json.Decoder(tuple[Deed, ...]).decode


def note(session: Session, note: Note) -> None:
    """Store what there is of attempts; see `Note`. A usage that was known is never unlearnt."""
    for record in note.records:
        session.do("note_record", _row(record))


def records(session: Session, query: Records) -> list[Record]:
    """Read what there is of a job, by token."""
    return [_record(row) for row in session.all("records", {"job_id": query.job_id})]


def worked(session: Session, query: Worked) -> dict[int, WorkerWas]:
    """Read where workers ran; those that nobody remembers are left out."""
    found = session.all("worked", {"ids": rows.encode(query.workers).decode()})
    return {worker: WorkerWas(*was) for worker, *was in found}


def fitting(deeds: tuple[Deed, ...]) -> tuple[Deed, ...]:
    """Return as many deeds as are kept: the first ones and the last ones."""
    if len(deeds) <= FIRST_DEEDS + LAST_DEEDS:
        return deeds
    return deeds[:FIRST_DEEDS] + deeds[-LAST_DEEDS:]


def _row(record: Record) -> dict[str, object]:
    return {
        "job_id": record.job_id,
        "token": record.token,
        "attempt": record.attempt,
        "worker": record.worker,
        "usage": None if record.usage is None else rows.encode(record.usage).decode(),
        "deeds": rows.encode(fitting(record.deeds)).decode() if record.deeds else None,
    }


def _record(row: rows.Row) -> Record:
    job_id, token, attempt, worker, usage, deeds = row
    return Record(
        job_id,
        token,
        attempt,
        worker,
        None if usage is None else _decode_usage(usage),
        () if deeds is None else _decode_deeds(deeds),
    )
