"""The line that is being written: what has come of it, and what was written over.

A stream is cut into lines where they end. What a progress bar writes over with carriage returns is
one line, in its last state.
"""

from collections.abc import Sequence
from typing import NamedTuple

from offload.worker.capture.text import MOST_LINE_BYTES


class Cut(NamedTuple):
    """A line that is whole; of a very long one the beginning, and how many bytes are missing."""

    text: bytes
    missing: int = 0


class Partial:
    """One stream's unfinished line.

    Attributes:
        since: when its first piece came; None if there is none.
    """

    def __init__(self) -> None:
        self.since: float | None = None
        self._held = b""
        self._missing = 0
        self._was_taken = False

    @property
    def is_written_over(self) -> bool:
        """Whether it is a progress bar's: nobody wants each of its states."""
        return b"\r" in self._held

    def feed(self, piece: bytes, now: float) -> Sequence[Cut]:
        """Take a piece of the stream; returns the lines that have become whole."""
        if piece == b"\n" and self.since is not None:  # what `print` writes last
            return (self._clear(),)
        if b"\n" not in piece:
            self._hold(piece, now)
            return ()
        first, *others = piece.split(b"\n")
        lines = [] if self._was_taken and not first else [self._ended(first, now)]
        self._was_taken = False
        lines += [_cut(line) for line in others[:-1]]
        self._hold(others[-1], now)
        return lines

    def take(self) -> Cut | None:
        """Take the line as it is; the rest of it will be a line of its own."""
        if self.since is None:
            return None
        self._was_taken = True
        return self._clear()

    def _ended(self, piece: bytes, now: float) -> Cut:
        self._hold(piece, now)
        return self._clear()

    def _clear(self) -> Cut:
        line = Cut(_final_state(self._held), self._missing)
        self._held, self._missing, self.since = b"", 0, None
        return line

    def _hold(self, piece: bytes, now: float) -> None:
        if not piece:
            return
        self._was_taken = False
        if self.since is None:
            self.since = now
            if len(piece) <= MOST_LINE_BYTES and b"\r" not in piece:
                self._held = piece
                return
        held = self._held + piece
        if b"\r" in piece:
            begins = held.rstrip(b"\r").rfind(b"\r")
            if begins >= 0:  # the one before the last state stays: the line is known by it
                held, self._missing = held[begins:], 0
        if len(held) > MOST_LINE_BYTES:
            self._missing += len(held) - MOST_LINE_BYTES
            held = held[:MOST_LINE_BYTES]
        self._held = held


def _cut(line: bytes) -> Cut:
    line = _final_state(line)
    missing = len(line) - MOST_LINE_BYTES
    return Cut(line) if missing <= 0 else Cut(line[:MOST_LINE_BYTES], missing)


def _final_state(line: bytes) -> bytes:
    """Return what stands in a line that was written over with carriage returns."""
    return line.rstrip(b"\r").rpartition(b"\r")[2] if b"\r" in line else line
