"""The child's end: whatever writes to its standard streams writes into pipes to the worker.

The descriptors themselves lead there, so C code and the programs that a job starts are heard too.
Records of `logging` have a pipe of their own, as they say more than a line of text. What a handler
prints of a record goes past the pipes, to where the worker's own output goes: it is told already.
"""

import contextlib
import ctypes
import io
import logging
import os
import sys
import threading
from typing import TextIO, cast

import msgspec

from offload.model import LogLine
from offload.worker.capture.records import Record, hear_job_logger, is_handling, taking
from offload.worker.capture.streams import Routed
from offload.worker.capture.text import cleaned, cut, named

_DESCRIPTORS = {"stdout": 1, "stderr": 2}
_LINE_BUFFERED = 1  # _IOLBF of <stdio.h>

_write = msgspec.json.Encoder().encode


class Output:
    """What a child writes. For its main thread, but for records, which any thread may make.

    Args:
        out, err, records: the ends of pipes for the two streams and for records; they are ours now.
    """

    def __init__(self, out: int, err: int, records: int) -> None:
        _flush()
        shown = {name: _copy_of(name) for name in _DESCRIPTORS}
        for end, name in ((out, "stdout"), (err, "stderr")):
            os.dup2(end, _DESCRIPTORS[name])
            os.close(end)
        for name, stream in shown.items():
            _lead_past(name, stream)
        self._records = records
        self._lock = threading.Lock()
        self._is_busy = False
        os.register_at_fork(after_in_child=self._renew_lock)
        ours = taking(logging.Logger.callHandlers, self._find)
        setattr(logging.Logger, "callHandlers", ours)  # noqa: B010 (no method can be assigned)

    def begin(self) -> None:
        """A job begins: what is logged from now on is its."""
        self._is_busy = True
        hear_job_logger()

    def end(self) -> None:
        """The job ends: all that it has written is on its way when this returns."""
        self._is_busy = False
        _flush()

    def _find(self) -> Record | None:
        return self._tell if self._is_busy else None

    def _tell(self, level: str, source: str, text: str, at: float) -> None:
        line = LogLine(at, named(level), named(source), cleaned(*cut(text)))
        # Begun with a line's end, too: SIGTERM may have come in the midst of the one before.
        written = b"\n%b\n" % _write(line)
        with contextlib.suppress(OSError), self._lock:  # else the worker is gone, and we soon are
            while written:
                written = written[os.write(self._records, written) :]

    def _renew_lock(self) -> None:
        """A process that the job's code forks may log, too; whoever held the lock is not there."""
        self._lock = threading.Lock()


class _Beside(Routed):
    """A standard stream, but for what handlers print of records that were told already."""

    def __init__(self, stream: TextIO, name: str, shown: TextIO) -> None:
        super().__init__(stream, name, lambda: None)
        self._shown = shown

    def write(self, text: str) -> int:
        """Write text; see `io.TextIOBase.write`."""
        return self._shown.write(text) if is_handling() else super().write(text)


def _copy_of(name: str) -> TextIO:
    """Return a stream of our own to where this one led; it lives as long as the process."""
    encoding = getattr(getattr(sys, f"__{name}__"), "encoding", "utf-8")
    try:
        shown = os.dup(_DESCRIPTORS[name])
    except OSError:  # it was closed
        shown = os.open(os.devnull, os.O_WRONLY)
    return open(
        shown, "w", buffering=1, encoding=encoding, errors="backslashreplace", closefd=False
    )


def _lead_past(name: str, shown: TextIO) -> None:
    stream = getattr(sys, name)
    if isinstance(stream, io.TextIOWrapper):
        # Lines are to be seen when they are written, and those of both streams in their order.
        stream.reconfigure(line_buffering=True)
    setattr(sys, name, cast(TextIO, _Beside(stream, name, shown)))
    with contextlib.suppress(ValueError, AttributeError):  # no such symbol in this C library
        _libc.setvbuf(ctypes.c_void_p.in_dll(_libc, name), None, _LINE_BUFFERED, 0)


def _flush() -> None:
    """Let go of what is still held back in this process, in C code as well."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            if stream is not None:
                stream.flush()
    _libc.fflush(None)


_libc = ctypes.CDLL(None)
