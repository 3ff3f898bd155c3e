"""Named rates: at most so many jobs begin in any stretch of a time.

The time is cut in sixty slices, and what begins is counted by slice; a stretch of that length
touches sixty-one of them at most. So the count is never too low, whatever moment it ends at, and
it costs the same for five a second and for a million a day.
"""

from collections.abc import Mapping

from offload.units import Rate

SLICES = 60


def window(rate: Rate, now: float) -> tuple[int, int]:
    """Return the first and the last slice that count at this instant.

    Slices to come are counted too, as far as the time reaches: a clock that was set back a little
    must not let the same jobs through again.
    """
    current = int(now * SLICES / rate.seconds)
    return current - SLICES, current + SLICES


def slice_of(rate: Rate, now: float) -> int:
    """Return the slice in which a job begins now."""
    return int(now * SLICES / rate.seconds)


def begun_within(rate: Rate, begun: Mapping[int, int], now: float) -> int:
    """Return how many jobs count at this instant; `begun` has them by slice."""
    first, last = window(rate, now)
    return sum(jobs for slice_, jobs in begun.items() if first <= slice_ <= last)
