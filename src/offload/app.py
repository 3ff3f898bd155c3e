"""Class `Offload`: the tasks, and one method per verb, each with its async twin."""

import asyncio
import os
import secrets
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, ParamSpec, Protocol, TypeVar, Unpack, overload

from msgspec import UNSET, UnsetType

from offload import lifecycle, model, reasons, verbs
from offload.backoff import Backoff
from offload.boxes import Kind, awaited, class_task, how, maker_of
from offload.boxes.box import HowOptions
from offload.clock import Clock, SystemClock
from offload.completion import NONE_FOUND, Several
from offload.desk import Desk
from offload.errors import Evicted, InvalidTask, JobError, OffloadError
from offload.group import Group
from offload.job import Job
from offload.lifecycle import Shown
from offload.lifespan import Lifespan, Scope
from offload.model import By, NewJob, QueueSettings, State, Wish
from offload.options import Duration
from offload.polling import Polling
from offload.polling_task import PollingDecorator, PollingOptions, PollingTask
from offload.schedule import Misfire, Timetable
from offload.store.base import (
    Counts,
    Insert,
    Inserted,
    List,
    Look,
    MemberJobs,
    Queues,
    Schedules,
    SetQueue,
    Situation,
    Workers,
)
from offload.submitted import Accepted, BoxGroup, BoxJob, ids_of, stored
from offload.submitting import Making, SubmitOptions, submit
from offload.task import Task
from offload.values import decode, encode
from offload.verbs import Plan, ask
from offload.worker.schedules import timetable

P = ParamSpec("P")
Hook = TypeVar("Hook", bound=Callable[[], Any])
R = TypeVar("R")

DEFAULT_QUEUE = "default"

# The class has a verb `list`; in its body that name is not the type any more.
Ids = list[int]
Handles = list[Job[Any]]
Records = list[model.Job]
Events = list[model.Event]
Settings = list[model.Queue]
Workforce = list[model.WorkerInfo]
Timetables = list[Timetable]
Submissions = list[Accepted]
Values = list[Any]


class _Decorator(Protocol):
    """What `@app.task(...)` returns: it makes a task of a function, async or not."""

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, R]: ...

    @overload
    def __call__(self, function: Callable[P, R], /) -> Task[P, R]: ...


