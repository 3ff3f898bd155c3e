"""What becomes of black boxes when their program ends, by itself or by a signal: real processes."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from offload import Offload
from tests.support import eventually

pytestmark = pytest.mark.promise("P10")

BOXES = """
    import sys, time
    from offload import Offload

    class Sleeper:
        def run(self) -> None:
            time.sleep(3600)

        def get_output(self) -> None: ...

    class Never:
        def run(self) -> None: ...

        def get_output(self) -> None: ...

    class Quick:
        def run(self) -> None: ...

        def get_output(self) -> int:
            return 7
"""

HOLDER = (
    BOXES
    + """
    app = Offload()
    jobs = [
        app.submit(Quick()),
        app.submit(Sleeper(), kind="blocking"),
        app.submit(Never(), kind="polling"),
        app.submit(Never(), delay=3600),
    ]
    wanted = ["succeeded", "running", "waiting", "scheduled"]
    while list(app.states(jobs).values()) != wanted:
        time.sleep(0.01)
    print("ready", flush=True)
    if len(sys.argv) > 1:
        time.sleep(3600)
"""
)


def run(script: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    file = folder / "program.py"
    file.write_text(textwrap.dedent(script))
    return subprocess.run(
        [sys.executable, "-W", "error", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=folder,
    )


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A program that holds four boxes and does not end by itself."""
    file = tmp_path / "holder.py"
    file.write_text(textwrap.dedent(HOLDER))
    process = subprocess.Popen(
        [sys.executable, "-W", "error", str(file), "stay"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.communicate()


def code_of(app: Offload, job_id: int) -> str | None:
    error = app.read_job(job_id).error
    return None if error is None else error.code


def test_boxes_of_a_program_that_ends_are_lost_at_once_and_it_says_so(tmp_path: Path) -> None:
    ended = run(HOLDER, tmp_path)

    app = Offload(tmp_path / "offload.db", worker="off")
    states = [str(app.get(number).state) for number in (1, 2, 3, 4)]

    assert ended.stderr == (
        "offload: 3 black boxes have failed as lost: only this program could run what it was "
        "handed\n"
    )
    assert ended.returncode == 0
    assert states == ["succeeded", "failed", "failed", "failed"]
    assert [code_of(app, number) for number in (2, 3, 4)] == ["lost"] * 3
    app.close()


def test_boxes_handed_in_at_the_very_end_are_recorded(tmp_path: Path) -> None:
    ended = run(BOXES + "    Offload().submit(Sleeper(), kind='blocking')\n", tmp_path)

    app = Offload(tmp_path / "offload.db", worker="off")

    assert "1 black box has failed as lost" in ended.stderr
    assert code_of(app, 1) == "lost"
    app.close()


def test_a_program_that_waits_for_its_boxes_has_nothing_to_say(tmp_path: Path) -> None:
    program = """
    with Offload() as app:
        jobs = [app.submit(Quick()) for _ in range(20)]
    print(sum(job.result() for job in jobs))
"""

    ended = run(BOXES + program, tmp_path)

    assert (ended.stdout, ended.stderr) == ("140\n", "")


@pytest.mark.slow
def test_boxes_of_a_program_that_was_killed_are_recorded_as_lost_by_others(
    holder: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    app = Offload(tmp_path / "offload.db")

    @app.task
    async def noop() -> None: ...

    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    noop.start().result(20)
    began = time.monotonic()

    eventually(lambda: [code_of(app, number) for number in (2, 3)] == ["lost"] * 2)
    assert time.monotonic() - began < 5
    eventually(lambda: app.get(4).state == "failed")
    assert code_of(app, 4) == "lost"
    assert app.get(1).result(0) == 7
    app.close()


def test_nobody_else_takes_a_box(holder: "subprocess.Popen[str]", tmp_path: Path) -> None:
    app = Offload(tmp_path / "offload.db")

    @app.task(name="Never")
    async def never() -> str:
        return "taken by the wrong one"

    assert never.start().result(20) == "taken by the wrong one"

    assert [str(app.get(number).state) for number in (2, 3, 4)] == [
        "running",
        "waiting",
        "scheduled",
    ]
    app.close()


def test_another_process_cancels_a_box(holder: "subprocess.Popen[str]", tmp_path: Path) -> None:
    app = Offload(tmp_path / "offload.db", worker="off")

    app.cancel(3)
    app.cancel(4)

    eventually(lambda: [str(app.get(number).state) for number in (3, 4)] == ["cancelled"] * 2)
    app.close()
