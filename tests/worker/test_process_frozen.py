"""What becomes of a frozen job that is stopped or loses its worker, and of others' places."""

import asyncio
import os
import resource
import secrets
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from offload.model import Cause, JobOptions, Mode, Succeeded, Yielded
from offload.worker import family
from offload.worker.presence import boot_id
from tests.support import eventually
from tests.worker.children import tasks
from tests.worker.children.running import (
    GRACE,
    Attempted,
    Executing,
    beginning,
    executing,
    is_alive,
    outcome_of,
    soon,
)

pytestmark = pytest.mark.slow

# --- stopping while it stands still


@pytest.mark.promise("P4")
@pytest.mark.parametrize("cause", [Cause.CANCEL, Cause.DEADLINE, Cause.INTERRUPT, Cause.LOST])
def test_a_frozen_job_that_is_stopped_tidies_up_first(cause: Cause, tmp_path: Path) -> None:
    tidied = tmp_path / "tidied"

    async def scenario() -> None:
        async with executing(1, grace=20) as children:
            attempted = await children.begun(
                tasks.tidies_up, tmp_path / "begun", tidied=str(tidied)
            )
            await children.frozen(attempted)
            attempted.work.stop.set(cause)

            assert isinstance(await outcome_of(attempted), Yielded)
            assert tidied.exists()
            told = [what for what, _ in attempted.course.deeds]
            assert told[1:3] == ["SIGTERM sent to 1 process", "SIGCONT sent to 1 process"]
            assert told[-1] == "none of its processes is left"

    asyncio.run(scenario())


