"""Where capturing is put in place: once for all workers of a process, and taken back by the last.

Whoever puts something else in place meanwhile (`contextlib.redirect_stdout`, pytest between the
set-up of a test and the test) has it, and finds it again: we only ever stand in front of what is
there, and in front of that again when the next job begins.
"""

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO, cast

from offload.worker.capture.finding import Recording, Say, recorder_here
from offload.worker.capture.records import Record, hear_job_logger, leave_job_logger, taking
from offload.worker.capture.streams import Routed, Write
from offload.worker.context import Context

_CallHandlers = Callable[[logging.Logger, logging.LogRecord], None]


class _Installed:
    """What is in place, and for how many workers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._workers = 0
        self._before: _CallHandlers = logging.Logger.callHandlers
        self._ours: _CallHandlers | None = None

    def add(self) -> None:
        with self._lock:
            self._workers += 1
            if self._workers == 1:
                self._before = logging.Logger.callHandlers
                self._ours = taking(self._before, _record)
                _hand_records_to(self._ours)
                hear_job_logger()
        self.see_to_streams()

    def remove(self) -> None:
        with self._lock:
            self._workers -= 1
            if self._workers:
                return
            if logging.Logger.callHandlers is self._ours:
                _hand_records_to(self._before)
            leave_job_logger()
            for name in ("stdout", "stderr"):
                stream = getattr(sys, name)
                if isinstance(stream, Routed):
                    setattr(sys, name, stream.routed_stream)

    def see_to_streams(self) -> None:
        """Stand in front of the streams that are there now."""
        if not self._workers:
            return
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if stream is not None and not isinstance(stream, Routed):
                setattr(sys, name, cast(TextIO, Routed(stream, name, _writer)))


def _hand_records_to(call_handlers: _CallHandlers) -> None:
    setattr(logging.Logger, "callHandlers", call_handlers)  # noqa: B010 (no method can be assigned)


def _writer() -> Write | None:
    recorder = recorder_here()
    return None if recorder is None else recorder.write


def _record() -> Record | None:
    recorder = recorder_here()
    return None if recorder is None else recorder.record


_installed = _Installed()


@contextmanager
def capturing() -> Iterator[None]:
    """Record, as long as this lasts, what the code of jobs prints and logs in this process."""
    _installed.add()
    try:
        yield
    finally:
        _installed.remove()


def recording(context: Context, say: Say) -> Recording:
    """Record what code writes in this context, and in the child that runs it; see `Recording`."""
    _installed.see_to_streams()
    return Recording(context, say)
