"""The other side: work that goes on elsewhere, and a book of what was asked of it.

It keeps to idempotency keys, as a good service does: asked twice with the same key it starts once.
So what a job may have started twice shows as work under two keys.
"""

from typing import Any, Protocol

from msgspec import Struct

from offload.polling import Done, Pending
from tests.simulation.history import AskedElsewhere, Entry, StartedElsewhere, ToldElsewhere


class Notes(Protocol):
    """Who notes what happens, and when."""

    def time(self) -> float: ...
    def who(self) -> str: ...
    def add(self, entry: Entry) -> None: ...


class _Work(Struct, frozen=True):
    ends_at: float
    value: Any
    is_sick: bool


class Elsewhere:
    """A service that does work of a known length."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._handles: dict[str, int] = {}
        self._works: dict[int, _Work] = {}

    def start(self, job: int, key: str, seconds: float, value: Any, *, is_sick: bool) -> int:
        """Start work, unless that was asked before; returns its handle."""
        is_new = key not in self._handles
        if is_new:
            self._handles[key] = len(self._works) + 1
            ends_at = self._notes.time() + seconds
            self._works[self._handles[key]] = _Work(ends_at, value, is_sick)
        handle = self._handles[key]
        work = self._works[handle]
        self._notes.add(
            StartedElsewhere(
                at=self._notes.time(),
                job=job,
                handle=handle,
                is_new=is_new,
                ends_at=work.ends_at,
                is_sick=is_sick,
            )
        )
        return handle

    def value(self, handle: int) -> Any:
        """Return what the work will come to."""
        return self._works[handle].value

    def check(self, handle: int) -> Done | Pending:
        """Say whether the work has ended."""
        at, who = self._notes.time(), self._notes.who()
        self._notes.add(AskedElsewhere(at=at, handle=handle, process=who))
        work = self._works[handle]
        if work.is_sick:
            raise RuntimeError("it has broken down")
        return Done(work.value) if self._notes.time() >= work.ends_at else Pending()

    def stop(self, handle: int) -> None:
        """Note that the work is not wanted any more."""
        self._notes.add(ToldElsewhere(at=self._notes.time(), handle=handle))
