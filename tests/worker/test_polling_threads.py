"""Blocking checks on real threads: few of them, and nobody slow is in the way of the others."""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from offload.worker.polling import threads as crews
from offload.worker.polling.answer import Answer, NoAnswer, Raised, Returned
from offload.worker.polling.engine import Engine

pytestmark = pytest.mark.slow


async def until(what: Callable[[], object], seconds: float = 20.0) -> None:
    give_up_at = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < give_up_at, f"not within {seconds} s"
        await asyncio.sleep(0.005)


def test_ten_thousand_things_are_asked_on_a_flat_number_of_threads() -> None:
    async def scenario() -> tuple[int, int]:
        engine = Engine()
        times = [0] * 10_000
        most = 0

        def watch(thing: int) -> None:
            def check() -> None:
                times[thing] += 1

            engine.watch(check, lambda _: 0.5, first_after=thing / 20_000)

        for thing in range(len(times)):
            watch(thing)
        while min(times) < 2:
            most = max(most, engine.threads)
            await asyncio.sleep(0.02)
        await engine.close()
        return most, max(times)

    most, at_most_asked = asyncio.run(scenario())

    assert most <= 16
    assert at_most_asked < 40


def test_things_that_hang_or_are_slow_do_not_make_the_others_late() -> None:
    async def scenario() -> float:
        engine = Engine()
        release = threading.Event()
        late: list[float] = []

        def watch_fast() -> None:
            due = [engine.loop.time() + 0.05]

            def on_answer(_: Answer) -> float:
                late.append(engine.loop.time() - due[0])
                due[0] = engine.loop.time() + 0.05
                return 0.05

            engine.watch(lambda: None, on_answer, first_after=0.05, kind="fast")

        for _ in range(20):
            engine.watch(release.wait, lambda _: None, kind="hangs")
            engine.watch(lambda: time.sleep(0.05), lambda _: 0.05, kind="slow")
        for _ in range(200):
            watch_fast()
        await asyncio.sleep(0.3)
        late.clear()
        await until(lambda: len(late) > 4_000)
        release.set()
        await engine.close()
        return sorted(late)[len(late) // 2]

    median = asyncio.run(scenario())

    assert median < 0.1


def test_ninety_nine_that_block_at_once_are_all_asked() -> None:
    async def scenario() -> int:
        engine = Engine()
        release = threading.Event()
        blocked = threading.Semaphore(0)
        asked = 0

        def block() -> None:
            blocked.release()
            release.wait()

        for number in range(99):
            engine.watch(block, lambda _: None, kind=number)
        while asked < 99:
            asked += blocked.acquire(blocking=False)
            await asyncio.sleep(0.001)
        release.set()
        await engine.close()
        return asked

    assert asyncio.run(scenario()) == 99


def test_a_check_that_hangs_for_ever_counts_as_no_answer_and_holds_one_thread() -> None:
    async def scenario() -> tuple[list[Answer], int]:
        engine = Engine()
        release = threading.Event()
        answers: list[Answer] = []
        calls = 0

        def hang() -> str:
            nonlocal calls
            calls += 1
            release.wait()
            return "late"

        def on_answer(answer: Answer) -> float | None:
            answers.append(answer)
            return 0.05 if isinstance(answer, Raised) else None

        engine.watch(hang, on_answer, timeout=0.1)
        await until(lambda: len(answers) >= 3)
        asked = calls
        release.set()
        await until(lambda: isinstance(answers[-1], Returned))
        await engine.close()
        return answers, asked

    answers, asked = asyncio.run(scenario())

    assert asked == 1
    assert all(isinstance(a.error, NoAnswer) for a in answers if isinstance(a, Raised))
    assert answers[-1] == Returned("late")


def test_closing_takes_no_time_while_a_check_hangs() -> None:
    release = threading.Event()

    async def scenario() -> float:
        engine = Engine()
        began = threading.Event()

        def hang() -> None:
            began.set()
            release.wait()

        engine.watch(hang, lambda _: None)
        engine.watch(lambda: None, lambda _: 0.01)
        await until(began.is_set)
        began_at = time.monotonic()
        await engine.close()
        return time.monotonic() - began_at

    took = asyncio.run(scenario())
    release.set()

    assert took < 5


def test_threads_without_work_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crews, "IDLE_SECONDS", 0.05)

    async def scenario() -> int:
        engine = Engine()
        answers: list[Answer] = []

        engine.watch(lambda: None, answers.append)
        await until(lambda: answers)
        await until(lambda: engine.threads == 0)
        engine.watch(lambda: None, answers.append)
        await until(lambda: len(answers) == 2)
        await engine.close()
        return len(answers)

    assert asyncio.run(scenario()) == 2


def test_an_answer_to_a_loop_that_is_closed_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crews, "IDLE_SECONDS", 0.05)
    release = threading.Event()
    began = threading.Event()
    threads: list[threading.Thread] = []

    async def scenario() -> None:
        engine = Engine()

        def hang() -> None:
            threads.append(threading.current_thread())
            began.set()
            release.wait()

        engine.watch(hang, lambda _: None)
        await until(began.is_set)

    asyncio.run(scenario())
    release.set()
    threads[0].join(10)

    assert not threads[0].is_alive()
