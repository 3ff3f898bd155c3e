"""Handles of one task, asked about together, on virtual time."""

import asyncio
import math
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from offload.testing import VirtualLoop
from offload.worker.polling.answer import Answer, Raised, Returned
from offload.worker.polling.batches import Batches, Member
from offload.worker.polling.engine import Engine
from tests.worker.polled import VirtualHands

INTERVAL = 10.0


def run(scenario: Coroutine[Any, Any, None]) -> None:
    loop = VirtualLoop()
    try:
        loop.run_until_complete(loop.process("the worker").spawn(scenario))
    finally:
        loop.end()


class Remote:
    """The other side: it notes who asks about what, and when."""

    def __init__(
        self,
        limit: int,
        *,
        answer: Callable[[list[int]], Any] = lambda handles: handles,
        seconds: float = 0.0,
    ) -> None:
        self.engine = Engine(VirtualHands(lambda: seconds))
        self.calls: list[list[int]] = []
        self.called_at: list[float] = []
        self.answers: dict[int, list[Answer]] = {}
        self._answer = answer
        self.batches = self.made(limit, self._check_many, is_async=False)

    def made(self, limit: int, check_many: Callable[[list[Any]], Any], is_async: bool) -> Batches:
        return Batches(
            self.engine,
            check_many,
            limit=limit,
            interval=INTERVAL,
            timeout=60.0,
            is_async=is_async,
            kind="remote",
        )

    def watch(self, handle: int, first_after: float = INTERVAL, every: Any = INTERVAL) -> Member:
        answers = self.answers[handle] = []

        def on_answer(answer: Answer) -> float | None:
            answers.append(answer)
            wait: float | None = every(answer) if callable(every) else every
            return wait

        return self.batches.watch(handle, on_answer, first_after=first_after)

    def _check_many(self, handles: list[int]) -> Any:
        self.calls.append(handles)
        self.called_at.append(self.engine.loop.time())
        return self._answer(handles)


@pytest.mark.parametrize("count", [1, 99, 100, 101, 1_000])
def test_a_round_takes_no_more_calls_than_it_must(count: int) -> None:
    async def scenario() -> None:
        remote = Remote(100)

        for handle in range(count):
            remote.watch(handle)
            await asyncio.sleep(INTERVAL / count / 2)
        remote.calls.clear()
        await asyncio.sleep(INTERVAL * 10)

        assert len(remote.calls) <= math.ceil(count / 100) * 11
        asked = [handle for call in remote.calls for handle in call]
        assert all(asked.count(handle) >= 9 for handle in range(0, count, 50))
        assert max(map(len, remote.calls)) <= 100

    run(scenario())


def test_an_answer_that_takes_a_while_costs_no_round() -> None:
    async def scenario() -> None:
        remote = Remote(100, seconds=0.4)
        remote.watch(1)

        await asyncio.sleep(INTERVAL * 5 + 1)

        assert remote.called_at == pytest.approx([10.4, 20.4, 30.4, 40.4, 50.4], abs=0.1)

    run(scenario())


def test_calls_are_made_one_after_the_other() -> None:
    async def scenario() -> None:
        remote = Remote(2, seconds=1.0)

        for handle in range(6):
            remote.watch(handle)
        await asyncio.sleep(INTERVAL + 5)

        assert remote.calls == [[0, 1], [2, 3], [4, 5]]
        assert remote.called_at == pytest.approx([11, 12, 13], abs=0.1)

    run(scenario())


def test_each_handle_gets_its_own_answer() -> None:
    async def scenario() -> None:
        remote = Remote(10, answer=lambda handles: [handle * 2 for handle in handles])

        for handle in range(3):
            remote.watch(handle, every=None)
        await asyncio.sleep(INTERVAL + 1)

        assert remote.answers == {0: [Returned(0)], 1: [Returned(2)], 2: [Returned(4)]}

    run(scenario())


