"""Two black boxes to try offload with: one that blocks, and one that has to be asked.

What goes on inside them is nobody's business: hand them in with `app.submit(gen_task(21))`.
"""

import random
import time


class BlockingDouble:
    """Doubles a value, slowly: `run()` returns when it has.

    Args:
        value: what is doubled.
        seconds: how long that takes; up to two, drawn, unless given.
    """

    def __init__(self, value: int, seconds: float | None = None) -> None:
        self._value = value
        self._seconds = random.uniform(0.1, 2.0) if seconds is None else seconds
        self._doubled: int | None = None

    def run(self) -> None:
        """Do the work."""
        time.sleep(self._seconds)
        self._doubled = 2 * self._value

    def get_output(self) -> int | None:
        """Return the double; None before `run()` has returned."""
        return self._doubled


class PollingDouble:
    """Doubles a value elsewhere, as it were: `run()` returns at once, and the double comes later.

    Args:
        value: what is doubled.
        seconds: how long that takes; up to two, drawn, unless given.
    """

    def __init__(self, value: int, seconds: float | None = None) -> None:
        self._value = value
        self._seconds = random.uniform(0.1, 2.0) if seconds is None else seconds
        self._ready_at = float("inf")

    def run(self) -> None:
        """Begin."""
        self._ready_at = time.monotonic() + self._seconds

    def get_output(self) -> int | None:
        """Return the double; None while it is not there."""
        return 2 * self._value if time.monotonic() >= self._ready_at else None


def gen_task(value: int, seconds: float | None = None) -> BlockingDouble | PollingDouble:
    """Return one of the two, at random."""
    return random.choice((BlockingDouble, PollingDouble))(value, seconds)
