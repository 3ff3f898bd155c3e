"""A bar of its own beside a job's progress: a download, a file, one loop inside another."""

import itertools
from collections.abc import Callable
from types import TracebackType

from offload.model import Bar, Progress
from offload.worker.progressing.words import number, words

_closings = itertools.count(1)


class OpenBar:
    """A named bar, as the code of a job has it; `Context.bar` opens one.

    As a context manager it is closed at the end. It stays to be seen with what was said last,
    until the job opens another one of the same name.

    Attributes:
        name: what it is called.
        done: units finished.
        unit: what is counted, in the singular.
        closed: which of all bars it was to be closed, the first one 1; 0 while more is to come.
        is_passing: whether it is gone from sight when it is closed, unless there is no other.
    """

    __slots__ = ("_message", "_note", "_total", "closed", "done", "is_passing", "name", "unit")

    def __init__(
        self,
        name: str,
        total: float | None = None,
        *,
        unit: str | None = None,
        done: float = 0,
        is_passing: bool = False,
        note: Callable[[], object],
    ) -> None:
        self.name = words(name) or ""
        self.done = number(done)
        self.closed = 0
        self.is_passing = is_passing
        self._total = None if total is None else number(total)
        self.unit = words(unit)
        self._message: str | None = None
        self._note = note

    @property
    def is_open(self) -> bool:
        """Whether more is to come."""
        return not self.closed

    def advance(self, units: float = 1) -> None:
        """Say that so many more units are finished. As cheap as `Context.progress`.

        Raises:
            TypeError: it is no number.
            ValueError: it is not a finite one.
        """
        self.done = number(self.done + number(units))
        self._note()

    def update(
        self,
        done: float | None = None,
        total: float | None = None,
        message: str | None = None,
    ) -> None:
        """Say how far it has come; what is not given stays as it was.

        Raises:
            TypeError: `done` or `total` is no number.
            ValueError: it is not a finite one.
        """
        checked = None if total is None else number(total)
        if done is not None:
            self.done = number(done)
        if checked is not None:
            self._total = checked
        if message is not None:
            self._message = words(message)
        self._note()

    def close(self) -> None:
        """Say that no more is to come."""
        if self.is_open:
            self.closed = next(_closings)
            self._note()

    def __enter__(self) -> "OpenBar":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def as_bar(self, place: int) -> Bar:
        """Return what is shown of it; one without a name is known by its place among the bars."""
        return Bar(self.name or f"bar {place}", *self._numbers(), self.unit, self._message or None)

    def as_progress(self, others: tuple[Bar, ...]) -> Progress:
        """Return what is shown of a job of which this bar is all that is known, and others."""
        said = ": ".join(text for text in (self.name, self._message) if text)
        return Progress(*self._numbers(), said or None, self.unit, bars=others)

    def _numbers(self) -> tuple[float, float | None]:
        return float(self.done), None if self._total is None else float(self._total)
