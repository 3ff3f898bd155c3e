"""Rows of the page "What happens when…" that only whole programs can show."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support import eventually

pytestmark = pytest.mark.slow


def write(folder: Path, name: str, program: str) -> Path:
    file = folder / name
    file.write_text(textwrap.dedent(program))
    return file


def run(file: Path, *arguments: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-W", "error", str(file), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=file.parent,
    )
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
    return ended.stdout


@pytest.mark.promise("P1", "P3")
def test_a_killed_program_loses_no_job(tmp_path: Path) -> None:
    program = write(
        tmp_path,
        "program.py",
        """
        import asyncio, pathlib, sys
        from offload import Offload
        app = Offload()

        @app.task
        async def work(n: int) -> int:
            pathlib.Path(f"began-{n}").touch()
            while not pathlib.Path("go").exists():
                await asyncio.sleep(0.01)
            return n

        if __name__ == "__main__":
            if sys.argv[1] == "start":
                for job in work.start_many([1, 2, 3]):
                    job.result()
            else:
                jobs = [app.get(number) for number in (1, 2, 3)]
                print([job.result(timeout=40) for job in jobs])
                print([job.read().crashes for job in jobs], [job.read().attempt for job in jobs])
        """,
    )
    killed = subprocess.Popen([sys.executable, str(program), "start"], cwd=tmp_path)
    eventually(lambda: len(list(tmp_path.glob("began-*"))) == 3)

    os.kill(killed.pid, signal.SIGKILL)
    killed.wait(20)
    (tmp_path / "go").touch()
    printed = run(program, "look")

    assert printed == "[1, 2, 3]\n[1, 1, 1] [1, 1, 1]\n"


@pytest.mark.promise("S19")
def test_a_job_that_kills_its_worker_three_times_fails(tmp_path: Path) -> None:
    program = write(
        tmp_path,
        "program.py",
        """
        import os, signal, sys
        from offload import Offload
        app = Offload()

        @app.task
        async def deadly() -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        if __name__ == "__main__":
            job = deadly.start() if sys.argv[1] == "start" else app.get(1)
            job.wait(30)
            print(job.state, job.read().error.code, job.read().crashes)
        """,
    )

    printed = [run(program, word) for word in ("start", "look", "look", "look")]

    assert printed == ["", "", "", "failed crash-loop 3\n"]


def test_jobs_of_a_renamed_task_wait_and_run_under_its_alias(tmp_path: Path) -> None:
    before = write(
        tmp_path,
        "before.py",
        """
        from offload import Offload
        app = Offload(worker="off")

        @app.task
        async def old(n: int) -> int:
            return n

        old.start(7)
        """,
    )
    after = write(
        tmp_path,
        "after.py",
        """
        from offload import Offload
        app = Offload()

        @app.task
        async def new(n: int) -> int:
            return n

        new.start(1).result(timeout=30)
        print(app.get(1).state, app.reason(app.get(1).read()))
        app.task(aliases=["old"])(new.__wrapped__)
        app.close()
        print(app.get(1).result(timeout=30))
        """,
    )

    run(before)
    printed = run(after)

    waits = "no live worker knows the task 'old'; start one with `offload worker FILE_OR_MODULE`"
    assert printed == f"queued {waits}\n7\n"
