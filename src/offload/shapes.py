"""A job as it is shown outside: the record's fields, ready to be written as JSON.

Every door that speaks JSON shows the same shape. Parameters and results are embedded as the bytes
that are stored, so an integer of any size stays exact and nothing is read twice. Pure: a record and
an instant in, a shape out.
"""

from datetime import UTC, datetime

from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.json import Encoder

from offload.lifecycle import Shown, shown_state
from offload.model import Error, Event, Job, Progress, State

write = Encoder().encode
"""Write a shape as JSON bytes."""

_FUTILE = frozenset({"not-serializable", "undecodable", "out-of-memory"})
"""Kinds of failure that another attempt would only repeat."""

_LAST_INSTANT = datetime.max.replace(tzinfo=UTC)
_EXACT_FLOATS = 2.0**53


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


class ProgressShape(Struct, frozen=True):
    """How far a job says it has come."""

    done: float
    total: float | None
    message: str | None
    unit: str | None


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


class JobShape(Struct, frozen=True, kw_only=True):
    """A job as programs see it. Fields that are UNSET are left out.

    Attributes:
        task_id: the id once more, under the name that the brief's routes give it.
        state: what people are shown, never ahead of the truth.
        status: the state once more, for the brief's routes.
        done: whether the job has its final outcome.
        result: what the task returned; null until then, and left out of lists.
        error: how the job failed; left out of lists.
        changed: whether the request that is answered has changed anything.
        retries: how many further attempts there may be after one that failed.
        next_check_at: when the work elsewhere that it waits for is looked at next.
        links: what can be done with the job now.
    """

    id: int
    task_id: int | UnsetType = UNSET
    task: str
    kind: str
    queue: str
    state: Shown
    status: Shown | UnsetType = UNSET
    changed: bool | UnsetType = UNSET
    done: bool
    version: int
    params: Raw
    result: Raw | None | UnsetType = UNSET
    error: ErrorShape | None | UnsetType = UNSET
    progress: ProgressShape | None
    reason: str | None
    attempt: int
    retries: int
    crashes: int
    interrupts: int
    group: int | None
    owner: str | None
    priority: int
    tags: tuple[str, ...]
    key: str | None
    created_at: str
    run_at: str | None
    next_check_at: str | None
    deadline_at: str | None
    started_at: str | None
    finished_at: str | None
    worker: int | None
    links: dict[str, str]


def job_shape(
    job: Job,
    now: float,
    reason: str | None,
    *,
    changed: bool | UnsetType = UNSET,
    in_list: bool = False,
    for_brief: bool = False,
) -> JobShape:
    """Return a job's shape.

    Args:
        job: the record.
        now: the instant at which it is shown.
        reason: why it is as it is, or what it waits for.
        changed: whether the request that is answered has changed anything.
        in_list: without result and error.
        for_brief: with `task_id` and `status`, as the brief's routes have it.
    """
    state = shown_state(job, now)
    result = None if job.result is None else Raw(job.result)
    return JobShape(
        id=job.id,
        task_id=job.id if for_brief else UNSET,
        task=job.task,
        kind=job.kind,
        queue=job.queue,
        state=state,
        status=state if for_brief else UNSET,
        changed=changed,
        done=job.is_finished,
        version=job.version,
        params=Raw(job.params or b"{}"),
        result=UNSET if in_list else result,
        error=UNSET if in_list else error_shape(job.error),
        progress=progress_shape(job.progress),
        reason=reason,
        attempt=job.attempt,
        retries=job.options.retries,
        crashes=job.crashes,
        interrupts=job.interrupts,
        group=job.group,
        owner=job.owner,
        priority=job.priority,
        tags=job.tags,
        key=job.key,
        created_at=instant(job.created_at),
        run_at=maybe_instant(job.run_at),
        next_check_at=maybe_instant(job.next_check_at),
        deadline_at=maybe_instant(job.deadline_at),
        started_at=maybe_instant(job.started_at),
        finished_at=maybe_instant(job.finished_at),
        worker=job.worker,
        links=links(job),
    )


def links(job: Job) -> dict[str, str]:
    """Name what would work now: look, read its history, collect the result, cancel."""
    itself = path(job.id)
    found = {"self": itself, "events": f"{itself}/events"}
    if job.state is State.SUCCEEDED:
        found["result"] = f"{itself}/result"
    if not job.is_finished and job.requested is None:
        found["cancel"] = f"{itself}/cancel"
    if job.state in {State.FAILED, State.CANCELLED}:
        found["retry"] = f"{itself}/retry"
    return found


def path(job_id: int) -> str:
    """Return where a job is found over HTTP."""
    return f"/v1/jobs/{job_id}"


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


def progress_shape(progress: Progress | None) -> ProgressShape | None:
    """Return the shape of a job's progress."""
    if progress is None:
        return None
    total = None if progress.total is None else number(progress.total)
    return ProgressShape(number(progress.done), total, progress.message, progress.unit)


def number(value: float) -> float:
    """Return a whole number as an integer, so that it is shown as 3 and not as 3.0."""
    return int(value) if abs(value) < _EXACT_FLOATS and value == int(value) else value


def instant(seconds: float) -> str:
    """Write an instant as RFC 3339 in UTC with milliseconds; beyond the year 9999 as its end."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        moment = _LAST_INSTANT
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def maybe_instant(seconds: float | None) -> str | None:
    """The same for an instant that may not have come."""
    return None if seconds is None else instant(seconds)
