"""What the facts say of jobs that do not go on, and of queues that take no more. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence

from offload.doctor.facts import Facts, Situation
from offload.doctor.findings import Finding, ago, counted, fault, ok, warning
from offload.model import Job, Queue, State, Wish, WorkerInfo

PATIENCE_SECONDS = 10.0
"""What takes so much longer than it should does not go on by itself."""

OVERDUE_SECONDS = 60.0
"""A check may wait behind others; not for so long."""

MOST_NAMED = 5
"""Ids in a sentence; of more only the number is told."""


def judge(facts: Facts) -> Iterator[Finding]:
    """Say which jobs are stuck, and why."""
    situation = facts.situation
    if situation is None:
        return
    found = [*_queues(situation), *_unwanted(situation), *_overdue(situation, facts.now)]
    found += [*_cancelling(situation, facts), *_unchecked(situation, facts.now)]
    found += _not_started(situation, facts.now)
    yield from found
    if not found:
        yield ok("jobs", _summary(situation))
    if not situation.is_complete:
        yield warning(
            "jobs",
            f"only the newest {len(situation.unfinished)} unfinished ones were looked at",
            "look at the others with `offload list --state queued`",
        )


def _summary(situation: Situation) -> str:
    counts = Counter[State]()
    for (_, state), number in situation.counts.items():
        counts[state] += number
    told = [f"{counts[state]} {state.value}" for state in State if counts[state]]
    return f"{', '.join(told)}; none is stuck" if told else "there are none"


def _queues(situation: Situation) -> Iterator[Finding]:
    for queue in situation.queues:
        waiting = situation.counts.get((queue.name, State.QUEUED), 0)
        waiting += situation.counts.get((queue.name, State.PAUSED), 0)
        yield from _queue(queue, waiting, situation.admitted.get(queue.name, 0))


def _queue(queue: Queue, waiting: int, admitted: int) -> Iterator[Finding]:
    about = "queues"
    if queue.paused and waiting:
        yield warning(
            about,
            f"the queue {queue.name!r} is paused, and {counted(waiting, 'job')} wait in it",
            "resume it when they may go on",
        )
    if queue.limit == 0 and waiting:
        yield fault(
            about,
            f"the queue {queue.name!r} has the limit 0: its {counted(waiting, 'job')} never begin",
            "raise it: offload serve --concurrency 3",
        )
    if queue.capacity is not None and admitted >= queue.capacity:
        yield warning(
            about,
            f"the queue {queue.name!r} is full ({admitted} of {queue.capacity} waiting jobs); "
            "starts are refused",
            "add workers or raise its limit or capacity, if that lasts",
        )


def _unwanted(situation: Situation) -> Iterator[Finding]:
    """Find jobs that wait for a worker which is not there."""
    alive = [worker.info for worker in situation.workers if worker.is_alive]
    if not alive:
        return  # that nobody is there at all has been said
    waiting = [job for job in situation.unfinished if job.state is State.QUEUED]
    unknown: dict[tuple[str, str], list[Job]] = {}
    for job in waiting:
        if not _is_wanted(job, alive):
            unknown.setdefault((job.task, job.queue), []).append(job)
    for (task, queue), jobs in unknown.items():
        if jobs[0].bound_to is not None:
            yield fault(
                "jobs",
                f"only the program that started {_named(jobs)} ({task}) can run what it holds, "
                "and it does not run any more",
                "start that work again; this will be given up as lost",
            )
            continue
        yield fault(
            "jobs",
            f"no living worker knows the task {task!r} in the queue {queue!r}; {_named(jobs)} "
            "cannot begin",
            "offload worker FILE_OR_MODULE, with the file that has the task",
        )


def _is_wanted(job: Job, alive: Sequence[WorkerInfo]) -> bool:
    if job.bound_to is not None:
        return any(worker.house == job.bound_to for worker in alive)
    return any(worker.takes(job.task, job.queue) for worker in alive)


def _overdue(situation: Situation, now: float) -> Iterator[Finding]:
    if not any(worker.is_alive for worker in situation.workers):
        return
    late = [
        job
        for job in situation.unfinished
        if job.state is State.QUEUED
        and not job.claimable
        and job.run_at is not None
        and job.run_at < now - PATIENCE_SECONDS
    ]
    if late:
        longest = max(now - (job.run_at or now) for job in late)
        yield fault(
            "jobs",
            f"due up to {ago(longest)} ago and not let in: {_named(late)}",
            "restart the workers: their care does that every second",
        )


def _cancelling(situation: Situation, facts: Facts) -> Iterator[Finding]:
    pids = {worker.info.id: worker.info.pid for worker in situation.workers if worker.is_alive}
    for job in situation.unfinished:
        asked_at = situation.cancel_asked_at.get(job.id)
        if asked_at is None or job.requested is not Wish.CANCEL or job.worker not in pids:
            continue
        if facts.now - asked_at > facts.grace + PATIENCE_SECONDS:
            yield fault(
                "jobs",
                f"job {job.id} ({job.task}) is to be cancelled since {ago(facts.now - asked_at)}, "
                "and its code does not stop",
                "code in a thread must look by itself (should_stop, checkpoint), or run in a "
                f"process; now only ending its worker stops it: kill -TERM {pids[job.worker]}",
            )


def _unchecked(situation: Situation, now: float) -> Iterator[Finding]:
    late = [
        job
        for job in situation.unfinished
        if job.is_waiting and (job.next_check_at or now) < now - OVERDUE_SECONDS
    ]
    if late:
        longest = max(now - (job.next_check_at or now) for job in late)
        yield fault(
            "jobs",
            f"not looked at, though it was time up to {ago(longest)} ago: {_named(late)}",
            "see whether the checks of their tasks hang; give them a timeout",
        )


def _not_started(situation: Situation, now: float) -> Iterator[Finding]:
    """Find schedules whose time has come and gone."""
    late = {name: now - at for name, at in situation.due_at.items() if now - at > OVERDUE_SECONDS}
    if late and any(worker.is_alive for worker in situation.workers):
        yield fault(
            "schedules",
            f"due up to {ago(max(late.values()))} ago, and nothing was started: "
            f"{', '.join(sorted(late))}",
            "see that a living worker knows these tasks, and that their queues have room",
        )


def _named(jobs: Sequence[Job]) -> str:
    if len(jobs) > MOST_NAMED:
        return f"{len(jobs)} jobs (the oldest is {min(job.id for job in jobs)})"
    ids = ", ".join(str(job.id) for job in sorted(jobs, key=lambda job: job.id))
    return f"job {ids}" if len(jobs) == 1 else f"jobs {ids}"
