"""What can still be altered of a job that nobody has in hand: its place in the queue, its tags."""

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from offload.errors import AlreadyFinished, NotAmendable
from offload.model import By, Change, Job, State

AMENDED = "amended"
"""The event of it; the state stays."""


class Amendment(Struct, frozen=True):
    """What somebody wants to be otherwise; what is UNSET stays.

    Attributes:
        priority: higher goes first.
        queue: the queue to wait in.
        tags: instead of those that it has.
        run_at: the instant before which it does not start; None is at once.
    """

    priority: int | UnsetType = UNSET
    queue: str | UnsetType = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    run_at: float | None | UnsetType = UNSET


def amend(job: Job, wanted: Amendment, now: float, by: By) -> Change | None:
    """Decide what an amendment makes of a job; None when it is so already.

    Raises:
        AlreadyFinished: the job has an outcome.
        NotAmendable: a worker has it, or it is wanted back from its work elsewhere.
    """
    if job.is_finished:
        raise AlreadyFinished(job.id, job.state.value)
    if job.is_owned:
        raise NotAmendable(job.id, "a worker has taken it")
    if job.requested is not None:
        raise NotAmendable(job.id, f"somebody has asked for something else first: {job.requested}")
    columns = _columns(job, wanted, now)
    if not columns:
        return None
    after = replace(job, version=job.version + 1, **columns)
    return Change(after=after, before=job.state, event=AMENDED, by=by)


def _columns(job: Job, wanted: Amendment, now: float) -> dict[str, object]:
    """What becomes otherwise; an instant that has passed is no instant."""
    said = {name: getattr(wanted, name) for name in Amendment.__struct_fields__}
    if wanted.run_at is not UNSET:
        is_due = wanted.run_at is None or wanted.run_at <= now
        said["run_at"] = None if is_due else wanted.run_at
        said["claimable"] = is_due and job.state is State.QUEUED
    return {
        name: value
        for name, value in said.items()
        if value is not UNSET and value != getattr(job, name)
    }


def amended_in_words(before: Job, after: Job) -> str:
    """Say what an amendment has altered, for whoever reads the job's story."""
    words = []
    if after.queue != before.queue:
        words.append(f"queue {before.queue} → {after.queue}")
    if after.priority != before.priority:
        words.append(f"priority {before.priority} → {after.priority}")
    if after.run_at != before.run_at:
        words.append("due at once" if after.run_at is None else "due at another time")
    if after.tags != before.tags:
        words.append(f"tags {', '.join(after.tags) or 'taken away'}")
    return "; ".join(words)
