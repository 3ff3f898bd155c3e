"""The engine on virtual time: what is asked when, how often, and never twice at once."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from offload.testing import VirtualLoop
from offload.worker.polling import engine as engines
from offload.worker.polling.answer import Answer, NoAnswer, Raised, Returned
from offload.worker.polling.engine import Engine
from tests.worker.polled import Diary, VirtualHands


def run(scenario: Coroutine[Any, Any, None]) -> None:
    loop = VirtualLoop()
    try:
        loop.run_until_complete(loop.process("the worker").spawn(scenario))
    finally:
        loop.end()


def test_each_thing_is_asked_at_its_own_interval() -> None:
    async def scenario() -> None:
        engine = Engine(VirtualHands())
        often, seldom = Diary(engine), Diary(engine)

        often.watch(2.0)
        seldom.watch(5.0, first_after=1.0)
        await asyncio.sleep(11.5)

        assert often.asked_at == pytest.approx([0, 2, 4, 6, 8, 10], abs=0.1)
        assert seldom.asked_at == pytest.approx([1, 6, 11], abs=0.1)

    run(scenario())


def test_a_thing_is_not_asked_again_before_it_has_answered() -> None:
    async def scenario() -> None:
        engine = Engine(VirtualHands(lambda: 7.0))
        diary = Diary(engine)

        diary.watch(2.0)
        await asyncio.sleep(20)

        assert diary.asked_at == pytest.approx([7, 16], abs=0.1)

    run(scenario())


def test_the_watcher_says_when_to_ask_again_and_when_never() -> None:
    async def scenario() -> None:
        engine = Engine(VirtualHands())
        asked_at: list[float] = []
        waits = iter([1.0, 10.0, None])

        engine.watch(lambda: asked_at.append(engine.loop.time()), lambda _: next(waits))
        await asyncio.sleep(60)

        assert asked_at == pytest.approx([0, 1, 11], abs=0.1)

    run(scenario())


def test_what_is_cancelled_is_never_asked_again_and_its_answer_is_dropped() -> None:
    async def scenario() -> None:
        engine = Engine(VirtualHands(lambda: 3.0))
        planned, asked = Diary(engine), Diary(engine)
        later = planned.watch(1.0, first_after=5.0)
        now = asked.watch(1.0)
        await asyncio.sleep(1)

        later.cancel()
        now.cancel()
        is_settled_at_once = await now.settle(1.0)
        is_settled_then = await now.settle(5.0)
        await asyncio.sleep(20)

        assert (planned.asked_at, planned.answers, asked.answers) == ([], [], [])
        assert not is_settled_at_once
        assert is_settled_then

    run(scenario())


def test_something_can_be_asked_earlier_than_planned() -> None:
    async def scenario() -> None:
        engine = Engine(VirtualHands())
        diary = Diary(engine)
        watch = diary.watch(100.0, first_after=100.0)

        watch.ask_in(1.0)
        await asyncio.sleep(50)

        assert diary.asked_at == pytest.approx([1], abs=0.1)

    run(scenario())


def test_what_a_check_raises_is_an_answer() -> None:
    async def scenario() -> None:
        engine = Engine(VirtualHands())
        diary = Diary(engine)

        def refuse() -> None:
            raise ConnectionError("no route")

        diary.watch(2.0, refuse)
        await asyncio.sleep(3)

        assert [type(answer) for answer in diary.answers] == [Raised, Raised]

    run(scenario())


def test_a_coroutine_is_asked_on_the_loop_without_hands() -> None:
    async def scenario() -> None:
        engine = Engine(VirtualHands(lambda: 1e9))
        answers: list[Answer] = []

        async def check() -> str:
            await asyncio.sleep(0.5)
            return "here"

        def on_answer(answer: Answer) -> float:
            answers.append(answer)
            return 2.0

        engine.watch(check, on_answer)
        await asyncio.sleep(3.5)

        assert answers == [Returned("here"), Returned("here")]

    run(scenario())


def test_a_coroutine_that_hangs_is_ended_and_counts_as_no_answer() -> None:
    async def scenario() -> None:
        engine = Engine(VirtualHands())
        answers: list[Answer] = []
        ended_at: list[float] = []

        async def hang() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended_at.append(engine.loop.time())

        engine.watch(hang, answers.append, timeout=10.0)
        await asyncio.sleep(60)

        assert [str(answer.error) for answer in answers if isinstance(answer, Raised)] == [
            "the check has not answered for 10 s"
        ]
        assert ended_at == pytest.approx([10], abs=0.1)

    run(scenario())


def test_a_timeout_of_the_checks_own_is_its_own_error() -> None:
    async def scenario() -> None:
        engine = Engine(VirtualHands())
        answers: list[Answer] = []

        async def impatient() -> None:
            async with asyncio.timeout(1.0):
                await asyncio.Event().wait()

        engine.watch(impatient, answers.append)
        await asyncio.sleep(60)

        [answer] = answers
        assert isinstance(answer, Raised)
        assert isinstance(answer.error, TimeoutError)
        assert not isinstance(answer.error, NoAnswer)

    run(scenario())


def test_coroutines_on_the_loop_are_bounded_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "MOST_AWAITED", 3)

    async def scenario() -> None:
        engine = Engine(VirtualHands())
        running, most, asked = 0, 0, 0

        async def check() -> None:
            nonlocal running, most, asked
            asked += 1
            running += 1
            most = max(most, running)
            await asyncio.sleep(1.0)
            running -= 1

        for _ in range(10):
            engine.watch(check, lambda _: None)
        await asyncio.sleep(60)

        assert (most, asked) == (3, 10)

    run(scenario())


def test_a_closed_engine_asks_nothing_and_ends_coroutines() -> None:
    async def scenario() -> None:
        hands = VirtualHands()
        engine = Engine(hands)
        diary = Diary(engine)
        diary.watch(1.0, first_after=0.5)
        ended = asyncio.Event()

        async def hang() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        engine.watch(hang, lambda _: None)
        await asyncio.sleep(0.1)

        await engine.close()
        await asyncio.sleep(60)

        assert ended.is_set()
        assert hands.is_closed
        assert diary.asked_at == []

    run(scenario())


def test_a_fault_of_who_takes_the_answer_leaves_nothing_unasked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        engine = Engine(VirtualHands())
        answers: list[Answer] = []

        def on_answer(answer: Answer) -> float | None:
            answers.append(answer)
            if len(answers) == 1:
                raise AssertionError("a fault")
            return None

        engine.watch(lambda: 1, on_answer)
        await asyncio.sleep(100)

        assert answers == [Returned(1), Returned(1)]

    run(scenario())
    assert "an answer could not be taken" in caplog.text
