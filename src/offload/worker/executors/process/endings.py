"""From a child's answer, or from its end without one, to the outcome of its job."""

import signal

from offload.model import Crashed, Error, Failed, Outcome, Succeeded, Yielded
from offload.worker.executors.process import frames
from offload.worker.executors.process.orders import Ended

_MEBI = 1 << 20


def outcome_of(answer: frames.Answer | Ended, *, was_asked: bool, limit: int | None) -> Outcome:
    """Say how a job ended.

    Args:
        answer: what the child said, or how it ended.
        was_asked: the job had been told to stop.
        limit: the bytes that it might hold.
    """
    match answer:
        case frames.Value(value):
            return Succeeded(bytes(value))
        case frames.Failure(failed):
            return failed
        case frames.Rest(snoozed):
            return snoozed
        case Ended(over_limit=True):
            return _too_large(answer.peak or 0, limit or 0)
        case frames.Stopped() if not was_asked:
            return _killed(-signal.SIGTERM)
        case Ended() if not was_asked:
            return _killed(answer.code)
        case _:
            return Yielded()


def lost(*, was_asked: bool) -> Outcome:
    """The fork server has died and has taken the job with it: the job is not to blame."""
    return Yielded() if was_asked else Crashed()


def not_started(why: str) -> Failed:
    """No process could be had."""
    return Failed(Error(code="killed", message=why))


def _too_large(peak: int, limit: int) -> Failed:
    message = (
        f"the job's processes held {peak / _MEBI:,.0f} MiB of memory, more than the "
        f"{limit / _MEBI:,.0f} MiB that it may have; they were killed"
    )
    error = Error(code="out-of-memory", message=message, peak_memory=peak)
    return Failed(error, again=False)


def _killed(code: int) -> Failed:
    if code >= 0:
        message = f"the job's process ended by itself, with exit code {code}, before the job had"
        return Failed(Error(code="killed", message=message, exit_code=code))
    name = signal_name(-code)
    reason = _REASONS.get(-code, "")
    message = f"the job's process was ended by {name}{reason}"
    return Failed(Error(code="killed", message=message, signal=name))


def signal_name(number: int) -> str:
    """Return a signal's name, as ``SIGKILL``."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


_REASONS: dict[int, str] = {
    signal.SIGSEGV: ": native code reached for memory that is not its own",
    signal.SIGBUS: ": native code reached for memory that is not there",
    signal.SIGABRT: ": native code gave up",
    signal.SIGKILL: ": somebody killed it, or the machine was out of memory",
    signal.SIGTERM: ", which did not come from offload",
}
