"""What one attempt writes: gathered from all sides, handed over a few times a second."""

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable, Iterable

from offload.model import LogLine
from offload.store.logs import Skipping
from offload.worker.capture.backlog import Backlog, Raw
from offload.worker.capture.partial import Partial
from offload.worker.capture.text import cleaned, cut, named, raw

HAND_OVER_SECONDS = 0.2
"""So long lines are gathered."""

UNFINISHED_SECONDS = 1.0
"""So long somebody waits for the end of a line. Whoever writes it may be held up in its midst, on a
busy machine or by a full pipe; it is one line for all that. A prompt is there soon enough."""


class Recorder:
    """Takes pieces and records in any thread, and says lines on the worker's loop.

    While nothing is written it costs nothing: the clock runs from the first piece on.

    Args:
        say: keeps lines of the log; see `Work.say`.
        loop: of the worker.
        now: tells the time.
        redact: takes out of a line what nobody is to read.
    """

    def __init__(
        self,
        say: Callable[[Iterable[LogLine]], None],
        loop: asyncio.AbstractEventLoop,
        now: Callable[[], float] = time.time,
        redact: Callable[[str], str] = str,
    ) -> None:
        self._say = say
        self._now = now
        self._redact = redact
        self._backlog = Backlog()
        self._partials: dict[str, Partial] = {}
        # The same thread may come here while it is here: what it writes to is told of by signals.
        self._lock = threading.RLock()
        self._loop = loop
        self._is_waiting = False
        self._timer: asyncio.TimerHandle | None = None

    def write(self, source: str, piece: str) -> None:
        """Take a piece of what the code has printed."""
        self.feed(source, raw(piece))

    def feed(self, source: str, piece: bytes) -> None:
        """Take a piece of what a process has written."""
        with self._lock:
            partial = self._partials.get(source)
            if partial is None:
                partial = self._partials[source] = Partial()
            now = self._now()
            for line in partial.feed(piece, now):
                self._backlog.add(Raw(now, "", source, line.text, line.missing))
            if not self._is_waiting:
                self._hurry()

    def record(self, level: str, source: str, text: str, at: float | None = None) -> None:
        """Take a record of a logger."""
        kept, missing = cut(text)
        with self._lock:
            self._backlog.add(Raw(self._now() if at is None else at, level, source, kept, missing))
            if not self._is_waiting:
                self._hurry()

    def close(self) -> None:
        """Hand over all that there is, unfinished lines too. On the loop."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            for source, partial in self._partials.items():
                self._take(source, partial)
            self._hand_over(all_of_it=True)

    def _hurry(self) -> None:
        """See to it that somebody comes for the lines.

        In surroundings of its own: in those of the job's code, who writes them, they would be held
        back with the code while that stands still.
        """
        self._is_waiting = True
        try:
            self._loop.call_soon_threadsafe(self._wait, context=contextvars.Context())
        except RuntimeError:
            return  # the loop is closed: the worker has ended without waiting for this thread

    def _wait(self) -> None:
        self._timer = self._loop.call_later(HAND_OVER_SECONDS, self._turn)

    def _turn(self) -> None:
        with self._lock:
            before = self._now() - UNFINISHED_SECONDS
            for source, partial in self._partials.items():
                is_late = partial.since is not None and partial.since <= before
                if is_late and not partial.is_written_over:
                    self._take(source, partial)
            self._hand_over()
            self._is_waiting = False
            if self._backlog or any(
                partial.since is not None for partial in self._partials.values()
            ):
                self._hurry()

    def _take(self, source: str, partial: Partial) -> None:
        began = partial.since
        line = partial.take()
        if line is not None and began is not None:
            self._backlog.add(Raw(began, "", source, line.text, line.missing))

    def _hand_over(self, *, all_of_it: bool = False) -> None:
        head, dropped, newest = self._backlog.take(all_of_it=all_of_it)
        lines = [self._line(each) for each in head]
        if newest:
            lines.append(self._line(newest[0], dropped))
            lines += [self._line(each) for each in newest[1:]]
        if lines:
            self._say(lines)

    def _line(self, came: Raw, skipped: int = 0) -> LogLine:
        level, source = named(came.level) if came.level else "", named(came.source)
        text = self._redact(cleaned(came.text, came.missing))
        if skipped:
            return Skipping(came.at, level, source, text, skipped)
        return LogLine(came.at, level, source, text)
