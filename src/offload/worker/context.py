"""What running code may hold: its job's number, its progress, and whether it should stop."""

import math
from collections.abc import Callable, Iterable, Iterator, Sized
from contextvars import ContextVar
from typing import SupportsFloat, TypeVar

from offload.model import Cause, Progress
from offload.text import capped_repr, sanitise

T = TypeVar("T")

MOST_WORDS_BYTES = 1000
"""Of a message of progress and of its unit; both are shown in lists."""


class Stop:
    """A request to stop, made once at most; who runs the code says what is then to be done.

    Attributes:
        cause: why, once it was asked; the first one stands.
    """

    def __init__(self) -> None:
        self.cause: Cause | None = None
        self._then: Callable[[], object] | None = None

    @property
    def is_set(self) -> bool:
        """Whether the code was asked to stop."""
        return self.cause is not None

    def then(self, act: Callable[[], object]) -> None:
        """Say what stops the code; done at once if it was asked already."""
        self._then = act
        if self.is_set:
            act()

    def set(self, cause: Cause = Cause.CANCEL) -> None:
        """Ask the code to stop. On the worker's loop only."""
        if self.is_set:
            return
        self.cause = cause
        if self._then is not None:
            self._then()


class Context:
    """What a running job knows of itself.

    A task's parameter annotated `Context` is given one; `current()` returns it anywhere in the
    job's code. Outside a job there is a silent one, so that a task can be called as a function.

    Attributes:
        job_id: the job's id; 0 outside a job.
        attempt: the number of this try, from 1; 0 outside a job.
        idempotency_key: a text that is the same for every run of this attempt, also after a crash,
            and for no other: give it to the other side, so that it does the work once.
        completion_token: with it whoever does the work elsewhere may end a polling job early
            (`Offload.complete`); "" for others. It is a secret of this job.
    """

    __offload_context__ = True

    def __init__(
        self,
        job_id: int = 0,
        attempt: int = 0,
        *,
        stop: Stop | None = None,
        tell: Callable[[Progress], None] | None = None,
        idempotency_key: str = "",
        completion_token: Callable[[], str] = str,
    ) -> None:
        self.job_id = job_id
        self.attempt = attempt
        self.idempotency_key = idempotency_key
        self._completion_token = completion_token
        self._stop = stop or Stop()
        self._tell = tell
        self._saw_stop = False

    @property
    def completion_token(self) -> str:
        """With it whoever does the work elsewhere may end a polling job early."""
        return self._completion_token()

    @property
    def should_stop(self) -> bool:
        """Whether the job was cancelled or its worker ends: tidy up and return.

        Code that has read True here and returns None has stopped as it was asked; a value that it
        returns all the same is its result.
        """
        if self._stop.is_set:
            self._saw_stop = True
        return self._stop.is_set

    @property
    def saw_stop(self) -> bool:
        """Whether the code has been told to stop."""
        return self._saw_stop

    def progress(
        self,
        done: float,
        total: float | None = None,
        message: str | None = None,
        *,
        unit: str | None = None,
    ) -> None:
        """Say how far the job has come. Cheap in a tight loop: only the latest word is stored.

        Args:
            done: units finished.
            total: units in all, if known.
            message: a few words for people.
            unit: what is counted, in the singular.

        Raises:
            TypeError: `done` or `total` is no number.
            ValueError: it is not a finite one.
        """
        word = Progress(
            _number(done), None if total is None else _number(total), _words(message), _words(unit)
        )
        if self._tell is not None:
            self._tell(word)


def _number(given: float) -> float:
    """Check a number where it is said: stored, it must be readable for everybody."""
    if type(given) is not int and not isinstance(given, SupportsFloat):
        raise TypeError(f"progress is told in numbers, not in {capped_repr(given, limit=80)}")
    try:
        number = float(given)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"progress is told in finite numbers, not {capped_repr(given, limit=80)}")
    return number


def _words(given: str | None) -> str | None:
    return None if given is None else sanitise(str(given), limit=MOST_WORDS_BYTES)


_SILENT = Context()
_current: ContextVar[Context] = ContextVar("offload_context", default=_SILENT)


def current() -> Context:
    """Return the running job's context; a silent one outside a job."""
    return _current.get()


def enter(context: Context) -> None:
    """Make this the current context, for the code that runs from here on."""
    _current.set(context)


def progress(
    items: Iterable[T], *, total: float | None = None, unit: str | None = None
) -> Iterator[T]:
    """Go through the items and report each one done as the running job's progress.

    Args:
        items: what to go through.
        total: how many there are; taken from the items where they know it.
        unit: what is counted, in the singular.
    """
    context = current()
    if total is None and isinstance(items, Sized):
        total = len(items)
    context.progress(0, total, unit=unit)
    for done, item in enumerate(items, 1):
        yield item
        context.progress(done, total, unit=unit)
