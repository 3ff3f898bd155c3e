"""The worker's end of what a child writes: always emptied, whoever listens.

A child that prints a hundred megabytes is neither held up for long nor does it take memory here:
pieces go to the recorder of the child's job, which keeps what a log would keep, and are shown.
"""

import asyncio
import fcntl
import io
import os
from collections.abc import Callable

import msgspec

from offload.model import LogLine
from offload.worker.capture.echo import Echo
from offload.worker.capture.recorder import Recorder

_PIECE = 1 << 16
_MOST_RECORD_BYTES = 1 << 18
"""A record takes at most six bytes for each of its text; what is longer is no record."""

Find = Callable[[], Recorder | None]
"""Returns what records for a job; None where nobody does."""

_read_line = msgspec.json.Decoder(LogLine).decode


class Pipes:
    """What one child writes, read on the worker's loop.

    Args:
        echo: shows it.

    Attributes:
        ends: the child's ends, of its standard output, its standard error and its records; to be
            passed on, and closed here.
    """

    def __init__(self, echo: Echo) -> None:
        self._echo = echo
        self._find: Find = _nobody
        self._records = b""
        self._open: dict[int, Callable[[bytes], None]] = {}
        self._loop = asyncio.get_running_loop()
        self.ends = tuple(
            self._pipe(take) for take in (self._take_out, self._take_err, self._take_records)
        )

    def attend(self, find: Find) -> None:
        """From now on what comes is of a job; its recorder is asked for when something comes."""
        self._find = find

    def leave(self) -> None:
        """The job has ended: take all that it has written until now, and no more."""
        for descriptor in list(self._open):
            self._drain(descriptor)
        self._find = _nobody

    def close(self) -> None:
        """The child has ended: take what is left, and let go."""
        self.leave()
        for descriptor in list(self._open):
            self._forget(descriptor)
        for end in self.ends:
            end.close()

    def _pipe(self, take: Callable[[bytes], None]) -> io.FileIO:
        ours, its = os.pipe()
        os.set_blocking(ours, False)
        self._open[ours] = take
        self._loop.add_reader(ours, self._read, ours)
        return io.FileIO(its, "w")

    def _drain(self, descriptor: int) -> None:
        """Take what is in a pipe; whoever still writes into it is not waited for."""
        left = fcntl.fcntl(descriptor, fcntl.F_GETPIPE_SZ)
        while left > 0 and (size := self._read(descriptor)):
            left -= size

    def _read(self, descriptor: int) -> int:
        """Take a piece; returns its size."""
        try:
            data = os.read(descriptor, _PIECE)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            data = b""
        if data:
            self._open[descriptor](data)
        else:
            self._forget(descriptor)
        return len(data)

    def _forget(self, descriptor: int) -> None:
        del self._open[descriptor]
        self._loop.remove_reader(descriptor)
        os.close(descriptor)

    def _take_out(self, data: bytes) -> None:
        self._take("stdout", data)

    def _take_err(self, data: bytes) -> None:
        self._take("stderr", data)

    def _take(self, source: str, data: bytes) -> None:
        recorder = self._find()
        if recorder is not None:
            recorder.feed(source, data)
        self._echo.show(source, data)

    def _take_records(self, data: bytes) -> None:
        *whole, rest = (self._records + data).split(b"\n")
        self._records = rest if len(rest) <= _MOST_RECORD_BYTES else b""
        for written in whole:
            self._take_record(written)

    def _take_record(self, written: bytes) -> None:
        recorder = self._find() if written else None
        if recorder is None:
            return
        try:
            line = _read_line(written)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return  # cut off in the midst, or two that were written into each other
        recorder.record(line.level, line.source, line.text, line.at)


def _nobody() -> None:
    """Nobody's job runs: what comes is only shown."""
