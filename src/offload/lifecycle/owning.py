"""What the worker that owns a job makes of it while its code runs, waits or stands still."""

from msgspec.structs import replace

from offload.lifecycle.moves import PAUSE_REFUSED, Move, check, paused_seconds, wished
from offload.model import By, Change, Job, Mode, State, Wish


def claim(job: Job, worker: int, lease_until: float, now: float) -> Job:
    """Return the job as it is once `worker` has taken it.

    The store does the same to many rows in one statement; this is what it is held against.
    """
    check(job, Move.CLAIM)
    return replace(
        job,
        state=State.RUNNING,
        claimable=False,
        ahead=False,
        version=job.version + 1,
        token=job.token + 1,
        worker=worker,
        lease_until=lease_until,
        occupies_slot=True,
        attempt=job.attempt + 1,
        run_at=None,
        started_at=now,
        reason=None,
        progress=None,
    )


def wait(job: Job, handle: bytes, next_check_at: float, by: By) -> Change:
    """Decide what becomes of a job whose work has been started elsewhere.

    It is owned on and occupies nothing; its handle is all that is needed to go on with it, here or
    in another process. A wish of which its holder has not heard stays.
    """
    state = check(job, Move.WAIT)
    after = replace(
        job,
        state=state,
        version=job.version + 1,
        occupies_slot=False,
        handle=handle,
        next_check_at=next_check_at,
        pause=job.pause if job.requested is Wish.PAUSE else None,
    )
    return Change(after=after, before=job.state, event=Move.WAIT.value, by=by)


def pause(job: Job, mode: Mode, now: float, by: By) -> Change | None:
    """Decide what becomes of a job whose code now stands still; None if nobody wants that any more.

    It is owned on and occupies nothing.
    """
    if job.pause is None or job.requested is not Wish.PAUSE:
        return None
    after = replace(
        job,
        state=check(job, Move.PAUSE),
        requested=None,
        version=job.version + 1,
        occupies_slot=False,
        next_check_at=None,
        reason=job.pause.reason,
        pause=replace(job.pause, mode=mode, since=now, begun=True),
    )
    return Change(after=after, before=job.state, event=Move.PAUSE.value, by=by)


def resume(job: Job, now: float, by: By) -> Change:
    """Decide what becomes of a paused job that goes on where it stood still.

    It takes a slot again, unless it waits for work elsewhere: then it is looked at now. That it
    went ahead stays with it: so its worker tells it from a job that it has claimed anew.
    """
    waits = job.pause is not None and job.pause.mode is Mode.NOT_CHECKING
    after = replace(
        job,
        state=check(job, Move.RESUME),
        requested=None,
        ahead=True,
        version=job.version + 1,
        occupies_slot=not waits,
        next_check_at=now if waits else None,
        reason=None,
        pause=None,
        paused_seconds=paused_seconds(job, now),
    )
    return Change(after=after, before=job.state, event=Move.RESUME.value, by=by)


def refuse_pause(job: Job, why: str, by: By) -> Change | None:
    """Decide to leave a job running that somebody wants paused; None if nobody does any more."""
    if job.state is not State.RUNNING or job.requested is not Wish.PAUSE:
        return None
    reason = f"not paused: {why}"
    return wished(job, PAUSE_REFUSED, by, requested=None, pause=None, reason=reason)
