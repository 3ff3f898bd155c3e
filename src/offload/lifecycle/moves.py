"""The states, the moves between them, and what every move lets go of."""

from enum import StrEnum

from msgspec.structs import replace

from offload.model import FINISHED, By, Change, Job, Mode, Pause, State, Wish


class Move(StrEnum):
    """A step from one state to the next; its name is the kind of the event that records it."""

    START = "queued"
    CLAIM = "claimed"
    SUCCEED = "succeeded"
    FAIL = "failed"
    CANCEL = "cancelled"
    STOP = "stopped"
    WAIT = "waiting"
    TRY_AGAIN = "attempt-failed"
    SNOOZE = "snoozed"
    INTERRUPT = "interrupted"
    RESCUE = "rescued"
    RETRY = "retried"
    PAUSE = "paused"
    HOLD = "held"
    RESUME = "resumed"
    RELEASE = "released"


MOVES: dict[State | None, dict[Move, State]] = {
    None: {Move.START: State.QUEUED},
    State.QUEUED: {
        Move.CLAIM: State.RUNNING,
        Move.CANCEL: State.CANCELLED,
        Move.FAIL: State.FAILED,
        Move.HOLD: State.PAUSED,
    },
    State.RUNNING: {
        Move.WAIT: State.RUNNING,
        Move.PAUSE: State.PAUSED,
        Move.HOLD: State.PAUSED,
        Move.SUCCEED: State.SUCCEEDED,
        Move.FAIL: State.FAILED,
        Move.STOP: State.CANCELLED,
        Move.TRY_AGAIN: State.QUEUED,
        Move.SNOOZE: State.QUEUED,
        Move.INTERRUPT: State.QUEUED,
        Move.RESCUE: State.QUEUED,
    },
    State.PAUSED: {
        Move.RESUME: State.RUNNING,
        Move.RELEASE: State.QUEUED,
        Move.HOLD: State.PAUSED,
        Move.CANCEL: State.CANCELLED,
        Move.SUCCEED: State.SUCCEEDED,
        Move.FAIL: State.FAILED,
        Move.STOP: State.CANCELLED,
        Move.TRY_AGAIN: State.QUEUED,
        Move.SNOOZE: State.QUEUED,
        Move.INTERRUPT: State.QUEUED,
        Move.RESCUE: State.QUEUED,
    },
    State.SUCCEEDED: {},
    State.FAILED: {Move.RETRY: State.QUEUED},
    State.CANCELLED: {Move.RETRY: State.QUEUED},
}
"""From where which move leads where. What is not here cannot happen."""

CANCEL_REQUESTED = "cancel-requested"
COMPLETED = "completed"
PAUSE_REQUESTED = "pause-requested"
PAUSE_WITHDRAWN = "pause-withdrawn"
PAUSE_REFUSED = "pause-refused"
RESUME_REQUESTED = "resume-requested"
RESUME_WITHDRAWN = "resume-withdrawn"
"""The events of wishes that wait for the job's holder, and of their end; the state stays."""


def check(job: Job, move: Move) -> State:
    """Look the move up in the table; anything else is a fault of ours and must be loud."""
    if move not in MOVES[job.state]:
        raise AssertionError(f"job {job.id} is {job.state}: it cannot be {move}")
    return MOVES[job.state][move]


def release(job: Job, move: Move, now: float, by: By, **columns: object) -> Change:
    """Move a job and let go of everything that an owner or a waiting place would hold."""
    state = check(job, move)
    is_over = state in FINISHED
    released: dict[str, object] = {
        "state": state,
        "requested": None,
        "claimable": state is State.QUEUED,
        "ahead": False,
        "version": job.version + 1,
        "worker": None,
        "lease_until": None,
        "occupies_slot": False,
        "run_at": None,
        "next_check_at": None,
        "started_at": job.started_at if is_over else None,
        "finished_at": now if is_over else None,
        "kept_until": _kept_until(job, now) if is_over else None,
        "reason": None,
        "result": None,
        "error": None,
        "pause": None,
        "paused_seconds": paused_seconds(job, now) if is_over else 0.0,
    }
    after = replace(job, **(released | columns))
    return Change(after=after, before=job.state, event=move.value, by=by)


def _kept_until(job: Job, now: float) -> float | None:
    """Until when it is kept, having ended now; None leaves that to its queue."""
    retain = job.options.retain
    return None if retain is None else now + retain


def back(
    job: Job, move: Move, now: float, by: By, run_at: float | None = None, /, **columns: object
) -> Change:
    """Send a job back to the queue, to be claimed at `run_at` or after.

    One that somebody wants to stand still is held instead, and one that was to go on goes ahead.
    """
    is_due = run_at is None or run_at <= now
    due: dict[str, object] = {"run_at": None if is_due else run_at, "claimable": is_due}
    if job.pause is not None and move is not Move.RELEASE and _is_to_stand_still(job):
        held = due | {"claimable": False, "pause": held_on(job.pause, now)}
        return release(job, Move.HOLD, now, by, **(columns | held | {"requested": None}))
    if job.requested is Wish.RESUME:
        due |= {"ahead": True, "requested": None}
    return release(job, move, now, by, **(columns | due))


def held_on(pause: Pause, now: float) -> Pause:
    """Return what is said of a pause once nobody owns the job any more."""
    since = now if pause.since is None else pause.since
    return replace(pause, mode=Mode.HELD, since=since, begun=True)


def paused_seconds(job: Job, now: float) -> float:
    """Return for how long the attempt has stood still, the pause that lasts included."""
    since = None if job.pause is None else job.pause.since
    return job.paused_seconds + (0.0 if since is None else max(0.0, now - since))


def wished(job: Job, event: str, by: By, **columns: object) -> Change:
    """Note a wish, or its end, of which the job's holder has to hear; the state stays."""
    after = replace(job, version=job.version + 1, **columns)
    return Change(after=after, before=job.state, event=event, by=by)


def _is_to_stand_still(job: Job) -> bool:
    is_paused = job.state is State.PAUSED and job.requested is None
    return is_paused or job.requested is Wish.PAUSE
