"""Where a job's time went: spans of waiting in the queue, running, waiting elsewhere, and pause.

Spans follow each other without overlap. Between a job's end and its retry there is none: nothing
waited then.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from offload.lifecycle import Move
from offload.model import Event, State


class Stage(StrEnum):
    """What a job does in a span."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    PAUSED = "paused"


class Span(Struct, frozen=True):
    """A stretch of a job's life, of one attempt at most.

    Attributes:
        ended_at: None where it lasts still.
        seconds: its length, up to now where it lasts.
        attempt: the attempt's number; where nobody has the job, how many attempts it has used up.
    """

    stage: Stage
    began_at: float
    ended_at: float | None
    seconds: float
    attempt: int


_STAGES = {
    State.QUEUED: Stage.QUEUED,
    State.RUNNING: Stage.RUNNING,
    State.PAUSED: Stage.PAUSED,
}


def steady(events: Sequence[Event]) -> list[Event]:
    """Return a job's events with times that never go back, whatever its workers' clocks said.

    Where one went back between two events, the later one counts as simultaneous.
    """
    told: list[Event] = []
    for event in events:
        is_back = bool(told) and event.at < told[-1].at
        told.append(replace(event, at=told[-1].at) if is_back else event)
    return told


def timeline(events: Sequence[Event], now: float) -> tuple[Span, ...]:
    """Return the spans of a job's life, oldest first.

    Args:
        events: all of the job's, oldest first.
        now: the instant up to which the last span is measured.
    """
    spans: list[Span] = []
    owner: int | None = None
    for stage, event in _stages(steady(events)):
        is_same_owner, owner = event.worker == owner, event.worker
        if spans and spans[-1].ended_at is None:
            if spans[-1].stage is stage and is_same_owner and event.kind != Move.CLAIM:
                continue
            spans[-1] = replace(spans[-1], ended_at=event.at, seconds=event.at - spans[-1].began_at)
        if stage is not None:
            spans.append(Span(stage, event.at, None, 0.0, event.attempt))
    if spans and spans[-1].ended_at is None:
        spans[-1] = replace(spans[-1], seconds=max(now - spans[-1].began_at, 0.0))
    return tuple(span for span in spans if span.seconds or span.ended_at is None)


def _stages(events: Sequence[Event]) -> Iterator[tuple[Stage | None, Event]]:
    """Go through what the job does behind each event; None where it has ended.

    A job whose work goes on elsewhere waits from then on, until another worker takes it.
    """
    is_waiting = False
    for event in events:
        if event.kind == Move.WAIT:
            is_waiting = True
        elif event.worker is None or event.kind == Move.CLAIM:
            is_waiting = False
        stage = _STAGES.get(event.state)
        yield (Stage.WAITING if stage is Stage.RUNNING and is_waiting else stage), event
