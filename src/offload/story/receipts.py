"""Receipts: what was asked of running code, what was done to it, and when it had come true.

There is one for each cancel, pause and resume that somebody asked for, and for each attempt that
was ended by its timeout, its deadline, its memory limit or a shutdown. What was asked and did not
come true says so: the code finished first, somebody took the wish back, or it was refused.
"""

from bisect import bisect_right
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from offload.lifecycle import (
    CANCEL_REQUESTED,
    PAUSE_REFUSED,
    PAUSE_REQUESTED,
    PAUSE_WITHDRAWN,
    RESUME_REQUESTED,
    RESUME_WITHDRAWN,
    Move,
)
from offload.model import FINISHED, Deed, Event, Job, Record, State
from offload.story.attempts import Tenure, error_code, tenures
from offload.story.timeline import steady

SLACK_SECONDS = 0.1
"""A deed is told by its doer's clock, an event by its writer's: so much they may be apart."""

KILLED = "SIGKILL"
"""A deed whose words say this has killed its processes."""


class Asked(StrEnum):
    """What a receipt is for."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    TIMEOUT = "timeout"
    DEADLINE = "deadline"
    MEMORY = "memory"
    INTERRUPT = "interrupt"


class Outcome(StrEnum):
    """What became of it."""

    DONE = "done"
    PENDING = "pending"
    FINISHED_FIRST = "finished-first"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"
    OVERRULED = "overruled"


class Receipt(Struct, frozen=True):
    """What was asked, what was tried, and what came of it.

    Attributes:
        asked: what it is for.
        asked_at: when; of a limit or a shutdown, when the first thing was done about it.
        actor: who asked, and `door`: where. A limit has no one: the actor is `offload`.
        reason: why it was asked, or refused, in words.
        attempt: of the attempt that ran then; 0 before the first one.
        token: which time that the job was taken; 0 where nobody had it.
        deeds: what was done about it, in order.
        killed: the processes that were ended by SIGKILL.
        over_at: when it had come true, or was known never to; None while it is pending.
        seconds: from being asked until then.
        ended: the kind of the event that ended it: `stopped`, `paused`, `succeeded` …
    """

    asked: Asked
    asked_at: float
    actor: str
    door: str
    reason: str | None
    attempt: int
    token: int
    outcome: Outcome = Outcome.PENDING
    deeds: tuple[Deed, ...] = ()
    killed: tuple[int, ...] = ()
    over_at: float | None = None
    seconds: float | None = None
    ended: str | None = None


def receipts(job: Job, events: Sequence[Event], records: Sequence[Record]) -> tuple[Receipt, ...]:
    """Return the receipts of a job, in the order in which things were asked.

    Args:
        job: for the error that it has failed with.
        events: all of the job's, oldest first.
        records: what the flight recorder has of it.
    """
    told = steady(events)
    owned = list(tenures(told))
    wished = _wished(job, told, owned)
    limits = [limit for tenure in owned if (limit := _limit(job, tenure)) is not None]
    found = sorted([*wished, *limits], key=lambda receipt: receipt.asked_at)
    return _with_deeds(found, records)


# --- what somebody asked for

_WISHES = {
    CANCEL_REQUESTED: Asked.CANCEL,
    PAUSE_REQUESTED: Asked.PAUSE,
    RESUME_REQUESTED: Asked.RESUME,
}
_TAKEN_BACK = {
    PAUSE_WITHDRAWN: Asked.PAUSE,
    RESUME_WITHDRAWN: Asked.RESUME,
    PAUSE_REFUSED: Asked.PAUSE,
}
_AT_ONCE = {
    Move.CANCEL: Asked.CANCEL,
    Move.HOLD: Asked.PAUSE,
    Move.RELEASE: Asked.RESUME,
    PAUSE_WITHDRAWN: Asked.RESUME,
    RESUME_WITHDRAWN: Asked.PAUSE,
}
"""What comes true with the event by which it was asked, where nothing of it was asked before."""

_TRUE_IN = {
    Asked.CANCEL: {State.CANCELLED},
    Asked.PAUSE: {State.PAUSED},
    Asked.RESUME: {State.RUNNING, State.QUEUED},
}
"""In which states what was asked is true."""


def _wished(job: Job, events: Sequence[Event], owned: Sequence[Tenure]) -> list[Receipt]:
    """Follow the events; of each kind of wish there is one at most that is open."""
    found: list[Receipt] = []
    pending: dict[Asked, Receipt] = {}
    before: Event | None = None
    for event in events:
        was_open = set(pending)
        for asked, receipt in list(pending.items()):
            closed = _closed(receipt, event)
            if closed.outcome is not Outcome.PENDING:
                found.append(closed)
                del pending[asked]
        token = _token(owned, event)
        if event.kind in _WISHES:
            asked = _WISHES[event.kind]
            pending[asked] = _opened(asked, event, token)
        elif _is_at_once(event, before, was_open):
            opened = _opened(_AT_ONCE[event.kind], event, token)
            found.append(_over(opened, Outcome.DONE, event))
        before = event
    return found + [_still_open(receipt, job) for receipt in pending.values()]


def _opened(asked: Asked, event: Event, token: int) -> Receipt:
    reason = event.reason if event.kind == Move.HOLD else None
    return Receipt(asked, event.at, event.actor, event.door, reason, event.attempt, token)


def _still_open(receipt: Receipt, job: Job) -> Receipt:
    is_pause = receipt.asked is Asked.PAUSE and job.pause is not None
    return replace(receipt, reason=job.pause.reason) if is_pause and job.pause else receipt


def _is_at_once(event: Event, before: Event | None, was_open: set[Asked]) -> bool:
    """Whether an event is a wish that came true with it, and not the end of an earlier one.

    What stands still already is not paused once more when its worker ends.
    """
    asked = _AT_ONCE.get(event.kind)
    if asked is None or asked in was_open:
        return False
    is_left_behind = event.kind == Move.HOLD and before is not None and before.worker is not None
    return not is_left_behind


def _closed(receipt: Receipt, event: Event) -> Receipt:
    """Return what became of a wish with an event; as it is where that is about something else.

    Cases, in this order: it was taken back or refused; it is true; the job has ended otherwise; a
    cancel goes before it.
    """
    if event.kind in (PAUSE_REFUSED, Move.PAUSE) and receipt.asked is Asked.PAUSE:
        receipt = replace(receipt, reason=event.reason)
    if _TAKEN_BACK.get(event.kind) is receipt.asked:
        is_refused = event.kind == PAUSE_REFUSED
        return _over(receipt, Outcome.REFUSED if is_refused else Outcome.WITHDRAWN, event)
    if event.state in _TRUE_IN[receipt.asked]:
        return _over(receipt, Outcome.DONE, event)
    if event.state in FINISHED:
        return _over(receipt, Outcome.FINISHED_FIRST, event)
    if event.kind == CANCEL_REQUESTED and receipt.asked is not Asked.CANCEL:
        return _over(receipt, Outcome.OVERRULED, event)
    return receipt


def _over(receipt: Receipt, outcome: Outcome, event: Event) -> Receipt:
    return replace(
        receipt,
        outcome=outcome,
        over_at=event.at,
        seconds=max(event.at - receipt.asked_at, 0.0),
        ended=event.kind,
    )


# --- what a limit or a shutdown asked for

_LIMITS = {
    "timeout": Asked.TIMEOUT,
    "deadline": Asked.DEADLINE,
    "out-of-memory": Asked.MEMORY,
}


def _limit(job: Job, tenure: Tenure) -> Receipt | None:
    """Return the receipt of an attempt that was ended by a limit or a shutdown."""
    end = tenure.end
    if end is None:
        return None
    asked = (
        Asked.INTERRUPT if end.reason == _INTERRUPTED else _LIMITS.get(error_code(job, end) or "")
    )
    if asked is None:
        return None
    return Receipt(
        asked=asked,
        asked_at=end.at,
        actor=end.actor if asked is Asked.INTERRUPT else "offload",
        door=end.door,
        reason=end.reason,
        attempt=tenure.claim.attempt,
        token=tenure.token,
        outcome=Outcome.DONE,
        over_at=end.at,
        seconds=0.0,
        ended=end.kind,
    )


_INTERRUPTED = "interrupted by a shutdown"
"""What `lifecycle.conclude` says of an attempt that a shutdown ended."""


# --- what was done


def _with_deeds(found: Sequence[Receipt], records: Sequence[Record]) -> tuple[Receipt, ...]:
    """Give each deed to the receipt that it was done for."""
    done: list[list[Deed]] = [[] for _ in found]
    for record in records:
        for deed in record.deeds:
            at = _receipt_of(deed, record.token, found)
            if at is not None:
                done[at].append(deed)
    return tuple(map(_with, found, done))


def _receipt_of(deed: Deed, token: int, found: Sequence[Receipt]) -> int | None:
    """Return the place of a deed's receipt: the newest that was open then, else its limit's."""
    is_open = [at for at, receipt in enumerate(found) if _is_open(receipt, deed.at)]
    if is_open:
        return max(is_open, key=lambda at: (found[at].asked_at <= deed.at, found[at].asked_at))
    limits = (
        at
        for at, receipt in enumerate(found)
        if receipt.asked not in _TRUE_IN and receipt.token == token
    )
    return next(limits, None)


def _is_open(receipt: Receipt, at: float) -> bool:
    if receipt.asked not in _TRUE_IN or at < receipt.asked_at - SLACK_SECONDS:
        return False
    return receipt.over_at is None or at <= receipt.over_at + SLACK_SECONDS


def _with(receipt: Receipt, deeds: Sequence[Deed]) -> Receipt:
    """Return a receipt with what was done; that of a limit begins with the first of it."""
    if not deeds:
        return receipt
    began_at = receipt.asked_at
    if receipt.asked not in _TRUE_IN:
        began_at = min(began_at, deeds[0].at)
    pids = dict.fromkeys(pid for deed in deeds if KILLED in deed.what for pid in deed.pids)
    seconds = None if receipt.over_at is None else max(receipt.over_at - began_at, 0.0)
    return replace(
        receipt, deeds=tuple(deeds), killed=tuple(pids), asked_at=began_at, seconds=seconds
    )


def _token(owned: Sequence[Tenure], event: Event) -> int:
    """Return which time of being taken an event falls in; 0 where nobody had the job."""
    at = bisect_right(owned, event.version, key=lambda tenure: tenure.claim.version)
    if at == 0:
        return 0
    tenure = owned[at - 1]
    is_past = tenure.end is not None and tenure.end.version < event.version
    return 0 if is_past else tenure.token
