"""Killing that is begun is done to its end: a process that was frozen for it is never left so."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from offload.worker import family
from offload.worker.family import Kin

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]

ENDS_TOO_LATE = """
import asyncio, time
from offload.cli.ending import Ending

async def main():
    ending = Ending(0.05, lambda: print("killed", flush=True), finish)
    ending.begin()
    await asyncio.sleep(60)

def finish():
    time.sleep(0.3)
    print("finished", flush=True)

asyncio.run(main())
"""


@pytest.fixture
def process() -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(SLEEP) as process:
        yield process
        process.kill()


@pytest.mark.promise("P10", "S10")
def test_who_is_found_only_once_is_killed_and_not_left_frozen(
    process: "subprocess.Popen[bytes]",
) -> None:
    """Its parent has died meanwhile, so nobody is found below that any more."""
    found: list[set[Kin]] = [{family.everyone()[process.pid]}]

    ended = family.end(lambda: found.pop() if found else set())

    assert ended == 1
    assert process.wait(5) == -signal.SIGKILL


@pytest.mark.promise("P10")
def test_a_process_that_ends_too_late_first_finishes_what_must_not_be_left_half_done() -> None:
    run = subprocess.run(
        [sys.executable, "-c", ENDS_TOO_LATE],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )

    assert (run.returncode, run.stdout.split()) == (0, ["finished", "killed"]), run.stderr
