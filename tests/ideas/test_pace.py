"""A rate's count is never too low, whatever moment it ends at, and is as cheap for every rate."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload import pace
from offload.units import Rate

rates = st.builds(Rate, st.integers(1, 50), st.floats(0.1, 90_000.0))
instants = st.floats(0.0, 4e9)


def begun(rate: Rate, *instants: float) -> Counter[int]:
    return Counter(pace.slice_of(rate, at) for at in instants)


@pytest.mark.promise("S12")
@given(rate=rates, now=instants, ages=st.lists(st.floats(0, 0.999), max_size=20))
def test_whatever_began_within_the_time_counts(rate: Rate, now: float, ages: list[float]) -> None:
    began = [now - age * rate.seconds for age in ages]

    assert pace.begun_within(rate, begun(rate, *began), now) == len(ages)


@given(rate=rates, now=instants)
def test_what_began_longer_ago_than_the_time_and_two_slices_counts_no_more(
    rate: Rate, now: float
) -> None:
    long_ago = now - rate.seconds * (1 + 2.5 / pace.SLICES)

    assert pace.begun_within(rate, begun(rate, long_ago), now) == 0


@given(rate=rates, now=instants, ahead=st.floats(0, 0.98))
def test_a_clock_that_was_set_back_a_little_lets_nothing_through_twice(
    rate: Rate, now: float, ahead: float
) -> None:
    later = now + ahead * rate.seconds

    assert pace.begun_within(rate, begun(rate, later), now) == 1


@given(rate=rates, now=instants)
def test_the_window_holds_the_present_slice_and_as_many_before_as_after_it(
    rate: Rate, now: float
) -> None:
    first, last = pace.window(rate, now)
    present = pace.slice_of(rate, now)

    assert (present - first, last - present) == (pace.SLICES, pace.SLICES)


@pytest.mark.promise("S12")
@given(
    rate=st.builds(Rate, st.integers(1, 5), st.floats(1.0, 100.0)),
    steps=st.lists(st.floats(0, 20), min_size=1, max_size=60),
)
def test_who_begins_only_where_there_is_room_never_exceeds_a_rate(
    rate: Rate, steps: list[float]
) -> None:
    """Held against every stretch of that length that ends where a job begins."""
    now, began = 1000.0, list[float]()

    for step in steps:
        now += step
        if pace.begun_within(rate, begun(rate, *began), now) < rate.count:
            began.append(now)

    for end in began:
        assert sum(end - rate.seconds < at <= end for at in began) <= rate.count
    assert began
