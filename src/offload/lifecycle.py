"""The life of a job: every state, every move, every rule about them.

Nothing here reads a clock, a database or the network: facts come in, a decision goes out. The
store applies a decision only if the row is still the one it was made from, so a rule never has to
think about races. The table in the shape of h11's `_state.py`.
"""

from enum import StrEnum

from msgspec.structs import replace

from offload.errors import AlreadyFinished, NotCompletable, NotFinished
from offload.model import (
    FINISHED,
    By,
    Cause,
    Change,
    Crashed,
    Error,
    Failed,
    Job,
    OnCrash,
    Outcome,
    Snoozed,
    State,
    Succeeded,
    Wish,
    Withheld,
    Yielded,
)

MAX_CRASHES = 3
"""A job whose worker died this often is not tried again: it is likely the cause."""


SHORT = 200
"""Characters of an error that a reason shows."""


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


MOVES: dict[State | None, dict[Move, State]] = {
    None: {Move.START: State.QUEUED},
    State.QUEUED: {
        Move.CLAIM: State.RUNNING,
        Move.CANCEL: State.CANCELLED,
        Move.FAIL: State.FAILED,
    },
    State.RUNNING: {
        Move.WAIT: State.RUNNING,
        Move.SUCCEED: State.SUCCEEDED,
        Move.FAIL: State.FAILED,
        Move.STOP: State.CANCELLED,
        Move.TRY_AGAIN: State.QUEUED,
        Move.SNOOZE: State.QUEUED,
        Move.INTERRUPT: State.QUEUED,
        Move.RESCUE: State.QUEUED,
    },
    State.PAUSED: {Move.CANCEL: State.CANCELLED, Move.FAIL: State.FAILED},
    State.SUCCEEDED: {},
    State.FAILED: {Move.RETRY: State.QUEUED},
    State.CANCELLED: {Move.RETRY: State.QUEUED},
}
"""From where which move leads where. What is not here cannot happen."""

CANCEL_REQUESTED = "cancel-requested"
COMPLETED = "completed"
"""The events of wishes that wait for the job's holder; the state stays."""


class Shown(StrEnum):
    """What people are told about a job. Never ahead of the truth."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    CANCELLING = "cancelling"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


def shown_state(job: Job, now: float) -> Shown:
    """Derive what people are shown: a stopped state only when the job's code stands still."""
    if job.requested is Wish.CANCEL and not job.is_finished:
        return Shown.CANCELLING
    if job.is_waiting:
        return Shown.WAITING
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


def wait(job: Job, handle: bytes, next_check_at: float, by: By) -> Change:
    """Decide what becomes of a job whose work has been started elsewhere.

    It is owned on and occupies nothing; its handle is all that is needed to go on with it, here or
    in another process. A wish of which its holder has not heard stays.
    """
    state = _check(job, Move.WAIT)
    after = replace(
        job,
        state=state,
        version=job.version + 1,
        occupies_slot=False,
        handle=handle,
        next_check_at=next_check_at,
    )
    return Change(after=after, before=job.state, event=Move.WAIT.value, by=by)


def conclude(job: Job, outcome: Outcome, now: float, by: By, draw: float = 0.5) -> Change:
    """Decide what an attempt's outcome does to its job.

    Finishing first wins: a value, or the last attempt's error, stands, whatever was asked
    meanwhile. Only an outcome that would send the job back to the queue is redirected by a wish.

    Args:
        job: as its holder knows it.
        outcome: how its code ended.
        now: the instant.
        by: who concludes.
        draw: a random number from 0 to 1, for the time until the next attempt.

    Raises:
        AssertionError: the job is not running; only its holder may conclude it.
    """
    match outcome:
        case Succeeded(value):
            return _release(job, Move.SUCCEED, now, by, result=value)
        case Failed() | Snoozed() | Yielded() if job.requested is Wish.COMPLETE:
            back = _interrupted(job) | {"reason": "it was completed from outside"}
            return _release(job, Move.INTERRUPT, now, by, **_again(job), **back)
        case Withheld(reason):
            return _release(job, Move.SUCCEED, now, by, reason=reason)
        case Failed():
            return _failed(job, outcome, now, by, draw)
        case Yielded(Cause.TIMEOUT):
            again = job.handle is None  # else its work goes on elsewhere: none beside it
            return _failed(job, Failed(_timeout(job), again), now, by, draw)
        case Yielded(Cause.DEADLINE):
            return _release(job, Move.FAIL, now, by, error=_DEADLINE)
        case _ if job.requested is Wish.CANCEL and not _must_still_be_told(job, outcome):
            return _release(job, Move.STOP, now, by)
        case Snoozed(seconds):
            return _snoozed(job, seconds, now, by)
        case Yielded() if _is_lost_by_interrupt(job, outcome.cause):
            return _release(job, Move.FAIL, now, by, error=_lost(job, "was told to end"))
        case Yielded():
            return _release(job, Move.INTERRUPT, now, by, **_again(job), **_interrupted(job))
        case Crashed():
            return _crashed(job, now, by)


