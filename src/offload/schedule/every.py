"""Every so many seconds, counted from an instant that is the same for everybody."""

import math
from datetime import timedelta

from msgspec import Struct

from offload.text import capped_repr
from offload.units import seconds

SHORTEST = 1.0
"""Seconds: workers look at schedules about as often."""


class Every(Struct, frozen=True, tag="every"):
    """Due at whole steps from an anchor, so no process has to remember when it began.

    Attributes:
        seconds: from one due time to the next.
        anchor: an instant that is a due time; all others lie whole steps from it.
    """

    seconds: float
    anchor: float = 0.0


def read_every(given: float | str | timedelta) -> Every:
    """Check the length of a step.

    Raises:
        ValueError: it is no duration, or shorter than a second.
    """
    step = seconds(given)
    if step < SHORTEST:
        raise ValueError(
            f"every= must be at least {SHORTEST:g} second, not {capped_repr(given, limit=80)}; "
            "for more often than that, let one job loop"
        )
    return Every(step)


def step_after(spec: Every, instant: float) -> float:
    """Return the first due time after an instant."""
    step = math.floor((instant - spec.anchor) / spec.seconds)
    # The division may have rounded past a due time; the due times themselves decide.
    while spec.anchor + step * spec.seconds > instant:
        step -= 1
    while spec.anchor + step * spec.seconds <= instant:
        step += 1
    return spec.anchor + step * spec.seconds
