"""`Remote`: an `Offload` whose jobs are at a server. `Offload(server=…)` makes one.

It gives the same handles and takes the same verbs. What only reads is carried out as it is, with
the store's queries answered by the server; what changes something is asked of the server by its
route. No job runs in this program.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

from msgspec import UNSET
from msgspec.structs import asdict

from offload import model
from offload.bulk import Bulk
from offload.client import tasks
from offload.client.many import VerbOfMany
from offload.client.narrowing import narrowed_by
from offload.client.records import done_of, job_of, queue_of, timetable_of
from offload.client.waiting import Waiting
from offload.group import Group
from offload.job import Job
from offload.jobs import Tally
from offload.lifecycle import Amendment, Shown
from offload.model import NewJob, QueueSettings, Wish
from offload.options import DEFAULT_QUEUE
from offload.polling_task import PollingTask
from offload.schedule import Timetable
from offload.task import Task
from offload.values import encode

Handles = list[Job[Any]]

_VERBS: Mapping[Wish | None, VerbOfMany] = {
    Wish.CANCEL: "cancel",
    Wish.PAUSE: "pause",
    Wish.RESUME: "resume",
    None: "retry",
}

MOST_IDS = 10_000
"""As many as one request may have."""


class Remote(Waiting):
    """A set of tasks whose jobs are at a server; see `Opening` for what it takes."""

    # --- tasks

    def _register(self, function: Callable[..., Any], options: Mapping[str, Any]) -> Task[Any, Any]:
        return self._far_task(super()._register(function, options))

    def polling(self, function: Any = None, /, **options: Any) -> Any:
        """Register a function that starts work elsewhere; see `Offload.polling`."""
        decorate: Any = super().polling(**options)

        def register(function: Callable[..., Any]) -> Task[Any, Any]:
            return self._far_task(decorate(function))

        return register if function is None else register(function)

    def register(self, kind_of_box: type, /, **options: Any) -> Task[Any, Any]:
        """Register a class of black boxes as a task; see `Offload.register`."""
        return self._far_task(super().register(kind_of_box, **options))

    def _far_task(self, task: Task[Any, Any]) -> Task[Any, Any]:
        """Return the task as one that is started at the server."""
        kind = tasks.FarPollingTask if isinstance(task, PollingTask) else tasks.FarTask
        far: Task[Any, Any] = kind(task.registered, task._function, self)
        self._tasks[task.name] = far
        return far

    # --- starting

    def start(self, name: str, /, **params: Any) -> Job[Any]:
        """Start a job of the task of that name, be it declared here or known to the server only."""
        return self.start_new(self._new_jobs([(name, params)])[0])

    async def astart(self, name: str, /, **params: Any) -> Job[Any]:
        """The same without blocking the loop."""
        return await self.astart_new(self._new_jobs([(name, params)])[0])

    def _new_jobs(self, calls: Iterable[tuple[str, Mapping[str, Any]]]) -> tuple[NewJob, ...]:
        return tuple(self._new_job(name, params) for name, params in calls)

    def _new_job(self, name: str, params: Mapping[str, Any]) -> NewJob:
        if name not in self._tasks:
            return tasks.order_by_name(name, encode(dict(params)))
        return super()._new_jobs([(name, params)])[0]

    def start_all_new(self, jobs: tuple[NewJob, ...]) -> Handles:
        """Start jobs, all or none; several are a group, as nothing else is all or none."""
        if not jobs:
            return []
        if len(jobs) == 1:
            started = self._client.post_start(jobs[0].task, tasks.one(jobs[0]))
            return self._handles((started["id"],))
        return self._handles(tuple(self._client.post_group(tasks.together(jobs))["jobs"]))

    async def astart_all_new(self, jobs: tuple[NewJob, ...]) -> Handles:
        """The same without blocking the loop."""
        return await self._soon(self.start_all_new, jobs)

    def start_group_of(self, jobs: tuple[NewJob, ...]) -> Group[Any]:
        """Start jobs as a group, all or none; returns its handle."""
        started = self._client.post_group(tasks.together(jobs))
        self._handles(tuple(started["jobs"]))
        return Group(started["group"], len(jobs), self)

    async def astart_group_of(self, jobs: tuple[NewJob, ...]) -> Group[Any]:
        """The same without blocking the loop."""
        return await self._soon(self.start_group_of, jobs)

    # --- asking

    def cancel(self, job_id: int) -> bool:
        """Ask for a job to be cancelled; see `Job.cancel`."""
        return bool(self._client.cancel(job_id)["changed"])

    async def acancel(self, job_id: int) -> bool:
        """The same without blocking the loop."""
        return await self._soon(self.cancel, job_id)

    def retry(self, job_id: int) -> None:
        """Try a failed or cancelled job anew; see `Job.retry`."""
        self._client.retry(job_id)

    async def aretry(self, job_id: int) -> None:
        """The same without blocking the loop."""
        await self._soon(self.retry, job_id)

    def amend_job(self, job_id: int, wanted: Amendment) -> bool:
        """Alter a job that waits; see `Job.amend`."""
        said = {name: value for name, value in asdict(wanted).items() if value is not UNSET}
        if said.get("run_at") is not None:
            said["run_at"] = tasks.instant_exactly(said["run_at"])
        return bool(self._client.amend(job_id, said)["changed"])

    async def aamend_job(self, job_id: int, wanted: Amendment) -> bool:
        """The same without blocking the loop."""
        return await self._soon(self.amend_job, job_id, wanted)

    def pause_job(self, job_id: int, reason: str | None) -> bool:
        """Ask for a job to stand still; see `Job.pause`."""
        return bool(self._client.pause(job_id, reason)["changed"])

    async def apause_job(self, job_id: int, reason: str | None) -> bool:
        """The same without blocking the loop."""
        return await self._soon(self.pause_job, job_id, reason)

    def resume_job(self, job_id: int) -> bool:
        """Let a job go on; see `Job.resume`."""
        return bool(self._client.resume(job_id)["changed"])

    async def aresume_job(self, job_id: int) -> bool:
        """The same without blocking the loop."""
        return await self._soon(self.resume_job, job_id)

    def ask_jobs(self, bulk: Bulk) -> Tally:
        """Ask something of all jobs that are meant; see `Jobs`."""
        tally, verb = Tally(bulk.preview), _VERBS[bulk.wish]
        for narrowed in _filters(bulk):
            for view in self._client.of_many(
                verb, narrowed, preview=bulk.preview, reason=bulk.reason
            ):
                tally = tally.plus(done_of(view))
        return tally

    async def aask_jobs(self, bulk: Bulk) -> Tally:
        """The same without blocking the loop."""
        return await self._soon(self.ask_jobs, bulk)

    def ask_group(self, group_id: int, wish: Wish, reason: str | None = None) -> int:
        """Ask something of all jobs of a group; see `Group.cancel`, `Group.pause`."""
        client = self._client
        match wish:
            case Wish.PAUSE:
                return int(client.pause_group(group_id, reason)["changed"])
            case Wish.RESUME:
                return int(client.resume_group(group_id)["changed"])
        return int(client.cancel_group(group_id)["changed"])

    async def aask_group(self, group_id: int, wish: Wish, reason: str | None = None) -> int:
        """The same without blocking the loop."""
        return await self._soon(self.ask_group, group_id, wish, reason)

    def pause(self, *, reason: str | None = None, **named: Any) -> int:
        """Pause a queue, a task or a group; see `Offload.pause`."""
        return self._all(Wish.PAUSE, reason, **named)

    async def apause(self, *, reason: str | None = None, **named: Any) -> int:
        """The same without blocking the loop."""
        return await self._soon(lambda: self._all(Wish.PAUSE, reason, **named))

    def resume(self, **named: Any) -> int:
        """Let a queue, a task or a group go on; see `Offload.resume`."""
        return self._all(Wish.RESUME, **named)

    async def aresume(self, **named: Any) -> int:
        """The same without blocking the loop."""
        return await self._soon(lambda: self._all(Wish.RESUME, **named))

    def _all(
        self,
        wish: Wish,
        reason: str | None = None,
        *,
        queue: str | None = None,
        task: str | None = None,
        group: int | None = None,
        include_running: bool = False,
    ) -> int:
        if [queue, task, group].count(None) != 2:
            raise ValueError("name one of queue=, task= and group=")
        if group is not None:
            return self.ask_group(group, wish, reason)
        client, name = self._client, queue or task or ""
        kind: Literal["queues", "tasks"] = "tasks" if queue is None else "queues"
        if wish is Wish.PAUSE:
            answer = client.pause_all(kind, name, reason, include_running=include_running)
        else:
            answer = client.resume_all(kind, name, include_running=include_running)
        return int(answer.get("changed", 0))

    def retry_failed_of(self, group_id: int) -> int:
        """Try all failed jobs of a group anew; see `Group.retry_failed`."""
        return int(self._client.retry_group(group_id)["changed"])

    async def aretry_failed_of(self, group_id: int) -> int:
        """The same without blocking the loop."""
        return await self._soon(self.retry_failed_of, group_id)

    def set_queue(
        self, explicit: QueueSettings, defaults: QueueSettings, name: str = DEFAULT_QUEUE
    ) -> model.Queue:
        """Write a queue's explicit settings; the server has the defaults."""
        said = {key: value for key, value in asdict(explicit).items() if value is not UNSET}
        return queue_of(self._client.set_queue(name, said))

    # --- looking

    def reason(self, job: model.Job) -> str | None:
        """Say in words why a job is as it is."""
        return job_of(self._client.status(job.id)).explained

    async def areason(self, job: model.Job) -> str | None:
        """The same without blocking the loop."""
        return await self._soon(self.reason, job)

    def schedules(self) -> list[Timetable]:
        """Return what the clock starts, by name, and when next."""
        return [timetable_of(view) for view in self._client.schedules()]

    async def aschedules(self) -> list[Timetable]:
        """The same without blocking the loop."""
        return await self._soon(self.schedules)

    def states(self, jobs: Any, /) -> dict[Job[Any], Shown]:
        """Return what each of these jobs is doing now; see `Offload.states`."""
        self.open().ear.known.forget()
        return super().states(jobs)

    async def astates(self, jobs: Any, /) -> dict[Job[Any], Shown]:
        """The same without blocking the loop."""
        self.open().ear.known.forget()
        return await super().astates(jobs)


def _filters(bulk: Bulk) -> Iterator[Mapping[str, Any]]:
    """Return what the requests are narrowed by: mostly one."""
    if bulk.ids is None:
        yield narrowed_by(bulk.narrowed, bulk.narrowed.terms)
        return
    ids = list(dict.fromkeys(bulk.ids))
    for first in range(0, len(ids), MOST_IDS):
        yield {"ids": ids[first : first + MOST_IDS]}
