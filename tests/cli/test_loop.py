"""The loop of `offload worker`: whatever the jobs' code raises beside itself, it goes on."""

import signal
from pathlib import Path

import pytest

from offload.cli import exits
from tests.cli.conftest import Start, Terminal

pytestmark = pytest.mark.slow

TASKS = """
import asyncio
import os

from offload import Offload

app = Offload()


@app.task
async def leave(how: str) -> int:
    async def go() -> None:
        raise {"SystemExit": SystemExit(3), "KeyboardInterrupt": KeyboardInterrupt()}[how]

    asyncio.get_running_loop().create_task(go())
    await asyncio.sleep(0.05)
    return os.getpid()


@app.task
async def whoami() -> int:
    return os.getpid()
"""


@pytest.mark.parametrize("how", ["SystemExit", "KeyboardInterrupt"])
def test_a_task_that_a_job_made_ends_no_worker_process(
    start: Start, tmp_path: Path, how: str
) -> None:
    (tmp_path / "leaving.py").write_text(TASKS)
    worker = start("worker", "leaving.py", "--json")
    near = Terminal("--db", worker.introduction()["database"], app=("--app", "leaving.py"))

    left = near.started("leave", f"how={how}")
    after = near.started("whoami")

    assert near("wait", str(left)).exit_code == exits.OK
    assert near("wait", str(after)).exit_code == exits.OK
    assert near.json("result", str(after)) == worker.pid
    assert worker.said("a task that a job's code made raised")
    assert worker.end(signal.SIGTERM)[0] == exits.OK
