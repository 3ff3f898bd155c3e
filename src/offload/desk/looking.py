"""Looking: jobs, queues, workers and schedules as they are, and waiting for a job to end."""

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, TypedDict, Unpack

from msgspec import UNSET

from offload import following, lifecycle, model, reasons, verbs
from offload.boxes import awaited
from offload.desk.desk import Desk
from offload.errors import UnknownTask
from offload.filters import Filter, page, terms_of
from offload.following import Wanted
from offload.lifecycle import Shown
from offload.model import State, Wish
from offload.schedule import Timetable
from offload.store.base import (
    Admitted,
    Counts,
    Frozen,
    Look,
    OldestWaiting,
    PausedTasks,
    Queues,
    Schedules,
    Situation,
    TaskPause,
    Workers,
)
from offload.values import decode
from offload.verbs import Plan, ask
from offload.worker.schedules import timetable

# The class has a verb `list`; in its body that name is not the type any more.
Records = list[model.Job]
Events = list[model.Event]
Settings = list[model.Queue]
Workforce = list[model.WorkerInfo]
Timetables = list[Timetable]


class _AsTheyAre(TypedDict, total=False):
    queue: str | None
    tag: str | None
    group: int | None
    since: float | None
    worker: int | None


class Narrowing(_AsTheyAre, total=False):
    """By what jobs are narrowed; see `Offload.list`."""

    states: Iterable[str]
    task: str | None
    text: str | None


