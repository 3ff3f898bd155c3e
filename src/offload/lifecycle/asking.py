"""What somebody outside may ask of a job, and what that makes of it."""

from msgspec.structs import replace

from offload.errors import (
    AlreadyFinished,
    BeingCancelled,
    NotCompletable,
    NotFinished,
    NotPausable,
)
from offload.lifecycle.moves import (
    CANCEL_REQUESTED,
    COMPLETED,
    MOVES,
    PAUSE_REQUESTED,
    PAUSE_WITHDRAWN,
    RESUME_REQUESTED,
    RESUME_WITHDRAWN,
    Move,
    back,
    release,
    wished,
)
from offload.lifecycle.shown import shown_state
from offload.model import By, Change, Job, Mode, Pause, State, Wish


def request(job: Job, wish: Wish, now: float, by: By, reason: str | None = None) -> Change | None:
    """Decide what a wish from outside does to a job; None when it is so already.

    A job that has not begun obeys at once. One that is owned keeps the wish in its row until its
    holder has made it true.

    Args:
        job: as it stands.
        wish: cancel, pause or resume; to complete it is `complete`.
        now: the instant.
        by: who asks.
        reason: why it is to be paused.

    Raises:
        AlreadyFinished: the job has an outcome, and another one than was wished for.
        NotPausable: its code cannot be made to stand still.
        BeingCancelled: it can no longer be paused.
    """
    if wish is Wish.CANCEL and job.state is State.CANCELLED:
        return None
    if job.is_finished:
        raise AlreadyFinished(job.id, job.state.value)
    match wish:
        case Wish.CANCEL:
            return _cancel(job, now, by)
        case Wish.PAUSE:
            return _pause(job, now, by, reason)
        case Wish.RESUME:
            return _resume(job, now, by)
        case Wish.COMPLETE:
            return complete(job, now, by)


def _cancel(job: Job, now: float, by: By) -> Change | None:
    """Cancel outranks pause. Whose work goes on elsewhere is told first, by whoever takes it."""
    if job.requested is Wish.CANCEL:
        return None
    if job.requested is Wish.COMPLETE:
        raise AlreadyFinished(job.id, State.SUCCEEDED.value)
    if job.is_owned:
        pause = job.pause if job.state is State.PAUSED else None
        return wished(job, CANCEL_REQUESTED, by, requested=Wish.CANCEL, pause=pause)
    if job.handle is not None:
        return _wished_of_nobody(job, CANCEL_REQUESTED, now, by, Wish.CANCEL)
    return release(job, Move.CANCEL, now, by)


def _pause(job: Job, now: float, by: By, reason: str | None) -> Change | None:
    """Three cases: it is wanted already; it has not begun, and is held; its holder must do it."""
    if job.requested is Wish.CANCEL:
        raise BeingCancelled(job.id)
    if job.requested is Wish.COMPLETE:
        raise AlreadyFinished(job.id, State.SUCCEEDED.value)
    if job.requested is Wish.RESUME:
        return wished(job, RESUME_WITHDRAWN, by, requested=None)
    if job.requested is Wish.PAUSE or job.state is State.PAUSED:
        return None
    asked = Pause(asked_at=now, actor=by.actor, door=by.door, reason=reason)
    if job.state is State.QUEUED:
        held = replace(asked, mode=Mode.HELD, since=now, begun=job.ahead)
        return release(job, Move.HOLD, now, by, pause=held, run_at=job.run_at, reason=reason)
    if not job.options.pausable:
        raise NotPausable(job.id, _WHY_NOT)
    return wished(job, PAUSE_REQUESTED, by, requested=Wish.PAUSE, pause=asked, reason=reason)


def _resume(job: Job, now: float, by: By) -> Change | None:
    """Three cases: its pause is withdrawn; its holder lets it go on; it goes back to the queue.

    One that had begun goes ahead of its queue; one that had not takes the place that it had.
    """
    if job.requested is Wish.PAUSE:
        return wished(job, PAUSE_WITHDRAWN, by, requested=None, pause=None, reason=None)
    if job.state is not State.PAUSED or job.requested is not None:
        return None
    if job.is_owned:
        return wished(job, RESUME_REQUESTED, by, requested=Wish.RESUME)
    return back(job, Move.RELEASE, now, by, job.run_at, **_after_pause(job))


def complete(job: Job, now: float, by: By) -> Change | None:
    """Decide what becomes of a job of which somebody elsewhere says that it is done; None if known.

    Its holder still has to tidy up, so this is a wish, which cannot be taken back: whatever its
    code comes to, the job succeeds.

    Raises:
        AlreadyFinished: it has failed or was cancelled.
        NotCompletable: it is no polling job, was never begun, or is being cancelled.
    """
    if job.state is State.SUCCEEDED or job.requested is Wish.COMPLETE:
        return None
    if job.is_finished:
        raise AlreadyFinished(job.id, job.state.value)
    if job.kind != "polling":
        raise NotCompletable(job.id, "it is no polling job")
    if job.requested is Wish.CANCEL:
        raise NotCompletable(job.id, "it is being cancelled")
    if job.is_owned:
        pause = job.pause if job.state is State.PAUSED else None
        return wished(job, COMPLETED, by, requested=Wish.COMPLETE, pause=pause)
    if job.handle is None:
        raise NotCompletable(job.id, "its work has not been started")
    return _wished_of_nobody(job, COMPLETED, now, by, Wish.COMPLETE)


def retry(job: Job, now: float, by: By) -> Change:
    """Decide to try a failed or cancelled job anew: the same job, all its attempts before it again.

    A deadline that counted from the start counts from now; one that was an instant and has passed
    is dropped.

    Raises:
        NotFinished: it has not ended yet.
        AlreadyFinished: it has succeeded.
    """
    if not job.is_finished:
        raise NotFinished(job.id, shown_state(job, now).value)
    if Move.RETRY not in MOVES[job.state]:
        raise AlreadyFinished(job.id, job.state.value)
    anew = {"forgiven": job.attempt, "crashes": 0, "deadline_at": _deadline_anew(job, now)}
    return release(job, Move.RETRY, now, by, handle=None, **anew)


def _after_pause(job: Job) -> dict[str, object]:
    """What is remembered of a pause: the other side of work elsewhere has still to be told."""
    if job.pause is None:
        return {}
    told = None if job.handle is None else replace(job.pause, mode=None, since=None)
    return {"ahead": job.pause.begun, "pause": told}


def _wished_of_nobody(job: Job, event: str, now: float, by: By, wish: Wish) -> Change:
    """Note a wish for work that goes on elsewhere: who claims it next makes it true."""
    if job.state is State.PAUSED:
        change = release(job, Move.RELEASE, now, by, ahead=True, requested=wish)
        return replace(change, event=event)
    return wished(job, event, by, requested=wish)


def _deadline_anew(job: Job, now: float) -> float | None:
    if job.options.deadline is not None:
        return now + job.options.deadline
    has_passed = job.deadline_at is not None and job.deadline_at <= now
    return None if has_passed else job.deadline_at


_WHY_NOT = (
    "it runs in a thread, which stands still only where its code asks: let it take a Context and "
    "call checkpoint()"
)
