"""How fast a job goes and when it will end, told from the progress that was seen.

The progress of a job comes in steps, and a step says nothing until the next one. So the rate is
that of the last half minute of steps; while the next step is overdue it sinks, and the time that is
left grows, instead of standing still.
"""

from collections import deque

WINDOW_SECONDS = 30.0
"""Steps that are older tell nothing about now; the last two are always counted."""


class Pace:
    """The steps of one attempt. Instants are seconds on any clock, the same one for all."""

    def __init__(self) -> None:
        self._steps: deque[tuple[float, float]] = deque()

    def note(self, done: float, at: float) -> None:
        """Note how far the job was at an instant; less than before is a new attempt."""
        if self._steps and done < self._steps[-1][1]:
            self._steps.clear()
        if self._steps and done == self._steps[-1][1]:
            return
        self._steps.append((at, done))
        while len(self._steps) > 2 and self._steps[0][0] < at - WINDOW_SECONDS:
            self._steps.popleft()

    def rate(self, at: float, begun_at: float | None = None) -> float | None:
        """Return units per second; None while there is nothing to tell it from.

        Args:
            at: the instant.
            begun_at: when the attempt began; it serves until two steps were seen.
        """
        if not self._steps:
            return None
        last_at, last_done = self._steps[-1]
        first_at, first_done, gaps = *self._steps[0], len(self._steps) - 1
        if gaps == 0:
            if begun_at is None or last_done <= 0:
                return None
            first_at, first_done, gaps = begun_at, 0.0, 1
        mean_gap = (last_at - first_at) / gaps
        seconds = max(last_at - first_at, at - first_at - mean_gap)
        return (last_done - first_done) / seconds if seconds > 0 else None

    def left(self, total: float, at: float, begun_at: float | None = None) -> float | None:
        """Return in how many seconds the job will have done `total`; None if nobody can tell."""
        rate = self.rate(at, begun_at)
        if not rate:
            return None
        last_at, last_done = self._steps[-1]
        return max((total - last_done) / rate - (at - last_at), 0.0)
