"""A closed gate: nothing behind it takes a step; open, it is not noticed."""

import asyncio
import contextvars
import inspect
import threading
import traceback
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import anyio.to_thread
import pytest

from tests.worker.gated import Job, Run, end_all_others, on_both_loops, stands_still, tick, turns

pytestmark = on_both_loops


# --- open, it is not noticed


def test_behind_an_open_gate_everything_is_as_without_one(run: Run) -> None:
    variable = contextvars.ContextVar("variable", default="")

    async def work() -> tuple[object, ...]:
        variable.set("set")
        await asyncio.sleep(0)
        task = asyncio.current_task()
        assert task is not None
        child = asyncio.create_task(answer(), name="a child")
        return variable.get(), task.get_name(), await child, child.get_name(), task.cancelling()

    async def answer() -> str:
        await asyncio.sleep(0)
        return f"{variable.get()} in a child"

    async def scenario() -> object:
        variable.set("outside")
        return await Job(work()).task, variable.get()

    expected = ("set", "main", "set in a child", "a child", 0)
    assert run(scenario()) == (expected, "outside")


def test_a_gated_task_shows_the_frames_of_its_coroutine(run: Run) -> None:
    async def work() -> None:
        await asyncio.Event().wait()

    async def scenario() -> tuple[str, list[str], str]:
        task = Job(work()).task
        await turns()
        names = [frame.f_code.co_name for frame in task.get_stack()]
        coroutine: Any = task.get_coro()
        shown, state = repr(task), inspect.getcoroutinestate(coroutine)
        task.cancel()
        return shown, names, state

    shown, names, state = run(scenario())

    assert "work()" in shown
    assert names == ["work"]
    assert state == inspect.CORO_SUSPENDED


def test_tracebacks_have_no_frame_of_the_gate(run: Run) -> None:
    async def work() -> None:
        await asyncio.create_task(fail())

    async def fail() -> None:
        event = asyncio.get_running_loop().create_future()
        event.set_exception(ValueError("no"))
        await event

    async def scenario() -> list[str]:
        job = Job(work())
        job.gate.close()
        await turns()
        job.gate.open()
        with pytest.raises(ValueError, match="no") as caught:
            await job.task
        return [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]

    names = run(scenario())

    assert names == ["scenario", "work", "fail"]


def test_code_that_is_done_raises_what_it_raised(run: Run) -> None:
    async def work() -> None:
        raise KeyError("gone")

    async def scenario() -> None:
        await Job(work()).task

    with pytest.raises(KeyError, match="gone"):
        run(scenario())


# --- closed, nothing takes a step


def test_a_closed_gate_holds_back_every_step_and_what_it_was_to_bring(run: Run) -> None:
    got: list[object] = []

    async def work(values: list[asyncio.Future[str]]) -> None:
        got.append(await values[0])
        try:
            await values[1]
        except ValueError as error:
            got.append(str(error))

    async def scenario() -> list[list[object]]:
        values: list[asyncio.Future[str]] = [
            asyncio.get_running_loop().create_future() for _ in range(2)
        ]
        job = Job(work(values))
        seen = []
        for value in values:
            await turns()
            job.gate.close()
            if value is values[0]:
                value.set_result("a value")
            else:
                value.set_exception(ValueError("an exception"))
            await turns()
            seen.append(got.copy())
            job.gate.open()
            await turns()
            seen.append(got.copy())
        await job.task
        return seen

    assert run(scenario()) == [[], ["a value"], ["a value"], ["a value", "an exception"]]


async def by_create_task(ticks: list[str]) -> None:
    tasks = [asyncio.create_task(tick(ticks, name)) for name in "ab"]
    await asyncio.wait(tasks)


async def by_ensure_future(ticks: list[str]) -> None:
    await asyncio.wait([asyncio.ensure_future(tick(ticks, name)) for name in "ab"])


async def by_gather(ticks: list[str]) -> None:
    await asyncio.gather(tick(ticks, "a"), tick(ticks, "b"))


async def by_task_group(ticks: list[str]) -> None:
    async with asyncio.TaskGroup() as group:
        for name in "ab":
            group.create_task(tick(ticks, name))


async def in_an_empty_context(ticks: list[str]) -> None:
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(tick(ticks, n), context=contextvars.Context()) for n in "ab"]
    await asyncio.wait(tasks)


async def by_anyio(ticks: list[str]) -> None:
    async with anyio.create_task_group() as group:
        for name in "ab":
            group.start_soon(tick, ticks, name)


async def three_deep(ticks: list[str]) -> None:
    async def second() -> None:
        await asyncio.gather(tick(ticks, "a"), asyncio.create_task(third()))

    async def third() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(tick(ticks, "b"))

    await asyncio.create_task(second())