@pytest.mark.promise("P4")
@pytest.mark.promise("L3")
@pytest.mark.parametrize("cause", [Cause.CANCEL, Cause.INTERRUPT])
@pytest.mark.parametrize(
    "function",
    [tasks.is_deaf, tasks.double_forks, tasks.waits_for_a_session_of_its_own, tasks.breeds],
    ids=lambda function: function.__name__,
)
def test_a_frozen_job_that_does_not_stop_is_killed_with_all_that_it_started(
    function: Callable[..., Any], cause: Cause, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with beginning(function, tmp_path / "begun") as (children, attempted, pid):
            await children.frozen(attempted)
            line = [kin.pid for kin in family.line(pid)]
            asked_at = time.monotonic()
            attempted.work.stop.set(cause)
            outcome = await outcome_of(attempted)

            assert isinstance(outcome, Yielded)
            assert time.monotonic() - asked_at < GRACE + 2
            assert not any(is_alive(each) for each in line)

    asyncio.run(scenario())


def test_a_stop_that_comes_before_all_stand_still_finds_nobody_stopped(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with beginning(tasks.obeys, tmp_path / "begun") as (_, attempted, pid):
            attempted.work.pause.set()
            attempted.work.stop.set()

            assert isinstance(await outcome_of(attempted), Yielded)
            assert attempted.course.still == []
            assert not is_alive(pid)

    asyncio.run(scenario())


def test_a_frozen_job_that_somebody_kills_has_failed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with beginning(tasks.spins_in_two_sessions, tmp_path / "begun") as (
            children,
            attempted,
            pid,
        ):
            await children.frozen(attempted)
            line = [kin.pid for kin in family.line(pid)]
            os.kill(pid, signal.SIGKILL)
            outcome = await outcome_of(attempted)

            assert outcome.error.signal == "SIGKILL"
            assert len(line) == 2
            assert not any(is_alive(each) for each in line)
            assert await children.value(tasks.add, a=2, b=2) == 4

    asyncio.run(scenario())


def test_the_limit_of_memory_holds_again_when_the_job_goes_on(tmp_path: Path) -> None:
    go = tmp_path / "go"

    async def scenario() -> None:
        async with executing(1) as children:
            attempted = await children.begun(
                tasks.holds_later,
                tmp_path / "begun",
                JobOptions(memory=128 << 20),
                go=str(go),
                mebibytes=300,
            )
            await children.frozen(attempted)
            go.touch()
            attempted.work.pause.clear()
            outcome = await outcome_of(attempted)

            assert outcome.error.code == "out-of-memory"
            assert attempted.course.deeds[-2][0] == "SIGKILL sent to 1 process"

    asyncio.run(scenario())


def test_a_frozen_job_that_somebody_lets_go_on_may_end_and_leaves_a_child_as_any_other(
    tmp_path: Path,
) -> None:
    go = tmp_path / "go"

    async def scenario() -> None:
        async with beginning(tasks.waits_for, tmp_path / "begun", go=str(go)) as (
            children,
            attempted,
            pid,
        ):
            await children.frozen(attempted)
            go.touch()
            os.kill(pid, signal.SIGCONT)

            assert await outcome_of(attempted) == Succeeded(b'"went on"')
            assert await children.value(tasks.add, a=2, b=2) == 4
            server = children.executor.server_pid
            assert server is not None
            await soon(lambda: len(family.children(server)) == 1)

    asyncio.run(scenario())


def test_closing_ends_what_is_frozen(tmp_path: Path) -> None:
    async def scenario() -> list[int]:
        async with beginning(tasks.spins_in_two_sessions, tmp_path / "begun") as (
            children,
            attempted,
            pid,
        ):
            await children.frozen(attempted)
            return [kin.pid for kin in family.line(pid)]

    assert not any(is_alive(each) for each in asyncio.run(scenario()))


# --- when the worker dies


@pytest.mark.promise("P10")
def test_a_worker_that_is_killed_leaves_nothing_frozen(tmp_path: Path) -> None:
    with frozen_elsewhere(tmp_path) as (worker, _, (server, *pids)):
        assert len(pids) == 2
        assert all(family.stands_still(pid) for pid in pids)

        worker.kill()

        eventually(lambda: not any(is_alive(pid) for pid in (server, *pids)))


@pytest.mark.promise("P10")
def test_what_is_frozen_is_swept_when_nobody_is_left_to_end_it(tmp_path: Path) -> None:
    with frozen_elsewhere(tmp_path) as (worker, mark, (server, child, below)):
        worker.send_signal(signal.SIGSTOP)
        os.kill(server, signal.SIGKILL)
        worker.kill()
        worker.wait(10)
        eventually(lambda: not is_alive(child))
        assert family.stands_still(below)

        assert family.sweep(mark, boot_id()) == 1

        assert not is_alive(below)


def test_a_server_ends_as_ever_though_its_worker_died_with_words_unread() -> None:
    """Then the socket is reset, not only closed."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    program = f"from offload.worker.executors.process.server import main; main({its.fileno()})"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, pass_fds=[its.fileno()], stderr=subprocess.PIPE) as server:
        its.close()
        select.select([ours], [], [], 20)

        ours.close()

        _, said = server.communicate(timeout=20)
    assert (server.returncode, said) == (0, b"")


@contextmanager
def frozen_elsewhere(
    folder: Path,
) -> Iterator[tuple["subprocess.Popen[str]", str, list[int]]]:
    """Another program with a frozen job: its process, its mark, and all that is below it."""
    mark = f"worker-{secrets.token_hex(4)}.lock"
    program = [sys.executable, "-m", "tests.worker.children.frozen", mark, str(folder / "begun")]
    root = Path(tasks.__file__).parents[3]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, cwd=root) as worker:
        try:
            assert worker.stdout is not None
            yield worker, mark, [int(each) for each in worker.stdout.readline().split()]
        finally:
            worker.kill()
            worker.wait()
            family.sweep(mark, boot_id())


# --- places


@pytest.mark.promise("P7")
def test_a_frozen_job_takes_no_place_and_the_children_become_few_again(tmp_path: Path) -> None:
    go = tmp_path / "go"

    async def scenario() -> None:
        async with executing(2, grace=GRACE) as children:
            frozen = [await _begun(children, tmp_path / str(n), go) for n in range(2)]
            for attempted in frozen:
                await children.frozen(attempted)
            others = [await _begun(children, tmp_path / str(n), go) for n in (2, 3)]
            server = children.executor.server_pid
            assert server is not None
            assert len(family.children(server)) == 4
            go.touch()
            assert [await outcome_of(each) for each in others] == [Succeeded(b'"went on"')] * 2
            for attempted in frozen:
                attempted.work.pause.clear()

            assert [await outcome_of(each) for each in frozen] == [Succeeded(b'"went on"')] * 2
            await soon(lambda: len(family.children(server)) == 2)
            assert await children.value(tasks.add, a=2, b=2) == 4

    asyncio.run(scenario())


async def _begun(children: Executing, begun: Path, go: Path) -> Attempted:
    return await children.begun(tasks.waits_for, begun, go=str(go))


def test_a_worker_that_is_short_of_files_waits_for_a_child_until_it_has_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    go = tmp_path / "go"

    async def scenario() -> None:
        async with executing(3) as children:
            first = await _begun(children, tmp_path / "first", go)
            with no_more_files():
                second = children.begin(tasks.waits_for, begun=str(tmp_path / "2"), go=str(go))
                third = children.begin(tasks.waits_for, begun=str(tmp_path / "3"), go=str(go))
                await soon(lambda: "no further child process" in caplog.text)
            go.touch()

            for attempted in (first, second, third):
                assert await outcome_of(attempted) == Succeeded(b'"went on"')

    asyncio.run(scenario())


@contextmanager
def no_more_files() -> Iterator[None]:
    """Within it this process can open nothing more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_job_that_waits_for_a_child_stands_still_at_once_and_begins_when_it_goes_on(
    tmp_path: Path,
) -> None:
    begun = tmp_path / "late"

    async def scenario() -> None:
        async with beginning(tasks.obeys, tmp_path / "begun") as (children, first, _):
            late = children.begin(tasks.sums, begun=str(begun), count=3)
            await asyncio.sleep(0)
            await children.frozen(late)
            await children.stopped(first)
            assert await children.value(tasks.add, a=2, b=2) == 4
            assert not begun.exists()
            late.work.pause.clear()

            assert await outcome_of(late) == Succeeded(b"3")
            assert late.course.still == [Mode.FROZEN]

    asyncio.run(scenario())


def test_a_paused_job_that_has_not_begun_stops_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with executing(1) as children:
            attempted = children.attempt(tasks.obeys, begun=str(tmp_path / "begun"))
            attempted.work.pause.set()
            running = asyncio.create_task(children.executor.run(attempted.work))
            await soon(lambda: attempted.course.still == [Mode.FROZEN])
            attempted.work.pause.clear()
            attempted.work.pause.set()
            attempted.work.stop.set()

            assert await running == Yielded()
            assert attempted.course.still == [Mode.FROZEN, Mode.FROZEN]
            assert not (tmp_path / "begun").exists()

    asyncio.run(scenario())
