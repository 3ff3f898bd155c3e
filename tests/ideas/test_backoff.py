"""Waits between attempts grow, stay under their cap, and never fail to be a number."""

import math
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.backoff import Backoff, backoff_of

backoffs = st.builds(
    Backoff,
    first=st.floats(0, 1e9),
    factor=st.floats(1, 1e6),
    most=st.floats(0, 1e11),
    jitter=st.floats(0, 1),
)
draws = st.floats(0, 1)


def test_waits_double_up_to_the_cap() -> None:
    backoff = Backoff.exponential(first=1, factor=2, most="10s", jitter=0)

    waits = [backoff.delay(attempt, 0.5) for attempt in range(1, 7)]

    assert waits == [1, 2, 4, 8, 10, 10]


def test_a_fixed_wait_leaves_nothing_to_chance() -> None:
    backoff = Backoff.fixed("1m30s")

    waits = {backoff.delay(attempt, draw) for attempt in (1, 2, 99) for draw in (0, 0.5, 1)}

    assert waits == {90.0}


def test_chance_shortens_a_wait_by_its_part_at_most() -> None:
    backoff = Backoff.exponential(first=100, jitter=0.25)

    waits = [backoff.delay(1, draw) for draw in (0.0, 0.5, 1.0)]

    assert waits == [75, 87.5, 100]


@pytest.mark.promise("L5")
@given(backoffs, st.integers(1), draws)
def test_no_wait_is_longer_than_the_cap(backoff: Backoff, attempt: int, draw: float) -> None:
    delay = backoff.delay(attempt, draw)

    assert 0 <= delay <= backoff.most


@given(backoffs, st.integers(1, 10_000), draws)
def test_a_later_wait_is_never_shorter(backoff: Backoff, attempt: int, draw: float) -> None:
    assert backoff.delay(attempt, draw) <= backoff.delay(attempt + 1, draw)


@pytest.mark.parametrize("attempt", [10_000, 10**400])
def test_any_number_of_attempts_has_a_wait(attempt: int) -> None:
    assert Backoff.exponential(jitter=0).delay(attempt, 0) == 600
    assert Backoff.exponential(first=1, factor=1, jitter=0).delay(attempt, 0) == 1
    assert Backoff.exponential(first=0).delay(attempt, 0) == 0


@given(backoffs)
def test_a_backoff_is_kept_as_json(backoff: Backoff) -> None:
    stored = msgspec.json.encode(backoff)

    assert msgspec.json.decode(stored, type=Backoff) == backoff


def test_the_usual_backoff_takes_no_room() -> None:
    assert msgspec.json.encode(Backoff()) == b"{}"
    assert Backoff() == Backoff.exponential()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (5, Backoff.fixed(5)),
        ("5s", Backoff.fixed(5)),
        (timedelta(seconds=5), Backoff.fixed(5)),
        (Backoff.exponential(first=5), Backoff.exponential(first=5)),
    ],
)
def test_a_duration_is_a_fixed_backoff(given: Any, expected: Backoff) -> None:
    assert backoff_of(given) == expected


@pytest.mark.parametrize("given", ["soon", -1, True, None])
def test_what_is_no_backoff_is_refused_with_what_there_is(given: Any) -> None:
    with pytest.raises(ValueError, match=r"give Backoff\.exponential"):
        backoff_of(given)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"first": -1}, r"Backoff\(first=\) must be a number from 0 to 250000000000, not -1"),
        ({"first": "1s"}, r"not '1s'; Backoff\.exponential\(\) takes text"),
        ({"factor": 0.5}, r"Backoff\(factor=\) must be a number from 1 to 1000000, not 0.5"),
        ({"factor": math.inf}, r"not inf"),
        ({"most": math.nan}, r"Backoff\(most=\) must be a number .* not nan"),
        ({"jitter": 1.5}, r"Backoff\(jitter=\) must be a number from 0 to 1, not 1.5"),
        ({"jitter": True}, r"not True"),
    ],
)
def test_a_part_that_cannot_be_is_named(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Backoff(**options)
