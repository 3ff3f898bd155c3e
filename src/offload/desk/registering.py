"""Registering: functions become tasks, and are started by their names."""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, ParamSpec, Protocol, TypeVar, Unpack, overload

from offload.clock import Clock
from offload.desk.selecting import Selecting
from offload.errors import InvalidTask
from offload.job import Job
from offload.lifespan import Lifespan, Scope
from offload.model import NewJob, QueueSettings
from offload.options import Duration
from offload.polling import Polling
from offload.polling_task import PollingDecorator, PollingOptions, PollingTask
from offload.task import Task

P = ParamSpec("P")
Hook = TypeVar("Hook", bound=Callable[[], Any])
R = TypeVar("R")

Handles = list[Job[Any]]


class TaskKeywords(PollingOptions, total=False):
    """What `@app.task(…)` takes: what every task takes, and what only code of our own has."""

    executor: str | None
    memory: int | str | None
    checkpoints: bool


class _Decorator(Protocol):
    """What `@app.task(...)` returns: it makes a task of a function, async or not."""

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, R]: ...

    @overload
    def __call__(self, function: Callable[P, R], /) -> Task[P, R]: ...


class Registering(Selecting):
    """Keeps the tasks that users hold."""

    def __init__(self, arguments: Mapping[str, Any], queue: QueueSettings, clock: Clock) -> None:
        super().__init__(arguments, queue, clock)
        self._tasks: dict[str, Task[Any, Any]] = {}

    @overload
    def task(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, R]: ...

    @overload
    def task(self, function: Callable[P, R], /) -> Task[P, R]: ...

    @overload
    def task(
        self,
        function: None = None,
        /,
        **options: Unpack[TaskKeywords],
    ) -> _Decorator: ...

    def task(
        self,
        function: Callable[..., Any] | None = None,
        /,
        **options: Unpack[TaskKeywords],
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
            secret: the parameters that nobody is shown: ``("password",)``.
            encode: makes JSON-able values of objects that JSON does not know.
            retries: further attempts after one that failed.
            backoff: how long to wait before each: a duration, or a `Backoff`; by default a second,
                twice as long each time, ten minutes at most.
            retry_on: the exceptions after which another attempt is worth it.
            timeout: how long its code may run, counted from its start.
            deadline: by when a job must have ended, counted from when it was started.
            memory: what the processes of a job may hold together: bytes, or ``"512M"``.
            checkpoints: its code calls `checkpoint()` though it takes no Context, so that it can be
                paused where it runs in a thread.
            on_crash: "again" runs a job again when its worker died with it; "fail" is for code that
                must not be repeated: the job is lost then.
            retain: how long a job is kept once it has ended, whatever its queue keeps; at most ten
                years. By default the queue's `keep` decides.
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

    def _new_jobs(self, calls: Iterable[tuple[str, Mapping[str, Any]]]) -> tuple[NewJob, ...]:
        jobs = []
        for name, params in calls:
            task = self.find(name)
            jobs.append(task.new_job(task.registered.signature.check(dict(params))))
        return tuple(jobs)
