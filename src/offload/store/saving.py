"""Checkpoints and steps: what a job keeps for its next attempt."""

from offload.model import Saved
from offload.store import rows
from offload.store.base import Keep, Kept, Save
from offload.store.session import Session


def save(session: Session, save: Save) -> list[bool]:
    """Store what running jobs keep; see `Save`."""
    return [_keep(session, keep, save.now) for keep in save.keeps]


def kept(session: Session, query: Kept) -> Saved:
    """Read what a job has kept."""
    row = session.one("saved", {"job_id": query.job_id})
    steps = session.all("steps", {"job_id": query.job_id})
    return Saved(
        value=None if row is None else bytes(row[0]),
        steps={name: bytes(value) for name, value in steps},
    )


def forget(session: Session, job_ids: list[int]) -> None:
    """Drop what jobs have kept that will need it no more."""
    ids = {"ids": rows.encode(job_ids).decode()}
    session.do("forget_saved", ids)
    session.do("forget_steps", ids)


def _keep(session: Session, keep: Keep, now: float) -> bool:
    """The token stands in the first statement: a stale holder goes no further."""
    owner = {"job_id": keep.job_id, "token": keep.token, "now": now}
    if not session.do("mark_saved", owner).rowcount:
        return False
    if keep.value is not None:
        session.do("save", {"job_id": keep.job_id, "value": keep.value})
    session.many("save_step", [(keep.job_id, name, value) for name, value in keep.steps])
    return True
