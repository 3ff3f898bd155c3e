"""A job that is put off begins at its moment, not at the next look round."""

import asyncio

import pytest

from offload.backoff import Backoff
from offload.model import JobOptions
from tests.worker.rigs import VirtualRig


@pytest.mark.promise("S20")
@pytest.mark.promise("L1")
def test_a_delayed_job_begins_when_it_is_due(rig: VirtualRig) -> None:
    begun: list[float] = []

    @rig.task
    async def note() -> None:
        begun.append(rig.clock.now())

    async def scenario() -> list[float]:
        async with rig.working():
            await asyncio.sleep(0.01)  # by then it listens
            due = [rig.clock.now() + seconds for seconds in (0.35, 0.15, 2.25)]
            jobs = [await rig.start("note", run_at=at) for at in due]
            for job in jobs:
                await rig.finished(job)
        return sorted(due)

    due = rig.run(scenario())

    late = [at - wanted for at, wanted in zip(begun, due, strict=True)]
    assert all(-1e-6 <= seconds <= 1.0 for seconds in late)
    assert late[0] < 0.01


def test_a_short_backoff_is_as_long_as_it_says(rig: VirtualRig) -> None:
    begun: list[float] = []

    @rig.task
    async def flaky() -> None:
        begun.append(rig.clock.now())
        raise OSError("no")

    async def scenario() -> None:
        options = JobOptions(retries=1, backoff=Backoff.fixed(0.1))
        async with rig.working():
            await rig.finished(await rig.start("flaky", options=options))

    rig.run(scenario())

    first, second = begun
    assert second - first == pytest.approx(0.1, abs=0.01)


def test_a_store_that_is_away_at_that_moment_makes_it_late_and_no_more(rig: VirtualRig) -> None:
    begun: list[float] = []

    @rig.task
    async def note() -> None:
        begun.append(rig.clock.now())

    async def scenario() -> None:
        async with rig.working():
            job = await rig.start("note", run_at=rig.clock.now() + 0.1)
            rig.take_the_database_away()
            await asyncio.sleep(0.5)
            rig.bring_the_database_back()
            await rig.finished(job)

    rig.run(scenario())

    assert len(begun) == 1