def left_behind(job: Job) -> Yielded:
    """Return how an attempt has ended whose worker is taken for dead, though it may live.

    Its code may have begun, so what is not to be repeated must not go back.
    """
    is_lost = job.options.on_crash is OnCrash.FAIL
    return Yielded(Cause.INTERRUPT if is_lost else Cause.LOST)


def expire(job: Job, now: float, by: By) -> Change:
    """Decide what becomes of a job that has not begun by its deadline: it has failed."""
    return _release(job, Move.FAIL, now, by, error=_DEADLINE)


def lose(job: Job, now: float, by: By) -> Change:
    """Decide what becomes of a job that has not begun, when what it needs is gone for ever."""
    return _release(job, Move.FAIL, now, by, error=_lost(job, "ended"))


def request(job: Job, wish: Wish, now: float, by: By) -> Change | None:
    """Decide what a wish from outside does to a job; None when it is so already.

    A job that has not begun obeys at once. A running one keeps the wish in its row until its
    holder has stopped the code. So does one whose work goes on elsewhere, even while nobody holds
    it: whoever takes it next tells the other side.

    Raises:
        AlreadyFinished: the job has an outcome, and another one than was wished for.
    """
    if job.state is State.CANCELLED and wish is Wish.CANCEL:
        return None
    if job.is_finished:
        raise AlreadyFinished(job.id, job.state.value)
    if job.requested is wish:
        return None
    if job.requested is Wish.COMPLETE:
        raise AlreadyFinished(job.id, State.SUCCEEDED.value)
    if job.state is State.RUNNING or job.handle is not None:
        after = replace(job, requested=wish, version=job.version + 1)
        return Change(after=after, before=job.state, event=CANCEL_REQUESTED, by=by)
    return _release(job, Move.CANCEL, now, by)


def complete(job: Job, by: By) -> Change | None:
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
    if job.state is not State.RUNNING and job.handle is None:
        raise NotCompletable(job.id, "its work has not been started")
    after = replace(job, requested=Wish.COMPLETE, version=job.version + 1)
    return Change(after=after, before=job.state, event=COMPLETED, by=by)


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
    return _release(job, Move.RETRY, now, by, handle=None, **anew)


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
        "next_check_at": None,
        "started_at": None if state is State.QUEUED else job.started_at,
        "finished_at": now if state in FINISHED else None,
        "reason": None,
        "result": None,
        "error": None,
    }
    after = replace(job, **(released | columns))
    return Change(after=after, before=job.state, event=move.value, by=by)


def _failed(job: Job, failed: Failed, now: float, by: By, draw: float) -> Change:
    """Three cases: it is tried again; it would be, but somebody wants it cancelled; it has failed.

    Work elsewhere that failed is started anew by the next attempt: its handle is forgotten.
    """
    tries = job.attempt - job.forgiven
    next_at = now + job.options.backoff.delay(tries, draw)
    has_time = job.deadline_at is None or next_at < job.deadline_at
    if not (failed.again and tries <= job.options.retries and has_time):
        return _release(job, Move.FAIL, now, by, error=failed.error)
    if job.requested is Wish.CANCEL:
        return _release(job, Move.STOP, now, by)
    reason = f"attempt {tries} of {job.options.retries + 1} failed: {_in_short(failed.error)}"
    return _later(job, Move.TRY_AGAIN, next_at, now, by, handle=None, reason=reason)


