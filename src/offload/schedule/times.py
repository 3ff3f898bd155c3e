"""When a schedule is due next, and what a look at it finds to start.

Pure rules: instants come in (seconds since the epoch, UTC) and instants go out, so that every
process finds the same due times.
"""

import math
from collections import deque
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice, takewhile
from typing import Literal

from msgspec import Struct

from offload.schedule.cron import NEVER, Cron, read_cron, tick_after
from offload.schedule.every import Every, read_every, step_after
from offload.text import capped_repr

Schedule = Cron | Every

Misfire = Literal["skip", "once", "all"]
"""What is done about due times that passed while nobody looked."""

LATE = 60.0
"""Seconds by which a start may be late and still be in time, where missed ones are skipped."""

MOST_AT_ONCE = 1000
"""Missed due times that "all" starts; of more, the newest."""

MOST_COUNTED = 1000
"""Due times without a start are counted so far; after a year of downtime the rest is no news."""

_END = 253_402_214_400.0
"""The last day of the year 9999 begins; a date of the next may not fit into a calendar."""


class Due(Struct, frozen=True):
    """What a look at a schedule found.

    Attributes:
        starts: the due times for which a job is to be started now, the oldest first.
        next_at: the due time after the look.
        missed: how many due times passed without a start, counted up to `MOST_COUNTED`.
    """

    starts: tuple[float, ...]
    next_at: float
    missed: int = 0


def schedule_of(
    cron: str | None = None,
    every: float | str | timedelta | None = None,
    tz: str | None = None,
) -> Schedule | None:
    """Read what a task says about its schedule; None when it says nothing.

    Raises:
        ValueError: both kinds are given, the line or the time zone is unknown, no day ever fits,
            or the steps are shorter than a second.
    """
    if cron is not None and every is not None:
        raise ValueError("a task has one schedule: give cron= or every=, not both")
    if cron is not None:
        return read_cron(cron, tz)
    if tz is not None:
        raise ValueError("tz= is the time zone of a cron line; give it together with cron=")
    return None if every is None else read_every(every)


def misfire_of(given: str) -> Misfire:
    """Read what a task says about due times that passed while nobody looked.

    Raises:
        ValueError: it is none of the three.
    """
    for known in ("skip", "once", "all"):
        if given == known:
            return known
    raise ValueError(f'misfire= is "skip", "once" or "all", not {capped_repr(given, limit=80)}')


def next_after(spec: Schedule, instant: float) -> float:
    """Return the first due time after an instant, or NEVER. Before 1970 nothing was due."""
    if instant >= _END:
        return NEVER
    instant = max(instant, -1.0)
    at = step_after(spec, instant) if isinstance(spec, Every) else tick_after(spec, instant)
    return at if at < _END else NEVER


def next_runs(spec: Schedule, instant: float, count: int) -> tuple[float, ...]:
    """Return the next due times after an instant: `count` of them, or as many as there are."""
    return tuple(islice(_after(spec, instant), count))


def due(spec: Schedule, next_at: float, now: float, misfire: Misfire = "once") -> Due:
    """Decide what a look at `now` starts, when `next_at` is the first due time not yet dealt with.

    "once" starts one job for all due times that have passed, under the newest; "skip" too, but only
    if that one is late by less than `LATE` seconds; "all" starts one for each, of more than
    `MOST_AT_ONCE` the newest.
    """
    if now < next_at:
        return Due((), next_at)
    starts = _newest(spec, next_at, now, MOST_AT_ONCE if misfire == "all" else 1)
    if misfire == "skip":
        starts = tuple(at for at in starts if now - at < LATE)
    older = (at for at in _passed(spec, next_at, now) if not starts or at < starts[0])
    missed = sum(1 for _ in islice(older, MOST_COUNTED))
    return Due(starts, next_after(spec, now), missed)


def _after(spec: Schedule, instant: float) -> Iterator[float]:
    while (instant := next_after(spec, instant)) < NEVER:
        yield instant


def _passed(spec: Schedule, first: float, now: float) -> Iterator[float]:
    """Yield the due times from `first` to `now`, both included."""
    return takewhile(lambda at: at <= now, _after(spec, math.nextafter(first, -math.inf)))


def _newest(spec: Schedule, first: float, now: float, most: int) -> tuple[float, ...]:
    """Return the newest due times from `first` to `now` without a walk through all the others."""
    early = tuple(islice(_passed(spec, first, now), most + 1))
    if len(early) <= most:
        return early
    last, span = _last(spec, early[-1], now), 60.0 * most
    while len(found := deque(_passed(spec, max(first, last - span), now), most)) < most:
        span *= 2
    return tuple(found)


def _last(spec: Schedule, known: float, now: float) -> float:
    """Return the last due time up to `now`, given any one before, by halving what lies between."""
    low, high = known, now
    while (at := next_after(spec, low)) <= high:
        low, middle = at, (at + high) / 2
        at = next_after(spec, middle)
        if at <= high:
            low = at
        else:
            high = middle
    return low