class Offload(Desk):
    """A set of tasks, and the database in which their jobs are kept.

    Args:
        db: the database file; `OFFLOAD_DB`, or `offload.db` in the working directory.
        concurrency: jobs of the queue running at once, over all workers; None is no limit.
        capacity: jobs admitted and not yet begun, beyond which a start is refused; None is no
            capacity.
        keep: finished jobs retained.
        slots: jobs that a worker embedded in this program runs at once.
        worker: "auto" embeds a worker in this program from the first start on, unless one at work
            elsewhere serves the task; "off" never does (`OFFLOAD_WORKER`).
        grace: seconds that running jobs are given when the program ends.
        lease: seconds for which a worker owns a job without a sign of life.
        clock: another clock, for tests.

    Raises:
        ConfigError: a setting does not fit.
    """

    def __init__(
        self,
        db: str | Path | None = None,
        *,
        concurrency: int | None | UnsetType = UNSET,
        capacity: int | None | UnsetType = UNSET,
        keep: int | None = None,
        slots: int | None = None,
        worker: Literal["auto", "off"] | None = None,
        grace: float | None = None,
        lease: float | None = None,
        clock: Clock | None = None,
    ) -> None:
        arguments = {
            "db": None if db is None else str(db),
            "keep": keep,
            "slots": slots,
            "worker": worker,
            "grace": grace,
            "lease": lease,
        }
        queue = QueueSettings(limit=concurrency, capacity=capacity)
        super().__init__(arguments, queue, clock or SystemClock())
        self._tasks: dict[str, Task[Any, Any]] = {}
        self._started_ids: Ids | None = None
        self._started_boxes: Submissions | None = None
        self._box_classes: dict[type, Mapping[str, Any]] = {}

    # --- tasks

    @overload
    def task(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, R]: ...

    @overload
    def task(self, function: Callable[P, R], /) -> Task[P, R]: ...

    @overload
    def task(
        self,
        function: None = None,
        /,
        *,
        name: str | None = None,
        aliases: Iterable[str] = (),
        queue: str = DEFAULT_QUEUE,
        priority: int = 0,
        executor: str | None = None,
        tags: Iterable[str] = (),
        encode: Callable[[object], object] | None = None,
        retries: int = 0,
        backoff: Duration | Backoff | None = None,
        retry_on: type[BaseException] | tuple[type[BaseException], ...] = Exception,
        timeout: Duration | None = None,
        deadline: Duration | None = None,
        memory: int | str | None = None,
        on_crash: Literal["again", "fail"] = "again",
        key: str | None = None,
        on_conflict: Literal["existing", "refuse"] = "existing",
        limits: Mapping[str, int] | None = None,
        rate: str | None = None,
        cron: str | None = None,
        every: Duration | None = None,
        tz: str | None = None,
        misfire: Misfire = "once",
        overlap: bool = False,
    ) -> _Decorator: ...

    def task(
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        name: str | None = None,
        aliases: Iterable[str] = (),
        queue: str = DEFAULT_QUEUE,
        priority: int = 0,
        executor: str | None = None,
        tags: Iterable[str] = (),
        encode: Callable[[object], object] | None = None,
        retries: int = 0,
        backoff: Duration | Backoff | None = None,
        retry_on: type[BaseException] | tuple[type[BaseException], ...] = Exception,
        timeout: Duration | None = None,
        deadline: Duration | None = None,
        memory: int | str | None = None,
        on_crash: Literal["again", "fail"] = "again",
        key: str | None = None,
        on_conflict: Literal["existing", "refuse"] = "existing",
        limits: Mapping[str, int] | None = None,
        rate: str | None = None,
        cron: str | None = None,
        every: Duration | None = None,
        tz: str | None = None,
        misfire: Misfire = "once",
        overlap: bool = False,
    ) -> Any:
        """Register a function as a task: `@app.task`, or `@app.task(priority=5)`.

        Args:
            function: a function or coroutine function.
            name: the name under which it is started; the function's own by default.
            aliases: further names for it.
            queue: the queue in which its jobs wait.
            priority: higher goes first.
            executor: how its code is run: "async" (coroutine functions), "process" or "thread".
            tags: words to find its jobs by.
            encode: makes JSON-able values of objects that JSON does not know.
            retries: further attempts after one that failed.
            backoff: how long to wait before each: a duration, or a `Backoff`; by default a second,
                twice as long each time, ten minutes at most.
            retry_on: the exceptions after which another attempt is worth it.
            timeout: how long its code may run, counted from its start.
            deadline: by when a job must have ended, counted from when it was started.
            memory: what the processes of a job may hold together: bytes, or ``"512M"``.
            on_crash: "again" runs a job again when its worker died with it; "fail" is for code that
                must not be repeated: the job is lost then.
            key: of a task and a key there is one unfinished job. Parameters may stand in it, in
                braces: ``"movie-{movie_id}"``; one that was not given counts as empty.
            on_conflict: what a start means while there is another job of that key: "existing"
                returns that one, "refuse" raises `KeyTaken`.
            limits: how many of the jobs, of whatever task, that name a limit run at once:
                ``{"gpu": 1}``. A polling job holds it while it waits, too.
            rate: how many of its jobs may begin in a time: ``"500/min"``.
            cron: when it is started by itself: ``"0 3 * * *"``.
            every: how often it is started by itself.
            tz: the time zone of `cron`; UTC by default.
            misfire: what becomes of due times that passed while no worker looked: "skip" them,
                start "once", or start "all".
            overlap: start it also while the job that its schedule started before has not ended.

        Raises:
            InvalidTask: it cannot be a task as it is written; says why.
        """
        options = {
            "name": name,
            "aliases": aliases,
            "queue": queue,
            "priority": priority,
            "executor": executor,
            "tags": tags,
            "encode": encode,
            "retries": retries,
            "backoff": backoff,
            "retry_on": retry_on,
            "timeout": timeout,
            "deadline": deadline,
            "memory": memory,
            "on_crash": on_crash,
            "key": key,
            "on_conflict": on_conflict,
            "limits": limits,
            "rate": rate,
            "cron": cron,
            "every": every,
            "tz": tz,
            "misfire": misfire,
            "overlap": overlap,
        }
        if function is None:
            return lambda function: self._register(function, options)
        return self._register(function, options)

    @overload
    def polling(self, function: Callable[P, Any], /) -> PollingTask[P]: ...

    @overload
    def polling(
        self,
        function: None = None,
        /,
        *,
        interval: Duration = 15.0,
        slowest: Duration | None = None,
        check_timeout: Duration = 60.0,
        error_budget: int = 10,
        **options: Unpack[PollingOptions],
    ) -> PollingDecorator: ...

    def polling(
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        interval: Duration = 15.0,
        slowest: Duration | None = None,
        check_timeout: Duration = 60.0,
        error_budget: int = 10,
        **options: Unpack[PollingOptions],
    ) -> Any:
        """Register a function that starts work elsewhere: `@app.polling(interval=15)`.

        It is called once for each job; what it returns, the handle, is stored, and from then on the
        job waits without a slot and is checked at intervals; see `PollingTask`.

        Args:
            function: a function or coroutine function.
            interval: the time between two checks of a job.
            slowest: the interval grows up to this while nothing changes; by default it stays.
            check_timeout: a check that has not answered for so long counts as failed.
            error_budget: the job fails when so many checks in a row have failed.
            **options: as for `task`. `timeout` counts while the function runs that starts the work,
                `deadline` until the job ends; with `retries` a job that failed starts new work.

        Raises:
            InvalidTask: it cannot be a task as it is written; says why.
        """

        def decorate(function: Callable[..., Any]) -> PollingTask[Any]:
            try:
                polling = Polling(
                    interval=interval,
                    slowest=slowest,
                    check_timeout=check_timeout,
                    error_budget=error_budget,
                )
            except ValueError as error:
                name = getattr(function, "__name__", function)
                raise InvalidTask(f"the polling task {name!r}: {error}") from error
            registered = self.registry.add(function, polling=polling, **options)
            task: PollingTask[Any] = PollingTask(registered, function, self)
            self._tasks[registered.name] = task
            return task

        return decorate if function is None else decorate(function)

    def _register(self, function: Callable[..., Any], options: Mapping[str, Any]) -> Task[Any, Any]:
        registered = self.registry.add(function, **options)
        task: Task[Any, Any] = Task(registered, function, self)
        self._tasks[registered.name] = task
        return task

    def find(self, name: str) -> Task[Any, Any]:
        """Return a task by its name or an alias of it.

        Raises:
            UnknownTask: there is none; names the nearest ones.
        """
        return self._tasks[self.registry.find(name).name]

    @overload
    def lifespan(self, function: Hook, /) -> Hook: ...

    @overload
    def lifespan(
        self, function: None = None, /, *, scope: Scope | None = None
    ) -> Callable[[Hook], Hook]: ...

    def lifespan(
        self, function: Hook | None = None, /, *, scope: Scope | None = None
    ) -> Hook | Callable[[Hook], Hook]:
        """Register a hook round the life of workers or of their child processes: `@app.lifespan`.

        A generator function with one `yield`: what stands before it sets up, what stands after it
        tears down. An async one runs in each worker, any other in each child process.

        Args:
            function: the hook; without parameters.
            scope: "worker" or "child", to say otherwise.

        Raises:
            InvalidTask: it is no such function, or cannot run there.
        """
        if function is None:
            return lambda function: self._add_lifespan(function, scope)
        return self._add_lifespan(function, scope)

    def _add_lifespan(self, function: Hook, scope: Scope | None) -> Hook:
        self.lifespans.append(Lifespan.of(function, scope=scope))
        return function

    # --- starting

    def start(self, name: str, /, **params: Any) -> Job[Any]:
        """Start a job of the task of that name; see `Task.start`."""
        return self.find(name).start(**params)

    async def astart(self, name: str, /, **params: Any) -> Job[Any]:
        """The same without blocking the loop."""
        return await self.find(name).astart(**params)

    def start_many(self, calls: Iterable[tuple[str, Mapping[str, Any]]]) -> Handles:
        """Start jobs of several tasks at once, all or none: pairs of a name and its parameters."""
        return self.start_all_new(self._new_jobs(calls))

    async def astart_many(self, calls: Iterable[tuple[str, Mapping[str, Any]]]) -> Handles:
        """The same without blocking the loop."""
        return await self.astart_all_new(self._new_jobs(calls))

    def start_new(self, job: NewJob) -> Job[Any]:
        """Store a prepared job; returns its handle."""
        return self.start_all_new((job,))[0]

    async def astart_new(self, job: NewJob) -> Job[Any]:
        """The same without blocking the loop."""
        return (await self.astart_all_new((job,)))[0]

    def start_all_new(self, jobs: tuple[NewJob, ...]) -> Handles:
        """Store prepared jobs, all or none; returns their handles."""
        inserted = self.run(self.admitting(jobs))
        self.hire({(job.task, job.queue) for job in jobs})
        return self._handles(inserted.ids)

    async def astart_all_new(self, jobs: tuple[NewJob, ...]) -> Handles:
        """The same without blocking the loop."""
        inserted = await self.perform(self.admitting(jobs))
        await self.ahire({(job.task, job.queue) for job in jobs})
        return self._handles(inserted.ids)

    def admitting(
        self,
        jobs: tuple[NewJob, ...],
        by: By | None = None,
        key: str | None = None,
        digest: bytes = b"",
        *,
        grouped: bool = False,
    ) -> Plan[Inserted]:
        """Return the plan that stores prepared jobs, all or none.

        Args:
            jobs: from `Task.new_job`.
            by: who asks, and through which door.
            key: an idempotency key: with the same digest it gives the first answer again.
            digest: a digest of the request that came with the key.
            grouped: make a group of them.
        """
        yield from self._settling()
        token = secrets.randbits(62)
        insert = Insert(jobs, self.now(), by or self._by(), token, key, digest, grouped)
        return (yield from verbs.start(insert))

    def start_group_of(self, jobs: tuple[NewJob, ...]) -> Group[Any]:
        """Store prepared jobs as a group, all or none; returns its handle."""
        inserted = self.run(self.admitting(jobs, grouped=True))
        self.hire({(job.task, job.queue) for job in jobs})
        return self._group(inserted, len(jobs))

    async def astart_group_of(self, jobs: tuple[NewJob, ...]) -> Group[Any]:
        """The same without blocking the loop."""
        inserted = await self.perform(self.admitting(jobs, grouped=True))
        await self.ahire({(job.task, job.queue) for job in jobs})
        return self._group(inserted, len(jobs))

    def _group(self, inserted: Inserted, size: int) -> Group[Any]:
        self._handles(inserted.ids)
        assert inserted.group is not None
        return Group(inserted.group, size, self)

    def _settling(self) -> Plan[None]:
        """Write, before the first start, what was said explicitly about the queue."""
        house = self.open()
        if not house.settled:
            house.settled = True
            if self.queue_settings != QueueSettings():
                yield SetQueue(DEFAULT_QUEUE, self.queue_settings)

    def _new_jobs(self, calls: Iterable[tuple[str, Mapping[str, Any]]]) -> tuple[NewJob, ...]:
        jobs = []
        for name, params in calls:
            task = self.find(name)
            jobs.append(task.new_job(task.registered.signature.check(dict(params))))
        return tuple(jobs)

    def _handles(self, ids: tuple[int, ...]) -> Handles:
        if self._started_ids is not None:
            self._started_ids += ids
        return [Job(job_id, self) for job_id in ids]

    # --- black boxes

    def submit(self, box: object, /, **options: Unpack[SubmitOptions]) -> BoxJob[Any]:
        """Run an object with `run()` and `get_output()` in this program; returns at once.

        Nothing is waited for, not even the disk: `job.id` waits until the job is stored. The object
        is bound to this program: no other one ever runs it, and it is `lost` when this one ends.

        Args:
            box: the object. Both methods may block, and may be coroutine functions. If it has a
                method `cancel`, that is called once to stop it.
            **options: all may be left out:

                - `kind`: "blocking": `run()`, and what one `get_output()` returns then is the
                  output, None included. "polling": `run()`, and `get_output()` is asked at
                  intervals until it returns something else than `pending`. Not given, it is
                  guessed: what returns `pending` right after `run()` is polling, 24 h at most;
                - `interval`: the time between two questions, 1 s unless given; it grows up to
                  `slowest`, where that is given;
                - `pending`: what says "not yet"; None unless given;
                - `error_budget`: the job fails when so many questions in a row have raised; 1;
                - `deadline`: by when it must have ended, and as for `Task.using` `name`, `queue`,
                  `priority`, `delay`, `run_at`, `owner`, `tags`, `retries`, `backoff`, `timeout`.

        Raises:
            TypeError: it is no black box; says what is missing.
            ValueError: an option does not fit; says which and why.
            ConfigError: this program runs no jobs.
        """
        job = submit(self, [box], options, self._box_classes, grouped=False).jobs()[0]
        assert isinstance(job, BoxJob)
        return job

    async def asubmit(self, box: object, /, **options: Unpack[SubmitOptions]) -> BoxJob[Any]:
        """The same for a loop; returns when the job is stored, or raises what the store refused."""
        job = self.submit(box, **options)
        await stored(job.accepted)
        return job

    def submit_many(
        self, boxes: Iterable[object], /, **options: Unpack[SubmitOptions]
    ) -> BoxGroup[Any]:
        """Run several black boxes as one group, all or none; returns its handle at once.

        Raises:
            ValueError: there is none; or as `submit`.
        """
        several = tuple(boxes)
        if not several:
            raise ValueError("submit_many() takes at least one black box")
        return submit(self, several, options, self._box_classes, grouped=True)

    async def asubmit_many(
        self, boxes: Iterable[object], /, **options: Unpack[SubmitOptions]
    ) -> BoxGroup[Any]:
        """The same for a loop; returns when they are stored, or raises what the store refused."""
        group = self.submit_many(boxes, **options)
        await stored(group.accepted)
        return group

    def register(
        self,
        kind_of_box: type,
        /,
        *,
        kind: Kind | None = None,
        interval: Duration | None = None,
        slowest: Duration | None = None,
        pending: Any = None,
        error_budget: int = 1,
        **options: Unpack[PollingOptions],
    ) -> Task[Any, Any]:
        """Register a class of black boxes as a task: started by name, over HTTP too.

        A start gives the parameters of `__init__`; whichever worker takes the job makes the object
        and runs it. Such a job is not bound to a program. Objects of the class that are handed in
        with `submit` are run in the same way.

        Args:
            kind_of_box: the class.
            kind: "blocking" or "polling"; guessed for each object unless given, see `submit`.
            interval: the time between two questions.
            slowest: the interval grows up to this.
            pending: what says "not yet".
            error_budget: the job fails when so many questions in a row have raised.
            **options: as for `task`.

        Raises:
            InvalidTask: it is no class of black boxes, or an option does not fit; says why.
        """
        said: HowOptions = {
            "kind": kind,
            "interval": interval,
            "slowest": slowest,
            "pending": pending,
            "error_budget": error_budget,
        }
        make = maker_of(kind_of_box)
        try:
            way = how(kind_of_box, **said)
        except ValueError as error:
            raise InvalidTask(f"the task {kind_of_box.__name__!r}: {error}") from error
        registered = self.registry.put(
            class_task(self.registry.add(make, executor="thread", **options), way)
        )
        self._box_classes[kind_of_box] = said
        task: Task[Any, Any] = Task(registered, make, self)
        self._tasks[registered.name] = task
        return task

    def hand_in(self, making: Making, accepted: Accepted, *, grouped: bool) -> None:
        """Store jobs a moment later, and see that somebody here runs them; see `submit`."""
        if self._started_boxes is not None:
            self._started_boxes.append(accepted)
        self.porter.take(lambda: self._carry(making, accepted, grouped))

    def _carry(self, making: Making, accepted: Accepted, grouped: bool) -> None:
        try:
            self.listen_for_boxes()
            self.carry_on(self.admitting(making(), grouped=grouped), accepted)
            self.hire_here()
        except OffloadError as error:
            if not accepted.done():
                accepted.set_exception(error)

    def states(
        self, jobs: Iterable[Job[Any] | Group[Any] | int] | Group[Any], /
    ) -> dict[Job[Any], Shown]:
        """Return what each of these jobs is doing now, with one reading for all of them.

        Args:
            jobs: handles, ids, and groups, which stand for all their jobs.

        Returns:
            The state by handle, in the order asked for. A black box that is not stored yet is
            "queued"; one that was refused, and a job that is no longer kept, is left out.

        Raises:
            UnknownJob: an id was never issued.
        """
        asked = Several.of(jobs, self)
        found = self.run(asked.question()) if asked.ids else NONE_FOUND
        return asked.states(found, self.now())

    async def astates(
        self, jobs: Iterable[Job[Any] | Group[Any] | int] | Group[Any], /
    ) -> dict[Job[Any], Shown]:
        """The same without blocking the loop."""
        asked = await Several.aof(jobs, self)
        found = await self.perform(asked.question()) if asked.ids else NONE_FOUND
        return asked.states(found, self.now())

    # --- groups

    def get_group(self, group_id: int) -> Group[Any]:
        """Return the handle of a group, whoever started it, in whatever process.

        Raises:
            UnknownGroup: there is none.
        """
        return Group(group_id, self.run(verbs.group(group_id)).jobs, self)

    async def aget_group(self, group_id: int) -> Group[Any]:
        """The same without blocking the loop."""
        return Group(group_id, (await self.perform(verbs.group(group_id))).jobs, self)

    def group_counts(self, group_id: int) -> dict[State, int]:
        """Return how many jobs of a group are in each stored state; see `Group.counts`."""
        return self.run(verbs.group(group_id)).counts

    async def agroup_counts(self, group_id: int) -> dict[State, int]:
        """The same without blocking the loop."""
        return (await self.perform(verbs.group(group_id))).counts

    def group_jobs(self, group_id: int) -> Handles:
        """Return the handles of a group's jobs; see `Group.jobs`."""
        return [Job(job.id, self) for job in self.run(ask(MemberJobs(group_id)))]

    async def agroup_jobs(self, group_id: int) -> Handles:
        """The same without blocking the loop."""
        return [Job(job.id, self) for job in await self.perform(ask(MemberJobs(group_id)))]

    def wait_for_group(self, group_id: int, timeout: float | None) -> bool:
        """Wait for the end of all jobs of a group; see `Group.wait`.

        The last one that has not ended is waited for, then it is looked whether others have not.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while (job_id := _last_unfinished(self.run(ask(MemberJobs(group_id))))) is not None:
            left = None if deadline is None else deadline - time.monotonic()
            if not self.wait_for(job_id, left):
                return False
        return True

    async def await_for_group(self, group_id: int, timeout: float | None) -> bool:
        """The same without blocking the loop."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (
            job_id := _last_unfinished(await self.perform(ask(MemberJobs(group_id))))
        ) is not None:
            left = None if deadline is None else deadline - time.monotonic()
            if not await self.await_for(job_id, left):
                return False
        return True

    def outcomes_of_group(self, group_id: int) -> Values:
        """Return the value of each of a group's jobs, or the error that stands for it."""
        return self._outcomes(self.run(ask(MemberJobs(group_id, bodies=True))))

    async def aoutcomes_of_group(self, group_id: int) -> Values:
        """The same without blocking the loop."""
        return self._outcomes(await self.perform(ask(MemberJobs(group_id, bodies=True))))

    def _outcomes(self, jobs: Records) -> Values:
        return [self._outcome(job) for job in jobs]

    def _outcome(self, job: model.Job) -> Any:
        try:
            return self._value_of(job)
        except JobError as error:
            return error

    def _value_of(self, job: model.Job) -> Any:
        """Return a job's result: of a black box of this program the object itself."""
        if job.bound_to is not None and job.state is State.SUCCEEDED:
            output = self.shelf.output(job.id)
            if output is not UNSET:
                return output
        return decode(verbs.value(job, self.shown(job)))

    def cancel_group(self, group_id: int) -> int:
        """Ask for all jobs of a group to be cancelled; see `Group.cancel`."""
        return self.run(verbs.cancel_group(group_id, self.now, self._by()))

    async def acancel_group(self, group_id: int) -> int:
        """The same without blocking the loop."""
        return await self.perform(verbs.cancel_group(group_id, self.now, self._by()))

    def retry_failed_of(self, group_id: int) -> int:
        """Try all failed jobs of a group anew; see `Group.retry_failed`."""
        return self.run(verbs.retry_failed(group_id, self.now, self._by()))

    async def aretry_failed_of(self, group_id: int) -> int:
        """The same without blocking the loop."""
        return await self.perform(verbs.retry_failed(group_id, self.now, self._by()))

    # --- looking

    def get(self, job_id: int) -> Job[Any]:
        """Return the handle of a job, whoever started it, in whatever process.

        Raises:
            UnknownJob: the id was never issued.
            Evicted: the job was finished and is no longer kept.
        """
        return Job(self.read_job(job_id).id, self)

    async def aget(self, job_id: int) -> Job[Any]:
        """The same without blocking the loop."""
        return Job((await self.aread_job(job_id)).id, self)

    def list(
        self,
        *,
        states: Iterable[str] = (),
        task: str | None = None,
        queue: str | None = None,
        tag: str | None = None,
        group: int | None = None,
        since: float | None = None,
        limit: int = 100,
        before: int | None = None,
    ) -> Records:
        """Return a page of jobs, newest first.

        Args:
            states: only jobs in these stored states; all when empty.
            task: only jobs of this task.
            queue: only jobs of this queue.
            tag: only jobs with this tag.
            group: only jobs of the group with this id.
            since: only jobs that were started at this instant or later, seconds since the epoch.
            limit: how many at most.
            before: only jobs with a smaller id: the last one of the page before.

        Raises:
            ValueError: there is no such stored state.
        """
        wanted = List(limit, before, _states(states), task, queue, tag, group, since)
        return self.run(ask(wanted))

    async def alist(
        self,
        *,
        states: Iterable[str] = (),
        task: str | None = None,
        queue: str | None = None,
        tag: str | None = None,
        group: int | None = None,
        since: float | None = None,
        limit: int = 100,
        before: int | None = None,
    ) -> Records:
        """The same without blocking the loop."""
        wanted = List(limit, before, _states(states), task, queue, tag, group, since)
        return await self.perform(ask(wanted))

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
        if job.state not in (State.QUEUED, State.RUNNING):
            return job.reason
        situation: Situation = yield Look()
        is_alive = self.open().presence.is_alive
        alive = [worker for worker in situation.workers if is_alive(worker)]
        if job.state is State.RUNNING:
            return reasons.why_running(job, alive, self.now()) or awaited(job)
        return reasons.why_queued(job, alive, situation, self.now())

    # --- waiting

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

    # --- stopping

    def cancel(self, job_id: int) -> bool:
        """Ask for a job to be cancelled; see `Job.cancel`."""
        return self.run(self.asking(job_id, Wish.CANCEL))[1]

    async def acancel(self, job_id: int) -> bool:
        """The same without blocking the loop."""
        return (await self.perform(self.asking(job_id, Wish.CANCEL)))[1]

    def retry(self, job_id: int) -> None:
        """Try a failed or cancelled job anew; see `Job.retry`."""
        job = self.run(self.retrying(job_id))
        self.hire({(job.task, job.queue)})

    async def aretry(self, job_id: int) -> None:
        """The same without blocking the loop."""
        job = await self.perform(self.retrying(job_id))
        await self.ahire({(job.task, job.queue)})

    def retrying(self, job_id: int, by: By | None = None) -> Plan[model.Job]:
        """Return the plan that tries a job anew."""
        return verbs.retry(job_id, self.now, by or self._by())

    def asking(self, job_id: int, wish: Wish, by: By | None = None) -> Plan[tuple[model.Job, bool]]:
        """Return the plan that asks something of a job."""
        return verbs.request(job_id, wish, self.now, by or self._by())

    # --- completing

    def complete(self, job_id: int, token: str, value: Any = None) -> bool:
        """End a polling job early: the other side says that its work is done, and gives the value.

        For webhooks: the start function gives `current().completion_token` to the other side, which
        sends it back. The job's `on_cleanup` runs, then it has succeeded.

        Args:
            job_id: the job.
            token: its completion token; a secret of this job, the same for as long as it is kept.
            value: the job's result.

        Returns:
            Whether this changed anything: False for one that was completed, or succeeded, before.

        Raises:
            NotCompletable: the token is not the job's; it is no polling job, has not been begun or
                is being cancelled.
            AlreadyFinished: the job has failed or was cancelled.
            NotSerializable: JSON cannot carry the value.
            UnknownJob, Evicted: there is no such job.
        """
        return self.run(self.completing(job_id, token, value))

    async def acomplete(self, job_id: int, token: str, value: Any = None) -> bool:
        """The same without blocking the loop."""
        return await self.perform(self.completing(job_id, token, value))

    def completing(self, job_id: int, token: str, value: Any, by: By | None = None) -> Plan[bool]:
        """Return the plan that completes a job from outside."""
        return verbs.complete(job_id, token, encode(value), self.now, by or self._by())

    # --- queues

    def set_queue(
        self, explicit: QueueSettings, defaults: QueueSettings, name: str = DEFAULT_QUEUE
    ) -> model.Queue:
        """Write a queue's explicit settings; create it with the defaults if it is new."""
        queue: model.Queue = self.run(ask(SetQueue(name, explicit, defaults)))
        return queue

    def _by(self) -> By:
        return By(actor=f"python {os.getpid()}", door="python")

    # --- as a context

    def __enter__(self) -> "Offload":
        self._started_ids = []
        self._started_boxes = []
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for the jobs that were started in the block, then close; on an error just close."""
        started, self._started_ids = self._started_ids or [], None
        boxes, self._started_boxes = self._started_boxes or [], None
        if kind is None:
            started += ids_of(boxes)
            for job_id in started:
                with suppress(Evicted):  # it has ended
                    self.wait_until(job_id, None, None)
        self.close()

    async def __aenter__(self) -> "Offload":
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        started, self._started_ids = self._started_ids or [], None
        boxes, self._started_boxes = self._started_boxes or [], None
        if kind is None:
            started += await asyncio.to_thread(ids_of, boxes)
            for job_id in started:
                with suppress(Evicted):  # it has ended
                    await self.await_until(job_id, None, None)
        await asyncio.to_thread(self.close)


def _last_unfinished(jobs: list[model.Job]) -> int | None:
    return next((job.id for job in reversed(jobs) if not job.is_finished), None)


def _states(states: Iterable[str]) -> tuple[State, ...]:
    return tuple(State(state) for state in states)
