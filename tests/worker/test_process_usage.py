"""What an attempt in a child process has used is known, however it ended."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from offload.model import Cause, Usage
from offload.worker.executors.process import handle
from tests.worker.children import tasks
from tests.worker.children.running import Executing, executing, soon

pytestmark = pytest.mark.slow

MEBI = 1 << 20


async def used(children: Executing, function: Callable[..., Any], **params: Any) -> Usage:
    """Run a job to its end, however it ends; returns what it has used."""
    attempted = children.attempt(function, **params)
    await asyncio.wait_for(children.executor.run(attempted.work), 60)
    assert attempted.course.usage is not None
    return attempted.course.usage


@pytest.mark.parametrize(
    "function", [tasks.uses_the_processor, tasks.lets_another_use_the_processor]
)
def test_the_processor_time_is_that_of_this_job_and_of_what_it_waited_for(
    function: Callable[..., Any],
) -> None:
    async def scenario() -> list[Usage]:
        async with executing(1) as children:
            return [await used(children, function, seconds=n) for n in (0.3, 0.1, 0.3)]

    first, second, third = asyncio.run(scenario())

    assert first.pid == second.pid == third.pid is not None
    assert (first.cpu_seconds or 0) >= 0.28
    assert 0.08 <= (second.cpu_seconds or 0) < 0.26
    assert 0.28 <= (third.cpu_seconds or 0) < 0.46


def test_the_peak_of_memory_is_that_of_this_job_and_not_of_the_one_before() -> None:
    async def scenario() -> list[Usage]:
        async with executing(1) as children:
            return [
                await used(children, tasks.holds_for_a_moment, mebibytes=n) for n in (10, 100, 10)
            ]

    peaks = [usage.peak_memory or 0 for usage in asyncio.run(scenario())]

    assert peaks[1] > 100 * MEBI
    assert 10 * MEBI < peaks[0] < 90 * MEBI
    assert 10 * MEBI < peaks[2] < 90 * MEBI


def test_what_the_processes_of_a_job_hold_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handle, "FIRST_WEIGHING_SECONDS", 0.02)
    monkeypatch.setattr(handle, "LAST_WEIGHING_SECONDS", 0.02)

    async def scenario() -> Usage:
        async with executing(1) as children:
            return await used(children, tasks.lets_another_hold_for_a_moment, mebibytes=100)

    assert (asyncio.run(scenario()).peak_memory or 0) > 100 * MEBI


def test_a_job_that_has_ended_before_its_process_is_known_tells_it_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    note_forked = handle.Child.note_forked
    waiting: list[asyncio.Task[None]] = []

    def note_late(child: handle.Child, pid: int) -> None:
        async def when_it_has_answered() -> None:
            await soon(lambda: child._early is not None)
            note_forked(child, pid)

        waiting.append(asyncio.create_task(when_it_has_answered()))

    async def scenario() -> Usage:
        async with executing(1) as children:
            usage = await used(children, tasks.add, a=1, b=1)
            for task in waiting:
                task.cancel()
            return usage

    monkeypatch.setattr(handle.Child, "note_forked", note_late)

    assert asyncio.run(scenario()).pid is not None


def test_a_short_job_tells_its_process_and_its_processor_time() -> None:
    async def scenario() -> Usage:
        async with executing(1) as children:
            await used(children, tasks.add, a=1, b=1)
            return await used(children, tasks.add, a=1, b=1)

    usage = asyncio.run(scenario())

    assert usage.pid is not None
    assert 0 < (usage.cpu_seconds or 0) < 0.05  # what the child has used before is far more


def test_what_a_job_has_used_is_known_though_its_process_has_died() -> None:
    async def scenario() -> list[Usage]:
        async with executing(1) as children:
            await used(children, tasks.uses_the_processor, seconds=0.3)
            died = tasks.uses_the_processor_and_dies
            return [
                await used(children, died, seconds=0.1, mebibytes=64),
                await used(children, tasks.segfaults),
            ]

    by_itself, by_signal = asyncio.run(scenario())

    assert (by_itself.exit_code, by_itself.signal) == (3, None)
    assert 0.08 <= (by_itself.cpu_seconds or 0) < 0.28
    assert (by_itself.peak_memory or 0) > 64 * MEBI
    assert (by_signal.exit_code, by_signal.signal) == (None, "SIGSEGV")


def test_the_receipt_of_a_stop_tells_all_that_was_tried(tmp_path: Path) -> None:
    async def scenario() -> tuple[list[tuple[str, tuple[int, ...]]], Usage | None, int]:
        async with executing(1, grace=0.4) as children:
            pid = await children.value(tasks.pid)
            attempted = await children.begun(tasks.is_deaf, tmp_path / "begun")
            await children.stopped(attempted)
            return attempted.course.deeds, attempted.course.usage, pid

    deeds, usage, pid = asyncio.run(scenario())

    assert [what for what, _ in deeds] == [
        "asked to stop",
        "SIGTERM sent to 1 process",
        "SIGKILL sent to 1 process",
        "none of its processes is left",
    ]
    assert [pids for _, pids in deeds] == [(), (pid,), (pid,), (pid,)]
    assert usage is not None
    assert usage.signal == "SIGKILL"


def test_a_job_that_is_killed_in_a_hurry_tells_the_signal(tmp_path: Path) -> None:
    async def scenario() -> Usage | None:
        async with executing(1) as children:
            attempted = await children.begun(tasks.is_deaf, tmp_path / "begun")
            attempted.work.stop.set(Cause.LOST)
            assert attempted.outcome is not None
            await attempted.outcome
            return attempted.course.usage

    usage = asyncio.run(scenario())

    assert usage is not None
    assert usage.signal == "SIGKILL"
    assert (usage.cpu_seconds or 0) > 0


def test_a_job_that_ends_well_has_nothing_for_a_receipt() -> None:
    async def scenario() -> list[Any]:
        async with executing(1) as children:
            attempted = children.attempt(tasks.add, a=1, b=1)
            await children.executor.run(attempted.work)
            return attempted.course.deeds

    assert asyncio.run(scenario()) == []
