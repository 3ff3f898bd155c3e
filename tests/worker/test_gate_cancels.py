"""Cancels that come while a gate is closed arrive when it opens, counted as asyncio does."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import anyio
import anyio.to_thread
import pytest

from tests.worker.gated import Job, Run, on_both_loops, turns

pytestmark = on_both_loops

SHORT = 0.05
"""Seconds: long enough that on a busy machine no limit is over before its block has begun."""


async def limited(limit: asyncio.Timeout, wait: Coroutine[Any, Any, Any]) -> str:
    """Wait, and tell how it ended and how many cancels have not been taken back."""
    ending = "in time"
    try:
        async with limit:
            await wait
    except TimeoutError:
        ending = "timed out"
    task = asyncio.current_task()
    assert task is not None
    return f"{ending}, {task.cancelling()} cancels"


@pytest.mark.parametrize("how", ["while it waits", "while what it waited for has come"])
def test_a_timeout_that_fires_meanwhile_is_told_when_the_gate_opens(run: Run, how: str) -> None:
    async def scenario() -> Any:
        event, limit = asyncio.Event(), asyncio.timeout(None)
        job = Job(limited(limit, event.wait()))
        await turns()
        job.gate.close()
        if how != "while it waits":
            event.set()
            await turns()
        limit.reschedule(0)  # as a callback of the job's may do
        await turns()
        assert (job.task.done(), job.task.cancelling()) == (False, 1)
        job.gate.open()
        return await job.task

    assert run(scenario()) == "timed out, 0 cancels"


def test_two_timeouts_that_fire_meanwhile_are_one_cancel_and_the_outer_one_has_it(
    run: Run,
) -> None:
    async def scenario() -> Any:
        outer, inner = asyncio.timeout(None), asyncio.timeout(None)
        job = Job(limited(outer, limited(inner, asyncio.Event().wait())))
        await turns()
        job.gate.close()
        for limit in (inner, outer):
            limit.reschedule(0)
            await turns()
        assert (job.task.done(), job.task.cancelling()) == (False, 2)
        job.gate.open()
        return await job.task

    assert run(scenario()) == "timed out, 0 cancels"


def test_a_timer_that_is_due_meanwhile_calls_when_the_gate_opens(run: Run) -> None:
    called: list[object] = []

    async def scenario() -> Any:
        async def work() -> str:
            job.gate.close()  # in the step that sets them: none can be due before
            loop = asyncio.get_running_loop()
            loop.call_later(0.001, called.append, "later")
            loop.call_at(loop.time() + 0.001, called.append, "at")
            return await limited(asyncio.timeout(SHORT), asyncio.Event().wait())

        job = Job(work())
        await asyncio.sleep(2 * SHORT)  # real timers
        assert called == []
        assert job.task.cancelling() == 0
        job.gate.open()
        return await job.task, called

    assert run(scenario()) == ("timed out, 0 cancels", ["later", "at"])


def test_what_came_in_time_is_in_time_when_the_gate_opens(run: Run) -> None:
    async def scenario() -> Any:
        async def work() -> str:
            job.gate.close()
            return await limited(asyncio.timeout(SHORT), event.wait())

        event = asyncio.Event()
        job = Job(work())
        await turns(1)
        event.set()
        await asyncio.sleep(2 * SHORT)  # only then the timer is heard
        job.gate.open()
        answer = await job.task
        await turns()
        return answer

    assert run(scenario()) == "in time, 0 cancels"


def test_timers_of_others_are_not_held_back(run: Run) -> None:
    async def scenario() -> None:
        job = Job(asyncio.Event().wait())
        await turns()
        job.gate.close()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await asyncio.Event().wait()
        job.task.cancel()

    run(scenario())


def test_wait_for_gives_up_only_when_the_gate_opens(run: Run) -> None:
    seen: list[str] = []

    async def scenario() -> str:
        async def work() -> str:
            job.gate.close()
            try:
                await asyncio.wait_for(asyncio.Event().wait(), SHORT)
            except TimeoutError:
                seen.append("timed out")
            return "went on"

        job = Job(work())
        await asyncio.sleep(2 * SHORT)
        assert seen == []
        job.gate.open()
        answer: str = await job.task
        return answer

    assert run(scenario()) == "went on"
    assert seen == ["timed out"]


def test_anyio_moves_on_only_when_the_gate_opens(run: Run) -> None:
    scopes: list[anyio.CancelScope] = []

    seen: list[str] = []

    async def scenario() -> tuple[bool, int]:
        async def work() -> tuple[bool, int]:
            job.gate.close()
            with anyio.move_on_after(SHORT) as scope:
                scopes.append(scope)
                await anyio.sleep_forever()
            seen.append("moved on")
            task = asyncio.current_task()
            assert task is not None
            return scope.cancelled_caught, task.cancelling()

        job = Job(work())
        await asyncio.sleep(2 * SHORT)
        assert seen == []
        assert not scopes[0].cancel_called  # or it would try to cancel the code in each turn
        job.gate.open()
        answer: tuple[bool, int] = await job.task
        return answer

    assert run(scenario()) == (True, 0)


def test_a_child_that_is_cancelled_meanwhile_ends_when_the_gate_opens(run: Run) -> None:
    seen: list[str] = []

    async def child() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            seen.append(f"cancelled: {error}")
            raise

    async def work(children: list[asyncio.Task[None]]) -> None:
        children.append(asyncio.create_task(child()))
        await asyncio.wait(children)

    async def scenario() -> bool:
        children: list[asyncio.Task[None]] = []
        job = Job(work(children))
        await turns(3)
        job.gate.close()
        children[0].cancel("by a sibling")
        await turns()
        children[0].cancel("and again")
        await turns()
        assert seen == []
        job.gate.open()
        await job.task
        return children[0].cancelled()

    assert run(scenario()) is True
    assert seen == ["cancelled: by a sibling"]


def test_a_task_group_that_has_to_abort_does_so_when_the_gate_opens(run: Run) -> None:
    seen: list[str] = []

    async def sibling() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("the sibling ends")

    async def work(failing: asyncio.Future[None]) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(sibling())
            await failing

    async def scenario() -> None:
        failing = asyncio.get_running_loop().create_future()
        job = Job(work(failing))
        await turns(3)
        job.gate.close()
        failing.set_exception(ValueError("no"))
        await turns()
        assert seen == []
        job.gate.open()
        with pytest.raises(ExceptionGroup) as caught:
            await job.task
        assert caught.group_contains(ValueError)

    run(scenario())
    assert seen == ["the sibling ends"]


def test_a_cancel_replaces_an_exception_that_waits(run: Run) -> None:
    async def work(failing: asyncio.Future[None]) -> str:
        try:
            await failing
        except asyncio.CancelledError:
            return "cancelled"
        except ValueError:
            return "failed"
        return "went on"

    async def scenario() -> str:
        failing = asyncio.get_running_loop().create_future()
        job = Job(work(failing))
        await turns(2)
        job.gate.close()
        failing.set_exception(ValueError("no"))
        await turns()
        job.task.cancel()
        job.gate.open()
        answer: str = await job.task
        return answer

    assert run(scenario()) == "cancelled"


def test_a_shield_keeps_what_it_keeps_from_a_cancel_meanwhile(run: Run) -> None:
    async def inner(event: asyncio.Event) -> str:
        await event.wait()
        return "kept"

    async def work(event: asyncio.Event) -> str:
        kept = asyncio.ensure_future(inner(event))
        try:
            await asyncio.shield(kept)
        except asyncio.CancelledError:
            return f"cancelled, and {await kept}"
        return "not cancelled"

    async def scenario() -> str:
        event = asyncio.Event()
        job = Job(work(event))
        await turns(3)
        job.gate.close()
        job.task.cancel()
        event.set()
        await turns()
        assert not job.task.done()
        job.gate.open()
        answer: str = await job.task
        return answer

    assert run(scenario()) == "cancelled, and kept"
