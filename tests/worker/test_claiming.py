"""Which jobs a worker takes: no more than its slots, only what it knows, in the right order."""

import asyncio

import pytest

from offload.model import State
from tests.worker.rigs import VirtualRig


def test_a_worker_runs_no_more_jobs_than_it_has_slots(rig: VirtualRig) -> None:
    running, most = 0, 0

    @rig.task
    async def nap() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(1)
        running -= 1

    async def scenario() -> int:
        ids = await rig.start_many("nap", 10)
        async with rig.working(slots=3) as worker:
            while not (await rig.job(ids[-1])).is_finished:
                assert worker.running <= 3
                await asyncio.sleep(0.1)
        return len([job for job in ids if (await rig.job(job)).state is State.SUCCEEDED])

    assert rig.run(scenario()) == 10
    assert most == 3


def test_a_slot_that_is_free_again_is_filled_at_once(rig: VirtualRig) -> None:
    begun: list[float] = []

    @rig.task
    async def nap() -> None:
        begun.append(rig.loop.time())
        await asyncio.sleep(1)

    async def scenario() -> None:
        ids = await rig.start_many("nap", 3)
        async with rig.working(slots=1):
            await rig.finished(ids[-1])

    rig.run(scenario())

    assert begun == [0.0, 1.0, 2.0]


def test_a_worker_takes_only_tasks_that_it_knows(rig: VirtualRig) -> None:
    @rig.task
    async def known() -> None: ...

    async def scenario() -> tuple[State, State]:
        unknown, job = await rig.start("unknown"), await rig.start("known")
        async with rig.working():
            await rig.finished(job)
            await asyncio.sleep(5)
            return (await rig.job(unknown)).state, (await rig.job(job)).state

    assert rig.run(scenario()) == (State.QUEUED, State.SUCCEEDED)


def test_a_worker_of_some_queues_takes_from_no_other(rig: VirtualRig) -> None:
    @rig.task
    async def task() -> None: ...

    async def scenario() -> tuple[State, State]:
        other, served = await rig.start("task", queue="a"), await rig.start("task", queue="b")
        async with rig.working(queues=("b",)):
            await rig.finished(served)
            await asyncio.sleep(5)
            return (await rig.job(other)).state, (await rig.job(served)).state

    assert rig.run(scenario()) == (State.QUEUED, State.SUCCEEDED)


@pytest.mark.promise("S14")
def test_higher_priority_goes_first_and_then_the_older(rig: VirtualRig) -> None:
    order: list[int] = []

    @rig.task
    async def note(n: int) -> None:
        order.append(n)

    async def scenario() -> None:
        for n, priority in enumerate([0, 5, 0, 5, -5]):
            last = await rig.start("note", {"n": n}, priority=priority)
        async with rig.working(slots=1):
            await rig.finished(last)

    rig.run(scenario())

    assert order == [1, 3, 0, 2, 4]


@pytest.mark.promise("L1")
def test_a_queue_that_is_new_is_served_within_a_second(rig: VirtualRig) -> None:
    begun: list[float] = []

    @rig.task
    async def task() -> None:
        begun.append(rig.loop.time())

    async def scenario() -> float:
        async with rig.working():
            await asyncio.sleep(10.05)
            asked_at = rig.loop.time()
            await rig.finished(await rig.start("task", queue="never seen"))
        return asked_at

    asked_at = rig.run(scenario())

    assert begun[0] - asked_at <= 1.0


@pytest.mark.promise("S20")
def test_a_job_that_is_due_later_begins_when_it_is_due(rig: VirtualRig) -> None:
    begun: list[float] = []

    @rig.task
    async def task() -> None:
        begun.append(rig.loop.time())

    async def scenario() -> None:
        async with rig.working():
            await rig.finished(await rig.start("task", run_at=rig.clock.now() + 30.5))

    rig.run(scenario())

    assert 30.5 <= begun[0] <= 31.5


@pytest.mark.promise("S12")
def test_two_workers_share_the_work_and_respect_a_limit(rig: VirtualRig) -> None:
    running, most, by = 0, 0, set[int | None]()

    @rig.task
    async def nap() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(1)
        running -= 1

    async def scenario() -> None:
        await rig.set_queue("default", limit=3)
        ids = await rig.start_many("nap", 12)
        async with rig.working(slots=2), rig.working(slots=2):
            for job in ids:
                await rig.finished(job)
                by.update(event.worker for event in await rig.history(job))

    rig.run(scenario())

    assert most == 3
    assert by == {None, 1, 2}


@pytest.mark.parametrize("limit", [None, 1])
def test_a_job_alone_takes_three_transactions(rig: VirtualRig, limit: int | None) -> None:
    @rig.task
    async def task() -> None: ...

    async def scenario() -> list[list[str]]:
        await rig.set_queue("default", limit=limit)
        async with rig.working():
            await rig.finished(await rig.start("task"))
            await asyncio.sleep(0.3)
            rig.store.history.clear()
            await rig.finished(await rig.start("task"))
            await asyncio.sleep(0.3)
            return list(rig.store.history)

    assert rig.run(scenario()) == [["Insert"], ["Claim"], ["Apply", "Claim"]]


@pytest.mark.promise("L1")
def test_a_start_that_shares_a_transaction_with_an_end_is_not_overlooked(rig: VirtualRig) -> None:
    begun: list[float] = []

    @rig.task
    async def nap() -> None:
        begun.append(rig.loop.time())
        await asyncio.sleep(0.25)

    async def scenario() -> None:
        async with rig.working():
            await asyncio.sleep(0.1)
            await rig.start("nap")
            rig.lag = 0.05  # what arrives during it shares a transaction
            await asyncio.sleep(0.27)
            second = await rig.start("nap")
            assert any({"Insert", "Apply", "Claim"} == set(kinds) for kinds in rig.store.history)
            await rig.finished(second)

    rig.run(scenario())

    assert begun[1] - begun[0] < 0.5
