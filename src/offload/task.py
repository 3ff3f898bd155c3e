"""A task in the hands of its user: still the plain function, and the ways to start it as a job."""

import functools
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Generic, Literal, ParamSpec, Protocol, TypeVar, cast

from msgspec.structs import asdict, replace

from offload.backoff import Backoff
from offload.errors import Fault, InvalidParameters
from offload.group import Group
from offload.job import Job
from offload.model import NewJob
from offload.options import (
    LONGEST_KEY,
    NOTHING_SAID,
    CallOptions,
    Duration,
    call_options,
    filled,
    key_fields,
    merged,
)
from offload.registry import RegisteredTask
from offload.values import decode

P = ParamSpec("P")
R = TypeVar("R")


class _Desk(Protocol):
    """What a task needs of the Offload that it is registered with."""

    def start_new(self, job: NewJob) -> Job[Any]: ...
    async def astart_new(self, job: NewJob) -> Job[Any]: ...
    def start_all_new(self, jobs: tuple[NewJob, ...]) -> list[Job[Any]]: ...
    async def astart_all_new(self, jobs: tuple[NewJob, ...]) -> list[Job[Any]]: ...
    def start_group_of(self, jobs: tuple[NewJob, ...]) -> Group[Any]: ...
    async def astart_group_of(self, jobs: tuple[NewJob, ...]) -> Group[Any]: ...
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
        options: CallOptions = NOTHING_SAID,
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
            KeyTaken: an unfinished job has its key, and `on_conflict` is "refuse".
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

    def map(self, calls: Iterable[object]) -> Group[R]:
        """Start many jobs as one group, all or none: one handle to watch, collect and stop them.

        Args:
            calls: as for `start_many`.

        Raises:
            InvalidParameters, QueueFull, StoreError: as `start`; no job was started.
        """
        return self._desk.start_group_of(self._new_jobs(calls))

    async def amap(self, calls: Iterable[object]) -> Group[R]:
        """The same without blocking the loop."""
        return await self._desk.astart_group_of(self._new_jobs(calls))

    def using(
        self,
        *,
        queue: str | None = None,
        priority: int | None = None,
        delay: Duration | None = None,
        run_at: float | datetime | None = None,
        owner: str | None = None,
        tags: Iterable[str] = (),
        retries: int | None = None,
        backoff: Duration | Backoff | None = None,
        timeout: Duration | None = None,
        deadline: Duration | datetime | None = None,
        memory: int | str | None = None,
        on_crash: Literal["again", "fail"] | None = None,
        retain: Duration | None = None,
        key: str | None = None,
        on_conflict: Literal["existing", "refuse"] | None = None,
        paused: bool | None = None,
    ) -> "Task[P, R]":
        """Return the task with other options for the jobs that are started through it.

        Durations are seconds, `timedelta` or text such as ``"10m"``.

        Args:
            queue: the queue to wait in.
            priority: higher goes first; from -32,768 to 32,767.
            delay: how long it does not start.
            run_at: the instant before which it does not start: seconds since the epoch, or a
                `datetime` with a time zone.
            owner: on whose behalf it runs.
            tags: words to find it by, added to those that there are.
            retries: further attempts after one that failed.
            backoff: how long to wait before each.
            timeout: how long the code may run, counted from its start.
            deadline: by when it must have ended, counted from now, waiting included; or an instant.
            memory: bytes that its processes may hold together, or text such as ``"512M"``.
            on_crash: "again" runs it again when its worker died with it, "fail" lets it be lost.
            retain: how long it is kept once it has ended, whatever its queue keeps; at most ten
                years.
            key: of a task and a key there is one unfinished job.
            on_conflict: what a start means while there is another of that key: "existing" returns
                that one, "refuse" raises `KeyTaken`.
            paused: whether it is held from the start, until somebody resumes it.

        Raises:
            ValueError: a value does not fit, or both `delay` and `run_at` were given.
        """
        said = call_options(
            {
                "queue": queue,
                "priority": priority,
                "delay": delay,
                "run_at": run_at,
                "owner": owner,
                "retries": retries,
                "backoff": backoff,
                "timeout": timeout,
                "deadline": deadline,
                "memory": memory,
                "on_crash": on_crash,
                "retain": retain,
                "key": key,
                "on_conflict": on_conflict,
                "paused": paused,
            }
        )
        return self._with(replace(said, tags=tuple(tags)))

    def _with(self, said: CallOptions) -> "Task[P, R]":
        before = self._options
        given = {name: value for name, value in asdict(said).items() if value is not None}
        both = {"tags": (*before.tags, *said.tags), "job": before.job | said.job}
        options = replace(before, **(given | both))
        return type(self)(self.registered, self._function, self._desk, options)

    def new_job(self, params: bytes) -> NewJob:
        """Return the job that these parameters, checked and encoded, would start."""
        said, task = self._options, self.registered
        now = self._desk.now()
        options = merged(task.options, said)
        deadline_at = None if options.deadline is None else now + options.deadline
        return NewJob(
            task=task.name,
            kind=task.kind,
            params=params,
            queue=said.queue or task.options.queue,
            priority=task.options.priority if said.priority is None else said.priority,
            run_at=said.run_at if said.delay is None else now + said.delay,
            owner=said.owner,
            tags=(*task.options.tags, *said.tags),
            options=options,
            lane=task.lane,
            key=self._key(params),
            refuse_known=(said.on_conflict or task.options.on_conflict) == "refuse",
            deadline_at=said.deadline_at or deadline_at,
            paused=said.paused or False,
        )

    def _key(self, params: bytes) -> str | None:
        """Return the unique key: the call's, or the task's with the parameters filled in."""
        template = self.registered.options.key
        if self._options.key is not None or template is None:
            return self._options.key
        key = filled(template, cast(dict[str, Any], decode(params)))
        if len(key) > LONGEST_KEY:
            problem = f"the key that they make has {len(key)} characters; at most {LONGEST_KEY}"
            faults = [Fault(field, problem) for field in key_fields(template)]
            raise InvalidParameters(self.name, faults)
        return key

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
