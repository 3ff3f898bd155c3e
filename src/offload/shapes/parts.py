"""The parts of what is shown of a job: its error, progress, pause, checkpoint, usage and events."""

from msgspec import Struct

from offload.model import Bar, Error, Event, Job, Mode, Progress, State, Usage
from offload.shapes.times import instant, maybe_instant, number
from offload.story import standing

_FUTILE = frozenset({"not-serializable", "undecodable", "out-of-memory"})
"""Kinds of failure that another attempt would only repeat."""


class ErrorShape(Struct, frozen=True):
    """How a job failed; `retryable` says whether another attempt may end otherwise.

    Attributes:
        exit_code: with which the job's process ended, if it ended.
        signal: the name of the signal that ended it.
        peak_memory: bytes that its processes held at most, where that is why it failed.
    """

    code: str
    type: str | None
    message: str
    traceback: str | None
    retryable: bool
    exit_code: int | None
    signal: str | None
    peak_memory: int | None


class BarShape(Struct, frozen=True):
    """How far one part of a job has come, beside its progress."""

    name: str
    done: float
    total: float | None
    unit: str | None
    message: str | None


class ProgressShape(Struct, frozen=True):
    """How far a job says it has come.

    Attributes:
        rate: units per second, as measured.
        eta: when it is expected to be done, while it runs.
        bars: what else it counts: downloads, inner loops.
    """

    done: float
    total: float | None
    message: str | None
    unit: str | None
    rate: float | None = None
    eta: str | None = None
    bars: tuple[BarShape, ...] = ()


class EventShape(Struct, frozen=True):
    """An event as JSON."""

    id: int
    version: int
    kind: str
    state: State
    at: str
    actor: str
    door: str
    attempt: int
    worker: int | None
    reason: str | None


class PauseShape(Struct, frozen=True):
    """Who wants a job to stand still, and how it does.

    Attributes:
        mode: how it stands still; null while its code still runs.
        since: from when on it does.
        by: who asked, and `door`: where.
        keeps: what it holds on to while it stands still, in words.
        frees: what others can have meanwhile.
    """

    mode: Mode | None
    since: str | None
    reason: str | None
    asked_at: str
    by: str
    door: str
    keeps: str | None
    frees: str | None


class CheckpointShape(Struct, frozen=True):
    """When a job last kept what its next attempt goes on from."""

    at: str


class UsageShape(Struct, frozen=True):
    """What an attempt has used, as far as it was measured.

    Attributes:
        pid: the process that ran its code.
        peak_memory: bytes that it held at most.
        cpu_seconds: processor time of its code and of what it started.
        exit_code: with which its process ended, if it ended.
        signal: the name of the signal that ended it.
    """

    pid: int | None
    peak_memory: int | None
    cpu_seconds: float | None
    exit_code: int | None
    signal: str | None


def event_shape(event: Event) -> EventShape:
    """Return the shape of an event."""
    return EventShape(
        id=event.id,
        version=event.version,
        kind=event.kind,
        state=event.state,
        at=instant(event.at),
        actor=event.actor,
        door=event.door,
        attempt=event.attempt,
        worker=event.worker,
        reason=event.reason,
    )


def error_shape(error: Error | None) -> ErrorShape | None:
    """Return the shape of a job's error."""
    if error is None:
        return None
    return ErrorShape(
        code=error.code,
        type=error.type,
        message=error.message,
        traceback=error.traceback,
        retryable=error.code not in _FUTILE,
        exit_code=error.exit_code,
        signal=error.signal,
        peak_memory=error.peak_memory,
    )


def pause_shape(job: Job) -> PauseShape | None:
    """Return the shape of a job's pause, with what it keeps and frees."""
    pause = job.pause
    if pause is None:
        return None
    still = standing(job)
    return PauseShape(
        mode=pause.mode,
        since=maybe_instant(pause.since),
        reason=pause.reason,
        asked_at=instant(pause.asked_at),
        by=pause.actor,
        door=pause.door,
        keeps=None if still is None else still.keeps,
        frees=None if still is None else still.frees,
    )


def usage_shape(usage: Usage | None) -> UsageShape | None:
    """Return the shape of what an attempt has used."""
    if usage is None:
        return None
    return UsageShape(
        usage.pid, usage.peak_memory, usage.cpu_seconds, usage.exit_code, usage.signal
    )


def progress_shape(progress: Progress | None) -> ProgressShape | None:
    """Return the shape of a job's progress."""
    if progress is None:
        return None
    return ProgressShape(
        done=number(progress.done),
        total=_maybe_number(progress.total),
        message=progress.message,
        unit=progress.unit,
        rate=None if progress.rate is None else float(f"{progress.rate:.6g}"),
        eta=maybe_instant(progress.eta),
        bars=tuple(_bar_shape(bar) for bar in progress.bars),
    )


def _bar_shape(bar: Bar) -> BarShape:
    return BarShape(bar.name, number(bar.done), _maybe_number(bar.total), bar.unit, bar.message)


def _maybe_number(value: float | None) -> float | None:
    return None if value is None else number(value)