def test_an_exception_in_the_list_is_the_answer_of_one() -> None:
    async def scenario() -> None:
        error = ConnectionError("gone")
        remote = Remote(10, answer=lambda handles: [error, None])

        remote.watch(0, every=None)
        remote.watch(1, every=None)
        await asyncio.sleep(INTERVAL + 1)

        assert remote.answers == {0: [Raised(error)], 1: [Returned(None)]}

    run(scenario())


def test_an_exception_that_is_raised_is_everybodys() -> None:
    async def scenario() -> None:
        error = ConnectionError("gone")

        def refuse(handles: list[int]) -> None:
            raise error

        remote = Remote(10, answer=refuse)
        remote.watch(0, every=None)
        remote.watch(1, every=None)
        await asyncio.sleep(INTERVAL + 1)

        assert remote.answers == {0: [Raised(error)], 1: [Raised(error)]}

    run(scenario())


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([None], "it returned 1 answers"),
        (None, "it returned None"),
        ("ab", "it returned 'ab'"),
        ({0: None, 1: None}, "it returned {0: None, 1: None}"),
    ],
)
def test_answers_that_fit_no_handles_are_refused(value: object, words: str) -> None:
    async def scenario() -> None:
        remote = Remote(10, answer=lambda handles: value)
        remote.watch(0, every=None)
        remote.watch(1, every=None)
        await asyncio.sleep(INTERVAL + 1)

        [answer] = remote.answers[0]
        assert isinstance(answer, Raised)
        assert "given 2 handles and has to return a list" in str(answer.error)
        assert words in str(answer.error)

    run(scenario())


def test_answers_may_come_from_a_generator() -> None:
    async def scenario() -> None:
        remote = Remote(10, answer=lambda handles: (handle for handle in handles))
        remote.watch(7, every=None)
        await asyncio.sleep(INTERVAL + 1)

        assert remote.answers == {7: [Returned(7)]}

    run(scenario())


def test_a_longer_wait_is_kept_to_the_next_line_after_it() -> None:
    async def scenario() -> None:
        remote = Remote(10)
        waits = iter([25.0, 10.0])
        remote.watch(1, every=lambda _: next(waits, None))

        await asyncio.sleep(INTERVAL * 6)

        assert remote.called_at == pytest.approx([10, 40, 50], abs=0.1)

    run(scenario())


def test_who_is_adopted_is_asked_within_a_second_of_when_it_wished() -> None:
    async def scenario() -> None:
        remote = Remote(100)
        remote.watch(0)

        for handle in range(1, 50):
            remote.watch(handle, first_after=3.0 + handle / 100)
        await asyncio.sleep(5)

        assert remote.called_at == pytest.approx([4], abs=0.1)

    run(scenario())


def test_a_handle_that_is_cancelled_is_asked_about_no_more() -> None:
    async def scenario() -> None:
        remote = Remote(10)
        member = remote.watch(1)
        remote.watch(2)
        await asyncio.sleep(INTERVAL + 1)

        member.cancel()
        await asyncio.sleep(INTERVAL)

        assert remote.calls == [[1, 2], [2]]
        assert len(remote.answers[1]) == 1

    run(scenario())


def test_a_coroutine_function_is_asked_on_the_loop() -> None:
    async def scenario() -> None:
        remote = Remote(10)

        async def check_many(handles: list[int]) -> list[int]:
            await asyncio.sleep(0.1)
            return handles

        remote.batches = remote.made(10, check_many, is_async=True)
        remote.watch(1, every=None)
        await asyncio.sleep(INTERVAL + 1)

        assert remote.answers == {1: [Returned(1)]}

    run(scenario())


def test_a_call_that_hangs_is_no_answer_for_anybody_and_is_not_repeated() -> None:
    async def scenario() -> None:
        remote = Remote(10)
        calls = 0

        async def hang(handles: list[int]) -> None:
            nonlocal calls
            calls += 1
            await asyncio.Event().wait()

        remote.batches = remote.made(10, hang, is_async=True)
        remote.watch(1, every=None)
        remote.watch(2, every=None)
        await asyncio.sleep(300)

        assert calls == 1
        assert [type(answer) for answer in remote.answers[1] + remote.answers[2]] == [Raised] * 2

    run(scenario())
