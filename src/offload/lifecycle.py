"""The life of a job: every state, every move, every rule about them.

Nothing here reads a clock, a database or the network: facts come in, a decision goes out. The
store applies a decision only if the row is still the one it was made from, so a rule never has to
think about races. The table in the shape of h11's `_state.py`.
"""

from enum import StrEnum

from msgspec.structs import replace

from offload.errors import AlreadyFinished
from offload.model import (
    By,
    Change,
    Crashed,
    Error,
    Failed,
    Job,
    Outcome,
    State,
    Succeeded,
    Wish,
    Yielded,
)

MAX_CRASHES = 3
"""A job whose worker died this often is not tried again: it is likely the cause."""


class Move(StrEnum):
    """A step from one state to the next; its name is the kind of the event that records it."""

    START = "queued"
    CLAIM = "claimed"
    SUCCEED = "succeeded"
    FAIL = "failed"
    CANCEL = "cancelled"
    STOP = "stopped"
    INTERRUPT = "interrupted"
    RESCUE = "rescued"


MOVES: dict[State | None, dict[Move, State]] = {
    None: {Move.START: State.QUEUED},
    State.QUEUED: {Move.CLAIM: State.RUNNING, Move.CANCEL: State.CANCELLED},
    State.RUNNING: {
        Move.SUCCEED: State.SUCCEEDED,
        Move.FAIL: State.FAILED,
        Move.STOP: State.CANCELLED,
        Move.INTERRUPT: State.QUEUED,
        Move.RESCUE: State.QUEUED,
    },
    State.PAUSED: {Move.CANCEL: State.CANCELLED},
    State.SUCCEEDED: {},
    State.FAILED: {},
    State.CANCELLED: {},
}
"""From where which move leads where. What is not here cannot happen."""

CANCEL_REQUESTED = "cancel-requested"
"""The event of a wish that waits for the job's holder; the state stays."""


class Shown(StrEnum):
    """What people are told about a job. Never ahead of the truth."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


def shown_state(job: Job, now: float) -> Shown:
    """Derive what people are shown: a stopped state only when the job's code stands still."""
    if job.state is State.RUNNING and job.requested is Wish.CANCEL:
        return Shown.CANCELLING
    if job.state is State.QUEUED and job.run_at is not None and job.run_at > now:
        return Shown.SCHEDULED
    return Shown(job.state.value)


def claim(job: Job, worker: int, lease_until: float, now: float) -> Job:
    """Return the job as it is once `worker` has taken it.

    The store does the same to many rows in one statement; this is what it is held against.
    """
    _check(job, Move.CLAIM)
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


def conclude(job: Job, outcome: Outcome, now: float, by: By) -> Change:
    """Decide what an attempt's outcome does to its job.

    Finishing first wins: a value or an error stands, whatever was asked meanwhile. Only an outcome
    that would send the job back to the queue is redirected by a wish.

    Raises:
        AssertionError: the job is not running; only its holder may conclude it.
    """
    match outcome:
        case Succeeded(value):
            return _release(job, Move.SUCCEED, now, by, result=value, finished_at=now)
        case Failed(error):
            return _release(job, Move.FAIL, now, by, error=error, finished_at=now)
        case _ if job.requested is Wish.CANCEL:
            return _release(job, Move.STOP, now, by, finished_at=now)
        case Yielded():
            return _release(job, Move.INTERRUPT, now, by, **_again(job), **_interrupted(job))
        case Crashed() if job.crashes + 1 >= MAX_CRASHES:
            error = _crash_loop(job)
            return _release(
                job, Move.FAIL, now, by, error=error, finished_at=now, crashes=job.crashes + 1
            )
        case Crashed():
            return _release(job, Move.RESCUE, now, by, **_again(job), **_crashed(job))


def request(job: Job, wish: Wish, now: float, by: By) -> Change | None:
    """Decide what a wish from outside does to a job; None when it is so already.

    A job that has not begun obeys at once. A running one keeps the wish in its row until its
    holder has stopped the code.

    Raises:
        AlreadyFinished: the job has an outcome, and another one than was wished for.
    """
    if job.state is State.CANCELLED and wish is Wish.CANCEL:
        return None
    if job.is_finished:
        raise AlreadyFinished(job.id, job.state.value)
    if job.requested is wish:
        return None
    if job.state is State.RUNNING:
        after = replace(job, requested=wish, version=job.version + 1)
        return Change(after=after, before=job.state, event=CANCEL_REQUESTED, by=by)
    return _release(job, Move.CANCEL, now, by, finished_at=now)


def _check(job: Job, move: Move) -> State:
    """Look the move up in the table; anything else is a fault of ours and must be loud."""
    if move not in MOVES[job.state]:
        raise AssertionError(f"job {job.id} is {job.state}: it cannot be {move}")
    return MOVES[job.state][move]


def _release(job: Job, move: Move, now: float, by: By, **columns: object) -> Change:
    """Move a job and let go of everything that an owner or a waiting place would hold."""
    state = _check(job, move)
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
        "reason": None,
    }
    after = replace(job, **(released | columns))
    return Change(after=after, before=job.state, event=move.value, by=by)


def _again(job: Job) -> dict[str, object]:
    """The attempt is given back: the code never had its chance to end by itself."""
    return {"attempt": job.attempt - 1, "started_at": None}


def _interrupted(job: Job) -> dict[str, object]:
    return {"interrupts": job.interrupts + 1, "reason": "interrupted by a shutdown"}


def _crashed(job: Job) -> dict[str, object]:
    crashes = job.crashes + 1
    return {"crashes": crashes, "reason": f"its worker died ({crashes} of {MAX_CRASHES})"}


def _crash_loop(job: Job) -> Error:
    return Error(
        code="crash-loop",
        message=f"its worker died {job.crashes + 1} times while running it; it is not tried again",
    )
