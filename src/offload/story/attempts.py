"""The attempts at a job, one line for each time that a worker took it.

An interrupt or a crash gives the attempt back, so one number may stand on several lines.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Protocol

from msgspec import Struct

from offload.lifecycle import Move
from offload.model import Event, Job, Record, Usage
from offload.story.timeline import Span, Stage, steady, timeline


class _WorkerWas(Protocol):
    """Where a worker ran; see `offload.store.base.WorkerWas`."""

    @property
    def host(self) -> str: ...
    @property
    def pid(self) -> int: ...


class AttemptStory(Struct, frozen=True):
    """What is known of one attempt.

    Attributes:
        token: counts the times that the job was taken, from 1.
        worker: the worker's id.
        host: where it ran, if that is still known.
        pid: the worker's process; that of the code is in `usage`.
        ended_at: None while it lasts.
        ended: the kind of the event that ended it: `succeeded`, `attempt-failed`, `interrupted` …
        code: the kind of failure: `exception`, `timeout` …, as far as it was kept.
        reason: why it ended so, in words.
        active_seconds: how long it ran or waited for work elsewhere.
        paused_seconds: how long it stood still.
        usage: what it has used, as far as that was measured.
    """

    number: int
    token: int
    worker: int | None
    host: str | None
    pid: int | None
    began_at: float
    ended_at: float | None
    ended: str | None
    code: str | None
    reason: str | None
    active_seconds: float
    paused_seconds: float
    usage: Usage | None


class Tenure(Struct, frozen=True):
    """The events from a claim to its end, that one included; what follows belongs to nobody.

    Attributes:
        token: which claim of the job it is, from 1.
        end: the event that ended it; None while it lasts.
    """

    token: int
    claim: Event
    events: tuple[Event, ...]
    end: Event | None


def attempts(
    job: Job,
    events: Sequence[Event],
    records: Sequence[Record],
    worked: Mapping[int, _WorkerWas],
    now: float,
) -> tuple[AttemptStory, ...]:
    """Tell all attempts at a job, oldest first.

    Args:
        job: for the error that it has failed with.
        events: all of the job's, oldest first.
        records: what the flight recorder has of it.
        worked: the workers by id, those that are gone too.
        now: the instant up to which an attempt that lasts is measured.
    """
    spans = timeline(events, now)
    begins = [span.began_at for span in spans]
    noted = {record.token: record for record in records}
    return tuple(
        _attempt(tenure, job, noted.get(tenure.token), worked, _within(tenure, spans, begins))
        for tenure in tenures(events)
    )


def tenures(events: Sequence[Event]) -> Iterator[Tenure]:
    """Cut a job's events into the times that somebody owned it.

    The first event behind a claim that names no worker any more is its end. A token rises with
    each claim and with nothing else, so they are counted.
    """
    events = steady(events)
    claims = [at for at, event in enumerate(events) if event.kind == Move.CLAIM]
    for token, (first, beyond) in enumerate(pairwise([*claims, len(events)]), 1):
        own = events[first:beyond]
        last = next((at for at, event in enumerate(own) if event.worker is None), None)
        end = None if last is None else own[last]
        upto = None if last is None else last + 1
        yield Tenure(token, own[0], tuple(own[:upto]), end)


def _attempt(
    tenure: Tenure,
    job: Job,
    record: Record | None,
    worked: Mapping[int, _WorkerWas],
    spans: Sequence[Span],
) -> AttemptStory:
    claim, end = tenure.claim, tenure.end
    was = None if claim.worker is None else worked.get(claim.worker)
    paused = sum(span.seconds for span in spans if span.stage is Stage.PAUSED)
    return AttemptStory(
        number=claim.attempt,
        token=tenure.token,
        worker=claim.worker,
        host=None if was is None else was.host,
        pid=None if was is None else was.pid,
        began_at=claim.at,
        ended_at=None if end is None else end.at,
        ended=None if end is None else end.kind,
        code=error_code(job, end),
        reason=None if end is None else end.reason,
        active_seconds=sum(span.seconds for span in spans) - paused,
        paused_seconds=paused,
        usage=None if record is None else record.usage,
    )


def _within(tenure: Tenure, spans: Sequence[Span], begins: Sequence[float]) -> list[Span]:
    """Return the spans of an attempt: its claim begins one, and its end ends one.

    Found by halving: a job that snoozes each minute has thousands of both.
    """
    found = []
    for at in range(bisect_left(begins, tenure.claim.at), len(spans)):
        span = spans[at]
        if tenure.end is not None and (span.ended_at is None or span.ended_at > tenure.end.at):
            break
        if span.stage is not Stage.QUEUED:
            found.append(span)
    return found


def error_code(job: Job, end: Event | None) -> str | None:
    """Return the kind of failure that an attempt ended with, as far as it was kept.

    Three places: the job's own error, if it has failed with this attempt; the words of the event,
    if it was tried again by hand since; the words of one that was followed by another attempt.
    """
    if end is None:
        return None
    if job.error is not None and end.version == job.version:
        return job.error.code
    if end.kind == Move.FAIL:
        return (end.reason or "").partition(":")[0] or None
    return "timeout" if _TIMED_OUT.fullmatch(end.reason or "") else None


_TIMED_OUT = re.compile(r"attempt \d+ of \d+ failed: it ran longer than \S+ s")
"""What `lifecycle.conclude` says of an attempt after which the job goes on."""