class Looking(Desk):
    """Shows what is stored; changes nothing."""

    def list(
        self, *, limit: int = 100, before: int | None = None, **narrowed: Unpack[Narrowing]
    ) -> Records:
        """Return a page of jobs, newest first.

        Args:
            limit: how many at most.
            before: only jobs with a smaller id: the last one of the page before.
            narrowed: only some jobs: `states` (stored ones), `task`, `queue`, `tag`, `group` (the
                id of one), `since` (seconds since the epoch; started then or later), `worker` (the
                id of the one that has them, or had them last), `text` (words that they have in
                their task, parameters, error, tags, owner or key, also ``param.name:value`` and
                ``error:word``; looked for in the newest 10,000 jobs).

        Raises:
            ValueError: there is no such stored state, or the text has too many words.
        """
        return self.run(_listing(self._filter(**narrowed), limit, before))

    async def alist(
        self, *, limit: int = 100, before: int | None = None, **narrowed: Unpack[Narrowing]
    ) -> Records:
        """The same without blocking the loop."""
        return await self.perform(_listing(self._filter(**narrowed), limit, before))

    def _filter(
        self,
        *,
        states: Iterable[str] = (),
        task: str | None = None,
        text: str | None = None,
        **others: Unpack[_AsTheyAre],
    ) -> Filter:
        return Filter(
            states=tuple(State(state) for state in states),
            task=self._own_name(task),
            terms=() if text is None else terms_of(text),
            **others,
        )

    def _own_name(self, task: str | None) -> str | None:
        """Return the name that jobs of a task carry, also where an alias was given."""
        try:
            return None if task is None else self.registry.find(task).name
        except UnknownTask:
            return task  # jobs of a task that is not registered here are there all the same

    def read_job(self, job_id: int) -> model.Job:
        """Return a job's record; see `Job.read`."""
        return self.run(verbs.fetch(job_id))

    async def aread_job(self, job_id: int) -> model.Job:
        """The same without blocking the loop."""
        return await self.perform(verbs.fetch(job_id))

    def history(self, job_id: int) -> Events:
        """Return what happened to a job, oldest first.

        Raises:
            UnknownJob, Evicted: there is no such job.
        """
        return self.run(verbs.history(job_id))

    async def ahistory(self, job_id: int) -> Events:
        """The same without blocking the loop."""
        return await self.perform(verbs.history(job_id))

    def logs(self, job_id: int, **wanted: Unpack[Wanted]) -> Iterator[model.StoredLine]:
        """Return what a job has written, line after line, oldest first.

        Each line has its number `n`, its `attempt`, `at`, `level` ("" where it was printed),
        `source` and `text`. A number that is missing was not kept.

        Args:
            job_id: the job.
            wanted: `follow=True` waits for further lines until the job has ended. Only some are
                given with `after` (a number), `tail` (so many of the newest), `level` ("DEBUG",
                "INFO", "WARNING", "ERROR", "CRITICAL", and above; prints count as INFO), `text`
                (that they contain), `attempt`, `source` ("stdout", "stderr", a logger's name).

        Raises:
            UnknownJob, Evicted: there is no such job.
            ValueError: there is no such level.
        """
        return following.lines(self.run, job_id, wanted)

    def alogs(self, job_id: int, **wanted: Unpack[Wanted]) -> AsyncIterator[model.StoredLine]:
        """The same without blocking the loop: for `async for`."""
        return following.alines(self.perform, job_id, wanted)

    def queues(self) -> Settings:
        """Return the queues with their settings, by name."""
        return self.run(ask(Queues()))

    async def aqueues(self) -> Settings:
        """The same without blocking the loop."""
        return await self.perform(ask(Queues()))

    def schedules(self) -> Timetables:
        """Return what the clock starts, by name, and when next."""
        return [timetable(row) for row in self.run(ask(Schedules()))]

    async def aschedules(self) -> Timetables:
        """The same without blocking the loop."""
        return [timetable(row) for row in await self.perform(ask(Schedules()))]

    def counts(self) -> dict[tuple[str, State], int]:
        """Return the number of kept jobs by queue and stored state."""
        return self.run(ask(Counts()))

    async def acounts(self) -> dict[tuple[str, State], int]:
        """The same without blocking the loop."""
        return await self.perform(ask(Counts()))

    async def aadmitted(self) -> dict[str, int]:
        """Return how much of its capacity is taken, by queue; of those that have one."""
        return await self.perform(ask(Admitted()))

    async def aoldest_waiting(self) -> dict[str, float]:
        """Return since when what could begin has waited at the longest, by queue."""
        return await self.perform(ask(OldestWaiting()))

    def paused_tasks(self) -> dict[str, TaskPause]:
        """Return the tasks that are paused, by name; none where there is no database yet."""
        return self.run(ask(PausedTasks())) if self.database.exists() else {}

    async def apaused_tasks(self) -> dict[str, TaskPause]:
        """The same without blocking the loop."""
        return await self.perform(ask(PausedTasks())) if self.database.exists() else {}

    async def asituation(self) -> Situation:
        """Return who works, what is in the queues and what is paused, in one snapshot."""
        return await self.perform(ask(Look()))

    async def afrozen(self, worker_id: int) -> int:
        """Return how many paused jobs a worker holds with all their memory."""
        return await self.perform(ask(Frozen(worker_id)))

    def workers(self) -> Workforce:
        """Return the enrolled workers, those too that have died and were not noticed yet."""
        return self.run(ask(Workers()))

    async def aworkers(self) -> Workforce:
        """The same without blocking the loop."""
        return await self.perform(ask(Workers()))

    def shown(self, job: model.Job) -> Shown:
        """Return what people are shown as the job's state."""
        return lifecycle.shown_state(job, self.now())

    def reason(self, job: model.Job) -> str | None:
        """Say in words why a job is as it is: what it waits for, if it waits."""
        return self.run(self._explain(job))

    async def areason(self, job: model.Job) -> str | None:
        """The same without blocking the loop."""
        return await self.perform(self._explain(job))

    def _explain(self, job: model.Job) -> Plan[str | None]:
        is_resuming = job.requested is Wish.RESUME
        if job.state not in (State.QUEUED, State.RUNNING) and not is_resuming:
            return job.reason
        situation: Situation = yield Look()
        is_alive = self.open().presence.is_alive
        alive = [worker for worker in situation.workers if is_alive(worker)]
        if job.state is State.RUNNING:
            return reasons.why_running(job, alive, self.now()) or awaited(job)
        if is_resuming:
            return reasons.why_resuming(job, situation)
        return reasons.why_queued(job, alive, situation, self.now())

    def wait_for(self, job_id: int, timeout: float | None) -> bool:
        """Wait for a job's end; see `Job.wait`."""
        return self.wait_until(job_id, None, timeout).is_finished

    async def await_for(self, job_id: int, timeout: float | None) -> bool:
        """The same without blocking the loop."""
        return (await self.await_until(job_id, None, timeout)).is_finished

    def result_of(self, job_id: int, timeout: float | None) -> Any:
        """Wait for a job's result; see `Job.result`."""
        return self._value(self.wait_until(job_id, None, timeout), timeout)

    async def aresult_of(self, job_id: int, timeout: float | None) -> Any:
        """The same without blocking the loop."""
        return self._value(await self.await_until(job_id, None, timeout), timeout)

    def _value(self, job: model.Job, timeout: float | None) -> Any:
        if not job.is_finished:
            raise TimeoutError(f"job {job.id} is {self.shown(job)} after {timeout:g} s; it goes on")
        return self._value_of(job)

    def _value_of(self, job: model.Job) -> Any:
        """Return a job's result: of a black box of this program the object itself."""
        if job.bound_to is not None and job.state is State.SUCCEEDED:
            output = self.shelf.output(job.id)
            if output is not UNSET:
                return output
        return decode(verbs.value(job, self.shown(job)))


def _listing(narrowed: Filter, limit: int, before: int | None) -> Plan[Records]:
    """Read a page that is full, if there are so many; free text is looked for in short ones."""
    found: Records = []
    cursor = before
    while len(found) < limit:
        listed = yield from page(narrowed, limit - len(found), cursor)
        found += listed.jobs
        cursor = listed.before
        if cursor is None:
            break
    return found
