"""A lane's text is equal where the lanes are, and reads back as it was written."""

from hypothesis import given
from hypothesis import strategies as st

from offload.lanes import lane_of, lane_text
from offload.model import Lane
from offload.units import Rate

names = st.text(min_size=1, max_size=8)
lanes = st.builds(
    Lane,
    pool=st.sampled_from(["slots", "processes"]),
    limits=st.dictionaries(names, st.integers(1, 9), max_size=3),
    rates=st.dictionaries(
        names, st.builds(Rate, st.integers(1, 9), st.floats(0.1, 9e4)), max_size=2
    ),
)


@given(lanes)
def test_a_lane_reads_back_as_it_was_written(lane: Lane) -> None:
    assert lane_of(lane_text(lane)) == lane


@given(lanes, lanes)
def test_texts_are_equal_exactly_where_the_lanes_are(first: Lane, second: Lane) -> None:
    assert (lane_text(first) == lane_text(second)) == (first == second)


@given(lanes)
def test_the_order_in_which_limits_were_named_makes_no_other_lane(lane: Lane) -> None:
    turned = Lane(
        lane.pool, dict(reversed(lane.limits.items())), dict(reversed(lane.rates.items()))
    )

    assert lane_text(turned) == lane_text(lane)


def test_the_lane_of_most_jobs_takes_no_room_in_a_row() -> None:
    assert lane_text(Lane()) == ""
    assert lane_of("") == Lane()
