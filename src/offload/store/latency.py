"""How long transactions take, counted in buckets: a few additions for each, and no memory grows."""

import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager

BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds, from a commit into memory to a disk that hangs."""


class Latency:
    """A histogram that one thread fills and others read.

    A reader may see one more in the buckets than in the sum; at its next look it is right again.

    Attributes:
        seconds: all of them together.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._counts = [0] * (len(BOUNDS) + 1)

    @contextmanager
    def timing(self) -> Iterator[None]:
        """Count how long the block takes, however it ends."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.add(time.perf_counter() - began)

    def add(self, seconds: float) -> None:
        """Count one."""
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds

    def up_to(self) -> list[tuple[float, int]]:
        """Return how many took at most so long, for each bound; the last one is infinite."""
        so_far, found = 0, []
        for bound, count in zip((*BOUNDS, float("inf")), list(self._counts), strict=True):
            so_far += count
            found.append((bound, so_far))
        return found
