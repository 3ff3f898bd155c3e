"""A job as programs see it, and what can be done with it now."""

from collections.abc import Iterator

from msgspec import UNSET, Raw, Struct, UnsetType

from offload.lifecycle import Shown, paused_seconds, shown_state
from offload.model import FINISHED, Job, State, Usage, Wish
from offload.redacting import hide
from offload.shapes.parts import (
    CheckpointShape,
    ErrorShape,
    PauseShape,
    ProgressShape,
    UsageShape,
    error_shape,
    pause_shape,
    progress_shape,
    usage_shape,
)
from offload.shapes.times import instant, maybe_instant


class JobShape(Struct, frozen=True, kw_only=True):
    """A job as programs see it. Fields that are UNSET are left out.

    Attributes:
        task_id: the id once more, under the name that the brief's routes give it.
        state: what people are shown, never ahead of the truth.
        status: the state once more, for the brief's routes.
        done: whether the job has its final outcome.
        result: what the task returned; null until then, and left out of lists.
        error: how the job failed; left out of lists.
        checkpoint: when it last kept what its next attempt goes on from; null if never.
        pause: who wants it to stand still, and how it does.
        changed: whether the request that is answered has changed anything.
        retries: how many further attempts there may be after one that failed.
        next_check_at: when the work elsewhere that it waits for is looked at next.
        active_seconds: how long its attempt has run, pauses not counted.
        paused_seconds: how long its attempt has stood still.
        usage: what its last attempt has used; null in lists, and until that is known.
        kept_until: until when it is kept, whatever its queue keeps; null where it has not ended, or
            its queue's keep decides.
        secret: the parameters that are shown as ``***``; left out where there is none.
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
    secret: tuple[str, ...] | UnsetType = UNSET
    result: Raw | None | UnsetType = UNSET
    error: ErrorShape | None | UnsetType = UNSET
    progress: ProgressShape | None
    checkpoint: CheckpointShape | None
    pause: PauseShape | None
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
    kept_until: str | None
    active_seconds: float | None
    paused_seconds: float
    worker: int | None
    usage: UsageShape | None
    links: dict[str, str]


def job_shape(
    job: Job,
    now: float,
    reason: str | None,
    *,
    changed: bool | UnsetType = UNSET,
    in_list: bool = False,
    for_brief: bool = False,
    usage: Usage | None = None,
) -> JobShape:
    """Return a job's shape.

    Args:
        job: the record.
        now: the instant at which it is shown.
        reason: why it is as it is, or what it waits for.
        changed: whether the request that is answered has changed anything.
        in_list: without result and error.
        for_brief: with `task_id` and `status`, as the brief's routes have it.
        usage: what its last attempt has used, where that was looked up.
    """
    state, secret = shown_state(job, now), job.options.secret
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
        params=Raw(hide(job.params or b"{}", secret)),
        secret=secret or UNSET,
        result=UNSET if in_list else result,
        error=UNSET if in_list else error_shape(job.error),
        progress=progress_shape(job.progress),
        checkpoint=None if job.saved_at is None else CheckpointShape(instant(job.saved_at)),
        pause=pause_shape(job),
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
        kept_until=maybe_instant(job.kept_until),
        active_seconds=_active_seconds(job, now),
        paused_seconds=_rounded(paused_seconds(job, now)),
        worker=job.worker,
        usage=usage_shape(usage),
        links=links(job),
    )


def links(job: Job) -> dict[str, str]:
    """Name what would work now: look, read its history, collect the result, act."""
    itself = path(job.id)
    found = {name: f"{itself}/{name}" for name in ("events", "logs", "attempts")}
    found = {"self": itself, **found}
    if job.state is State.SUCCEEDED:
        found["result"] = f"{itself}/result"
    return found | {verb: f"{itself}/{verb}" for verb in _actions(job)}


def _actions(job: Job) -> Iterator[str]:
    if job.state in {State.FAILED, State.CANCELLED}:
        yield "retry"
    if job.state in FINISHED or job.requested in (Wish.CANCEL, Wish.COMPLETE):
        return
    yield "cancel"
    is_to_stand_still = job.requested is Wish.PAUSE or job.state is State.PAUSED
    if is_to_stand_still and job.requested is not Wish.RESUME:
        yield "resume"
    elif job.state is not State.RUNNING or job.options.pausable:
        yield "pause"


def path(job_id: int) -> str:
    """Return where a job is found over HTTP."""
    return f"/v1/jobs/{job_id}"


def _active_seconds(job: Job, now: float) -> float | None:
    if job.started_at is None:
        return None
    end = now if job.finished_at is None else job.finished_at
    return _rounded(max(end - job.started_at - paused_seconds(job, now), 0.0))


def _rounded(seconds: float) -> float:
    """Milliseconds are exact enough, and short."""
    return round(seconds, 3)
