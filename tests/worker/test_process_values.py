"""What goes into a child process comes out of it: values, errors, progress, the context."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from offload.model import Failed, JobOptions, Progress, Snoozed, Succeeded
from tests.worker.children import fails_in_a_child, tasks
from tests.worker.children.running import executing, soon

pytestmark = pytest.mark.slow

VALUES: list[Any] = [
    0,
    "",
    None,
    False,
    [],
    {},
    -0.0,
    1.5,
    10**5000,
    "ö\0\u2028",
    [[1, {"a": None}]],
]


@pytest.mark.promise("S8")
def test_values_come_back_as_they_were() -> None:
    async def scenario() -> list[Any]:
        async with executing() as children:
            return [await children.value(tasks.echo, value=value) for value in VALUES]

    found = asyncio.run(scenario())

    assert [(type(value), value) for value in found] == [(type(value), value) for value in VALUES]
    assert str(found[6]) == "-0.0"


def test_values_of_many_megabytes_pass() -> None:
    async def scenario() -> tuple[int, str]:
        async with executing(1) as children:
            taken = await children.value(tasks.size, text="y" * 20_000_000)
            return taken, await children.value(tasks.many_bytes, count=16_000_000)

    taken, given = asyncio.run(scenario())

    assert taken == 20_000_000
    assert given == "x" * 16_000_000


def test_a_value_that_cannot_be_kept_fails_as_in_a_thread() -> None:
    async def scenario() -> Any:
        async with executing(1) as children:
            return await children.run(tasks.keeps_nothing)

    outcome = asyncio.run(scenario())

    assert isinstance(outcome, Failed)
    assert outcome.error.code == "not-serializable"
    assert not outcome.again


def test_an_exception_comes_with_its_traceback_and_without_our_frames() -> None:
    async def scenario() -> Any:
        async with executing(1) as children:
            return await children.run(tasks.fails, word="no such file")

    outcome = asyncio.run(scenario())

    assert isinstance(outcome, Failed)
    error = outcome.error
    assert (error.code, error.type, error.message) == ("exception", "ValueError", "no such file")
    assert error.traceback is not None
    assert error.traceback.count("File ") == 1
    assert "raise ValueError(word)" in error.traceback


def test_the_process_lives_on_after_an_exception_or_an_exit() -> None:
    async def scenario() -> tuple[int, Any, Any, int]:
        async with executing(1) as children:
            before = await children.value(tasks.pid)
            failed = await children.run(tasks.calls_exit)
            out = await children.run(tasks.runs_out)
            return before, failed, out, await children.value(tasks.pid)

    before, failed, out, after = asyncio.run(scenario())

    assert before == after
    assert failed.error.type == "SystemExit"
    assert (out.error.code, out.error.type) == ("exception", "MemoryError")


def test_a_job_knows_itself() -> None:
    async def scenario() -> Any:
        async with executing(1) as children:
            return await children.value(tasks.told)

    assert asyncio.run(scenario()) == [1, 1, "once", True]


def test_a_job_may_ask_to_be_run_later() -> None:
    async def scenario() -> Any:
        async with executing(1) as children:
            return await children.run(tasks.snoozes)

    assert asyncio.run(scenario()) == Snoozed(5.0)


def test_the_last_word_of_progress_is_heard_before_the_end() -> None:
    async def scenario() -> list[Progress]:
        async with executing(1) as children:
            attempted = children.attempt(tasks.counts, most=10_000)
            await children.executor.run(attempted.work)
            return attempted.told

    told = asyncio.run(scenario())

    assert told[-1] == Progress(10_000, 10_000, "counting", "number")
    assert len(told) < 1000


def test_the_last_word_of_progress_is_heard_though_no_further_one_comes() -> None:
    async def scenario() -> None:
        async with executing(1, grace=0.4) as children:
            attempted = children.begin(tasks.counts_and_waits, most=100)
            await soon(lambda: attempted.told[-1:] == [Progress(100)])
            await children.stopped(attempted)

    asyncio.run(scenario())


def test_a_process_that_the_code_forks_says_nothing_in_our_name() -> None:
    async def scenario() -> tuple[Any, list[Progress]]:
        async with executing(1) as children:
            attempted = children.attempt(tasks.forks_with_progress)
            outcome = await children.executor.run(attempted.work)
            assert await children.value(tasks.add, a=1, b=2) == 3
            return outcome, attempted.told

    outcome, told = asyncio.run(scenario())

    assert outcome == Succeeded(b"0")
    assert told == []


def test_the_standard_input_is_empty() -> None:
    async def scenario() -> Any:
        async with executing(1) as children:
            return await children.value(tasks.reads_standard_input)

    assert asyncio.run(scenario()) == ""


def test_the_code_begins_when_its_module_has_been_imported() -> None:
    async def scenario() -> tuple[int, int]:
        async with executing(1) as children:
            first = children.attempt(tasks.says_nothing)
            await children.executor.run(first.work)
            second = children.attempt(tasks.says_nothing)
            await children.executor.run(second.work)
            return first.course.begun, second.course.begun

    assert asyncio.run(scenario()) == (1, 0)


def test_a_process_is_used_again_and_there_are_never_more_than_allowed() -> None:
    async def scenario() -> list[int]:
        async with executing(2) as children:
            jobs = (children.value(tasks.pid) for _ in range(50))
            return list(await asyncio.gather(*jobs))

    assert len(set(asyncio.run(scenario()))) <= 2


def test_jobs_that_come_at_once_run_at_once(tmp_path: Path) -> None:
    async def scenario() -> list[Any]:
        async with executing(3) as children:
            files = [tmp_path / str(n) for n in range(3)]
            attempts = [children.begin(tasks.obeys, begun=str(file)) for file in files]
            await soon(lambda: all(file.exists() for file in files))
            return [await children.stopped(attempted) for attempted in attempts]

    assert len(asyncio.run(scenario())) == 3


def test_a_module_that_fails_in_a_child_runs_in_a_thread_and_that_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> list[Any]:
        async with executing(1) as children:
            return [await children.value(fails_in_a_child.paint) for _ in range(2)]

    found = asyncio.run(scenario())

    assert found == [fails_in_a_child.paint()] * 2
    [said] = [record.getMessage() for record in caplog.records]
    assert "paint runs in a thread" in said
    assert "RuntimeError: this needs the screen" in said


def test_a_function_that_no_other_process_has_runs_in_a_thread(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def inner() -> int:
        return 42

    async def scenario() -> Any:
        async with executing(1) as children:
            return await children.value(inner)

    assert asyncio.run(scenario()) == 42
    assert "it was made inside another function" in caplog.text


def test_a_job_that_is_stopped_before_it_begins_never_begins(tmp_path: Path) -> None:
    async def scenario() -> list[Any]:
        async with executing(1) as children:
            early = children.attempt(tasks.obeys, begun=str(tmp_path / "early"))
            early.work.stop.set()
            outcomes: list[Any] = [await children.executor.run(early.work)]
            running = await children.begun(tasks.obeys, tmp_path / "running")
            waiting = children.begin(tasks.obeys, begun=str(tmp_path / "waiting"))
            await asyncio.sleep(0)
            outcomes.append(await children.stopped(waiting))
            outcomes.append(await children.stopped(running))
            return outcomes

    outcomes = asyncio.run(scenario())

    assert [type(outcome).__name__ for outcome in outcomes] == ["Yielded"] * 3
    assert [path.name for path in tmp_path.iterdir()] == ["running"]


def test_a_limit_of_memory_that_is_kept_to_changes_nothing() -> None:
    async def scenario() -> Any:
        async with executing(1) as children:
            return await children.run(tasks.holds, JobOptions(memory=1 << 30), mebibytes=1)

    assert asyncio.run(scenario()) == Succeeded(b"1048576")
