"""Whole programs: scripts under `__main__`, a REPL, forks, and what is said at the end."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def run(script: str, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    file = folder / "program.py"
    file.write_text(textwrap.dedent(script))
    return subprocess.run(
        [sys.executable, "-W", "error", str(file), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=folder,
    )


def test_a_script_runs_its_own_tasks(tmp_path: Path) -> None:
    program = """
        from offload import Offload
        app = Offload()

        @app.task
        def double(n: int) -> int:
            return 2 * n

        if __name__ == "__main__":
            print(double.start(21).result(timeout=20))
    """

    ended = run(program, tmp_path)

    assert (ended.stdout, ended.stderr, ended.returncode) == ("42\n", "", 0)


@pytest.mark.promise("P10")
def test_a_script_that_ends_says_how_many_jobs_are_left_and_how_to_go_on(tmp_path: Path) -> None:
    program = """
        import asyncio
        from offload import Offload
        app = Offload()

        @app.task
        async def sleep() -> None:
            await asyncio.sleep(3600)

        job = sleep.start()
        while job.state != "running":
            pass
    """

    ended = run(program, tmp_path)

    assert ended.returncode == 0
    assert "1 unfinished job is kept" in ended.stderr
    assert "offload worker" in ended.stderr


def test_a_job_that_uses_to_thread_is_interrupted_and_not_failed_at_the_end(tmp_path: Path) -> None:
    program = """
        import asyncio, sys, time
        from offload import Offload
        app = Offload()

        @app.task
        async def busy() -> None:
            while True:
                await asyncio.to_thread(time.sleep, 0.001)

        if sys.argv[1] == "start":
            job = busy.start()
            while job.state != "running":
                pass
        else:
            print(app.get(1).state, app.get(1).read().interrupts)
    """

    run(program, tmp_path, "start")
    ended = run(program, tmp_path, "look")

    assert ended.stdout == "queued 1\n"


def test_an_unopened_offload_survives_a_fork_and_an_opened_one_reopens(tmp_path: Path) -> None:
    program = """
        import os, sys, warnings
        warnings.simplefilter("ignore", DeprecationWarning)   # forking with threads, on purpose
        from offload import Offload
        app = Offload()

        @app.task
        async def add(a: int, b: int) -> int:
            return a + b

        print(add.start(1, 2).result(20), flush=True)
        if os.fork() == 0:
            print(add.start(3, 4).result(20), flush=True)
            os._exit(0)
        os.wait()
        print(add.start(5, 6).result(20), flush=True)
    """

    ended = run(program, tmp_path)

    assert ended.stdout == "3\n7\n11\n", ended.stderr


def test_the_prompt_can_start_functions_that_it_defined(tmp_path: Path) -> None:
    lines = (
        "from offload import Offload\napp = Offload()\n@app.task\ndef f(n: int) -> int:\n"
        "    return n + 1\n\nprint('result', f.start(1).result(20))\n"
    )

    ended = subprocess.run(
        [sys.executable, "-i", "-q"],
        input=lines,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
    )

    assert "result 2" in ended.stdout


def test_importing_offload_loads_neither_a_loop_nor_a_web_framework() -> None:
    program = (
        "import sys, offload; "
        "print(sorted({'asyncio', 'starlette', 'uvicorn', 'click', 'sqlite3'} & set(sys.modules)))"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    )

    assert ended.stdout == "[]\n"


@pytest.mark.promise("P7")
def test_several_programs_share_one_limit(tmp_path: Path) -> None:
    program = """
        import asyncio, os, sys
        from offload import Offload
        app = Offload(concurrency=2)

        @app.task
        async def work(n: int) -> int:
            with open("witness", "a", 1) as witness:
                witness.write(f"start {n}\\n")
                try:
                    await asyncio.sleep(0.02)
                finally:
                    witness.write(f"end {n}\\n")
            return n

        jobs = work.start_many(range(int(sys.argv[1]), int(sys.argv[1]) + 10))
        print(sum(job.result(40) for job in jobs))
    """
    file = tmp_path / "program.py"
    file.write_text(textwrap.dedent(program))
    environment = os.environ | {"PYTHONWARNINGS": "error"}

    programs = [
        subprocess.Popen(
            [sys.executable, str(file), str(first)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=environment,
        )
        for first in (0, 10, 20)
    ]
    printed = [program.communicate(timeout=60)[0].strip() for program in programs]

    assert printed == ["45", "145", "245"]
    running, most = 0, 0
    for line in (tmp_path / "witness").read_text().splitlines():
        running += 1 if line.startswith("start") else -1
        most = max(most, running)
    assert most <= 2