async def from_a_callback(ticks: list[str]) -> None:
    loop = asyncio.get_running_loop()
    tasks: list[asyncio.Task[None]] = []
    for _ in "ab":
        loop.call_soon(lambda: tasks.append(loop.create_task(tick(ticks, "ab"[len(tasks)]))))
    await asyncio.sleep(0)
    await asyncio.wait(tasks)


@pytest.mark.parametrize(
    "make",
    [
        by_create_task,
        by_ensure_future,
        by_gather,
        by_task_group,
        in_an_empty_context,
        by_anyio,
        three_deep,
        from_a_callback,
    ],
)
def test_the_tasks_of_a_job_stand_still_with_it(
    run: Run, make: Callable[[list[str]], Coroutine[Any, Any, None]]
) -> None:
    async def scenario() -> None:
        ticks: list[str] = []
        job = Job(make(ticks))
        for _ in range(3):
            job.gate.open()
            ticks.clear()
            await turns()
            assert set(ticks) == {"a", "b"}
            job.gate.close()
            assert await stands_still(ticks)
        job.gate.open()
        job.task.cancel()
        await asyncio.wait([job.task])
        assert job.task.cancelled()
        await end_all_others()

    run(scenario())


def test_a_task_that_a_callback_makes_while_it_is_closed_waits_for_its_first_step(
    run: Run,
) -> None:
    ticks: list[str] = []

    async def work(asked: asyncio.Future[None]) -> None:
        loop = asyncio.get_running_loop()
        asked.add_done_callback(lambda _: made.append(loop.create_task(tick(ticks, "late"))))
        await asyncio.Event().wait()

    made: list[asyncio.Task[None]] = []

    async def scenario() -> None:
        asked = asyncio.get_running_loop().create_future()
        job = Job(work(asked))
        await turns()
        job.gate.close()
        asked.set_result(None)
        await turns()
        assert len(made) == 1
        assert ticks == []
        job.gate.open()
        await turns()
        assert ticks
        await end_all_others()

    run(scenario())


def test_a_gate_closed_before_the_first_step_lets_nothing_begin(run: Run) -> None:
    begun: list[str] = []

    async def work() -> None:
        begun.append("work")

    async def scenario() -> None:
        job = Job(work())
        job.gate.close()
        await turns()
        assert begun == []
        job.gate.open()
        await job.task

    run(scenario())
    assert begun == ["work"]


def test_a_step_that_closes_its_own_gate_is_run_to_its_next_await(run: Run) -> None:
    seen: list[str] = []

    async def scenario() -> None:
        async def work() -> None:
            await asyncio.sleep(0)
            job.gate.close()
            seen.append("after it was closed")
            await asyncio.sleep(0)
            seen.append("after it was opened")

        job = Job(work())
        await turns()
        assert seen == ["after it was closed"]
        job.gate.open()
        await job.task

    run(scenario())
    assert seen == ["after it was closed", "after it was opened"]


def test_others_on_the_loop_go_on(run: Run) -> None:
    async def scenario() -> None:
        ticks: list[str] = []
        mine, other = Job(tick(ticks, "mine")), Job(tick(ticks, "other"))
        mine.gate.close()
        await turns()
        ticks.clear()
        await turns()
        assert set(ticks) == {"other"}
        mine.gate.open()
        for job in (mine, other):
            job.task.cancel()

    run(scenario())


def test_a_loop_that_the_job_runs_in_a_thread_is_left_alone(run: Run) -> None:
    done = threading.Event()

    async def elsewhere() -> None:
        await asyncio.gather(*[asyncio.create_task(turns()) for _ in range(3)])
        done.set()

    async def scenario() -> None:
        job = Job(asyncio.to_thread(asyncio.run, elsewhere()))
        await turns(2)
        job.gate.close()
        assert await asyncio.to_thread(done.wait, 20)
        await turns()
        assert not job.task.done()
        job.gate.open()
        await job.task

    run(scenario())


def test_what_outlives_a_gate_that_is_left_open_is_held_back_no_more(run: Run) -> None:
    async def scenario() -> None:
        ticks: list[str] = []
        orphans: list[asyncio.Task[None]] = []

        async def work() -> None:
            orphans.append(asyncio.create_task(tick(ticks, "orphan")))

        job = Job(work())
        await job.task
        job.gate.close()
        assert await stands_still(ticks)
        job.gate.leave_open()
        job.gate.close()
        await turns()
        assert not await stands_still(ticks)
        orphans[0].cancel()

    run(scenario())
