"""A task in the hands of its user: still the plain function, and the ways to start it as a job."""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, ParamSpec, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import asdict, replace

from offload.job import Job
from offload.model import NewJob
from offload.registry import HIGHEST_PRIORITY, LOWEST_PRIORITY, RegisteredTask

P = ParamSpec("P")
R = TypeVar("R")


class CallOptions(Struct, frozen=True):
    """What `using` sets for the jobs started through it; None is what the task says.

    Attributes:
        queue: the queue to wait in.
        priority: higher goes first.
        delay: seconds before which it does not start.
        run_at: the instant before which it does not start, seconds since the epoch.
        owner: on whose behalf it runs.
        tags: words to find it by, besides the task's own.
    """

    queue: str | None = None
    priority: int | None = None
    delay: float | None = None
    run_at: float | None = None
    owner: str | None = None
    tags: tuple[str, ...] = ()


class _Desk(Protocol):
    """What a task needs of the Offload that it is registered with."""

    def start_new(self, job: NewJob) -> Job[Any]: ...
    async def astart_new(self, job: NewJob) -> Job[Any]: ...
    def start_all_new(self, jobs: tuple[NewJob, ...]) -> list[Job[Any]]: ...
    async def astart_all_new(self, jobs: tuple[NewJob, ...]) -> list[Job[Any]]: ...
    def now(self) -> float: ...


class Task(Generic[P, R]):
    """A registered function. Calling it calls the function here and now; `start` makes a job.

    Attributes:
        name: the name under which it is started from everywhere.
    """

    def __init__(
        self,
        registered: RegisteredTask,
        function: Callable[P, Any],
        desk: _Desk,
        options: CallOptions = CallOptions(),
    ) -> None:
        functools.update_wrapper(self, function)
        self.name = registered.name
        self.registered = registered
        self._function = function
        self._desk = desk
        self._options = options

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Call the function itself, without a job."""
        return self._function(*args, **kwargs)

    def start(self, *args: P.args, **kwargs: P.kwargs) -> Job[R]:
        """Start a job with these parameters; returns its handle when it is stored.

        Raises:
            InvalidParameters: they do not fit the signature; every fault is named.
            QueueFull: the queue is at capacity.
            StoreError: the database did not answer; nothing was stored.
        """
        return self._desk.start_new(self._new_job(args, kwargs))

    async def astart(self, *args: P.args, **kwargs: P.kwargs) -> Job[R]:
        """The same without blocking the loop."""
        return await self._desk.astart_new(self._new_job(args, kwargs))

    def start_many(self, calls: Iterable[object]) -> list[Job[R]]:
        """Start many jobs at once, all or none, in one transaction.

        Args:
            calls: one item per job: a tuple of positional parameters, a dict of named ones, or the
                only parameter itself.

        Raises:
            InvalidParameters, QueueFull, StoreError: as `start`; no job was started.
        """
        return self._desk.start_all_new(self._new_jobs(calls))

    async def astart_many(self, calls: Iterable[object]) -> list[Job[R]]:
        """The same without blocking the loop."""
        return await self._desk.astart_all_new(self._new_jobs(calls))

    def using(
        self,
        *,
        queue: str | None = None,
        priority: int | None = None,
        delay: float | None = None,
        run_at: float | None = None,
        owner: str | None = None,
        tags: Iterable[str] = (),
    ) -> "Task[P, R]":
        """Return the task with other options for the jobs that are started through it.

        Args:
            queue: the queue to wait in.
            priority: higher goes first; from -32,768 to 32,767.
            delay: seconds before which it does not start.
            run_at: the instant before which it does not start, seconds since the epoch.
            owner: on whose behalf it runs.
            tags: words to find it by, added to those that there are.

        Raises:
            ValueError: a value does not fit, or both `delay` and `run_at` were given.
        """
        given = CallOptions(queue, priority, delay, run_at, owner, tuple(tags))
        _check(given)
        said = {name: value for name, value in asdict(given).items() if value is not None}
        said["tags"] = (*self._options.tags, *given.tags)
        options = replace(self._options, **said)
        return Task(self.registered, self._function, self._desk, options)

    def new_job(self, params: bytes) -> NewJob:
        """Return the job that these parameters, checked and encoded, would start."""
        options, task = self._options, self.registered
        run_at = options.run_at
        if options.delay is not None:
            run_at = self._desk.now() + options.delay
        return NewJob(
            task=task.name,
            kind=task.kind,
            params=params,
            queue=options.queue or task.options.queue,
            priority=task.options.priority if options.priority is None else options.priority,
            run_at=run_at,
            owner=options.owner,
            tags=(*task.options.tags, *options.tags),
        )

    def _new_job(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> NewJob:
        signature = self.registered.signature
        return self.new_job(signature.check(signature.bind(args, dict(kwargs))))

    def _new_jobs(self, calls: Iterable[object]) -> tuple[NewJob, ...]:
        return tuple(self._new_job(*_as_call(call)) for call in calls)

    def __repr__(self) -> str:
        return f"Task({self.name!r})"


def _as_call(call: object) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    match call:
        case tuple():
            return call, {}
        case dict():
            return (), call
        case _:
            return (call,), {}


def _check(options: CallOptions) -> None:
    if options.delay is not None and options.run_at is not None:
        raise ValueError("delay and run_at say the same thing; give one of them")
    if options.delay is not None and not 0 <= options.delay < float("inf"):
        raise ValueError(f"delay must be a number of seconds from 0 on, not {options.delay!r}")
    priority = 0 if options.priority is None else options.priority
    if not LOWEST_PRIORITY <= priority <= HIGHEST_PRIORITY:
        raise ValueError(
            f"priority must be from {LOWEST_PRIORITY} to {HIGHEST_PRIORITY}, not {priority!r}"
        )
