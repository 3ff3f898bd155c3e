"""Cancelling: what code is told, what people are shown, and who wins against the end."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from offload import current
from offload.errors import AlreadyFinished
from offload.lifecycle import Shown, request
from offload.model import Cause, State, Wish, Yielded
from offload.registry import Registry
from offload.store.base import Apply, Effects, Get
from offload.worker.attempt import Attempt
from offload.worker.context import Context
from offload.worker.executors.coroutine import CoroutineExecutor
from offload.worker.work import Work
from tests.support import eventually
from tests.worker.rigs import BY, ThreadRig, VirtualRig, value

pytestmark = pytest.mark.slow


@pytest.mark.promise("P4")
@pytest.mark.promise("S10")
def test_a_cancelled_coroutine_tidies_up_before_it_is_shown_cancelled(rig: VirtualRig) -> None:
    heard: list[object] = []

    @rig.task
    async def tidy() -> None:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            await asyncio.sleep(2)
            heard.append("tidied")
            raise

    async def scenario() -> None:
        job = await rig.start("tidy")
        async with rig.working():
            await rig.until(job, State.RUNNING)
            asked = await rig.cancel(job)
            heard.append(asked.state)
            await asyncio.sleep(1)
            heard.append(await rig.shown(job))
            await rig.finished(job)
            heard.append(await rig.shown(job))

    rig.run(scenario())

    assert heard == [State.RUNNING, Shown.CANCELLING, "tidied", Shown.CANCELLED]


@pytest.mark.promise("L3")
def test_a_cancel_reaches_a_coroutine_within_a_second(rig: VirtualRig) -> None:
    @rig.task
    async def nap() -> None:
        await asyncio.sleep(100)

    async def scenario() -> float:
        job = await rig.start("nap")
        async with rig.working():
            await rig.until(job, State.RUNNING)
            asked_at = rig.loop.time()
            await rig.cancel(job)
            await rig.finished(job)
            return rig.loop.time() - asked_at

    assert rig.run(scenario()) <= 1.0


def test_code_that_swallows_its_cancel_goes_on_and_its_value_stands(rig: VirtualRig) -> None:
    @rig.task
    async def stubborn() -> str:
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            await asyncio.sleep(1)
        return "done all the same"

    async def scenario() -> object:
        job = await rig.start("stubborn")
        async with rig.working():
            await rig.until(job, State.RUNNING)
            await rig.cancel(job)
            return value(await rig.finished(job))

    assert rig.run(scenario()) == "done all the same"


def test_an_error_raised_while_tidying_up_fails_the_job(rig: VirtualRig) -> None:
    @rig.task
    async def clumsy() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            raise OSError("the disk is gone")

    async def scenario() -> tuple[State, str]:
        job = await rig.start("clumsy")
        async with rig.working():
            await rig.until(job, State.RUNNING)
            await rig.cancel(job)
            failed = await rig.finished(job)
        assert failed.error is not None
        return failed.state, failed.error.message

    assert rig.run(scenario()) == (State.FAILED, "the disk is gone")


def test_a_cancel_that_the_code_raises_itself_is_a_failure(rig: VirtualRig) -> None:
    @rig.task
    async def resigned() -> None:
        raise asyncio.CancelledError

    async def scenario() -> tuple[State, str | None]:
        async with rig.working():
            job = await rig.finished(await rig.start("resigned"))
        assert job.error is not None
        return job.state, job.error.type

    assert rig.run(scenario()) == (State.FAILED, "asyncio.exceptions.CancelledError")


@pytest.mark.promise("S9")
def test_a_job_cancelled_in_the_queue_never_begins(rig: VirtualRig) -> None:
    begun: list[int] = []

    @rig.task
    async def task(n: int) -> None:
        begun.append(n)

    async def scenario() -> State:
        cancelled, other = await rig.start("task", {"n": 1}), await rig.start("task", {"n": 2})
        answer = await rig.cancel(cancelled)
        async with rig.working():
            await rig.finished(other)
            await asyncio.sleep(5)
        return answer.state

    assert rig.run(scenario()) is State.CANCELLED
    assert begun == [2]


def test_code_that_is_cancelled_before_its_first_step_never_takes_it(rig: VirtualRig) -> None:
    begun: list[str] = []

    async def task() -> None:
        begun.append("task")

    async def scenario() -> object:
        attempt = Attempt(await rig.job(await rig.start("task")), rig.worker())
        attempt.stop.set(Cause.CANCEL)
        registered = Registry().add(task)
        work = Work(registered, attempt.job, Context(1, 1), attempt.stop, attempt)
        return await CoroutineExecutor().run(work)

    assert isinstance(rig.run(scenario()), Yielded)
    assert begun == []


@pytest.mark.promise("L3")
def test_a_cancel_between_the_claim_and_its_answer_is_not_overlooked(rig: VirtualRig) -> None:
    @rig.task
    async def nap() -> None:
        await asyncio.sleep(100)

    def cancel_at_once(effects: Effects | None) -> None:
        """Be faster than the answer to the claim: both are on their way to the loop."""
        if effects is not None and effects.changed == (1,) and not asked:
            job = rig.mailbox.read(Get((1,))).result().jobs[1]
            change = request(job, Wish.CANCEL, rig.clock.now(), BY)
            if job.state is State.RUNNING and change is not None:
                asked.append(rig.loop.time())
                rig.mailbox.ask(Apply((change,), rig.clock.now()))

    asked: list[float] = []
    rig.bell.listen(cancel_at_once)

    async def scenario() -> float:
        async with rig.working():
            await rig.finished(await rig.start("nap"))
        return rig.loop.time()

    assert rig.run(scenario()) - asked[0] <= 1.0


@pytest.mark.promise("P3")
def test_a_cancel_against_the_end_has_exactly_one_winner(
    make_rig: Callable[[int], VirtualRig],
) -> None:
    outcomes: list[tuple[State, bool]] = []

    async def nap() -> str:
        await asyncio.sleep(1)
        return "done"

    async def scenario(rig: VirtualRig, seed: int) -> tuple[State, bool]:
        async with rig.working():
            job = await rig.start("nap")
            await asyncio.sleep(0.992 + seed % 10 / 500)
            accepted = True
            try:
                await rig.cancel(job)
            except AlreadyFinished:
                accepted = False
            return (await rig.finished(job)).state, accepted

    for seed in range(150):
        rig = make_rig(seed)
        rig.task(nap)
        outcomes.append(rig.run(scenario(rig, seed)))

    assert {state for state, accepted in outcomes if not accepted} == {State.SUCCEEDED}
    assert {state for state, accepted in outcomes if accepted} == {
        State.SUCCEEDED,
        State.CANCELLED,
    }


# --- threads


def test_a_thread_is_asked_and_shown_cancelling_until_it_returns(threads: ThreadRig) -> None:
    asked, may_return = threading.Event(), threading.Event()

    @threads.task
    def polite() -> None:
        while not current().should_stop:
            may_return.wait(0.01)
        asked.set()
        may_return.wait(10)

    threads.work()
    job = threads.start("polite")
    eventually(lambda: threads.job(job).state is State.RUNNING)

    threads.cancel(job)

    assert asked.wait(5)
    assert threads.shown(job) is Shown.CANCELLING
    may_return.set()
    assert threads.finished(job).state is State.CANCELLED


def test_a_thread_that_returns_a_value_after_it_was_asked_has_succeeded(threads: ThreadRig) -> None:
    @threads.task
    def obstinate() -> str:
        while not current().should_stop:
            threading.Event().wait(0.01)
        return "worth keeping"

    threads.work()
    job = threads.start("obstinate")
    eventually(lambda: threads.job(job).state is State.RUNNING)

    threads.cancel(job)

    assert value(threads.finished(job)) == "worth keeping"


def test_a_thread_that_never_looks_runs_to_its_end_and_its_none_is_a_value(
    threads: ThreadRig,
) -> None:
    may_return = threading.Event()

    @threads.task
    def deaf() -> None:
        may_return.wait(10)

    threads.work()
    job = threads.start("deaf")
    eventually(lambda: threads.job(job).state is State.RUNNING)

    threads.cancel(job)
    may_return.set()

    assert value(threads.finished(job)) is None


@pytest.mark.promise("L3", "P4")
def test_a_wish_of_which_nobody_was_told_is_seen_within_a_second(rig: VirtualRig) -> None:
    @rig.task
    async def nap() -> None:
        await asyncio.sleep(100)

    async def scenario() -> float:
        async with rig.working(lease=3600.0):
            job = await rig.start("nap")
            await rig.until(job, State.RUNNING)
            rig.bell._listeners.clear()
            asked_at = rig.loop.time()
            await rig.cancel(job)
            await rig.until(job, State.CANCELLED)
            return rig.loop.time() - asked_at

    assert rig.run(scenario()) <= 1.1
