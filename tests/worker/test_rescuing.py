"""What becomes of a job whose worker dies, seems dead, or forgot it."""

import asyncio
import shutil
import threading
from pathlib import Path

import pytest

from offload.model import FINISHED, Job, State
from offload.store.base import Owned, Workers
from offload.testing import Process
from offload.worker.executors import Executor
from offload.worker.executors.coroutine import CoroutineExecutor
from offload.worker.worker import Worker
from tests.support import eventually
from tests.worker.rigs import ThreadRig, VirtualRig, value


class Crashing:
    """A worker in a process of its own, which can be killed."""

    def __init__(self, rig: VirtualRig, name: str) -> None:
        self.process: Process = rig.loop.process(name)
        self.rig = rig
        self.worker: Worker = rig.worker(process=self.process)
        self.process.spawn(self.worker.run())

    def crash(self) -> None:
        """Kill it: no further step, and the kernel releases its lock."""
        self.process.crash()
        self.rig.locks.release(self.process)


@pytest.mark.promise("L2")
@pytest.mark.promise("S19")
def test_the_jobs_of_a_dead_worker_are_back_within_two_seconds(rig: VirtualRig) -> None:
    @rig.task
    async def nap() -> str:
        await asyncio.sleep(5)
        return "done"

    async def scenario() -> Job:
        first = Crashing(rig, "first")
        job = await rig.start("nap")
        await rig.until(job, State.RUNNING)
        async with rig.working():
            first.crash()
            await asyncio.sleep(2.0)
            assert "rescued" in await rig.kinds(job)
            return await rig.finished(job)

    job = rig.run(scenario())

    assert value(job) == "done"
    assert (job.attempt, job.crashes, job.interrupts) == (1, 1, 0)


@pytest.mark.promise("S19")
def test_a_job_that_takes_three_workers_with_it_is_not_tried_again(rig: VirtualRig) -> None:
    workers: list[Crashing] = []

    @rig.task
    async def deadly() -> None:
        workers[-1].crash()
        await asyncio.sleep(1)

    async def scenario() -> Job:
        job = await rig.start("deadly")
        for number in range(4):
            workers.append(Crashing(rig, f"w{number}"))
            await asyncio.sleep(3)
        return await rig.until(job, *FINISHED)

    job = rig.run(scenario())

    assert job.error is not None
    assert job.error.code == "crash-loop"
    assert job.crashes == 3


@pytest.mark.promise("P4")
def test_a_cancelled_job_whose_worker_dies_is_cancelled(rig: VirtualRig) -> None:
    @rig.task
    async def slow_to_stop() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(100)

    async def scenario() -> Job:
        first = Crashing(rig, "first")
        job = await rig.start("slow_to_stop")
        await rig.until(job, State.RUNNING)
        await rig.cancel(job)
        await asyncio.sleep(1)
        first.crash()
        async with rig.working():
            return await rig.finished(job)

    job = rig.run(scenario())

    assert (job.state, job.crashes) == (State.CANCELLED, 0)


@pytest.mark.promise("S4")
@pytest.mark.promise("P2")
def test_a_worker_that_is_taken_for_dead_changes_nothing_and_begins_anew(rig: VirtualRig) -> None:
    @rig.task
    async def nap() -> None:
        await asyncio.sleep(3)

    async def scenario() -> None:
        zombie = Crashing(rig, "zombie")
        job = await rig.start("nap")
        await rig.until(job, State.RUNNING)
        struck_off = zombie.worker.id
        rig.locks.release(zombie.process)  # its lock file was removed
        async with rig.working() as other:
            found = await rig.finished(job)
            await asyncio.sleep(10)

            assert (found.state, found.crashes) == (State.SUCCEEDED, 1)
            assert zombie.worker.id not in {struck_off, other.id}
            assert zombie.worker.running == 0
            jobs = [await rig.start("nap") for _ in range(5)]
            for each in jobs:
                assert (await rig.finished(each)).crashes == 0

    rig.run(scenario())


def test_a_worker_alone_that_seems_dead_runs_its_job_again_and_stays_whole(
    rig: VirtualRig,
) -> None:
    running, most = 0, 0

    @rig.task
    async def nap() -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            await asyncio.sleep(4)
        finally:
            running -= 1
        return "done"

    async def scenario() -> Job:
        alone = Crashing(rig, "alone")
        job = await rig.start("nap")
        await rig.until(job, State.RUNNING)
        rig.locks.release(alone.process)
        found = await rig.finished(job)
        await asyncio.sleep(5)
        assert alone.worker.running == 0
        assert value(await rig.finished(await rig.start("nap"))) == "done"
        return found

    assert value(rig.run(scenario())) == "done"
    assert most == 1


