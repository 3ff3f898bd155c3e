"""The verbs as plans: generators that yield what they want of the store and get the answers.

A plan decides and does no IO, so the blocking and the async face of every verb are the same code:
one driver waits for each answer, the other awaits it.
"""

import hmac
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from offload import errors, lifecycle
from offload.errors import (
    Evicted,
    IdempotencyKeyReused,
    JobCancelled,
    JobError,
    JobFailed,
    NotCompletable,
    NotFinished,
    NotKept,
    NotPausable,
    QueueFull,
    Refused,
    UnknownGroup,
    UnknownJob,
)
from offload.lifecycle import Amendment, amended_in_words
from offload.model import By, Change, Event, Job, QueueSettings, State, Wish, WorkerInfo
from offload.store.base import (
    Amend,
    Apply,
    Complete,
    Found,
    Frozen,
    Full,
    Get,
    Gone,
    Group,
    History,
    Identified,
    Identity,
    Insert,
    Inserted,
    KeyReused,
    KeyTaken,
    List,
    MemberJobs,
    Members,
    Remove,
    Retry,
    SetQueue,
    SetTask,
    Workers,
)
from offload.text import sanitise
from offload.worker.attempt import completion_token

T = TypeVar("T")

Plan = Generator[Any, Any, T]
"""Yields operations and queries, is sent their answers, returns a `T`."""

Answer = tuple[Job, bool] | Refused | JobError
"""The job as it became and whether that changed anything, or why it could not be asked."""


class Act(Struct, frozen=True):
    """Who does something, and by which clock."""

    by: By
    now: Callable[[], float]


LONGEST_REASON = 500
"""Characters of why something was paused; it is shown in lists."""


def checked_reason(reason: str | None) -> str | None:
    """Return a reason as it is stored.

    Raises:
        ValueError: it is too long.
    """
    if reason is None or not reason.strip():
        return None
    if len(reason) > LONGEST_REASON:
        raise ValueError(f"a reason has at most {LONGEST_REASON} characters, not {len(reason)}")
    return sanitise(reason.strip(), limit=4 * LONGEST_REASON)


def ask(wanted: Any) -> Plan[Any]:
    """The plan of one question."""
    return (yield wanted)


def start(insert: Insert) -> Plan[Inserted]:
    """Store new jobs, all or none.

    Raises:
        QueueFull: a queue has no room for all of them.
        IdempotencyKeyReused: the key belongs to another request.
        KeyTaken: an unfinished job has the unique key of one of them.
    """
    answer: Inserted | Full | KeyReused | KeyTaken = yield insert
    match answer:
        case Full(queue, capacity):
            raise QueueFull(queue, capacity)
        case KeyReused(key, job_id):
            raise IdempotencyKeyReused(key, job_id)
        case KeyTaken(key, job_id):
            raise errors.KeyTaken(key, job_id)
        case Inserted():
            return answer


def fetch(job_id: int, *, bodies: bool = True) -> Plan[Job]:
    """Read one job.

    Raises:
        UnknownJob: the id was never issued.
        Evicted: the job was finished and is no longer kept.
    """
    if type(job_id) is not int:
        raise TypeError(f"a job's id is an integer, not {job_id!r}")
    found: Found = yield Get((job_id,), bodies)
    if job_id in found.jobs:
        return found.jobs[job_id]
    if 0 < job_id <= found.issued:
        raise Evicted(job_id)
    raise UnknownJob(job_id)


def history(job_id: int) -> Plan[list[Event]]:
    """Read what happened to a job, oldest first.

    Raises:
        UnknownJob, Evicted: there is no such job.
    """
    yield from fetch(job_id, bodies=False)
    events: list[Event] = yield History(job_id)
    return events


def request(
    job_id: int, wish: Wish, now: Callable[[], float], by: By, reason: str | None = None
) -> Plan[tuple[Job, bool]]:
    """Ask something of a job; returns it as it became, and whether that changed anything.

    Decides from the row and applies if it is still the same; otherwise somebody was faster, and it
    is decided again from what they made of it.

    Raises:
        AlreadyFinished: the job has an outcome, and another one than was wished for.
        NotPausable: its code cannot be made to stand still, or its worker holds too much already.
        BeingCancelled: it can no longer be paused.
        UnknownJob, Evicted: there is no such job.
    """
    job = yield from fetch(job_id)
    while True:
        moment = now()
        change = lifecycle.request(job, wish, moment, by, reason)
        if change is not None and change.event == lifecycle.PAUSE_REQUESTED:
            yield from _check_memory(job)
        if change is None:
            return job, False
        [current] = yield Apply((change,), moment)
        if current is None:
            return change.after, True
        if isinstance(current, Gone):
            raise Evicted(job_id)
        job = yield from fetch(job_id)


