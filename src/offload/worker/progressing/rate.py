"""How fast something goes: a mean of what its last ticks say, in which old ones weigh less.

Instants are seconds on any clock on which only time counts in which the work could go on.
"""

import math

FADE_SECONDS = 15.0
"""What was so long ago weighs about a third."""

LEAST_KEPT = 0.7
"""So much of its weight keeps what is known at each tick: where ticks come minutes apart, one that
was slow is not the whole truth either."""

ENOUGH_SECONDS, ENOUGH_SHARE = 1.0, 0.02
"""From this on the ticks are believed: they have lasted so long, or have done so much of all."""


class Rate:
    """The rate of one attempt.

    Both units and seconds fade alike, so their ratio is right from the second tick on.

    Attributes:
        first_done: how far it was at the first tick.
    """

    __slots__ = ("_at", "_done", "_first_at", "_seconds", "_units", "first_done")

    def __init__(self) -> None:
        self._at: float | None = None
        self._done = self.first_done = self._first_at = self._units = self._seconds = 0.0

    def note(self, done: float, at: float) -> None:
        """Note how far it was at an instant. Less than before is a new beginning."""
        if self._at is None or done < self._done:
            self._begin(done, at)
        elif done > self._done and at > self._at:
            self._advance(done, at, at - self._at)

    def value(self) -> float | None:
        """Return units per second; None before the second tick."""
        return self._units / self._seconds if self._seconds > 0 else None

    def left(self, total: float) -> float | None:
        """Return seconds from the last tick to the end; None where the ticks say too little."""
        rate = self.value()
        if rate is None or self._at is None:
            return None
        is_long = self._at - self._first_at >= ENOUGH_SECONDS
        if not is_long and self._done - self.first_done < ENOUGH_SHARE * abs(total):
            return None
        return max(0.0, (total - self._done) / rate)

    def _begin(self, done: float, at: float) -> None:
        self._done, self._at = self.first_done, self._first_at = done, at
        self._units = self._seconds = 0.0

    def _advance(self, done: float, at: float, passed: float) -> None:
        kept = max(math.exp(-passed / FADE_SECONDS), LEAST_KEPT)
        self._units = self._units * kept + (done - self._done)
        self._seconds = self._seconds * kept + passed
        self._done, self._at = done, at
