"""What a child process is given before its first job: hooks, and the script of the program."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from offload.errors import ConfigError, InvalidTask
from offload.importable import MAIN, importing_for_a_task, refuse_while_importing
from offload.lifespan import Lifespan, worker_lifespans
from offload.model import Failed
from offload.worker import family
from tests.support import eventually
from tests.worker.children import hooked, tasks
from tests.worker.children.running import executing


def test_a_hook_is_set_up_once_in_each_child_and_torn_down_at_its_end(tmp_path: Path) -> None:
    async def scenario() -> list[list[int]]:
        async with executing(1, hooks=(Lifespan.of(hooked.connection),)) as children:
            return [await children.value(hooked.what_is_connected) for _ in range(2)]

    first, second = asyncio.run(scenario())

    assert first == second == [first[0], first[0]]
    assert (tmp_path / f"torn-down-{first[0]}").exists()
    assert hooked.connected == []


def test_a_process_that_a_hook_started_outlives_the_jobs_and_not_the_child() -> None:
    async def scenario() -> list[bool]:
        async with executing(1, hooks=(Lifespan.of(hooked.with_a_helper),)) as children:
            return [await children.value(hooked.is_helped) for _ in range(2)]

    assert asyncio.run(scenario()) == [True, True]


def test_a_hook_that_raises_fails_the_job_and_its_child_is_not_used_again() -> None:
    async def scenario() -> list[Any]:
        async with executing(1, hooks=(Lifespan.of(hooked.broken),)) as children:
            return [await children.run(tasks.pid) for _ in range(2)]

    outcomes = asyncio.run(scenario())

    for outcome in outcomes:
        assert isinstance(outcome, Failed)
        assert (outcome.error.type, outcome.error.message) == (
            "ConnectionError",
            "nobody is there",
        )
        assert outcome.again


def test_hooks_of_the_worker_are_set_up_in_order_and_torn_down_in_the_opposite_one() -> None:
    said: list[str] = []

    async def first() -> AsyncIterator[None]:
        said.append("first")
        yield
        said.append("first ends")

    def second() -> Iterator[None]:
        said.append("second")
        yield
        said.append("second ends")

    async def scenario() -> None:
        async with worker_lifespans([Lifespan.of(first), Lifespan.of(second, scope="worker")]):
            said.append("work")

    asyncio.run(scenario())

    assert said == ["first", "second", "work", "second ends", "first ends"]


def test_a_hook_that_cannot_be_set_up_is_told_and_the_others_are_torn_down() -> None:
    said: list[str] = []

    async def first() -> AsyncIterator[None]:
        yield
        said.append("first ends")

    async def second() -> AsyncIterator[None]:
        if not said:
            raise ConnectionError("nobody is there")
        yield

    async def scenario() -> None:
        async with worker_lifespans([Lifespan.of(first), Lifespan.of(second)]):
            said.append("work")

    with pytest.raises(ConnectionError, match="nobody is there"):
        asyncio.run(scenario())

    assert said == ["first ends"]


def test_a_tear_down_that_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def hook() -> AsyncIterator[None]:
        yield
        raise ConnectionError("gone already")

    async def scenario() -> str:
        async with worker_lifespans([Lifespan.of(hook)]):
            return "work"

    assert asyncio.run(scenario()) == "work"
    assert "failed as it was torn down" in caplog.text
    assert "gone already" in caplog.text


def test_where_a_hook_runs_follows_from_what_it_is() -> None:
    def local() -> Iterator[None]:
        yield

    assert Lifespan.of(hooked.connection).scope == "child"
    assert Lifespan.of(hooked.connection, scope="worker").scope == "worker"
    assert Lifespan.of(local).scope == "worker"


def test_a_hook_that_is_none_is_refused() -> None:
    def plain() -> None:
        return None

    def demanding(what: str) -> Iterator[None]:
        yield

    async def on_the_loop() -> AsyncIterator[None]:
        yield

    def local() -> Iterator[None]:
        yield

    with pytest.raises(InvalidTask, match="must have one `yield`"):
        Lifespan.of(plain)
    with pytest.raises(InvalidTask, match="must take no arguments"):
        Lifespan.of(cast("Any", demanding))
    with pytest.raises(InvalidTask, match="write `def`"):
        Lifespan.of(on_the_loop, scope="child")
    with pytest.raises(InvalidTask, match="made inside another function"):
        Lifespan.of(local, scope="child")
    with pytest.raises(InvalidTask, match="it can be"):
        Lifespan.of(local, scope="galaxy")


def test_jobs_cannot_be_started_while_a_child_imports_their_module() -> None:
    refuse_while_importing()
    with importing_for_a_task(MAIN), pytest.raises(ConfigError, match="this script starts jobs"):
        refuse_while_importing()
    with importing_for_a_task("tasks"), pytest.raises(ConfigError, match="the module tasks"):
        refuse_while_importing()
    refuse_while_importing()


SCRIPT = """
import asyncio, os, sys
sys.path.append({root!r})
from tests.worker.children.running import executing
from offload.importable import refuse_while_importing

class Unlucky(Exception):
    pass

def where():
    return [__name__, os.getpid()]

def fails():
    raise Unlucky("of the script")

if "{guard}" == "no":
    refuse_while_importing()

async def main():
    async with executing(1) as children:
        name, pid = await children.value(where)
        print(name, pid != os.getpid())
        print((await children.run(fails)).error.type)

if __name__ == "__main__":
    asyncio.run(main())
"""


def _run_script(folder: Path, guard: str) -> "subprocess.CompletedProcess[str]":
    root = str(Path(__file__).parents[2])
    (folder / "script.py").write_text(SCRIPT.format(root=root, guard=guard))
    return subprocess.run(
        [sys.executable, "script.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_function_of_the_programs_script_runs_in_a_child(tmp_path: Path) -> None:
    done = _run_script(tmp_path, "yes")

    assert done.stdout.splitlines() == [f"{MAIN} True", "Unlucky"], done.stderr
    assert done.stderr == ""


def test_a_script_that_starts_jobs_as_it_is_imported_runs_them_in_threads(tmp_path: Path) -> None:
    done = _run_script(tmp_path, "no")

    assert done.stdout.splitlines() == ["__main__ False", "Unlucky"], done.stderr
    assert "this script starts jobs as it is imported" in done.stderr
    assert 'put that under `if __name__ == "__main__":`' in done.stderr


PROGRAM = """
import asyncio, sys
sys.path.append({root!r})
from pathlib import Path
from tests.worker.children import tasks
from tests.worker.children.running import executing

async def main():
    async with executing(3) as children:
        print(children.mark, flush=True)
        jobs = [
            await children.begun(tasks.is_deaf, Path("deaf")),
            await children.begun(tasks.waits_for_a_session_of_its_own, Path("session")),
            await children.begun(tasks.double_forks_without_a_trace, Path("daemon")),
        ]
        print("begun", flush=True)
        await asyncio.gather(*(job.outcome for job in jobs))

asyncio.run(main())
"""


@pytest.mark.promise("S10")
def test_a_program_that_is_killed_leaves_no_process(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(root=str(Path(__file__).parents[2])))
    with subprocess.Popen(
        [sys.executable, str(program)], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        mark = running.stdout.readline().strip()
        assert running.stdout.readline() == "begun\n"
        before = family.descendants(running.pid)

        os.kill(running.pid, signal.SIGKILL)

    eventually(lambda: not family.marked(mark))
    eventually(lambda: not {kin.pid for kin in before} & family.everyone().keys())
    assert len(before) >= 6