@pytest.mark.promise("S4")
def test_code_whose_lease_is_lost_is_stopped(rig: VirtualRig) -> None:
    stopped_at: list[float] = []

    @rig.task
    async def nap() -> None:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            stopped_at.append(rig.loop.time())
            raise

    async def scenario() -> None:
        job = await rig.start("nap")
        async with rig.working(lease=3.0):
            await rig.until(job, State.RUNNING)
            rig.execute("update job set worker = 77, token = token + 1 where id = ?", job)
            await asyncio.sleep(5)

    rig.run(scenario())

    assert stopped_at[0] <= 3.1


def test_a_claim_whose_answer_was_lost_goes_back_after_two_renewals(rig: VirtualRig) -> None:
    @rig.task
    async def nap() -> str:
        return "done"

    async def scenario() -> Job:
        await rig.set_queue("default")
        async with rig.working(lease=3.0) as worker:
            await asyncio.sleep(0.5)
            rig.decide("Claim", "stored, unseen")
            job = await rig.start("nap")
            await asyncio.sleep(0.4)
            [stray] = await rig.mailbox.read_soon(Owned(worker.id))
            assert stray.id == job
            return await rig.finished(job)

    job = rig.run(scenario())

    assert value(job) == "done"
    assert (job.attempt, job.crashes, job.interrupts) == (1, 0, 1)


def test_a_stray_that_is_cancelled_meanwhile_is_cancelled(rig: VirtualRig) -> None:
    @rig.task
    async def nap() -> None: ...

    async def scenario() -> State:
        await rig.set_queue("default")
        async with rig.working(lease=3.0):
            await asyncio.sleep(0.5)
            rig.decide("Claim", "stored, unseen")
            job = await rig.start("nap")
            await asyncio.sleep(0.4)
            await rig.cancel(job)
            return (await rig.finished(job)).state

    assert rig.run(scenario()) is State.CANCELLED


def test_a_lock_that_cannot_be_looked_at_ends_no_care(rig: VirtualRig) -> None:
    @rig.task
    async def nap() -> None:
        await asyncio.sleep(5)

    async def scenario() -> Job:
        first = Crashing(rig, "first")
        job = await rig.start("nap")
        await rig.until(job, State.RUNNING)
        async with rig.working():
            await asyncio.sleep(0.5)
            rig.locks.trouble = OSError(24, "Too many open files")
            first.crash()
            await asyncio.sleep(5)
            rig.locks.trouble = None
            return await rig.finished(job)

    assert rig.run(scenario()).state is State.SUCCEEDED


@pytest.mark.promise("D1")
def test_a_worker_that_left_is_not_listed_any_more(rig: VirtualRig) -> None:
    async def scenario() -> list[int]:
        async with rig.working():
            await asyncio.sleep(1)
        return [worker.id for worker in await rig.mailbox.read_soon(Workers())]

    assert rig.run(scenario()) == []


@pytest.mark.promise("P2")
def test_a_worker_whose_lock_file_is_removed_begins_anew_and_its_jobs_are_done(
    threads: ThreadRig, tmp_path: Path
) -> None:
    may_return = threading.Event()

    @threads.task
    async def patient() -> str:
        await asyncio.to_thread(may_return.wait, 20)
        return "done"

    threads.work()
    job = threads.start("patient")
    eventually(lambda: threads.job(job).state is State.RUNNING)
    [before] = threads.workers()

    shutil.rmtree(tmp_path / "run")

    eventually(lambda: [worker.id for worker in threads.workers()] == [before.id + 1])
    may_return.set()
    found = threads.finished(job)
    assert value(found) == "done"
    assert found.attempt == 1  # stopped by its worker or rescued by it, whichever was faster
    assert all(threads.presence.is_alive(worker) for worker in threads.workers())


class _Marked(CoroutineExecutor):
    """Runs coroutines, and notes that it was told to let go."""

    def __init__(self, mark: str, closed: list[str]) -> None:
        self._mark = mark
        self._closed = closed

    async def close(self) -> None:
        self._closed.append(self._mark)


def test_what_bears_a_worker_s_mark_ends_with_that_mark(rig: VirtualRig) -> None:
    marks: list[str] = []
    closed: list[str] = []

    @rig.task
    async def task() -> str:
        return "done"

    def equip(mark: str) -> dict[str, Executor]:
        marks.append(mark)
        return {"async": _Marked(mark, closed)}

    async def scenario() -> object:
        worker = rig.worker(equip=equip)
        working = asyncio.create_task(worker.run())
        await asyncio.sleep(0.5)
        rig.locks.held.clear()
        await asyncio.sleep(1.5)
        assert closed == marks[:1]
        done = value(await rig.finished(await rig.start("task")))
        await worker.drain(0)
        await working
        return done

    assert rig.run(scenario()) == "done"
    assert len(set(marks)) == 2
    assert closed == marks
