"""Starts by the clock: a worker writes down what its tasks say of it, and starts what is due.

Every worker does so, about once a second, and nothing is elected: what is due is decided here from
the schedule's row, and the store starts it only while the row is still the same. So each due time
is started by one of any number of workers. What the row says counts, and the worker that began last
has written it: while two versions of a program run side by side, they do not take turns.
"""

import logging
from datetime import UTC, datetime

import msgspec

from offload.clock import Clock
from offload.errors import InvalidParameters
from offload.model import By, NewJob
from offload.options import filled
from offload.registry import RegisteredTask, Registry
from offload.schedule import NEVER, Cron, Plan, Timetable, described, due, next_after, next_runs
from offload.store.base import Fire, Fired, Full, Insert, PutSchedules, Scheduled, Schedules
from offload.store.mailbox import Mailbox
from offload.values import decode

log = logging.getLogger("offload.schedules")

BY = By(actor="schedule", door="care")

KEY = "schedule"
"""The unique key of jobs that are not to overlap, where their task has none of its own."""

DUE_AT = "due_at"
"""A parameter of this name is given the due time."""

ASTRAY = 3600.0
"""Seconds: with its last start so far ahead of the clock, a schedule was started by a wrong one."""

SHOWN = 5
"""So many of its next due times are shown of a schedule."""

read_plan = msgspec.json.Decoder(Plan).decode


class ScheduleKeeper:
    """One worker's look at the clock.

    Args:
        mailbox: the way to the store.
        registry: the tasks, whose schedules it keeps; it leaves those of others alone.
    """

    def __init__(self, mailbox: Mailbox, registry: Registry, clock: Clock) -> None:
        self._mailbox = mailbox
        self._registry = registry
        self._clock = clock
        self._told: dict[str, str | None] = {}
        self._complained: set[tuple[str, str]] = set()

    async def look(self) -> None:
        """Write down what is new, and start what is due."""
        says = {name: _spec(self._registry.find(name)) for name in self._registry.names()}
        if says == self._told and not any(says.values()):
            return
        rows = {row.name: row for row in await self._mailbox.read_soon(Schedules())}
        now = self._clock.now()  # after the rows: nobody has written them later than that
        await self._tell(says, rows, now)
        for row in rows.values():
            if says.get(row.task) is not None:
                await self._look_at(row, now)

    async def _tell(
        self, says: dict[str, str | None], rows: dict[str, Scheduled], now: float
    ) -> None:
        """Write what its tasks say; once, unless a row has gone since or another task has come."""
        anew = says != self._told
        put = tuple(
            Scheduled(name, name, spec, _stored(next_after(read_plan(spec).when, now)))
            for name, spec in says.items()
            if spec is not None and (name not in rows or (anew and rows[name].spec != spec))
        )
        gone = tuple(name for name in rows if anew and name in says and says[name] is None)
        if put or gone:
            await self._mailbox.ask_soon(PutSchedules(put, gone))
        self._told = says

    async def _look_at(self, row: Scheduled, now: float) -> None:
        try:
            choices = self._decide(row, read_plan(row.spec), now)
        except (msgspec.MsgspecError, InvalidParameters, LookupError) as error:
            self._complain(row, f"cannot be started: {error}")
            return
        for fire in choices:
            answer = await self._mailbox.ask_soon(fire)
            self._note(row, answer)
            if not isinstance(answer, Full):
                return

    def _decide(self, row: Scheduled, plan: Plan, now: float) -> tuple[Fire, ...]:
        """Decide what is to be started, and what instead if the queue has no room for all of it.

        A due time is never started twice: neither after its task says something else, nor after
        the clock was put back a little.
        """
        if _is_astray(row, plan, now):
            self._complain(row, "was last looked at by a clock far ahead of this; it begins anew")
            return (_fire(row, next_after(plan.when, now), (), now, last_at=None),)
        if row.next_at is None or now < row.next_at:
            return ()
        found = due(plan.when, row.next_at, now, plan.misfire)
        starts = tuple(at for at in found.starts if row.last_at is None or at > row.last_at)
        jobs = tuple(self._job(row.task, plan, at, now) for at in starts)
        last_at = starts[-1] if starts else row.last_at
        whole = _fire(row, found.next_at, jobs, now, last_at=last_at, missed=found.missed)
        if len(jobs) <= 1:
            return (whole,)
        first = _fire(row, starts[1], jobs[:1], now, last_at=starts[0], missed=found.missed)
        return (whole, first)

    def _job(self, name: str, plan: Plan, due_at: float, now: float) -> NewJob:
        task = self._registry.find(name)
        options, job = task.options, task.options.job
        params = _params(task, due_at)
        return NewJob(
            task=task.name,
            kind=task.kind,
            params=params,
            queue=options.queue,
            priority=options.priority,
            tags=options.tags,
            options=job,
            lane=task.lane,
            key=_key(task, params) or (None if plan.overlap else KEY),
            deadline_at=None if job.deadline is None else now + job.deadline,
        )

    def _note(self, row: Scheduled, answer: Fired | Full | None) -> None:
        """Say what did not start; where somebody was faster, he has said it."""
        if isinstance(answer, Full):
            self._complain(row, f"waits: the queue {answer.queue!r} is full")
        elif answer is not None and answer.held_back:
            log.info("the schedule %s skips a due time: its last job has not ended", row.name)

    def _complain(self, row: Scheduled, what: str) -> None:
        """Say it once for each due time, not every second."""
        if (row.name, f"{row.next_at}") not in self._complained:
            self._complained = {said for said in self._complained if said[0] != row.name}
            self._complained.add((row.name, f"{row.next_at}"))
            log.warning("the schedule %s %s", row.name, what)


