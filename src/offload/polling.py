"""One idea: what a polling task says: how it is checked, and what a check answers.

A polling task starts work that runs elsewhere, once, and is then asked about it at intervals. This
module knows the words; `offload.worker.polling` does the asking.
"""

import inspect
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from msgspec import Struct

from offload.errors import InvalidTask
from offload.text import capped_repr
from offload.units import seconds

Duration = float | str | timedelta
"""Seconds, a `timedelta`, or text such as ``"90s"``."""

MOST_IN_ONE_CALL = 100_000


class Pending(Struct, frozen=True):
    """The work elsewhere has not ended. All of it may be left out; `None` says the same.

    Attributes:
        done: units finished, to be shown as the job's progress.
        total: units in all, if known.
        message: a few words for people.
        unit: what is counted, in the singular.
        after: not to be asked again before this time has passed, as a ``Retry-After`` says.
    """

    done: float | None = None
    total: float | None = None
    message: str | None = None
    unit: str | None = None
    after: Duration | None = None

    def __post_init__(self) -> None:
        if self.after is not None:
            seconds(self.after)

    @property
    def wait(self) -> float | None:
        """`after` in seconds."""
        return None if self.after is None else seconds(self.after)


class Done(Struct, frozen=True):
    """The work elsewhere has ended, and this is the job's result: `None`, 0 and "" too."""

    value: Any = None


class Hook(Struct, frozen=True):
    """A function of the user's that is called with a handle, or with a list of them."""

    function: Callable[[Any], Any]
    is_async: bool


class Polling:
    """How the jobs of one polling task are checked, and who is told of their end.

    The hooks are set one after the other, by decorators, after the task was registered.

    Args:
        interval: the time between two checks of a job.
        slowest: the interval grows up to this while nothing changes; by default it stays.
        check_timeout: a check that has not answered for so long counts as failed.
        error_budget: the job fails when so many checks in a row have failed.

    Attributes:
        check: asks about one handle.
        check_many: asks about many, at most `limit` in one call.
        on_cancel: stops the work elsewhere, when a user has cancelled the job.
        on_cleanup: tidies up after the job, however it has ended.
        on_pause: tells the other side that a user has paused the job.
        on_resume: tells it that the job goes on.

    Raises:
        ValueError: a setting cannot be used; says why.
    """

    def __init__(
        self,
        *,
        interval: Duration = 15.0,
        slowest: Duration | None = None,
        check_timeout: Duration = 60.0,
        error_budget: int = 10,
    ) -> None:
        self.interval = _positive("interval", interval)
        self.slowest = None if slowest is None else _positive("slowest", slowest)
        self.check_timeout = _positive("check_timeout", check_timeout)
        self.error_budget = _count("error_budget", error_budget)
        if self.slowest is not None and self.slowest < self.interval:
            raise ValueError(
                f"slowest is {self.slowest:g} s, shorter than the interval of {self.interval:g} s"
            )
        self.limit = 1
        self.check: Hook | None = None
        self.check_many: Hook | None = None
        self.on_cancel: Hook | None = None
        self.on_cleanup: Hook | None = None
        self.on_pause: Hook | None = None
        self.on_resume: Hook | None = None

    def use_check(self, task: str, hook: Hook) -> None:
        """Ask about handles one by one.

        Raises:
            InvalidTask: they are asked about together already.
        """
        if self.check_many is not None:
            raise _two_checks(task)
        self.check = hook

    def use_check_many(self, task: str, hook: Hook, limit: int) -> None:
        """Ask about at most so many handles together.

        Raises:
            InvalidTask: they are asked about one by one already.
        """
        if self.check is not None:
            raise _two_checks(task)
        self.check_many, self.limit = hook, limit

    def require_check(self, task: str) -> None:
        """Refuse a task that nobody could ever ask.

        Raises:
            InvalidTask: it has neither `check` nor `check_many`.
        """
        if self.check is None and self.check_many is None:
            raise InvalidTask(
                f"the polling task {task!r} has no check, so its jobs would never end; write a "
                f"function that takes the handle, and put @{task}.check or "
                f"@{task}.check_many(limit=100) above it"
            )


def _two_checks(task: str) -> InvalidTask:
    return InvalidTask(
        f"the polling task {task!r} has both check and check_many; keep one of them: check asks "
        "about each job by itself, check_many about all that wait, in one call"
    )


def hook_of(task: str, role: str, function: object) -> Hook:
    """Take a user's function for a role: ``check``, ``on_cancel``.

    Raises:
        InvalidTask: it cannot be called with one argument.
    """
    what = "the list of handles" if role == "check_many" else "the handle"
    if not callable(function):
        raise InvalidTask(
            f"the polling task {task!r}: {role} must be a function that takes {what}, "
            f"not {capped_repr(function, limit=80)}"
        )
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        raise InvalidTask(
            f"the polling task {task!r}: {role} is called with one argument, {what}; "
            f"{capped_repr(function, limit=80)} does not take exactly that"
        ) from None
    except ValueError:
        pass  # a function in C that does not tell its parameters
    return Hook(function, is_async(function))


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine; an object's class may have an async `__call__`."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        type(function).__call__
    )


def limit_of(task: str, limit: object) -> int:
    """Take the limit of `check_many`.

    Raises:
        InvalidTask: it is no number of handles.
    """
    try:
        return _count("limit", limit)
    except ValueError as error:
        raise InvalidTask(f"the polling task {task!r}: check_many: {error}") from None


def _positive(name: str, given: Duration) -> float:
    try:
        found = seconds(given)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    if found <= 0:
        raise ValueError(f"{name} must be longer than nothing, not {capped_repr(given, limit=80)}")
    return found


def _count(name: str, given: object) -> int:
    is_whole = isinstance(given, int) and not isinstance(given, bool)
    if not isinstance(given, int) or not is_whole or not 1 <= given <= MOST_IN_ONE_CALL:
        raise ValueError(
            f"{name} must be a whole number from 1 to {MOST_IN_ONE_CALL:,}, "
            f"not {capped_repr(given, limit=80)}"
        )
    return given
