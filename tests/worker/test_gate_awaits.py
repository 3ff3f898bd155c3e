"""All that code may await behind a gate, and whoever else makes the tasks of its loop."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import anyio
import anyio.to_thread

from tests.worker.gated import Job, Run, on_both_loops, turns

pytestmark = on_both_loops


# --- all that code may await


def test_generators_threads_and_queues_go_on_with_all_that_they_had(run: Run) -> None:
    async def numbers() -> AsyncIterator[int]:
        for n in range(3):
            await asyncio.sleep(0)
            yield n

    async def produce(queue: asyncio.Queue[int]) -> None:
        async for n in numbers():
            await queue.put(await asyncio.to_thread(int, n * 10))
            await anyio.to_thread.run_sync(lambda: None)

    async def work() -> list[int]:
        queue: asyncio.Queue[int] = asyncio.Queue(1)
        async with asyncio.TaskGroup() as group:
            group.create_task(produce(queue))
            return [await queue.get() for _ in range(3)]

    async def scenario() -> list[int]:
        job = Job(work())
        while not job.task.done():
            job.gate.close()
            await turns(3)
            job.gate.open()
            await turns(1)
        answer: list[int] = await job.task
        return answer

    assert run(scenario()) == [0, 10, 20]


def test_a_generator_that_is_left_half_way_is_closed(run: Run) -> None:
    seen: list[str] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0)
            seen.append("closed")

    async def work() -> None:
        generator = numbers()
        async for _ in generator:
            break
        del generator
        await turns()

    async def scenario() -> None:
        await Job(work()).task

    run(scenario())
    assert seen == ["closed"]


# --- the loop's task factory


def test_a_factory_that_was_set_before_still_makes_the_tasks(run: Run) -> None:
    made: list[str] = []

    def make(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(type(coroutine).__name__)
        return asyncio.Task(coroutine, loop=loop, **options)

    async def work() -> None:
        await asyncio.create_task(asyncio.sleep(0))

    async def scenario() -> list[str]:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(make)
        await Job(work()).task
        installed = loop.get_task_factory()
        await Job(work()).task
        await asyncio.create_task(asyncio.sleep(0))
        assert loop.get_task_factory() is installed
        return made.copy()

    assert run(scenario()) == ["Gated", "Gated", "Gated", "Gated", "coroutine"]