def timetable(row: Scheduled) -> Timetable:
    """Show a schedule.

    Raises:
        msgspec.MsgspecError: a later version of offload has written it.
    """
    plan = read_plan(row.spec)
    first = () if row.next_at is None else (row.next_at,)
    return Timetable(
        name=row.name,
        task=row.task,
        when=described(plan.when),
        tz=plan.when.tz if isinstance(plan.when, Cron) else None,
        misfire=plan.misfire,
        overlap=plan.overlap,
        next_at=first + next_runs(plan.when, first[0], SHOWN - 1) if first else (),
        last_at=row.last_at,
        last_job=row.last_job,
        skipped=row.skipped,
    )


def _spec(task: RegisteredTask) -> str | None:
    """Return what a task says about the clock, as it stands in a row."""
    options = task.options
    if options.schedule is None:
        return None
    plan = Plan(options.schedule, options.misfire, options.overlap)
    return msgspec.json.encode(plan).decode()


def _is_astray(row: Scheduled, plan: Plan, now: float) -> bool:
    """Whether a clock that was wrong has written the row, so that it would stand still for long."""
    if row.last_at is not None:
        return row.last_at > now + ASTRAY
    return row.next_at is not None and row.next_at > next_after(plan.when, now)


def _params(task: RegisteredTask, due_at: float) -> bytes:
    """Return the parameters of a job that is started by the clock: at most its due time."""
    signature = task.signature
    said = {DUE_AT: datetime.fromtimestamp(due_at, UTC)} if DUE_AT in signature.names else {}
    return signature.check(signature.bind((), said))


def _key(task: RegisteredTask, params: bytes) -> str | None:
    """Return the task's own unique key, which also its other jobs have."""
    template, given = task.options.key, decode(params)
    return filled(template, given) if template is not None and isinstance(given, dict) else None


def _fire(
    row: Scheduled,
    next_at: float,
    jobs: tuple[NewJob, ...],
    now: float,
    *,
    last_at: float | None,
    missed: int = 0,
) -> Fire:
    insert = Insert(jobs=jobs, now=now, by=BY, token=0)  # no commit is looked up by it
    return Fire(row.name, row.next_at, _stored(next_at), insert, last_at, missed)


def _stored(instant: float) -> float | None:
    return None if instant == NEVER else instant