def complete(job_id: int, token: str, value: bytes, now: Callable[[], float], by: By) -> Plan[bool]:
    """Note that a job's work elsewhere is done; returns whether that changed anything.

    Raises:
        NotCompletable: the token is not the job's, or it cannot be completed as it is.
        AlreadyFinished: the job has failed or was cancelled.
        UnknownJob, Evicted: there is no such job.
    """
    identity: Identified = yield Identity()
    expected = completion_token(job_id, identity.secret)
    if not hmac.compare_digest(expected.encode(), token.encode("utf-8", "replace")):
        raise NotCompletable(job_id, "the token is not its own")
    while True:
        job = yield from fetch(job_id, bodies=False)
        moment = now()
        change = lifecycle.complete(job, moment, by)
        if change is None:
            return False
        answer: Job | Gone | None = yield Complete(change, value, moment)
        if answer is None:
            return True
        if isinstance(answer, Gone):
            raise Evicted(job_id)


def retry(job_id: int, now: Callable[[], float], by: By) -> Plan[Job]:
    """Try a failed or cancelled job anew; returns it as it became.

    Raises:
        NotFinished: it has not ended yet.
        AlreadyFinished: it has succeeded.
        QueueFull: its queue is at capacity.
        KeyTaken: another unfinished job has its unique key.
        UnknownJob, Evicted: there is no such job.
    """
    while True:
        job = yield from fetch(job_id)
        moment = now()
        change = lifecycle.retry(job, moment, by)
        answer: Job | Gone | Full | KeyTaken | None = yield Retry(change, moment)
        match answer:
            case None:
                return change.after
            case Full(queue, capacity):
                raise QueueFull(queue, capacity)
            case KeyTaken(key, holder):
                raise errors.KeyTaken(key, holder)
            case Gone():
                raise Evicted(job_id)


def amend(
    job_id: int, wanted: Amendment, now: Callable[[], float], by: By
) -> Plan[tuple[Job, bool]]:
    """Alter a job that has not begun; returns it as it became, and whether that changed anything.

    Raises:
        AlreadyFinished: it has an outcome.
        NotAmendable: a worker has it.
        QueueFull: the queue that it is to wait in is at capacity.
        UnknownJob, Evicted: there is no such job.
    """
    while True:
        job = yield from fetch(job_id)
        moment = now()
        change = lifecycle.amend(job, wanted, moment, by)
        if change is None:
            return job, False
        said = amended_in_words(job, change.after)
        answer: Job | Gone | Full | None = yield Amend(change, said, moment)
        match answer:
            case None:
                return change.after, True
            case Full(queue, capacity):
                raise QueueFull(queue, capacity)
            case Gone():
                raise Evicted(job_id)


def remove(job_id: int) -> Plan[Job | None]:
    """Keep a finished job no longer; returns the job as it stands if it has not ended.

    Raises:
        UnknownJob, Evicted: there is no such job.
    """
    yield from fetch(job_id, bodies=False)
    answer: Job | Gone | None = yield Remove(job_id)
    if isinstance(answer, Gone):
        raise Evicted(job_id)
    return answer


def group(group_id: int) -> Plan[Group]:
    """Read a group.

    Raises:
        UnknownGroup: there is none.
    """
    found: Group | None = yield Members(group_id)
    if found is None:
        raise UnknownGroup(group_id)
    return found


def request_of_group(
    group_id: int, wish: Wish, now: Callable[[], float], by: By, reason: str | None = None
) -> Plan[int]:
    """Ask something of all jobs of a group; returns how many that changed.

    Those of which it cannot be asked are left as they are.
    """
    yield from group(group_id)
    jobs: list[Job] = yield MemberJobs(group_id)
    return (yield from request_of_all(jobs, wish, now, by, reason))


def request_of_all(
    jobs: Sequence[Job],
    wish: Wish,
    now: Callable[[], float],
    by: By,
    reason: str | None = None,
) -> Plan[int]:
    """Ask something of jobs as they were read; returns how many that changed.

    Those of which it cannot be asked are left as they are.
    """
    answers = yield from request_of_each(jobs, wish, now, by, reason)
    return sum(isinstance(answer, tuple) and answer[1] for answer in answers)


