"""Draining: nothing new, patience, an interrupt, and nothing lost or charged."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any

import pytest

from offload.model import Cause, Outcome, State, Yielded
from offload.store.base import Effects, Workers
from offload.worker.care import care
from offload.worker.work import Work
from tests.support import eventually
from tests.worker.rigs import ThreadRig, VirtualRig, value

pytestmark = pytest.mark.slow


@pytest.mark.promise("P10")
def test_a_worker_that_drains_takes_nothing_new_and_lets_its_jobs_end(rig: VirtualRig) -> None:
    @rig.task
    async def nap() -> str:
        await asyncio.sleep(3)
        return "done"

    async def scenario() -> tuple[object, State, float]:
        async with rig.working() as worker:
            job = await rig.start("nap")
            await rig.until(job, State.RUNNING)
            draining = asyncio.create_task(worker.drain(10))
            await asyncio.sleep(0)
            late = await rig.start("nap")
            await draining
            return value(await rig.job(job)), (await rig.job(late)).state, rig.loop.time()

    done, late, ended_at = rig.run(scenario())

    assert (done, late) == ("done", State.QUEUED)
    assert 3 <= ended_at < 3.1


@pytest.mark.promise("L6")
def test_jobs_that_do_not_end_in_time_go_back_and_no_attempt_is_used(rig: VirtualRig) -> None:
    @rig.task
    async def nap() -> None:
        await asyncio.sleep(100)

    async def scenario() -> None:
        worker = rig.worker()
        working = asyncio.create_task(worker.run())
        job = await rig.start("nap")
        await rig.until(job, State.RUNNING)
        told_at = rig.loop.time()

        await worker.drain(5)
        await working

        assert rig.loop.time() - told_at <= 6.0
        back = await rig.job(job)
        assert (back.state, back.attempt) == (State.QUEUED, 0)
        assert (back.interrupts, back.crashes) == (1, 0)
        assert back.reason == "interrupted by a shutdown"
        assert await rig.kinds(job) == ["queued", "claimed", "interrupted"]
        assert await rig.mailbox.read_soon(Workers()) == []
        assert rig.locks.held == {}

    rig.run(scenario())


def test_a_job_whose_claim_is_on_its_way_when_draining_begins_is_interrupted(
    rig: VirtualRig,
) -> None:
    begun: list[str] = []

    @rig.task
    async def nap() -> None:
        begun.append("nap")
        await asyncio.sleep(100)

    async def scenario() -> None:
        worker = rig.worker()
        working = asyncio.create_task(worker.run())
        await asyncio.sleep(0.5)
        draining: list[asyncio.Task[None]] = []

        def drain_at_once(effects: Effects | None) -> None:
            """Be faster than the answer to the claim."""
            if effects is not None and effects.changed == (1,) and not draining:
                with rig.loop.as_strand(rig.process.main):
                    draining.append(rig.loop.create_task(worker.drain(0)))

        rig.bell.listen(drain_at_once)
        job = await rig.start("nap")
        await working
        await draining[0]

        back = await rig.job(job)
        assert back.state is State.QUEUED
        assert (back.interrupts, back.crashes) == (1, 0)
        assert await rig.mailbox.read_soon(Workers()) == []

    rig.run(scenario())


def test_a_second_drain_without_patience_ends_the_first_ones(rig: VirtualRig) -> None:
    @rig.task
    async def nap() -> None:
        await asyncio.sleep(100)

    async def scenario() -> float:
        worker = rig.worker()
        working = asyncio.create_task(worker.run())
        await rig.until(await rig.start("nap"), State.RUNNING)
        patient = asyncio.create_task(worker.drain(50))
        await asyncio.sleep(1)
        told_at = rig.loop.time()
        await worker.drain(0)
        await working
        await patient
        return rig.loop.time() - told_at

    assert rig.run(scenario()) <= 1.0


@pytest.mark.promise("L6")
@pytest.mark.parametrize("trouble", ["slow", "away"])
def test_draining_ends_in_time_though_the_database_does_not_answer(
    rig: VirtualRig, trouble: str
) -> None:
    @rig.task
    async def nap() -> None:
        await asyncio.sleep(100)

    async def scenario() -> float:
        worker = rig.worker()
        working = asyncio.create_task(worker.run())
        await rig.until(await rig.start("nap"), State.RUNNING)
        if trouble == "slow":
            rig.lag = 30.0
        else:
            rig.take_the_database_away()
        told_at = rig.loop.time()
        await worker.drain(2)
        await working
        return rig.loop.time() - told_at

    assert rig.run(scenario()) <= 3.0


@pytest.mark.promise("P10")
def test_code_that_cannot_be_stopped_is_left_and_its_job_is_given_back_when_the_process_is_gone(
    rig: VirtualRig,
) -> None:
    @rig.task
    async def stubborn() -> str:
        while True:
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                continue

    async def scenario() -> None:
        worker = rig.worker()
        working = rig.loop.create_task(worker.run())
        job = await rig.start("stubborn")
        await rig.until(job, State.RUNNING)
        told_at = rig.loop.time()

        await worker.drain(1)
        await working
        await care(rig.mailbox, rig.worker()._presence, rig.clock)

        assert rig.loop.time() - told_at <= 2.0
        left = await rig.job(job)
        assert (left.state, left.worker) == (State.RUNNING, worker.id)
        rig.locks.held.clear()
        await care(rig.mailbox, rig.worker()._presence, rig.clock)
        back = await rig.job(job)
        assert (back.state, back.attempt) == (State.QUEUED, 0)
        assert (back.interrupts, back.crashes) == (1, 0)

    rig.run(scenario())


def test_a_program_ends_though_a_coroutine_swallows_every_cancel(threads: ThreadRig) -> None:
    may_end = threading.Event()

    @threads.task
    async def stubborn() -> None:
        while not may_end.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.01)

    embedded = threads.work()
    job = threads.start("stubborn")
    eventually(lambda: threads.job(job).state is State.RUNNING)

    left = embedded.stop(0.0, 10.0)

    assert left == 1
    may_end.set()
    eventually(lambda: not embedded.is_alive, 5)


def test_a_thread_that_never_ends_keeps_its_job_owned(threads: ThreadRig) -> None:
    may_return = threading.Event()

    @threads.task
    def deaf() -> None:
        may_return.wait(20)

    embedded = threads.work()
    job = threads.start("deaf")
    eventually(lambda: threads.job(job).state is State.RUNNING)

    embedded.stop(0.0, 5.0)

    [worker] = threads.mailbox.read(Workers()).result(5)
    assert worker.stopping
    assert threads.presence.is_alive(worker)
    assert threads.job(job).worker == worker.id
    may_return.set()


def test_a_job_that_ends_while_draining_is_stored(
    make_rig: Callable[[int], VirtualRig],
) -> None:
    async def nap() -> str:
        await asyncio.sleep(1)
        return "done"

    async def scenario(rig: VirtualRig, seed: int) -> tuple[State, int]:
        worker = rig.worker()
        working = asyncio.create_task(worker.run())
        job = await rig.start("nap")
        await asyncio.sleep(0.992 + seed % 10 / 500)
        await worker.drain(0)
        await working
        found = await rig.job(job)
        return found.state, found.interrupts

    seen: set[Any] = set()
    for seed in range(30):
        rig = make_rig(seed)
        rig.task(nap)
        seen.add(rig.run(scenario(rig, seed)))

    assert seen == {(State.SUCCEEDED, 0), (State.QUEUED, 1)}


class _Elsewhere:
    """An executor whose work goes on elsewhere for ever.

    Attributes:
        closed_at: when it was told that its worker ends.
        causes: why its jobs were stopped.
    """

    def __init__(self, rig: VirtualRig) -> None:
        self._rig = rig
        self.causes: list[Cause | None] = []
        self.closed_at: list[float] = []

    async def run(self, work: Work) -> Outcome:
        stopped = asyncio.Event()
        work.stop.then(stopped.set)
        await work.wait(b"{}", self._rig.clock.now() + 1000)
        await stopped.wait()
        self.causes.append(work.stop.cause)
        return Yielded()

    async def close(self) -> None:
        self.closed_at.append(self._rig.loop.time())
        await asyncio.sleep(1000)


def test_what_waits_for_work_elsewhere_has_no_place_and_is_not_waited_for(rig: VirtualRig) -> None:
    rig.task(lambda: None, name="far", executor="thread")
    elsewhere = _Elsewhere(rig)

    async def scenario() -> tuple[float, list[State]]:
        worker = rig.worker(slots=1, executors={"thread": elsewhere})
        working = asyncio.create_task(worker.run())
        ids = await rig.start_many("far", 3)
        await rig.until(ids[-1], State.RUNNING)
        told_at = rig.loop.time()
        await worker.drain(50)
        await working
        return rig.loop.time() - told_at, [(await rig.job(job)).state for job in ids]

    seconds, states = rig.run(scenario())

    assert seconds <= 2.0
    assert states == [State.QUEUED] * 3
    assert elsewhere.causes == [Cause.INTERRUPT] * 3
    assert len(elsewhere.closed_at) == 1
