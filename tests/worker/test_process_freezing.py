"""A job in a child process stands still when it is paused, whatever its code does, and goes on."""

import asyncio
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from offload.model import Mode, Succeeded, Yielded
from offload.worker import family
from tests.worker.children import tasks
from tests.worker.children.running import beginning, executing, is_alive, outcome_of, soon

pytestmark = pytest.mark.slow

RESTLESS = [
    tasks.spins,
    tasks.is_deaf,
    tasks.swallows_everything,
    tasks.spins_in_threads,
    tasks.spins_in_two_sessions,
    tasks.double_forks,
    tasks.double_forks_without_a_trace,
    tasks.breeds,
]


def ticks(pid: int) -> dict[int, int]:
    """The processor time of a process and all its descendants, from the operating system."""
    return {kin.pid: _ticks(kin.pid) for kin in family.line(pid)}


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def all_stand_still(pid: int) -> bool:
    return all(family.stands_still(kin.pid) for kin in family.line(pid))


@pytest.mark.promise("P5")
@pytest.mark.promise("S10")
@pytest.mark.parametrize("function", RESTLESS, ids=lambda function: function.__name__)
def test_a_paused_job_uses_no_processor_with_all_that_it_started(
    function: Callable[..., Any], tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with beginning(function, tmp_path / "begun") as (children, attempted, pid):
            await children.frozen(attempted)
            stood, before = all_stand_still(pid), ticks(pid)
            await asyncio.sleep(0.3)
            after = ticks(pid)
            outcome = await children.stopped(attempted)

            assert stood
            assert before == after
            assert attempted.course.still == [Mode.FROZEN]
            assert isinstance(outcome, Yielded)
            assert not is_alive(pid)

    asyncio.run(scenario())


@pytest.mark.promise("P5")
def test_a_job_goes_on_where_it_stood(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with beginning(tasks.sums, tmp_path / "begun", count=10_000_000) as (
            children,
            attempted,
            pid,
        ):
            await children.frozen(attempted)
            attempted.work.pause.clear()

            assert await outcome_of(attempted) == Succeeded(b"49999995000000")
            assert await children.value(tasks.pid) == pid
            [stopped, continued] = attempted.course.deeds
            assert stopped == ("SIGSTOP sent to 1 process: all stand still", (pid,))
            assert continued == ("SIGCONT sent to 1 process", (pid,))

    asyncio.run(scenario())


def test_a_pause_that_is_taken_back_at_once_leaves_no_trace(tmp_path: Path) -> None:
    go = tmp_path / "go"

    async def scenario() -> None:
        async with beginning(tasks.waits_for, tmp_path / "begun", go=str(go)) as (
            _,
            attempted,
            _pid,
        ):
            attempted.work.pause.set()
            attempted.work.pause.clear()
            await soon(lambda: any("SIGCONT" in what for what, _ in attempted.course.deeds))
            go.touch()

            assert await outcome_of(attempted) == Succeeded(b'"went on"')
            assert attempted.course.still == []

    asyncio.run(scenario())


def test_many_pauses_in_a_row_change_nothing(tmp_path: Path) -> None:
    draw = random.Random(4)

    async def scenario() -> None:
        async with beginning(tasks.sums, tmp_path / "begun", count=15_000_000) as (
            children,
            attempted,
            pid,
        ):
            for n in range(50):
                if n % 5:
                    attempted.work.pause.set()
                    await asyncio.sleep(draw.choice([0, 0.001, 0.003]))
                else:
                    await children.frozen(attempted)
                attempted.work.pause.clear()

            assert await outcome_of(attempted) == Succeeded(b"112499992500000")
            assert await children.value(tasks.pid) == pid

    asyncio.run(scenario())


def test_processes_that_start_each_other_without_end_stand_still_and_go_on(
    tmp_path: Path,
) -> None:
    go = tmp_path / "go"

    async def scenario() -> None:
        async with beginning(tasks.swarms, tmp_path / "begun", go=str(go)) as (
            children,
            attempted,
            pid,
        ):
            await children.frozen(attempted)
            stood, before = all_stand_still(pid), ticks(pid)
            await asyncio.sleep(0.3)
            after = ticks(pid)
            attempted.work.pause.clear()
            await soon(lambda: ticks(pid).keys() != before.keys())
            go.touch()

            assert stood
            assert before == after
            assert len(before) > 6
            assert await outcome_of(attempted) == Succeeded(b'"went on"')

    asyncio.run(scenario())


def test_code_that_starts_programs_stands_still_though_a_start_hears_no_signal(
    tmp_path: Path,
) -> None:
    go = tmp_path / "go"

    async def scenario() -> None:
        async with beginning(tasks.starts_programs, tmp_path / "begun", go=str(go)) as (
            children,
            attempted,
            pid,
        ):
            for _ in range(30):
                await children.frozen(attempted)
                assert all_stand_still(pid)
                attempted.work.pause.clear()
            go.touch()

            outcome = await outcome_of(attempted)
            assert int(outcome.value) > 0

    asyncio.run(scenario())


def test_it_is_told_which_process_does_not_stand_still(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"

    async def scenario() -> None:
        async with beginning(tasks.starts_a_program_slowly, tmp_path / "begun", pipe=str(pipe)) as (
            _,
            attempted,
            pid,
        ):
            await soon(lambda: family.is_stuck(pid))
            attempted.work.pause.set()
            await soon(lambda: attempted.course.deeds)
            still = list(attempted.course.still)
            writer = await asyncio.to_thread(os.open, pipe, os.O_WRONLY)
            await soon(lambda: attempted.course.still)
            os.close(writer)
            attempted.work.pause.clear()

            assert still == []
            what, pids = attempted.course.deeds[0]
            assert "not stand still yet" in what
            assert pid in pids
            assert await outcome_of(attempted) == Succeeded(b'"started"')

    asyncio.run(scenario())


def test_what_the_job_itself_has_stopped_stays_stopped(tmp_path: Path) -> None:
    go = tmp_path / "go"

    async def scenario() -> None:
        async with beginning(tasks.stops_a_process_itself, tmp_path / "begun", go=str(go)) as (
            children,
            attempted,
            _,
        ):
            await children.frozen(attempted)
            attempted.work.pause.clear()
            go.touch()

            assert await outcome_of(attempted) == Succeeded(b"true")

    asyncio.run(scenario())


@pytest.mark.promise("S8")
def test_a_job_that_ends_in_the_moment_of_a_pause_has_ended() -> None:
    draw = random.Random(5)

    async def scenario() -> None:
        async with executing(1) as children:
            pid = await children.value(tasks.pid)
            still = 0
            for n in range(200):
                attempted = children.begin(tasks.add, a=n, b=n)
                for _ in range(draw.randrange(6)):
                    await asyncio.sleep(draw.choice([0, 0, 0.0001]))
                attempted.work.pause.set()
                await asyncio.sleep(draw.choice([0, 0.0005, 0.005]))
                still += len(attempted.course.still)
                attempted.work.pause.clear()
                assert await outcome_of(attempted) == Succeeded(str(2 * n).encode())

            assert await children.value(tasks.pid) == pid
            assert 0 < still < 200

    asyncio.run(scenario())
