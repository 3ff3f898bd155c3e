"""How long transactions take is counted, and added up as histograms are."""

import math

import pytest

from offload.store.latency import BOUNDS, Latency


def test_each_one_counts_in_its_bucket_and_in_all_that_are_wider() -> None:
    latency = Latency()

    for seconds in (0.0, BOUNDS[0], BOUNDS[0] * 1.01, 100.0):
        latency.add(seconds)

    found = dict(latency.up_to())
    assert found[BOUNDS[0]] == 2
    assert found[BOUNDS[1]] == found[BOUNDS[-1]] == 3
    assert found[math.inf] == 4
    assert latency.seconds == pytest.approx(100.0 + 2.01 * BOUNDS[0])


def test_what_fails_took_its_time_too() -> None:
    latency = Latency()

    with pytest.raises(ZeroDivisionError), latency.timing():
        raise ZeroDivisionError

    assert latency.up_to()[-1] == (math.inf, 1)
