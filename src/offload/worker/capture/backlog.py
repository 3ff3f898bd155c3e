"""Lines on their way to the store: never more than a log would keep, whatever is written.

Code may print a hundred megabytes a second. Of what has not been stored yet the first lines are
kept as far as the log's first half has room for them, and the newest ones beyond; what lies between
is counted and dropped. Lines are kept as they came, since most of them are never looked at.
"""

from collections import deque

from msgspec import Struct

from offload.store.logs import HALF_BYTES, HALF_LINES

AT_ONCE = 500
"""Beyond the first half so many lines go to the store at a time, five times a second: a job that
floods its log costs the writer two hundredths of its time, and others keep the rest."""


class Raw(Struct, frozen=True):
    """A line as it came.

    Attributes:
        missing: so many bytes of a very long line were not kept.
    """

    at: float
    level: str
    source: str
    text: bytes
    missing: int = 0


class Backlog:
    """The lines of one attempt that were not handed over yet."""

    def __init__(self) -> None:
        self._head: list[Raw] = []
        self._head_lines = HALF_LINES
        self._head_bytes = HALF_BYTES
        self._newest: deque[Raw] = deque()
        self._newest_bytes = 0
        self._dropped = 0

    def __bool__(self) -> bool:
        return bool(self._head or self._newest)

    def add(self, line: Raw) -> None:
        """Put a line behind the others."""
        size = len(line.text)
        if self._head_lines > 0 and self._head_bytes >= size:
            self._head_lines -= 1
            self._head_bytes -= size
            self._head.append(line)
            return
        self._head_lines = 0  # the first line that does not fit ends the first half
        self._newest.append(line)
        self._newest_bytes += size
        while len(self._newest) > HALF_LINES or self._newest_bytes > HALF_BYTES:
            self._newest_bytes -= len(self._newest.popleft().text)
            self._dropped += 1

    def take(self, *, all_of_it: bool = False) -> tuple[list[Raw], int, list[Raw]]:
        """Take lines out: the first ones, how many are dropped behind them, and further ones."""
        head, self._head = self._head, []
        count = len(self._newest) if all_of_it else min(AT_ONCE, len(self._newest))
        newest = [self._newest.popleft() for _ in range(count)]
        self._newest_bytes -= sum(len(line.text) for line in newest)
        dropped = 0
        if newest:
            dropped, self._dropped = self._dropped, 0
        return head, dropped, newest
