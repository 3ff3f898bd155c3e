"""How a coroutine that runs as a job is frozen, goes on, and is stopped while it stands still."""

import asyncio
import contextlib
import sys
from collections.abc import Iterable
from typing import Any

import pytest

from offload.model import Cause, Failed, LogLine, Mode, Outcome, State, Succeeded, Usage, Yielded
from offload.registry import Registry
from offload.values import decode
from offload.worker.context import Context, Stop, current
from offload.worker.executors.coroutine import CoroutineExecutor
from offload.worker.pausing import Pausing
from offload.worker.work import Work
from tests.ideas.samples import a_job
from tests.worker.gated import Run, on_both_loops, stands_still, tick, turns


class Course:
    """Notes the turns of an attempt."""

    def __init__(self) -> None:
        self.still: list[Mode] = []
        self.deeds: list[str] = []

    def begin(self) -> None:
        pass

    def stands_still(self, mode: Mode) -> None:
        self.still.append(mode)

    def note(self, what: str, pids: tuple[int, ...] = ()) -> None:
        self.deeds.append(what)

    async def wait(self, handle: bytes, next_check_at: float) -> bool:
        raise AssertionError("a coroutine waits for nothing elsewhere")

    def check_again(self, next_check_at: float) -> None:
        raise AssertionError("a coroutine waits for nothing elsewhere")

    def used(self, usage: Usage) -> None:
        raise AssertionError("nobody can tell what a coroutine has used")

    def keep(self, value: bytes) -> None:
        raise AssertionError("nothing is kept here")

    async def keep_now(
        self, value: bytes | None = None, steps: tuple[tuple[str, bytes], ...] = ()
    ) -> bool:
        raise AssertionError("nothing is kept here")

    def say(self, lines: Iterable[LogLine]) -> None:
        raise AssertionError("nothing is said here")


class Running:
    """A job that the executor runs."""

    def __init__(self, function: Any, *, is_paused: bool = False) -> None:
        self.course = Course()
        self.stop = Stop()
        self.pause = Pausing()
        if is_paused:
            self.pause.set()
        task = Registry().add(function, name="task")
        job = a_job(State.RUNNING, attempt=1, params=b"{}")
        context = Context(job.id, 1, stop=self.stop)
        self.work = Work(task, job, context, self.stop, self.course, pause=self.pause)
        self.ended = asyncio.create_task(CoroutineExecutor().run(self.work))

    async def freeze(self) -> None:
        """Pause it, and give it the turns that it takes."""
        self.pause.set()
        await turns(3)

    async def value(self) -> Any:
        """Return what it came to."""
        outcome = await asyncio.wait_for(self.ended, 20)
        assert isinstance(outcome, Succeeded), outcome
        return decode(outcome.value)


@pytest.mark.promise("P5")
@on_both_loops
def test_a_frozen_job_stands_still_with_its_tasks_and_ends_with_the_right_value(run: Run) -> None:
    ticks: list[str] = []

    async def child(name: str) -> int:
        for n in range(500):
            ticks.append(f"{name}{n}")
            await asyncio.sleep(0)
        return 500

    async def task() -> int:
        async with asyncio.TaskGroup() as group:
            children = [group.create_task(child(name)) for name in "ab"]
        return sum(child.result() for child in children)

    async def scenario() -> Any:
        job = Running(task)
        await turns()
        for _ in range(5):
            await job.freeze()
            assert await stands_still(ticks)
            job.pause.clear()
            assert not await stands_still(ticks)
        assert job.course.still == [Mode.FROZEN] * 5
        return await job.value()

    assert run(scenario()) == 1000
    assert len(set(ticks)) == len(ticks) == 1000


@on_both_loops
def test_a_frozen_job_says_what_is_not_covered(run: Run) -> None:
    async def scenario() -> list[str]:
        job = Running(asyncio.Event().wait)
        await job.freeze()
        job.stop.set()
        await job.ended
        return job.course.deeds

    assert run(scenario()) == [
        "frozen at its await; threads and processes that it started go on",
        "CancelledError raised at its await",
    ]


@on_both_loops
def test_a_job_that_is_paused_before_it_begins_begins_when_it_is_resumed(run: Run) -> None:
    begun: list[str] = []

    async def task() -> str:
        begun.append("task")
        return "done"

    async def scenario() -> Any:
        job = Running(task, is_paused=True)
        await turns()
        assert job.course.still == [Mode.FROZEN]
        assert begun == []
        job.pause.clear()
        return await job.value()

    assert run(scenario()) == "done"


@on_both_loops
def test_a_job_that_is_paused_and_stopped_before_it_begins_never_begins(run: Run) -> None:
    begun: list[str] = []

    async def task() -> None:
        begun.append("task")

    async def scenario() -> Outcome:
        job = Running(task, is_paused=True)
        await turns()
        job.stop.set(Cause.CANCEL)
        return await job.ended

    assert isinstance(run(scenario()), Yielded)
    assert begun == []