def request_of_each(
    jobs: Sequence[Job],
    wish: Wish,
    now: Callable[[], float],
    by: By,
    reason: str | None = None,
) -> Plan[list[Answer]]:
    """Ask something of jobs as they were read; answers for each of them, in their order.

    One change of the database is made of all; where somebody was faster, that job is asked by
    itself.
    """
    moment = now()
    decided = [_decided(job, wish, moment, by, reason) for job in jobs]
    changes = tuple(each for each in decided if isinstance(each, Change))
    applied: Iterator[Job | Gone | None] = iter((yield Apply(changes, moment)) if changes else ())
    answers: list[Answer] = []
    for each in decided:
        if not isinstance(each, Change):
            answers.append(each)
        elif next(applied) is None:
            answers.append((each.after, True))
        else:
            answers.append((yield from _asked_alone(each.after.id, wish, now, by, reason)))
    return answers


def expected_of(job: Job, wish: Wish, now: float, by: By) -> Answer:
    """Return what would come of it if this were asked of the job."""
    decided = _decided(job, wish, now, by, None)
    return (decided.after, True) if isinstance(decided, Change) else decided


def _decided(job: Job, wish: Wish, now: float, by: By, reason: str | None) -> Change | Answer:
    try:
        change = lifecycle.request(job, wish, now, by, reason)
    except (Refused, JobError) as error:
        return error
    return (job, False) if change is None else change


def _asked_alone(
    job_id: int, wish: Wish, now: Callable[[], float], by: By, reason: str | None
) -> Plan[Answer]:
    try:
        return (yield from request(job_id, wish, now, by, reason))
    except (Refused, JobError) as error:
        return error


def _check_memory(job: Job) -> Plan[None]:
    """Refuse to freeze more than its worker holds in memory.

    Raises:
        NotPausable: it holds as many paused jobs as it may.
    """
    if job.handle is not None or job.worker is None:
        return
    workers: list[WorkerInfo] = yield Workers()
    holder = next((worker for worker in workers if worker.id == job.worker), None)
    if holder is None:
        return
    frozen: int = yield Frozen(holder.id)
    if frozen >= holder.max_frozen:
        raise NotPausable(
            job.id,
            f"its worker holds {frozen} paused jobs in memory, as many as it may (max_frozen); "
            "resume or cancel some of them first",
        )


def pause_queue(
    name: str, *, paused: bool, reason: str | None, include_running: bool, act: Act
) -> Plan[int]:
    """Pause a queue or let it go on; returns how many of its jobs that changed besides.

    Nothing is claimed from a paused queue. What runs goes on, unless `include_running`.
    """
    explicit = QueueSettings(paused=paused, paused_reason=reason if paused else None)
    yield SetQueue(name, explicit)
    if not include_running:
        return 0
    return (yield from _request_of_begun(List(queue=name), paused, reason, act))


def pause_task(
    task: str, *, paused: bool, reason: str | None, include_running: bool, act: Act
) -> Plan[int]:
    """Pause a task or let it go on; returns how many of its jobs that changed besides.

    None of its jobs is claimed. What runs goes on, unless `include_running`.
    """
    yield SetTask(task, paused, reason if paused else None, act.now(), act.by)
    if not include_running:
        return 0
    return (yield from _request_of_begun(List(task=task), paused, reason, act))


def _request_of_begun(which: List, paused: bool, reason: str | None, act: Act) -> Plan[int]:
    """Pause what runs, or let what stands still go on, page by page."""
    state, wish = (State.RUNNING, Wish.PAUSE) if paused else (State.PAUSED, Wish.RESUME)
    changed, before = 0, None
    while True:
        page: list[Job] = yield replace(which, states=(state,), before=before, limit=500)
        if not page:
            return changed
        changed += yield from request_of_all(page, wish, act.now, act.by, reason)
        before = page[-1].id


def retry_failed(group_id: int, now: Callable[[], float], by: By) -> Plan[int]:
    """Try all failed jobs of a group anew; returns how many.

    Raises:
        QueueFull: there is no room for all of them; those before go on.
    """
    yield from group(group_id)
    jobs: list[Job] = yield MemberJobs(group_id)
    failed = [job.id for job in jobs if job.state is State.FAILED]
    for job_id in failed:
        yield from retry(job_id, now, by)
    return len(failed)


def value(job: Job, shown: str) -> bytes:
    """Return a job's result as JSON bytes.

    Raises:
        NotFinished: it is not there yet.
        JobFailed, JobCancelled, NotKept: it will never be.
    """
    if job.state is State.FAILED:
        raise JobFailed(job.id, job.task, job.error)
    if job.state is State.CANCELLED:
        raise JobCancelled(job.id)
    if job.state is not State.SUCCEEDED:
        raise NotFinished(job.id, shown)
    if job.result is None:
        raise NotKept(job.id, job.reason)
    return job.result
