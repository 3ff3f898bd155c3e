"""How an attempt's outcome ends it, and what becomes of its job.

The rules of the end: finishing first wins; what would go back to the queue is redirected by a wish.
"""

from offload.lifecycle.moves import Move, back, release
from offload.model import (
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
from offload.text import first_line

MAX_CRASHES = 3
"""A job whose worker died this often is not tried again: it is likely the cause."""


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
            return release(job, Move.SUCCEED, now, by, result=value)
        case Failed() | Snoozed() | Yielded() if job.requested is Wish.COMPLETE:
            columns = _interrupted(job) | {"reason": "it was completed from outside"}
            return release(job, Move.INTERRUPT, now, by, **_again(job), **columns)
        case Withheld(reason):
            return release(job, Move.SUCCEED, now, by, reason=reason)
        case Failed():
            return _failed(job, outcome, now, by, draw)
        case Yielded(Cause.TIMEOUT):
            again = job.handle is None  # else its work goes on elsewhere: none beside it
            return _failed(job, Failed(_timeout(job), again), now, by, draw)
        case Yielded(Cause.DEADLINE):
            return release(job, Move.FAIL, now, by, error=_DEADLINE)
        case _ if job.requested is Wish.CANCEL and not _must_still_be_told(job, outcome):
            return release(job, Move.STOP, now, by)
        case Snoozed(seconds):
            return _snoozed(job, seconds, now, by)
        case Yielded() if _is_lost_by_interrupt(job, outcome.cause):
            return release(job, Move.FAIL, now, by, error=_lost(job, "was told to end"))
        case Yielded():
            return back(job, Move.INTERRUPT, now, by, **_again(job), **_interrupted(job))
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
    return release(job, Move.FAIL, now, by, error=_DEADLINE)


def lose(job: Job, now: float, by: By) -> Change:
    """Decide what becomes of a job that has not begun, when what it needs is gone for ever."""
    return release(job, Move.FAIL, now, by, error=_lost(job, "ended"))


def _failed(job: Job, failed: Failed, now: float, by: By, draw: float) -> Change:
    """Three cases: it is tried again; it would be, but somebody wants it cancelled; it has failed.

    Work elsewhere that failed is started anew by the next attempt: its handle is forgotten.
    """
    tries = job.attempt - job.forgiven
    next_at = now + job.options.backoff.delay(tries, draw)
    has_time = job.deadline_at is None or next_at < job.deadline_at
    if not (failed.again and tries <= job.options.retries and has_time):
        return release(job, Move.FAIL, now, by, error=failed.error)
    if job.requested is Wish.CANCEL:
        return release(job, Move.STOP, now, by)
    reason = f"attempt {tries} of {job.options.retries + 1} failed: {_in_short(failed.error)}"
    return back(job, Move.TRY_AGAIN, now, by, next_at, handle=None, reason=reason)


def _snoozed(job: Job, seconds: float, now: float, by: By) -> Change:
    """It asked for it itself: no attempt is used up. Its deadline holds all the same."""
    reason = "it asked to be run again later"
    columns: dict[str, object] = {"reason": reason, **_again(job), **_wish_kept(job)}
    return back(job, Move.SNOOZE, now, by, now + seconds, **columns)


def _crashed(job: Job, now: float, by: By) -> Change:
    """Decide what becomes of a job whose worker died.

    Four cases: what must not or cannot be repeated is lost; work elsewhere is adopted, and what
    stood still is not charged with the crash; the job is likely the cause of it; it runs again.
    """
    if job.bound_to is not None or _is_once(job):
        error = _lost(job, "died")
        return release(job, Move.FAIL, now, by, error=error, crashes=job.crashes + 1)
    if job.is_waiting or job.state is State.PAUSED:
        found = "another one adopts it" if job.is_waiting else "it was paused and is held"
        columns: dict[str, object] = {"reason": f"its worker died; {found}"}
        return back(job, Move.RESCUE, now, by, **_again(job), **_wish_kept(job), **columns)
    crashes = job.crashes + 1
    if crashes >= MAX_CRASHES:
        error = _crash_loop(crashes)
        return release(job, Move.FAIL, now, by, error=error, crashes=crashes)
    columns = {"crashes": crashes, "reason": f"its worker died ({crashes} of {MAX_CRASHES})"}
    return back(job, Move.RESCUE, now, by, **_again(job), **_wish_kept(job), **columns)


def _is_once(job: Job) -> bool:
    """Whether its code must not be run a second time."""
    return job.options.on_crash is OnCrash.FAIL and job.handle is None


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
    return job.bound_to is not None or _is_once(job)


def _in_short(error: Error) -> str:
    """Return what is shown of an error in one line."""
    first = first_line(error.message)
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
