"""When the database does not answer: nothing finished is lost, and the log stays readable."""

import asyncio
import logging

import pytest

from offload.errors import StoreUnavailable
from offload.model import State
from offload.worker.context import current
from tests.worker.rigs import VirtualRig, value


@pytest.mark.promise("L4")
def test_what_finished_during_an_outage_is_stored_after_it(rig: VirtualRig) -> None:
    runs: list[int] = []

    @rig.task
    async def nap() -> str:
        runs.append(1)
        await asyncio.sleep(2)
        current().progress(7, 10)
        return "done"

    async def scenario() -> None:
        job = await rig.start("nap")
        async with rig.working():
            await rig.until(job, State.RUNNING)
            rig.take_the_database_away()
            await asyncio.sleep(20)
            rig.bring_the_database_back()
            back_at = rig.loop.time()
            found = await rig.finished(job)
            assert value(found) == "done"
            assert found.progress is not None
            assert found.progress.done == 7
            assert rig.loop.time() - back_at <= 5.1

    rig.run(scenario())

    assert runs == [1]


@pytest.mark.promise("L4")
def test_work_goes_on_after_an_outage(rig: VirtualRig) -> None:
    @rig.task
    async def task() -> None: ...

    async def scenario() -> float:
        async with rig.working():
            await asyncio.sleep(1)
            rig.take_the_database_away()
            await asyncio.sleep(60)
            rig.bring_the_database_back()
            job = await rig.start("task")
            asked_at = rig.loop.time()
            await rig.finished(job)
            return rig.loop.time() - asked_at

    assert rig.run(scenario()) <= 10.0


@pytest.mark.promise("L5")
@pytest.mark.parametrize("pattern", ["away", "flapping"])
def test_an_outage_writes_at_most_a_line_a_second(
    rig: VirtualRig, caplog: pytest.LogCaptureFixture, pattern: str
) -> None:
    @rig.task
    async def task() -> None: ...

    async def scenario() -> None:
        async with rig.working():
            await rig.start_many("task", 5, run_at=rig.clock.now() + 1)
            for _ in range(200):
                rig.take_the_database_away()
                await asyncio.sleep(0.08)
                if pattern == "flapping":
                    rig.bring_the_database_back()
                await asyncio.sleep(0.02)
            rig.bring_the_database_back()

    with caplog.at_level(logging.INFO, logger="offload"):
        rig.run(scenario())

    assert 1 <= len(caplog.records) <= 21


def test_a_worker_that_cannot_enter_lets_go_of_its_lock(rig: VirtualRig) -> None:
    async def scenario() -> None:
        rig.take_the_database_away()

        with pytest.raises(StoreUnavailable):
            await rig.worker().run()

        assert rig.locks.held == {}

    rig.run(scenario())


def test_a_worker_that_has_entered_works_though_its_first_look_failed(rig: VirtualRig) -> None:
    @rig.task
    async def task() -> str:
        return "done"

    async def scenario() -> object:
        job = await rig.start("task")
        rig.decide("Promote", "refused")
        async with rig.working():
            return value(await rig.finished(job))

    assert rig.run(scenario()) == "done"


def test_a_fault_of_ours_in_a_round_of_care_is_said_and_does_not_end_care(
    rig: VirtualRig, caplog: pytest.LogCaptureFixture
) -> None:
    @rig.task
    async def task() -> str:
        return "done"

    async def scenario() -> object:
        async with rig.working():
            await asyncio.sleep(1.5)
            rig.locks.trouble = ValueError("a fault of ours")
            await asyncio.sleep(5)
            rig.locks.trouble = None
            return value(await rig.finished(await rig.start("task", queue="new")))

    assert rig.run(scenario()) == "done"
    assert "a fault of ours" in caplog.text
