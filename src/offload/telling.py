"""A job's whole story, read from the store and ready to be written as JSON.

Each door tells the same: the attempts, the receipts, and where the time went.
"""

from collections.abc import Callable

from msgspec import Struct

from offload import verbs
from offload.model import Deed, Event, Job, Record, State, Usage
from offload.shapes import UsageShape, instant, maybe_instant, usage_shape
from offload.store.base import History, Records, Worked, WorkerWas
from offload.story import (
    Asked,
    AttemptStory,
    Outcome,
    Receipt,
    Span,
    Stage,
    attempts,
    receipt_sentence,
    receipts,
    timeline,
)
from offload.verbs import Plan

MOST = 500
"""Attempts, receipts and spans of one answer: a job that snoozes each minute has thousands."""


class AttemptShape(Struct, frozen=True):
    """An attempt: one for each time that a worker took the job.

    Attributes:
        number: the attempt; an interrupt or a crash gives it back, so it may stand twice.
        token: counts the times that the job was taken.
        worker: the worker's id, with the `host` and the `pid` that it had.
        ended: the kind of the event that ended it; null while it lasts.
        code: the kind of failure, as far as it was kept.
    """

    number: int
    token: int
    worker: int | None
    host: str | None
    pid: int | None
    began_at: str
    ended_at: str | None
    ended: str | None
    code: str | None
    reason: str | None
    active_seconds: float
    paused_seconds: float
    usage: UsageShape | None


class DeedShape(Struct, frozen=True):
    """Something that was done to running code.

    Attributes:
        after_seconds: since it was asked for.
        pids: the processes that it was done to.
    """

    at: str
    after_seconds: float
    what: str
    pids: tuple[int, ...]


class ReceiptShape(Struct, frozen=True):
    """What was asked of a job, what was done, and what came of it.

    Attributes:
        by: who asked, and `door`: where.
        killed: the processes that were ended by SIGKILL.
        over_at: when it had come true, or was known never to; null while it is pending.
        says: what was done and what came of it, in a sentence.
    """

    asked: Asked
    asked_at: str
    by: str
    door: str
    reason: str | None
    attempt: int
    token: int
    outcome: Outcome
    deeds: list[DeedShape]
    killed: tuple[int, ...]
    over_at: str | None
    seconds: float | None
    ended: str | None
    says: str


class SpanShape(Struct, frozen=True):
    """A stretch of a job's life; `ended_at` is null where it lasts."""

    stage: Stage
    began_at: str
    ended_at: str | None
    seconds: float
    attempt: int


class StoryShape(Struct, frozen=True):
    """A job's story.

    Attributes:
        items: the attempts, oldest first.
        receipts: what was asked of it, and what came of it.
        timeline: where its time went.
        is_whole: false where the oldest are left out: of each the newest 500 are told.
    """

    items: list[AttemptShape]
    receipts: list[ReceiptShape]
    timeline: list[SpanShape]
    is_whole: bool


def story(job_id: int, now: Callable[[], float]) -> Plan[StoryShape]:
    """Read a job's story.

    Raises:
        UnknownJob, Evicted: there is no such job.
    """
    job: Job = yield from verbs.fetch(job_id)
    events: list[Event] = yield History(job_id)
    records: list[Record] = yield Records(job_id)
    workers = tuple({event.worker for event in events if event.worker is not None})
    worked: dict[int, WorkerWas] = yield Worked(workers)
    at = now()
    tried = attempts(job, events, records, worked, at)
    asked = receipts(job, events, records)
    spans = timeline(events, at)
    return StoryShape(
        items=[_attempt(each) for each in tried[-MOST:]],
        receipts=[_receipt(each) for each in asked[-MOST:]],
        timeline=[_span(each) for each in spans[-MOST:]],
        is_whole=max(len(tried), len(asked), len(spans)) <= MOST,
    )


def usage(job: Job) -> Plan[Usage | None]:
    """Read what a job's last attempt has used; None until that is known.

    It is stored with the attempt's end, and with its pause: of code that runs nothing is looked up.
    """
    if not job.token or job.state is State.RUNNING:
        return None
    records: list[Record] = yield Records(job.id)
    return next((each.usage for each in records if each.token == job.token), None)


def _attempt(attempt: AttemptStory) -> AttemptShape:
    return AttemptShape(
        number=attempt.number,
        token=attempt.token,
        worker=attempt.worker,
        host=attempt.host,
        pid=attempt.pid,
        began_at=instant(attempt.began_at),
        ended_at=maybe_instant(attempt.ended_at),
        ended=attempt.ended,
        code=attempt.code,
        reason=attempt.reason,
        active_seconds=_rounded(attempt.active_seconds),
        paused_seconds=_rounded(attempt.paused_seconds),
        usage=usage_shape(attempt.usage),
    )


def _receipt(receipt: Receipt) -> ReceiptShape:
    return ReceiptShape(
        asked=receipt.asked,
        asked_at=instant(receipt.asked_at),
        by=receipt.actor,
        door=receipt.door,
        reason=receipt.reason,
        attempt=receipt.attempt,
        token=receipt.token,
        outcome=receipt.outcome,
        deeds=[_deed(deed, receipt) for deed in receipt.deeds],
        killed=receipt.killed,
        over_at=maybe_instant(receipt.over_at),
        seconds=None if receipt.seconds is None else _rounded(receipt.seconds),
        ended=receipt.ended,
        says=receipt_sentence(receipt),
    )


def _deed(deed: Deed, receipt: Receipt) -> DeedShape:
    after = _rounded(max(deed.at - receipt.asked_at, 0.0))
    return DeedShape(instant(deed.at), after, deed.what, deed.pids)


def _span(span: Span) -> SpanShape:
    return SpanShape(
        span.stage,
        instant(span.began_at),
        maybe_instant(span.ended_at),
        _rounded(span.seconds),
        span.attempt,
    )


def _rounded(seconds: float) -> float:
    return round(seconds, 3)
