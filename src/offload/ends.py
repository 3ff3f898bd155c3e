"""One idea: who is told of jobs that have ended, here or perhaps in another process."""

from collections.abc import Callable

from offload.model import Job
from offload.store.base import Effects


class Listener:
    """Somebody who wants to know. Both are called on foreign threads, and must be brief.

    Args:
        ended: given the records of jobs whose end this process has stored.
        changed: given the ids of jobs that another process has changed, ended perhaps; None where
            it is not known which.
    """

    __slots__ = ("changed", "ended")

    def __init__(
        self,
        ended: Callable[[tuple[Job, ...]], None],
        changed: Callable[[tuple[int, ...] | None], None],
    ) -> None:
        self.ended = ended
        self.changed = changed


class Ends:
    """Passes on what commits have ended."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; returns what removes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def committed(self, effects: Effects) -> None:
        """This process has stored something."""
        if effects.finished:
            for listener in list(self._listeners):
                listener.ended(effects.finished)

    def heard(self, effects: Effects | None) -> None:
        """Another process has; None: it is not known what."""
        for listener in list(self._listeners):
            listener.changed(None if effects is None else effects.changed)
