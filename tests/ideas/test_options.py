"""What a task says about its jobs, what a call says over it, and what is refused with a reason."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from offload.backoff import Backoff
from offload.errors import InvalidTask
from offload.lanes import lane_of
from offload.model import PLAIN, JobOptions, Lane, OnCrash
from offload.options import (
    CallOptions,
    TaskOptions,
    call_options,
    filled,
    key_fields,
    lane,
    merged,
    task_options,
)
from offload.units import Rate

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


def refused(**given: Any) -> str:
    """Return why a task cannot say this."""
    with pytest.raises(InvalidTask) as refusal:
        task_options("render", given)
    return str(refusal.value)


def refused_call(**given: Any) -> str:
    """Return why a call cannot say this."""
    with pytest.raises(ValueError, match=r".+") as refusal:
        call_options(given)
    return str(refusal.value)


# --- what a task says


def test_a_task_that_says_nothing_has_plain_jobs() -> None:
    options = task_options("render", {})

    assert options == TaskOptions()
    assert options.job is PLAIN


def test_what_equals_the_plain_options_is_the_plain_options() -> None:
    assert task_options("render", {"retries": 0, "on_crash": "again"}).job is PLAIN


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"retries": 3}, JobOptions(retries=3)),
        ({"backoff": "30s"}, JobOptions(backoff=Backoff.fixed(30))),
        ({"timeout": "10m"}, JobOptions(timeout=600.0)),
        ({"timeout": timedelta(minutes=10)}, JobOptions(timeout=600.0)),
        ({"deadline": 90}, JobOptions(deadline=90.0)),
        ({"memory": "512M"}, JobOptions(memory=512 << 20)),
        ({"on_crash": "fail"}, JobOptions(on_crash=OnCrash.FAIL)),
        ({"retain": "7d"}, JobOptions(retain=604_800.0)),
        ({"retain": timedelta(days=3650)}, JobOptions(retain=315_360_000.0)),
        ({"retain": 0}, JobOptions(retain=0.0)),
    ],
)
def test_how_a_job_is_run_is_read_as_people_write_it(
    said: dict[str, Any], kept: JobOptions
) -> None:
    assert task_options("render", said).job == kept


def test_one_exception_is_as_good_as_a_list_of_them() -> None:
    assert task_options("render", {"retry_on": OSError}).retry_on == (OSError,)
    assert task_options("render", {"retry_on": [OSError, KeyError]}).retry_on == (OSError, KeyError)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"retries": -1}, "retries: it must be an integer from 0 on, not -1"),
        ({"retries": True}, "retries: it must be an integer from 0 on, not True"),
        ({"retries": 1.0}, "retries: it must be an integer from 0 on, not 1.0"),
        ({"timeout": 0}, "timeout: it must be longer than nothing"),
        ({"deadline": "soon"}, "deadline: "),
        ({"memory": "much"}, "memory: "),
        ({"retain": "3651d"}, "retain: it can be ten years (3650d) at most, not '3651d'"),
        ({"retain": -1}, "retain: -1 cannot be a duration"),
        ({"on_crash": "maybe"}, "on_crash: it can be 'again' or 'fail', not 'maybe'"),
        ({"on_conflict": "both"}, "on_conflict: it can be 'existing' or 'refuse', not 'both'"),
        ({"retry_on": "OSError"}, "retry_on: it must name classes of exceptions, not 'OSError'"),
        ({"retry_on": [OSError, 7]}, "retry_on: it must name classes of exceptions, not 7"),
        ({"limits": ["gpu"]}, "limits: write them as {'gpu': 1}, not as ['gpu']"),
        ({"limits": {"gpu": 0}}, "limits: gpu must be an integer from 1 on, not 0"),
        ({"limits": {"the gpu": 1}}, "limits: the name is a word such as gpu, not 'the gpu'"),
        ({"rate": "fast"}, "rate: "),
        ({"key": ""}, "key: it must be a text of 1 to 500 characters, not ''"),
        ({"key": "{a.b}"}, "key: key '{a.b}' may hold names of parameters"),
        ({"key": "{a"}, "key: "),
        ({"overlap": 1}, "overlap: it must be True or False, not 1"),
        ({"every": "1h", "cron": "* * * * *"}, "render"),
        ({"retrys": 3}, "has no option 'retrys'; did you mean retries?"),
    ],
)
def test_what_a_task_cannot_say_is_refused_with_its_name_and_the_reason(
    said: dict[str, Any], why: str
) -> None:
    message = refused(**said)

    assert "the task 'render'" in message
    assert why in message


def test_none_is_not_said() -> None:
    assert task_options("render", {"retries": None, "timeout": None}) == TaskOptions()


# --- what a call says over it


def test_a_call_says_over_its_task_only_what_it_says() -> None:
    task = task_options("render", {"retries": 3, "timeout": 60})
    call = call_options({"timeout": "5s"})

    assert merged(task, call) == JobOptions(retries=3, timeout=5.0)
    assert merged(task, CallOptions()) is task.job


def test_a_call_can_take_back_what_its_task_says() -> None:
    task = task_options("render", {"retries": 3})

    assert merged(task, call_options({"retries": 0})) is PLAIN


def test_a_deadline_is_a_duration_or_an_instant() -> None:
    assert call_options({"deadline": "1h"}) == CallOptions(job={"deadline": 3600.0})
    assert call_options({"deadline": NOON}) == CallOptions(deadline_at=NOON.timestamp())


def test_a_start_is_put_off_by_a_duration_or_to_an_instant() -> None:
    assert call_options({"delay": "1h"}).delay == 3600.0
    assert call_options({"run_at": NOON}).run_at == NOON.timestamp()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"delay": 1, "run_at": NOON}, "delay and run_at say the same thing"),
        ({"delay": "later"}, "delay: "),
        ({"run_at": NOON.replace(tzinfo=None)}, "has no time zone"),
        ({"deadline": NOON.replace(tzinfo=None)}, "has no time zone"),
        ({"run_at": float("nan")}, "run_at must be seconds since the epoch, not nan"),
        ({"priority": 40_000}, "priority: it must be an integer from -32768 to 32767"),
        ({"retries": "many"}, "retries: it must be an integer from 0 on, not 'many'"),
        ({"key": "k" * 501}, "key must be a text of 1 to 500 characters"),
        ({"owner": ""}, "owner must be a text of 1 to 500 characters, not ''"),
    ],
)
def test_what_a_call_cannot_say_is_refused_with_its_name_and_the_reason(
    said: dict[str, Any], why: str
) -> None:
    assert why in refused_call(**said)


# --- keys and lanes


def test_a_key_is_filled_with_parameters() -> None:
    assert key_fields("movie-{movie_id}-{size}") == ["movie_id", "size"]
    assert filled("movie-{movie_id}", {"movie_id": 7, "size": "{x}"}) == "movie-7"


def test_what_fills_a_key_is_not_read_as_a_template_again() -> None:
    assert filled("{name}", {"name": "{other}"}) == "{other}"


def test_a_parameter_that_was_not_given_leaves_its_place_empty() -> None:
    assert filled("movie-{movie_id}", {}) == "movie-"


@pytest.mark.parametrize(
    ("executor", "pool"), [("async", "slots"), ("thread", "slots"), ("process", "processes")]
)
def test_a_lane_takes_the_places_that_its_code_needs(executor: str, pool: str) -> None:
    options = task_options("render", {"limits": {"gpu": 2}, "rate": "500/min"})

    found = lane_of(lane("render", executor, options))

    assert found == Lane(pool, {"gpu": 2}, {"render": Rate(500, 60.0)})
