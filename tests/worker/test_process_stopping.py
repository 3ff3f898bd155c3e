"""A job in a child process stops when it is told to, whatever its code does, and leaves nothing."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from offload.model import Cause, Crashed, Failed, JobOptions, Succeeded, Yielded
from offload.values import decode
from offload.worker import family
from tests.worker.children import tasks
from tests.worker.children.running import executing, is_alive, soon

pytestmark = pytest.mark.slow

GRACE = 0.4

STUBBORN = [
    tasks.spins,
    tasks.is_deaf,
    tasks.swallows_everything,
    tasks.waits_for_a_session_of_its_own,
    tasks.double_forks,
    tasks.double_forks_without_a_trace,
    tasks.breeds,
]


@pytest.mark.promise("P4")
@pytest.mark.promise("S10")
@pytest.mark.promise("L3")
@pytest.mark.parametrize("function", STUBBORN, ids=lambda function: function.__name__)
def test_code_that_does_not_stop_is_made_to_with_all_that_it_started(
    function: Callable[..., Any], tmp_path: Path
) -> None:
    async def scenario() -> tuple[Any, float, set[int]]:
        async with executing(1, grace=GRACE) as children:
            before = await children.value(tasks.pid)
            attempted = await children.begun(function, tmp_path / "begun")
            asked_at = time.monotonic()
            outcome = await children.stopped(attempted)
            took = time.monotonic() - asked_at
            return outcome, took, _left(before, tmp_path / "begun")

    outcome, took, left = asyncio.run(scenario())

    assert isinstance(outcome, Yielded)
    assert took < GRACE + 2
    assert left == set()


def _left(pid: int, begun: Path) -> set[int]:
    """What is left of a child and of what it started; that is told by its argument, this file."""
    found = {each for each in family.everyone() if str(begun).encode() in _command_line(each)}
    return found | ({pid} & family.everyone().keys())


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_code_that_looks_stops_by_itself_and_its_process_is_not_used_again(
    tmp_path: Path,
) -> None:
    async def scenario() -> tuple[Any, int, int]:
        async with executing(1, grace=30) as children:
            before = await children.value(tasks.pid)
            attempted = await children.begun(tasks.obeys, tmp_path / "begun")
            outcome = await children.stopped(attempted)
            return outcome, before, await children.value(tasks.pid)

    outcome, before, after = asyncio.run(scenario())

    assert isinstance(outcome, Yielded)
    assert before != after


def test_work_that_is_finished_all_the_same_counts(tmp_path: Path) -> None:
    async def scenario() -> Any:
        async with executing(1, grace=30) as children:
            attempted = await children.begun(tasks.finishes_all_the_same, tmp_path / "begun")
            return await children.stopped(attempted)

    assert asyncio.run(scenario()) == Succeeded(b'"the work was done"')


def test_cleanup_runs_when_the_process_is_told_to_end(tmp_path: Path) -> None:
    tidied = tmp_path / "tidied"

    async def scenario() -> Any:
        async with executing(1, grace=4) as children:
            attempted = await children.begun(
                tasks.tidies_up, tmp_path / "begun", tidied=str(tidied)
            )
            return await children.stopped(attempted)

    outcome = asyncio.run(scenario())

    assert isinstance(outcome, Yielded)
    assert tidied.exists()


def test_a_thread_that_a_stopped_job_has_left_writes_no_more(tmp_path: Path) -> None:
    file = tmp_path / "written"

    async def scenario() -> tuple[int, int]:
        async with executing(1) as children:
            attempted = children.begin(tasks.leaves_a_thread, file=str(file))
            await soon(file.exists)
            await children.stopped(attempted)
            before = file.stat().st_size
            await children.value(tasks.add, a=1, b=1)
            return before, file.stat().st_size

    before, after = asyncio.run(scenario())

    assert before == after


@pytest.mark.parametrize("deaf", [False, True])
def test_processes_that_a_finished_job_has_left_are_ended_before_its_outcome_is_told(
    deaf: bool, tmp_path: Path
) -> None:
    async def scenario() -> tuple[int, bool, int, int]:
        async with executing(1) as children:
            child = await children.value(tasks.pid)
            begun = str(tmp_path / "begun")
            left = await children.value(tasks.leaves_a_process, deaf=deaf, begun=begun)
            return left, is_alive(left), child, await children.value(tasks.pid)

    _, lives, child, after = asyncio.run(scenario())

    assert not lives
    assert child == after


def test_the_recorder_is_told_which_processes_a_finished_job_had_left() -> None:
    async def scenario() -> tuple[Any, list[tuple[str, tuple[int, ...]]]]:
        async with executing(1) as children:
            attempted = children.begin(tasks.leaves_a_process, deaf=False, begun="")
            assert attempted.outcome is not None
            return await asyncio.wait_for(attempted.outcome, 60), attempted.course.deeds

    outcome, deeds = asyncio.run(scenario())

    assert deeds == [("ended 1 process that the job had left", (decode(outcome.value),))]


def test_processes_of_a_job_that_died_are_ended_before_its_outcome_is_told(
    tmp_path: Path,
) -> None:
    async def scenario() -> tuple[Any, set[int]]:
        async with executing(1) as children:
            outcome = await children.run(
                tasks.leaves_a_process_and_dies, begun=str(tmp_path / "begun")
            )
            return outcome, _left(0, tmp_path / "begun")

    outcome, left = asyncio.run(scenario())

    assert outcome.error.exit_code == 3
    assert left == set()


@pytest.mark.parametrize(
    ("function", "params", "exit_code", "name"),
    [
        (tasks.ends_the_process, {"code": 3}, 3, None),
        (tasks.ends_the_process, {"code": 0}, 0, None),
        (tasks.segfaults, {}, None, "SIGSEGV"),
        (tasks.kills_itself, {}, None, "SIGKILL"),
        (tasks.terminates_itself, {}, None, "SIGTERM"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_process_that_ends_by_itself_fails_its_job_and_another_takes_its_place(
    function: Callable[..., Any], params: dict[str, Any], exit_code: int | None, name: str | None
) -> None:
    async def scenario() -> tuple[Any, int, int]:
        async with executing(1) as children:
            before = await children.value(tasks.pid)
            outcome = await children.run(function, **params)
            return outcome, before, await children.value(tasks.pid)

    outcome, before, after = asyncio.run(scenario())

    assert isinstance(outcome, Failed)
    assert outcome.again
    error = outcome.error
    assert (error.code, error.exit_code, error.signal) == ("killed", exit_code, name)
    assert (name or f"exit code {exit_code}") in error.message
    assert before != after


def test_a_process_that_somebody_kills_fails_its_job(tmp_path: Path) -> None:
    async def scenario() -> Any:
        async with executing(1) as children:
            child = await children.value(tasks.pid)
            attempted = await children.begun(tasks.spins, tmp_path / "begun")
            os.kill(child, signal.SIGKILL)
            assert attempted.outcome is not None
            return await attempted.outcome

    outcome = asyncio.run(scenario())

    assert (outcome.error.code, outcome.error.signal) == ("killed", "SIGKILL")


def test_a_process_that_is_killed_while_it_waits_is_replaced() -> None:
    async def scenario() -> tuple[int, int]:
        async with executing(1) as children:
            before = await children.value(tasks.pid)
            os.kill(before, signal.SIGKILL)
            await soon(lambda: not is_alive(before))
            outcome = await children.run(tasks.pid)
            while not isinstance(outcome, Succeeded):  # it was given to the dead one
                outcome = await children.run(tasks.pid)
            return before, int(outcome.value)

    before, after = asyncio.run(scenario())

    assert before != after


@pytest.mark.parametrize("function", [tasks.spins, tasks.double_forks], ids=["plain", "daemon"])
def test_a_fork_server_that_is_killed_takes_everything_along_and_another_takes_its_place(
    function: Callable[..., Any], tmp_path: Path
) -> None:
    async def scenario() -> tuple[Any, int | None, int | None]:
        async with executing(1) as children:
            child = await children.value(tasks.pid)
            attempted = await children.begun(function, tmp_path / "begun")
            server = children.executor.server_pid
            assert server is not None
            os.kill(server, signal.SIGKILL)
            assert attempted.outcome is not None
            outcome = await asyncio.wait_for(attempted.outcome, 30)
            # It is found by its memory, which the kernel takes first, and then the process.
            await soon(lambda: not _left(child, tmp_path / "begun"))
            assert await children.value(tasks.add, a=2, b=2) == 4
            return outcome, server, children.executor.server_pid

    outcome, before, after = asyncio.run(scenario())

    assert outcome == Crashed()
    assert before != after


@pytest.mark.parametrize("function", [tasks.holds, tasks.lets_another_hold])
def test_a_job_over_its_limit_of_memory_is_killed_with_all_that_it_started(
    function: Callable[..., Any],
) -> None:
    async def scenario() -> Any:
        async with executing(1) as children:
            limit = JobOptions(memory=128 << 20)
            outcome = await children.run(function, limit, mebibytes=300)
            assert await children.value(tasks.add, a=2, b=2) == 4
            return outcome

    outcome = asyncio.run(scenario())

    assert isinstance(outcome, Failed)
    assert not outcome.again
    assert outcome.error.code == "out-of-memory"
    assert outcome.error.peak_memory is not None
    assert outcome.error.peak_memory > 128 << 20


def test_closing_ends_what_runs_and_begins_nothing_more(tmp_path: Path) -> None:
    async def scenario() -> list[Any]:
        async with executing(1) as children:
            running = await children.begun(tasks.is_deaf, tmp_path / "begun")
            waiting = children.begin(tasks.obeys, begun=str(tmp_path / "waiting"))
            await asyncio.sleep(0)
        late = children.begin(tasks.obeys, begun=str(tmp_path / "late"))
        return [await each.outcome for each in (running, waiting, late) if each.outcome]

    outcomes = asyncio.run(scenario())

    assert outcomes == [Crashed(), Yielded(), Yielded()]
    assert [path.name for path in tmp_path.iterdir()] == ["begun"]


def test_a_worker_that_ends_has_little_time_and_cleanup_runs_all_the_same(
    tmp_path: Path,
) -> None:
    tidied = tmp_path / "tidied"

    async def scenario() -> tuple[list[Any], float]:
        async with executing(2, grace=30) as children:
            tidy = await children.begun(tasks.tidies_up, tmp_path / "a", tidied=str(tidied))
            deaf = await children.begun(tasks.is_deaf, tmp_path / "b")
            asked_at = time.monotonic()
            tidy.work.stop.set(Cause.INTERRUPT)
            deaf.work.stop.set(Cause.INTERRUPT)
            assert tidy.outcome is not None
            assert deaf.outcome is not None
            return [await tidy.outcome, await deaf.outcome], time.monotonic() - asked_at

    outcomes, took = asyncio.run(scenario())

    assert [type(outcome) for outcome in outcomes] == [Yielded, Yielded]
    assert tidied.exists()
    assert took < 5


def test_an_attempt_that_is_given_up_leaves_no_process(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with executing(1) as children:
            child = await children.value(tasks.pid)
            attempted = await children.begun(tasks.is_deaf, tmp_path / "begun")
            assert attempted.outcome is not None
            attempted.outcome.cancel()
            await soon(lambda: not is_alive(child))

    asyncio.run(scenario())
