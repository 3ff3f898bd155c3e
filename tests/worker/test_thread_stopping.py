"""A thread stands still and stops at its checkpoints, and nowhere else."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from offload.errors import Stopped
from offload.model import NOTHING_SAVED, Failed, Mode, Outcome, State, Succeeded, Yielded
from offload.registry import Registry
from offload.worker.context import Context, Stop
from offload.worker.executors.parking import Parking
from offload.worker.executors.thread import ThreadExecutor
from offload.worker.keeper import LoopKeeper
from offload.worker.pausing import Pausing
from offload.worker.work import Work
from tests.ideas.samples import a_job
from tests.support import eventually
from tests.worker.children.running import Course, soon


class Attempted:
    """A job in a thread, from its loop's side."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.course = Course()
        self.stop = Stop()
        self.pause = Pausing()
        context = Context(1, 1, stop=self.stop, keeper=LoopKeeper(NOTHING_SAVED, self.course))
        task = Registry().add(function, name="task")
        job = a_job(State.RUNNING, task=task.name, params=b"{}")
        work = Work(task, job, context, self.stop, self.course, pause=self.pause)
        self.outcome = asyncio.ensure_future(ThreadExecutor().run(work))

    async def stands_still(self) -> None:
        await soon(lambda: self.course.still)
        assert self.course.still == [Mode.PARKED]

    async def ended(self) -> Outcome:
        return await asyncio.wait_for(self.outcome, 20)


class Turns:
    """Lets a job's thread go from one checkpoint to the next when the test says so."""

    def __init__(self) -> None:
        self.passed = 0
        self.may_go = threading.Semaphore(0)

    def work(self, context: Context) -> str:
        while self.passed < 100:
            assert self.may_go.acquire(timeout=20)
            context.checkpoint(self.passed)
            self.passed += 1
        return "all done"


@pytest.mark.promise("P5")
def test_a_paused_thread_parks_at_its_checkpoint_and_goes_on_from_there() -> None:
    turns = Turns()

    async def scenario() -> Outcome:
        job = Attempted(turns.work)
        turns.may_go.release()
        await soon(lambda: turns.passed == 1)
        job.pause.set()
        assert job.course.still == []
        turns.may_go.release(99)
        await job.stands_still()
        assert turns.passed == 1
        job.pause.clear()
        return await job.ended()

    assert asyncio.run(scenario()) == Succeeded(b'"all done"')
    assert turns.passed == 100


@pytest.mark.promise("P6")
def test_a_parked_thread_that_is_to_stop_is_unwound_with_its_state_kept() -> None:
    turns = Turns()

    async def scenario() -> tuple[Outcome, bytes]:
        job = Attempted(turns.work)
        job.pause.set()
        turns.may_go.release(100)
        await job.stands_still()
        job.stop.set()
        return await job.ended(), job.course.kept[-1]

    assert asyncio.run(scenario()) == (Yielded(), b'{"state":0}')
    assert turns.passed == 0


def test_a_pause_that_is_asked_for_after_the_stop_parks_nobody() -> None:
    turns = Turns()

    async def scenario() -> Outcome:
        job = Attempted(turns.work)
        job.stop.set()
        job.pause.set()
        turns.may_go.release(100)
        return await job.ended()

    assert asyncio.run(scenario()) == Yielded()


def test_a_pause_that_came_before_the_code_is_kept_to() -> None:
    async def scenario() -> list[Mode]:
        turns = Turns()
        turns.may_go.release(100)
        job = Attempted(turns.work)
        job.pause.set()
        await job.stands_still()
        job.pause.clear()
        await job.ended()
        return job.course.still

    assert asyncio.run(scenario()) == [Mode.PARKED]


def test_a_thread_finds_no_checkpoint_and_ends_though_a_pause_is_asked_for() -> None:
    async def scenario() -> tuple[Outcome, list[Mode]]:
        may_end = threading.Event()
        job = Attempted(lambda: may_end.wait(20))
        job.pause.set()
        may_end.set()
        return await job.ended(), job.course.still

    assert asyncio.run(scenario()) == (Succeeded(b"true"), [])


