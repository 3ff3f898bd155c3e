"""A polling task in the hands of its user: a task, and the decorators that say how to check it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, ParamSpec, Protocol, TypedDict, TypeVar, overload

from offload.backoff import Backoff
from offload.model import NewJob
from offload.options import Duration
from offload.polling import Polling, hook_of, limit_of
from offload.task import Task

P = ParamSpec("P")
H = TypeVar("H", bound=Callable[..., Any])


class PollingOptions(TypedDict, total=False):
    """What `@app.polling(…)` takes of what every task takes; see `Offload.task`."""

    name: str | None
    aliases: Iterable[str]
    queue: str
    priority: int
    tags: Iterable[str]
    secret: Iterable[str]
    encode: Callable[[object], object] | None
    retries: int
    backoff: Duration | Backoff | None
    retry_on: type[BaseException] | tuple[type[BaseException], ...]
    timeout: Duration | None
    deadline: Duration | None
    on_crash: Literal["again", "fail"]
    retain: Duration | None
    key: str | None
    on_conflict: Literal["existing", "refuse"]
    limits: Mapping[str, int] | None
    rate: str | None
    cron: str | None
    every: Duration | None
    tz: str | None
    misfire: Literal["skip", "once", "all"]
    overlap: bool


class PollingTask(Task[P, Any]):
    """A task that starts work elsewhere, and how that is asked about until it has ended.

    The decorated function starts the work and returns a *handle*: whatever JSON can carry and the
    checks need to find the work again. It is stored before the first check, so that a job goes on
    after a crash, in whatever process, and is never started twice.

    Every function given to these decorators may be a coroutine function; a blocking one is called
    on a thread, never on the loop. `offload.current()` in it is the job's context.
    """

    def check(self, function: H) -> H:
        """Ask about one handle: `@batch.check`.

        It returns `Done(value)`, `Pending(…)` or None. What it raises counts as a failed check:
        only when `error_budget` of them have failed in a row has the job failed, with the last
        error. A `Fatal`, or what `retry_on` does not name, fails it at once.

        Raises:
            InvalidTask: it cannot be called with one argument, or there is a `check_many`.
        """
        hook = hook_of(self.name, "check", function)
        self._polling.use_check(self.name, hook)
        return function

    @overload
    def check_many(self, function: H, /) -> H: ...

    @overload
    def check_many(self, function: None = None, /, *, limit: int = 100) -> Callable[[H], H]: ...

    def check_many(self, function: Any = None, /, *, limit: int = 100) -> Any:
        """Ask about many handles in one call: `@batch.check_many(limit=100)`.

        It takes a list of handles and returns a list with an answer for each, in their order; an
        exception in the list counts as a failed check of that one, one that is raised as a failed
        check of all. The jobs of the task that wait together are asked about at the same times:
        n of them take ⌈n / limit⌉ calls a round, one after the other.

        Raises:
            InvalidTask: as `check`; or the limit is no number of handles.
        """
        most = limit_of(self.name, limit)

        def decorate(function: H) -> H:
            hook = hook_of(self.name, "check_many", function)
            self._polling.use_check_many(self.name, hook, most)
            return function

        return decorate if function is None else decorate(function)

    def on_cancel(self, function: H) -> H:
        """Stop the work elsewhere when a user has cancelled the job: `@batch.on_cancel`.

        Called with the handle, three times at most if it raises; the job is `cancelled` after it.
        Not called when a worker ends or a deadline has passed; a start that was cancelled before
        it returned is called too, with the handle that it then returned.

        Raises:
            InvalidTask: it cannot be called with one argument.
        """
        self._polling.on_cancel = hook_of(self.name, "on_cancel", function)
        return function

    def on_cleanup(self, function: H) -> H:
        """Tidy up where a job ends, however it ended: `@batch.on_cleanup`.

        Called with the handle before the job is shown as succeeded, failed or cancelled, after
        `on_cancel`; three times at most if it raises. After a crash it may be called again.

        Raises:
            InvalidTask: it cannot be called with one argument.
        """
        self._polling.on_cleanup = hook_of(self.name, "on_cleanup", function)
        return function

    def on_pause(self, function: H) -> H:
        """Tell the other side that a user has paused the job: `@batch.on_pause`.

        Called with the handle once nobody checks any more, before the job is shown as paused; three
        times at most if it raises. Without it the work elsewhere goes on, and only the checks rest.

        Raises:
            InvalidTask: it cannot be called with one argument.
        """
        self._polling.on_pause = hook_of(self.name, "on_pause", function)
        return function

    def on_resume(self, function: H) -> H:
        """Tell the other side that a paused job goes on: `@batch.on_resume`.

        Called with the handle before the next check; three times at most if it raises. It may be
        called twice, if a worker dies as it resumes.

        Raises:
            InvalidTask: it cannot be called with one argument.
        """
        self._polling.on_resume = hook_of(self.name, "on_resume", function)
        return function

    def new_job(self, params: bytes) -> NewJob:
        """Return the job that these parameters would start; see `Task.new_job`.

        Raises:
            InvalidTask: the task has neither `check` nor `check_many`.
        """
        self._polling.require_check(self.name)
        return super().new_job(params)

    @property
    def _polling(self) -> Polling:
        polling = self.registered.polling
        assert polling is not None
        return polling

    def __repr__(self) -> str:
        return f"PollingTask({self.name!r})"


class PollingDecorator(Protocol):
    """What `@app.polling(…)` returns: it makes a polling task of a function, async or not."""

    def __call__(self, function: Callable[P, Any], /) -> PollingTask[P]:
        """Register the function."""
        ...
