"""How long is waited until the next check."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.worker.polling.pace import MOST_ERROR_SECONDS, Pace

SECONDS = st.floats(0.01, 100_000)
COUNTS = st.integers(0, 10**9)
DRAWS = st.floats(0, 1)


def test_the_interval_stays_unless_it_may_grow() -> None:
    pace = Pace(10.0, jitter=0.0)

    assert [pace.after(unchanged, 0.5) for unchanged in (0, 1, 100)] == [10, 10, 10]


def test_the_interval_grows_while_nothing_changes_up_to_its_ceiling() -> None:
    pace = Pace(10.0, slowest=30.0, jitter=0.0)

    assert [pace.after(unchanged, 0.5) for unchanged in range(5)] == [10, 15, 22.5, 30, 30]


def test_it_waits_twice_as_long_after_each_error_up_to_five_minutes() -> None:
    pace = Pace(15.0, jitter=0.0)

    assert [pace.after_errors(errors, 0.5) for errors in range(1, 7)] == [15, 30, 60, 120, 240, 300]


def test_an_interval_beyond_five_minutes_stays_after_errors() -> None:
    assert Pace(3600.0, jitter=0.0).after_errors(4, 0.5) == 3600


@given(SECONDS, SECONDS, COUNTS, DRAWS)
def test_no_wait_is_out_of_bounds(first: float, more: float, count: int, draw: float) -> None:
    pace = Pace(first, slowest=first + more)

    for wait in (pace.after(count, draw), pace.after_errors(count + 1, draw)):
        assert first * 0.89 <= wait <= max(first + more, MOST_ERROR_SECONDS) * 1.11


def test_jitter_spreads_by_a_tenth() -> None:
    pace = Pace(10.0)

    assert [pace.after(0, draw) for draw in (0.0, 0.5, 1.0)] == pytest.approx([9, 10, 11])
