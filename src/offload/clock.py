"""Time, passed in wherever it is needed, so that the whole machine can run on another one."""

import time
from typing import Protocol


class Clock(Protocol):
    """Two readings: instants to keep and compare with other machines, and a ruler for durations."""

    def now(self) -> float:
        """Return the instant in seconds since the epoch, UTC. May jump."""
        ...

    def monotonic(self) -> float:
        """Return seconds since an arbitrary moment. Never jumps."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> float:
        """Return the wall clock's instant."""
        return time.time()

    def monotonic(self) -> float:
        """Return the monotonic clock's reading."""
        return time.monotonic()
