"""How fast a job goes and when it is expected to end; a pause is no time at all."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from offload import current, verbs
from offload.model import JobOptions, Progress, State, Wish
from offload.worker.context import progress
from offload.worker.progressing.rate import Rate
from tests.worker.rigs import BY, VirtualRig

pytestmark = pytest.mark.slow


def rate_of(*ticks: tuple[float, float]) -> Rate:
    rate = Rate()
    for done, at in ticks:
        rate.note(done, at)
    return rate


def steady(per_second: float, seconds: Iterable[float]) -> list[tuple[float, float]]:
    return [(per_second * at, at) for at in seconds]


# --- the rate


def test_one_tick_tells_no_rate() -> None:
    assert rate_of().value() is None
    assert rate_of((5, 1)).value() is None


def test_two_ticks_tell_a_rate() -> None:
    assert rate_of((5, 10), (9, 12)).value() == pytest.approx(2)


def test_a_steady_rate_is_told_exactly_however_often_it_ticks() -> None:
    assert rate_of(*steady(3, (0, 0.25, 1, 7, 7.1, 60, 600))).value() == pytest.approx(3)


def test_what_was_long_ago_is_forgotten() -> None:
    slow = [(at, float(at)) for at in range(100)]
    fast = [(100 + 10 * at, 100 + at) for at in range(100)]

    assert rate_of(*slow, *fast).value() == pytest.approx(10, rel=0.01)


def test_one_slow_step_of_slow_steps_is_not_the_whole_truth() -> None:
    rate = rate_of((0, 0), (1, 300), (2, 600), (3, 2400)).value()

    assert rate is not None
    assert 1 / 1800 < rate < 1 / 300


def test_less_than_before_is_a_new_beginning() -> None:
    assert rate_of((0, 0), (50, 5), (0, 6)).value() is None
    assert rate_of((0, 0), (50, 5), (0, 6), (2, 7)).value() == pytest.approx(2)


@pytest.mark.parametrize("at", [10, 9])
def test_a_clock_that_stands_still_or_goes_back_spoils_nothing(at: float) -> None:
    rate = rate_of((0, 0), (10, 10), (11, at), (12, 12)).value()

    assert rate == pytest.approx(1, rel=0.01)


def test_an_end_is_told_from_a_second_on_or_from_two_percent() -> None:
    assert rate_of((0, 0), (1, 0.5)).left(100) is None
    assert rate_of((0, 0), (1, 1)).left(100) == pytest.approx(99)
    assert rate_of((0, 0), (2, 0.5)).left(100) == pytest.approx(24.5)


def test_what_has_more_than_all_has_nothing_left() -> None:
    assert rate_of((0, 0), (120, 10)).left(100) == 0


# --- of a job


async def seen(rig: VirtualRig, job: int, after: float) -> Progress:
    await asyncio.sleep(after)
    shown = (await rig.job(job)).progress
    assert shown is not None
    return shown


def test_a_running_job_has_a_rate_and_an_expected_end(rig: VirtualRig) -> None:
    @rig.task
    async def count() -> None:
        for _ in progress(range(100)):
            await asyncio.sleep(0.5)

    async def scenario() -> tuple[Progress, float, Any]:
        async with rig.working():
            job = await rig.start("count")
            began = rig.clock.now()
            return await seen(rig, job, 20), began, await rig.finished(job)

    shown, began, end = rig.run(scenario())

    assert shown.rate == pytest.approx(2, rel=0.05)
    assert shown.eta == pytest.approx(began + 50, abs=2)
    assert (end.progress.done, end.progress.rate) == (100, pytest.approx(2, rel=0.05))
    assert end.progress.eta is None


def test_before_the_first_tick_the_tasks_history_tells_the_end(rig: VirtualRig) -> None:
    @rig.task
    async def slow(seconds: float) -> None:
        for _ in progress([seconds]):
            await asyncio.sleep(seconds)

    async def scenario() -> tuple[Progress, Progress, float]:
        async with rig.working():
            first = await rig.start("slow", {"seconds": 1})
            unknown = await seen(rig, first, 0.6)
            await rig.finished(first)
            for seconds in (40, 20, 30):
                await rig.finished(await rig.start("slow", {"seconds": seconds}))
            await asyncio.sleep(600)
            began = rig.clock.now()
            return unknown, await seen(rig, await rig.start("slow", {"seconds": 60}), 5), began

    unknown, known, began = rig.run(scenario())

    assert (unknown.done, unknown.eta) == (0, None)
    assert (known.done, known.rate) == (0, None)
    assert known.eta == pytest.approx(began + 25, abs=1)  # the median of 1, 20, 30 and 40


def test_a_job_that_takes_longer_than_all_before_it_has_no_expected_end(rig: VirtualRig) -> None:
    @rig.task
    async def slow(seconds: float) -> None:
        current().progress(0, 2)
        await asyncio.sleep(seconds)
        current().progress(0, 2, "still there")
        await asyncio.sleep(1)

    async def scenario() -> Progress:
        async with rig.working():
            await rig.finished(await rig.start("slow", {"seconds": 1}))
            return await seen(rig, await rig.start("slow", {"seconds": 10}), 10.6)

    shown = rig.run(scenario())

    assert (shown.message, shown.eta) == ("still there", None)


def test_the_history_is_read_once_for_all_jobs_of_a_task(
    rig: VirtualRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    @rig.task
    async def silent() -> None:
        current().progress(0, 5)
        await asyncio.sleep(0.5)

    asked: list[str] = []
    read_soon = rig.mailbox.read_soon

    def count(query: Any) -> Any:
        asked.append(type(query).__name__)
        return read_soon(query)

    monkeypatch.setattr(rig.mailbox, "read_soon", count)

    async def scenario() -> None:
        async with rig.working(slots=5):
            for job in await rig.start_many("silent", 50):
                await rig.finished(job)

    rig.run(scenario())

    assert asked.count("List") == 1


def test_a_pause_is_no_time_at_all(rig: VirtualRig) -> None:
    @rig.task
    async def count() -> None:
        for _ in progress(range(100)):
            await asyncio.sleep(1)

    async def ask(job: int, wish: Wish) -> None:
        await rig.perform(verbs.request(job, wish, rig.clock.now, BY))

    async def scenario() -> tuple[Progress, Any, Progress, float]:
        async with rig.working():
            job = await rig.start("count")
            before = await seen(rig, job, 20.5)
            await ask(job, Wish.PAUSE)
            paused = await rig.until(job, State.PAUSED)
            await asyncio.sleep(1000)
            await ask(job, Wish.RESUME)
            await rig.until(job, State.RUNNING)
            return before, paused, await seen(rig, job, 3), rig.clock.now()

    before, paused, after, now = rig.run(scenario())

    assert before.rate == pytest.approx(1, rel=0.1)
    assert (paused.progress.rate, paused.progress.eta) == (before.rate, None)
    assert after.rate == pytest.approx(1, rel=0.1)
    assert after.eta == pytest.approx(now + 77, abs=3)


def test_what_an_earlier_attempt_has_done_does_not_count_into_the_rate(rig: VirtualRig) -> None:
    @rig.task
    async def count() -> None:
        is_first = current().attempt == 1
        for item in current().iterate(range(1000)):
            if is_first and item == 500:
                raise ValueError
            await asyncio.sleep(0.01 if is_first else 1)

    async def scenario() -> Progress:
        async with rig.working():
            job = await rig.start("count", options=JobOptions(retries=1))
            return await seen(rig, job, 60)

    shown = rig.run(scenario())

    assert shown.done > 500
    assert shown.rate == pytest.approx(1, rel=0.1)


def test_a_word_that_counts_something_else_begins_anew(rig: VirtualRig) -> None:
    @rig.task
    async def two() -> None:
        for unit, each in (("MB", 0.01), ("file", 1)):
            for done in range(100):
                current().progress(done + (unit == "file") * 100, 200, unit=unit)
                await asyncio.sleep(each)

    async def scenario() -> Progress:
        async with rig.working():
            return await seen(rig, await rig.start("two"), 6)

    assert rig.run(scenario()).rate == pytest.approx(1, rel=0.1)