@on_both_loops
def test_a_pause_out_of_its_own_step_is_true_only_after_the_step(run: Run) -> None:
    seen: list[Any] = []

    async def scenario() -> list[Any]:
        async def task() -> None:
            job.pause.set()
            seen.append(job.course.still.copy())
            await asyncio.sleep(0)
            seen.append("went on")

        job = Running(task)
        await turns()
        before = [*seen, job.course.still.copy()]
        job.pause.clear()
        await job.ended
        return before

    assert run(scenario()) == [[], [Mode.FROZEN]]
    assert seen == [[], "went on"]


@on_both_loops
def test_a_pause_in_the_last_step_of_a_job_comes_too_late(run: Run) -> None:
    async def scenario() -> Any:
        async def task() -> str:
            await asyncio.sleep(0)
            job.pause.set()
            return "done"

        job = Running(task)
        value = await job.value()
        return value, job.course.still, job.course.deeds

    assert run(scenario()) == ("done", [], [])


@on_both_loops
def test_a_pause_that_is_taken_back_at_once_is_never_true(run: Run) -> None:
    async def scenario() -> list[Mode]:
        job = Running(turns)
        await turns(2)
        job.pause.set()
        job.pause.clear()
        await job.ended
        return job.course.still

    assert run(scenario()) == []


@pytest.mark.promise("P4")
@on_both_loops
def test_a_frozen_job_that_is_stopped_tidies_up_to_the_end(run: Run) -> None:
    seen: list[str] = []

    async def child() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.create_task(turns(3))
            seen.append("the child has tidied up")

    async def task() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(child())
        finally:
            await asyncio.sleep(0.001)
            seen.append("the job has tidied up")

    async def scenario() -> Outcome:
        job = Running(task)
        await turns()
        await job.freeze()
        job.stop.set(Cause.CANCEL)
        job.pause.clear()
        job.pause.set()  # a stop outranks a pause
        return await asyncio.wait_for(job.ended, 20)

    assert isinstance(run(scenario()), Yielded)
    assert seen == ["the child has tidied up", "the job has tidied up"]


@pytest.mark.promise("P5")
@on_both_loops
def test_a_timeout_of_the_jobs_own_does_not_fire_while_it_is_frozen(run: Run) -> None:
    seen: list[str] = []

    async def scenario() -> Any:
        async def task() -> str:
            job.pause.set()  # in the step that sets the timer: it cannot be due before
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.002):
                    await asyncio.Event().wait()
            seen.append("timed out")
            this = asyncio.current_task()
            assert this is not None
            return f"went on, {this.cancelling()} cancels"

        job = Running(task)
        await asyncio.sleep(0.01)  # the real timer of a real timeout
        assert seen == []
        job.pause.clear()
        return await job.value()

    assert run(scenario()) == "went on, 0 cancels"


@on_both_loops
def test_a_loop_that_ends_leaves_no_frozen_job_behind(run: Run) -> None:
    seen: list[str] = []

    async def task() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            seen.append("tidied up")

    async def scenario() -> None:
        job = Running(task)
        await turns()
        await job.freeze()

    run(scenario())  # its runner cancels whatever is left, and waits for it

    assert seen == ["tidied up"]


@on_both_loops
def test_the_jobs_context_is_that_of_all_its_tasks(run: Run) -> None:
    async def deep() -> int:
        return current().job_id

    async def task() -> list[int]:
        return [current().job_id, *await asyncio.gather(deep(), asyncio.create_task(deep()))]

    async def scenario() -> Any:
        return await Running(task).value(), current().job_id

    assert run(scenario()) == ([7, 7, 7], 0)


@on_both_loops
def test_what_a_job_leaves_behind_goes_on_as_it_always_did(run: Run) -> None:
    ticks: list[str] = []
    orphans: list[asyncio.Task[None]] = []

    async def task() -> None:
        orphans.append(asyncio.create_task(tick(ticks, "orphan")))
        await asyncio.sleep(0)

    async def scenario() -> None:
        job = Running(task)
        await job.ended
        job.pause.set()
        assert not await stands_still(ticks)
        orphans[0].cancel()

    run(scenario())


@on_both_loops
def test_what_a_job_raises_has_a_traceback_of_its_own_frames(run: Run) -> None:
    async def deep() -> None:
        raise ValueError("no")

    async def task() -> None:
        await asyncio.create_task(deep())

    async def scenario() -> Outcome:
        return await Running(task).ended

    outcome = run(scenario())

    assert isinstance(outcome, Failed)
    assert outcome.error.traceback is not None
    assert "in deep" in outcome.error.traceback
    assert "gate.py" not in outcome.error.traceback


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
def test_tasks_that_begin_eagerly_are_frozen_too() -> None:
    ticks: list[str] = []

    async def task() -> None:
        child = asyncio.create_task(tick(ticks, "child"))
        assert ticks == ["child"]  # eagerly
        await child

    async def scenario() -> None:
        factory: Any = asyncio.__dict__["eager_task_factory"]
        asyncio.get_running_loop().set_task_factory(factory)
        job = Running(task, is_paused=True)
        assert await stands_still(ticks)
        assert ticks == []
        job.pause.clear()
        assert not await stands_still(ticks)
        await job.freeze()
        assert await stands_still(ticks)
        job.stop.set()
        await job.ended

    asyncio.run(scenario())
