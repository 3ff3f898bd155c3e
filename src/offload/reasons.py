"""Why a job waits, in words that say what to do. Pure: facts in, a sentence out."""

from collections.abc import Mapping, Sequence

from offload.model import Job, Queue, State, WorkerInfo


def why_queued(
    job: Job,
    alive: Sequence[WorkerInfo],
    queues: Sequence[Queue],
    counts: Mapping[tuple[str, State], int],
    now: float,
) -> str | None:
    """Say what a queued job waits for; the first of these that is true.

    It is not due; its queue is paused; nobody is there to take it, or nobody who knows its task;
    the queue's limit is reached; others go first.
    """
    queue = next((queue for queue in queues if queue.name == job.queue), None)
    serving = [worker for worker in alive if worker.serves(job.queue)]
    running = counts.get((job.queue, State.RUNNING), 0)
    if job.run_at is not None and job.run_at > now:
        return f"it is due in {job.run_at - now:.0f} s"
    if queue is not None and queue.paused:
        return f"the queue {job.queue!r} is paused"
    if not serving:
        return f"no live worker serves the queue {job.queue!r}; start one with `offload worker`"
    if not any(worker.takes(job.task, job.queue) for worker in serving):
        return (
            f"no live worker knows the task {job.task!r}; "
            "start one with `offload worker FILE_OR_MODULE`"
        )
    if queue is not None and queue.limit is not None and running >= queue.limit:
        if queue.limit == 1:
            return f"the only place of the queue {job.queue!r} is taken"
        return f"all {queue.limit} places of the queue {job.queue!r} are taken"
    return job.reason


def why_running(job: Job, alive: Sequence[WorkerInfo]) -> str | None:
    """Say that a job recorded as running does not run: its worker is gone."""
    if any(worker.id == job.worker for worker in alive):
        return job.reason
    if any(not worker.stopping for worker in alive):
        return "its worker is gone; another one gives it back within seconds"
    return "its worker is gone; it goes on when one is started: `offload worker`"
