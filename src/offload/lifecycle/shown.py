"""What people are told about a job: never ahead of the truth."""

from enum import StrEnum

from offload.model import Job, State, Wish


class Shown(StrEnum):
    """What people are told about a job. Never ahead of the truth."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    CANCELLING = "cancelling"
    PAUSING = "pausing"
    PAUSED = "paused"
    RESUMING = "resuming"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


def shown_state(job: Job, now: float) -> Shown:
    """Derive what people are shown: a stopped state only when the job's code stands still."""
    if job.requested is not None and not job.is_finished and job.requested in _WISHED:
        return _WISHED[job.requested]
    if job.is_waiting:
        return Shown.WAITING
    if job.state is State.QUEUED and job.run_at is not None and job.run_at > now:
        return Shown.SCHEDULED
    return Shown(job.state.value)


_WISHED = {
    Wish.CANCEL: Shown.CANCELLING,
    Wish.PAUSE: Shown.PAUSING,
    Wish.RESUME: Shown.RESUMING,
}