def test_code_that_raises_stopped_itself_has_failed() -> None:
    def resigns() -> None:
        raise Stopped

    async def scenario() -> Outcome:
        return await Attempted(resigns).ended()

    outcome = asyncio.run(scenario())

    assert isinstance(outcome, Failed)
    assert outcome.error.type == "offload.errors.Stopped"


def test_a_value_of_code_that_held_the_stop_stands() -> None:
    def obstinate(context: Context) -> str:
        try:
            while True:
                context.checkpoint()
        except Stopped:
            return "worth keeping"

    async def scenario() -> Outcome:
        job = Attempted(obstinate)
        job.stop.set()
        return await job.ended()

    assert asyncio.run(scenario()) == Succeeded(b'"worth keeping"')


@pytest.mark.promise("P6")
def test_a_thread_waits_until_its_checkpoint_and_its_steps_are_stored() -> None:
    def careful(context: Context) -> Any:
        context.checkpoint(1, wait=True)
        value = context.step("two", lambda: 2)
        return [value, asyncio.run(context.astep("three", lambda: 3))]

    async def scenario() -> tuple[Outcome, list[bytes]]:
        job = Attempted(careful)
        return await job.ended(), job.course.kept

    outcome, kept = asyncio.run(scenario())

    assert outcome == Succeeded(b"[2,3]")
    assert set(kept) == {b'{"state":1}'}


def test_a_thread_that_outlives_its_worker_stores_nothing_and_is_unwound() -> None:
    may_go = threading.Event()
    came: list[object] = []

    def outlives(context: Context) -> None:
        may_go.wait(20)
        try:
            context.step("late", int)
        except Stopped as stopped:
            came.append(stopped)

    async def scenario() -> None:
        job = Attempted(outlives)
        await asyncio.sleep(0)
        job.outcome.cancel()

    asyncio.run(scenario())
    may_go.set()
    eventually(lambda: came)


# --- the parking itself


class Loop:
    """A loop that does nothing before it is told."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], object]] = []
        self.is_closed = False

    def call_soon_threadsafe(self, call: Callable[..., object], *args: object) -> None:
        if self.is_closed:
            raise RuntimeError
        self.calls.append(lambda: call(*args))

    def turn(self) -> None:
        calls, self.calls = self.calls, []
        for call in calls:
            call()


@contextmanager
def parked(parking: Parking) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=parking.wait)
    thread.start()
    yield thread
    thread.join(20)
    assert not thread.is_alive()


def a_parking() -> tuple[Parking, Any, list[str]]:
    loop: Any = Loop()
    said: list[str] = []
    return Parking(loop, lambda: said.append("stands")), loop, said


@pytest.mark.promise("P5")
def test_a_word_about_a_pause_that_was_taken_back_is_not_taken_for_the_next_one() -> None:
    parking, loop, said = a_parking()
    parking.shut()
    with parked(parking):
        eventually(lambda: loop.calls)
        parking.open()
    parking.shut()

    loop.turn()

    assert said == []


@pytest.mark.promise("P5")
def test_a_thread_that_still_stands_when_the_next_pause_is_asked_for_says_so_again() -> None:
    parking, loop, said = a_parking()
    parking.shut()
    with parked(parking):
        eventually(lambda: loop.calls)
        with parking._changed:  # before the thread has seen the one or the other
            parking.open()
            parking.shut()
        eventually(lambda: loop.turn() or said)
        parking.open()

    assert said == ["stands"]


def test_a_thread_that_would_park_for_a_worker_that_has_ended_is_unwound() -> None:
    parking, loop, _ = a_parking()
    parking.shut()
    loop.is_closed = True

    with pytest.raises(Stopped):
        parking.wait()
