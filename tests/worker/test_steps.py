"""Steps: once each, and the same value in every attempt."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from offload import NotSerializable, current
from offload.errors import Stopped
from tests.worker.keepers import Shelf


def never() -> None:
    raise AssertionError("this step has run before")


@pytest.mark.promise("P6")
def test_a_step_runs_once_and_its_value_is_stored_before_it_is_returned() -> None:
    shelf = Shelf()

    assert shelf.attempt().context.step("add", lambda a, b: a + b, 1, b=2) == 3

    assert shelf.steps == {"add": b"3"}
    assert shelf.attempt().context.step("add", never) == 3


def test_none_is_a_value_too() -> None:
    shelf, calls = Shelf(), list[int]()

    for _ in range(2):
        assert shelf.attempt().context.step("note", lambda: calls.append(1)) is None

    assert calls == [1]


def test_every_attempt_sees_the_value_that_json_makes_of_it() -> None:
    shelf = Shelf()

    def pair() -> Any:
        return (1, 2)

    first = shelf.attempt().context.step("pair", pair)
    second = shelf.attempt().context.step("pair", pair)

    assert first == second == [1, 2]


def test_a_name_is_taken_once_in_an_attempt() -> None:
    context = Shelf().attempt().context
    context.step("send", int)

    with pytest.raises(ValueError, match="a step of the name 'send'"):
        context.step("send", never)


def test_a_step_that_raised_may_be_tried_again() -> None:
    context = Shelf().attempt().context

    with pytest.raises(ZeroDivisionError):
        context.step("divide", lambda: 1 / 0)

    assert context.step("divide", lambda: 1 / 2) == 0.5


def test_a_value_that_cannot_be_kept_is_refused() -> None:
    context, name = Shelf().attempt().context, cast("str", 7)

    with pytest.raises(NotSerializable, match=r"\$\[0\]"):
        context.step("odd", lambda: [object()])
    with pytest.raises(ValueError, match=r"'large' has 1,048,577 bytes as JSON; at most 1,048,576"):
        context.step("large", lambda: "x" * ((1 << 20) - 1))
    with pytest.raises(TypeError, match="name of a step is text"):
        context.step(name, int)


def test_code_that_is_to_stop_begins_no_step() -> None:
    attempt = Shelf().attempt()
    attempt.stop.set()

    with pytest.raises(Stopped):
        attempt.context.step("late", never)


def test_a_step_that_has_run_is_given_also_to_code_that_is_to_stop() -> None:
    shelf = Shelf()
    shelf.attempt().context.step("done", int)
    attempt = shelf.attempt()
    attempt.stop.set()

    assert attempt.context.step("done", never) == 0


def test_a_step_of_a_job_that_belongs_to_somebody_else_is_not_stored() -> None:
    shelf = Shelf()
    shelf.is_ours = False

    with pytest.raises(Stopped):
        shelf.attempt().context.step("late", int)

    assert shelf.steps == {}


def test_threads_may_have_steps_of_their_own() -> None:
    shelf = Shelf()
    context = shelf.attempt().context
    together = threading.Barrier(4)

    def step(n: int) -> int:
        together.wait(10)
        return context.step(f"square {n}", lambda: n * n)

    with ThreadPoolExecutor(4) as pool:
        values = list(pool.map(step, range(4)))

    assert values == [0, 1, 4, 9]
    assert shelf.steps == {f"square {n}": str(n * n).encode() for n in range(4)}


def test_async_code_is_told_to_await_its_steps() -> None:
    context = Shelf().attempt().context

    async def fetch() -> int:
        return 1

    async def scenario() -> None:
        with pytest.raises(RuntimeError, match=r"await context\.astep\('fetch'"):
            context.step("fetch", int)

    asyncio.run(scenario())
    with pytest.raises(TypeError, match=r"await context\.astep\('fetch'"):
        _ = context.step("fetch", fetch)


def test_async_steps_run_side_by_side_and_once() -> None:
    shelf = Shelf()

    async def square(n: int) -> int:
        await asyncio.sleep(0)
        return n * n

    async def scenario() -> list[int]:
        context = shelf.attempt(halts=False).context
        return await asyncio.gather(*(context.astep(f"{n}", square, n) for n in range(3)))

    first, second = asyncio.run(scenario()), asyncio.run(scenario())

    assert first == second == [0, 1, 4]


def test_an_async_step_takes_a_function_that_is_not_async() -> None:
    shelf = Shelf()

    async def scenario() -> object:
        return await shelf.attempt(halts=False).context.astep("add", divmod, 7, 2)

    assert asyncio.run(scenario()) == [3, 1]


def test_outside_a_job_a_step_is_a_call() -> None:
    async def scenario() -> object:
        return await current().astep("add", divmod, 7, 2)

    values: list[object] = [current().step("add", divmod, 7, 2) for _ in range(2)]

    assert values == [[3, 1]] * 2
    assert asyncio.run(scenario()) == [3, 1]
