"""What a polling task says, and what is refused, with which words."""

import functools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from offload.errors import InvalidTask
from offload.polling import Done, Pending, Polling, hook_of, limit_of


def test_pending_says_nothing_or_all_that_is_known() -> None:
    assert Pending() == Pending(None, None, None, None, None)
    assert Pending(done=3, total=4, message="almost", unit="frame").done == 3


@pytest.mark.parametrize(
    ("after", "seconds"), [(None, None), (0, 0.0), ("2m", 120.0), (timedelta(hours=1), 3600.0)]
)
def test_pending_waits_as_long_as_it_is_told(after: Any, seconds: float | None) -> None:
    assert Pending(after=after).wait == seconds


@pytest.mark.parametrize("after", [-1, "soon", float("nan"), float("inf")])
def test_pending_refuses_a_time_that_is_none(after: Any) -> None:
    with pytest.raises(ValueError, match="duration"):
        Pending(after=after)


@pytest.mark.parametrize("value", [None, 0, "", False, [], {"answer": 42}])
def test_done_holds_any_value(value: object) -> None:
    assert Done(value).value is value


def test_done_without_a_value_is_done_with_none() -> None:
    assert Done() == Done(None)


def test_a_polling_task_has_its_times_in_seconds() -> None:
    polling = Polling(interval="2m", slowest=timedelta(hours=1), check_timeout="30s")

    assert (polling.interval, polling.slowest, polling.check_timeout) == (120.0, 3600.0, 30.0)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"interval": 0}, "interval must be longer than nothing"),
        ({"interval": "often"}, "interval: 'often' is no duration"),
        ({"slowest": 1.0}, "slowest is 1 s, shorter than the interval of 15 s"),
        ({"check_timeout": -1}, "check_timeout: -1 cannot be a duration"),
        ({"error_budget": 0}, "error_budget must be a whole number from 1"),
        ({"error_budget": True}, "error_budget must be a whole number from 1"),
        ({"error_budget": 2.5}, "error_budget must be a whole number from 1"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Polling(**settings)


def test_a_task_without_a_check_is_refused_and_told_what_to_write() -> None:
    with pytest.raises(InvalidTask, match=r"'batch' has no check.*@batch\.check"):
        Polling().require_check("batch")


def test_either_check_is_enough() -> None:
    one, many = Polling(), Polling()
    hook = hook_of("batch", "check", lambda handle: None)
    one.use_check("batch", hook)
    many.use_check_many("batch", hook, 100)

    one.require_check("batch")
    many.require_check("batch")


def test_a_task_has_one_way_to_be_checked() -> None:
    one, many = Polling(), Polling()
    hook = hook_of("batch", "check", lambda handle: None)
    one.use_check("batch", hook)
    many.use_check_many("batch", hook, 100)

    with pytest.raises(InvalidTask, match="has both check and check_many"):
        one.use_check_many("batch", hook, 100)
    with pytest.raises(InvalidTask, match="has both check and check_many"):
        many.use_check("batch", hook)


def test_a_check_may_be_given_anew_as_in_a_notebook() -> None:
    polling = Polling()
    first, second = (hook_of("batch", "check", lambda handle, n=n: n) for n in range(2))

    polling.use_check("batch", first)
    polling.use_check("batch", second)

    assert polling.check is second


async def on_the_loop(handle: object) -> None: ...


class Asking:
    async def __call__(self, handle: object) -> None: ...


@pytest.mark.parametrize(
    ("function", "is_async"),
    [
        (lambda handle: None, False),
        (lambda handle, more=1: None, False),
        (lambda *handles: None, False),
        (on_the_loop, True),
        (functools.partial(on_the_loop), True),
        (Asking(), True),
        (len, False),
        (dict, False),
    ],
)
def test_a_hook_is_a_function_of_one_argument(function: Callable[..., Any], is_async: bool) -> None:
    assert hook_of("batch", "check", function).is_async is is_async


@pytest.mark.parametrize(
    ("role", "function", "words"),
    [
        ("check", lambda: None, "check is called with one argument, the handle;"),
        ("check", lambda a, b: None, "check is called with one argument, the handle;"),
        ("check_many", lambda *, handles: None, "with one argument, the list of handles;"),
        ("on_cancel", "stop", "on_cancel must be a function that takes the handle, not 'stop'"),
    ],
)
def test_a_hook_that_cannot_be_called_is_refused(role: str, function: object, words: str) -> None:
    with pytest.raises(InvalidTask, match=words):
        hook_of("batch", role, function)


def test_a_limit_is_a_number_of_handles() -> None:
    assert limit_of("batch", 100) == 100
    with pytest.raises(InvalidTask, match="'batch': check_many: limit must be a whole number"):
        limit_of("batch", 0)
