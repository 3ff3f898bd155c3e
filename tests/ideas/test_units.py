"""Durations, sizes and rates are read as people write them, and nothing is guessed."""

import math
import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.units import LONGEST, Rate, duration_text, instant, rate, seconds, since, size


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (0, 0.0),
        (15, 15.0),
        (0.25, 0.25),
        ("15", 15.0),
        (" 1.5 ", 1.5),
        (timedelta(minutes=2), 120.0),
        ("250ms", 0.25),
        ("90s", 90.0),
        ("10m", 600.0),
        ("10min", 600.0),
        ("1m30s", 90.0),
        ("1h30m", 5400.0),
        ("1h 30m", 5400.0),
        ("1.5h", 5400.0),
        ("24h", 86_400.0),
        ("7d", 604_800.0),
        ("2w", 1_209_600.0),
        ("2 weeks 1 day", 1_296_000.0),
        ("1m5ms", 60.005),
    ],
)
def test_a_duration_is_read_in_seconds(given: Any, expected: float) -> None:
    found = seconds(given)

    assert found == pytest.approx(expected, rel=1e-15)
    assert type(found) is float


@pytest.mark.parametrize(
    "given",
    [
        True,
        None,
        b"10s",
        [],
        "",
        " ",
        "s",
        "ten",
        "10x",
        "10M",  # minutes, months or megabytes?
        "30m1h",
        "1h1h",
        "1h30",
        "-5s",
        "1e3",
        "nan",
        "inf",
        "1.5.2s",
        "٣s",
        "9" * 5000,
    ],
)
def test_what_could_mean_something_else_is_no_duration(given: Any) -> None:
    with pytest.raises(ValueError, match="is no duration; give seconds as a number"):
        seconds(given)


@pytest.mark.parametrize(
    "given",
    [-1, -0.001, math.nan, math.inf, 10**400, LONGEST * 2, "9000000w", timedelta(seconds=-1)],
)
def test_a_duration_lies_between_nothing_and_the_end_of_the_calendar(given: Any) -> None:
    with pytest.raises(ValueError, match="it must be from 0 to 250000000000 seconds"):
        seconds(given)


@given(st.timedeltas(min_value=timedelta(), max_value=timedelta(days=20_000)))
def test_a_duration_in_words_is_the_same_as_in_numbers(length: timedelta) -> None:
    whole = timedelta(milliseconds=length // timedelta(milliseconds=1))
    hours, rest = divmod(whole, timedelta(hours=1))
    minutes, rest = divmod(rest, timedelta(minutes=1))
    text = f"{hours}h{minutes}m{rest // timedelta(milliseconds=1)}ms"

    found = seconds(text)

    assert found == pytest.approx(seconds(whole))


@pytest.mark.parametrize(
    ("length", "text"),
    [(0.0, "0s"), (0.25, "250ms"), (60.0, "1m"), (5400.0, "1h30m"), (694_861.5, "8d1h1m1s500ms")],
)
def test_a_duration_is_written_as_it_is_read(length: float, text: str) -> None:
    assert duration_text(length) == text
    assert seconds(text) == length


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (1, 1),
        ("1048576", 1_048_576),
        ("1B", 1),
        ("100k", 102_400),
        ("512M", 536_870_912),
        ("512 MB", 536_870_912),
        ("512m", 536_870_912),
        ("1.5G", 1_610_612_736),
        ("2G", 2_147_483_648),
        ("1GiB", 1_073_741_824),
        ("3T", 3_298_534_883_328),
        ("1048575.999999T", 1_152_921_504_605_747_464),
    ],
)
def test_a_size_counts_in_steps_of_1024(given: Any, expected: int) -> None:
    assert size(given) == expected


@pytest.mark.parametrize("given", [True, 1.5, None, "", "M", "12X", "-1M", "1e9", "inf", "1,5G"])
def test_what_is_no_size_is_refused(given: Any) -> None:
    with pytest.raises(ValueError, match="is no size; give bytes as a whole number, or text"):
        size(given)


@pytest.mark.parametrize("given", [0, -1, "0M", "0.0001k", 2**63, "9999999999T"])
def test_a_size_is_at_least_a_byte_and_fits_a_database(given: Any) -> None:
    with pytest.raises(ValueError, match="it must be from 1 byte to 8 EiB"):
        size(given)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("500/min", Rate(500, 60.0)),
        ("10/s", Rate(10, 1.0)),
        ("1000/h", Rate(1000, 3600.0)),
        ("1000 / hour", Rate(1000, 3600.0)),
        ("5/30s", Rate(5, 30.0)),
        ("1/1m30s", Rate(1, 90.0)),
        ("100/day", Rate(100, 86_400.0)),
        ("100/15", Rate(100, 15.0)),
        ((3, "10m"), Rate(3, 600.0)),
        ([3, 10], Rate(3, 10.0)),
        (Rate(2, 4.0), Rate(2, 4.0)),
    ],
)
def test_a_rate_is_a_count_in_a_time(given: Any, expected: Rate) -> None:
    assert rate(given) == expected


@pytest.mark.parametrize(
    "given", [None, 5, "", "5", "/min", "0/s", "-1/s", "1.5/s", (True, 60), (0, 60), (1, 2, 3)]
)
def test_what_is_no_rate_is_refused(given: Any) -> None:
    with pytest.raises(ValueError, match="is no rate; give text such as"):
        rate(given)


def test_a_rate_needs_a_time_that_passes() -> None:
    with pytest.raises(ValueError, match="its time must be longer than nothing"):
        rate("5/0s")


def test_a_rate_over_an_unknown_time_names_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=re.escape("'fortnight' is no duration")):
        rate("5/fortnight")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:01:00Z", 60.0),
        ("1970-01-01T02:00:00+02:00", 0.0),
        ("1h", 1_000_000.0 - 3600),
        ("90", 1_000_000.0 - 90),
    ],
)
def test_a_beginning_is_an_instant_or_a_time_that_ends_now(text: str, expected: float) -> None:
    assert since(text, 1_000_000.0) == expected


@pytest.mark.parametrize("text", ["yesterday", "2026-01-31", "2026-01-31T09:00:00", "-1h", ""])
def test_what_is_no_beginning(text: str) -> None:
    with pytest.raises(ValueError, match="neither an instant such as 2026-01-31T09:00:00Z"):
        since(text, 0.0)


def test_an_instant_has_a_time_zone() -> None:
    assert instant("1970-01-01T01:00:00+01:00") == 0.0
    for text in ("1970-01-01T00:00:00", "1h", ""):
        with pytest.raises(ValueError, match="with its time zone, as in 2026-01-31T09:00:00Z"):
            instant(text)