def _snoozed(job: Job, seconds: float, now: float, by: By) -> Change:
    """It asked for it itself: no attempt is used up. Its deadline holds all the same."""
    reason = "it asked to be run again later"
    back: dict[str, object] = {"reason": reason, **_again(job), **_wish_kept(job)}
    return _later(job, Move.SNOOZE, now + seconds, now, by, **back)


def _later(job: Job, move: Move, run_at: float, now: float, by: By, **columns: object) -> Change:
    """Send a job back to the queue, to be claimed at `run_at` or after."""
    is_due = run_at <= now
    due: dict[str, object] = {"run_at": None if is_due else run_at, "claimable": is_due}
    return _release(job, move, now, by, **(due | columns))


def _crashed(job: Job, now: float, by: By) -> Change:
    """Decide what becomes of a job whose worker died.

    Four cases: work elsewhere is adopted; what must not or cannot be repeated is lost; the job is
    likely the cause of it; it runs again.
    """
    if job.is_waiting and job.bound_to is None:
        waits: dict[str, object] = {"reason": "its worker died; another one adopts it"}
        return _release(job, Move.RESCUE, now, by, **_again(job), **_wish_kept(job), **waits)
    crashes = job.crashes + 1
    is_once = job.options.on_crash is OnCrash.FAIL and job.handle is None
    if job.bound_to is not None or is_once:
        error = _lost(job, "died")
        return _release(job, Move.FAIL, now, by, error=error, crashes=crashes)
    if crashes >= MAX_CRASHES:
        error = _crash_loop(crashes)
        return _release(job, Move.FAIL, now, by, error=error, crashes=crashes)
    reason = f"its worker died ({crashes} of {MAX_CRASHES})"
    back: dict[str, object] = {"crashes": crashes, "reason": reason}
    return _release(job, Move.RESCUE, now, by, **_again(job), **_wish_kept(job), **back)


def _again(job: Job) -> dict[str, object]:
    """The attempt is given back: the code never had its chance to end by itself."""
    return {"attempt": job.attempt - 1}


def _interrupted(job: Job) -> dict[str, object]:
    reason = "interrupted by a shutdown"
    return {"interrupts": job.interrupts + 1, "reason": reason, **_wish_kept(job)}


def _wish_kept(job: Job) -> dict[str, object]:
    return {"requested": job.requested}


def _must_still_be_told(job: Job, outcome: Outcome) -> bool:
    """Whether work goes on elsewhere that nobody has told of the cancel: its next holder will."""
    return job.handle is not None and outcome != Yielded(Cause.CANCEL)


def _is_lost_by_interrupt(job: Job, cause: Cause) -> bool:
    """Whether a job that is interrupted can never go on, or must not."""
    if cause is not Cause.INTERRUPT:
        return False
    must_not = job.handle is None and job.options.on_crash is OnCrash.FAIL
    return job.bound_to is not None or must_not


def _deadline_anew(job: Job, now: float) -> float | None:
    if job.options.deadline is not None:
        return now + job.options.deadline
    has_passed = job.deadline_at is not None and job.deadline_at <= now
    return None if has_passed else job.deadline_at


def _in_short(error: Error) -> str:
    """Return what is shown of an error in one line."""
    first = error.message.strip().partition("\n")[0][:SHORT]
    return f"{error.type}: {first}".removesuffix(": ") if error.type else first


def _timeout(job: Job) -> Error:
    return Error(code="timeout", message=f"it ran longer than {job.options.timeout or 0:g} s")


def _lost(job: Job, what: str) -> Error:
    if job.bound_to is not None:
        return Error(code="lost", message=f"the program that alone could run it {what}")
    why = f"its worker {what}, and it is not to be repeated (on_crash is 'fail')"
    return Error(code="lost", message=why)


def _crash_loop(crashes: int) -> Error:
    return Error(
        code="crash-loop",
        message=f"its worker died {crashes} times while running it; it is not tried again",
    )


_DEADLINE = Error(code="deadline", message="it had not ended by its deadline")
