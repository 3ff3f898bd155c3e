"""Why a job waits, in words that say what to do. Pure: facts in, a sentence out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from offload import pace
from offload.lanes import lane_of
from offload.model import Job, Queue, State, WorkerInfo


class _Why(Protocol):
    """Why a task is paused."""

    @property
    def reason(self) -> str | None: ...


class _Facts(Protocol):
    """What a waiting job may wait for, in one snapshot; see `offload.store.base.Situation`."""

    @property
    def queues(self) -> Sequence[Queue]: ...
    @property
    def counts(self) -> Mapping[tuple[str, State], int]: ...
    @property
    def holdings(self) -> Mapping[str, int]: ...
    @property
    def begun(self) -> Mapping[str, Mapping[int, int]]: ...
    @property
    def paused_tasks(self) -> Mapping[str, _Why]: ...


def why_queued(job: Job, alive: Sequence[WorkerInfo], facts: _Facts, now: float) -> str | None:
    """Say what a queued job waits for; the first of these that is true.

    It is not due; its queue or its task is paused; nobody is there to take it, or nobody who knows
    its task; the queue's limit, a named limit or a rate is reached; others go first.
    """
    return next(_reasons(job, alive, facts, now), job.reason)


def _reasons(job: Job, alive: Sequence[WorkerInfo], facts: _Facts, now: float) -> Iterator[str]:
    queue = next((queue for queue in facts.queues if queue.name == job.queue), None)
    if job.run_at is not None and job.run_at > now:
        why = f"; {job.reason}" if job.reason else ""
        yield f"it is due in {job.run_at - now:.0f} s{why}"
    if queue is not None and queue.paused:
        yield f"the queue {job.queue!r} is paused" + _because(queue.paused_reason)
    if job.task in facts.paused_tasks:
        said = facts.paused_tasks[job.task].reason
        yield f"the task {job.task!r} is paused" + _because(said)
    yield from _nobody(job, alive)
    yield from _no_place(queue, facts)
    yield from _lane_blocked(job, facts, now)


def _nobody(job: Job, alive: Sequence[WorkerInfo]) -> Iterator[str]:
    if job.bound_to is not None:
        if not any(worker.house == job.bound_to for worker in alive):
            yield "the program that alone can run it has no worker (any more)"
        return
    serving = [worker for worker in alive if worker.serves(job.queue)]
    if not serving:
        yield f"no live worker serves the queue {job.queue!r}; start one with `offload worker`"
    if not any(worker.takes(job.task, job.queue) for worker in serving):
        yield (
            f"no live worker knows the task {job.task!r}; "
            "start one with `offload worker FILE_OR_MODULE`"
        )


def _no_place(queue: Queue | None, facts: _Facts) -> Iterator[str]:
    if queue is None or queue.limit is None:
        return
    if facts.counts.get((queue.name, State.RUNNING), 0) >= queue.limit:
        if queue.limit == 1:
            yield f"the only place of the queue {queue.name!r} is taken"
        yield f"all {queue.limit} places of the queue {queue.name!r} are taken"


def _lane_blocked(job: Job, facts: _Facts, now: float) -> Iterator[str]:
    lane = lane_of(job.lane)
    for name, most in lane.limits.items():
        if facts.holdings.get(name, 0) >= most:
            yield f"the limit {name!r} is reached: {most} at once"
    for name, rate in lane.rates.items():
        if pace.begun_within(rate, facts.begun.get(name, {}), now) >= rate.count:
            yield f"the rate of {name!r} is reached: {rate.count} in {rate.seconds:g} s"


def why_resuming(job: Job, facts: _Facts) -> str | None:
    """Say what a paused job that is to go on still waits for."""
    queue = next((queue for queue in facts.queues if queue.name == job.queue), None)
    if queue is not None and queue.paused:
        return f"the queue {job.queue!r} is paused" + _because(queue.paused_reason)
    return "it goes on as soon as a place is free, ahead of its queue"


def _because(reason: str | None) -> str:
    return "" if reason is None else f": {reason}"


def why_running(job: Job, alive: Sequence[WorkerInfo], now: float) -> str | None:
    """Say that a job recorded as running may not run: its worker is gone, or gives no sign."""
    owner = next((worker for worker in alive if worker.id == job.worker), None)
    if owner is not None and job.lease_until is not None and now > job.lease_until:
        silent = now - owner.seen_at
        return (
            f"its worker (pid {owner.pid}) has given no sign of life for {silent:.0f} s; "
            f"if it stays so, end it: kill -9 {owner.pid}"
        )
    if owner is not None:
        return job.reason
    if any(not worker.stopping for worker in alive):
        return "its worker is gone; another one gives it back within seconds"
    return "its worker is gone; it goes on when one is started: `offload worker`"
