"""The command as a program: how light it is, and how it behaves among other programs."""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from offload.cli import exits
from tests.cli.conftest import TASKS, Start, Terminal
from tests.cli.running import Running, environment
from tests.support import eventually

pytestmark = pytest.mark.slow

HEAVY = ("starlette", "uvicorn", "uvloop", "httptools", "offload.http", "offload.examples")


def program(
    words: Sequence[str], surroundings: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "offload", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=surroundings,
    )


def imported(words: Sequence[str]) -> set[str]:
    """Every module that a command imports."""
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        f"sys.argv = {['offload', *words]!r}\n"
        "from offload.cli import main\n"
        "main()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return set(ended.stderr.splitlines()[-1].split())


def test_looking_at_a_database_loads_no_web_server_and_no_client(lasting_server: Running) -> None:
    found = imported(["list", "--db", lasting_server.introduction()["database"]])

    assert "offload.app" in found
    assert not {
        name for name in found if name.startswith((*HEAVY, "offload.client", "http.client"))
    }


def test_looking_at_a_server_loads_neither_a_loop_nor_a_database(lasting_server: Running) -> None:
    found = imported(["list", "--server", lasting_server.introduction()["address"]])

    assert "offload.client" in found
    assert not {
        name for name in found if name.startswith((*HEAVY, "asyncio", "sqlite3", "offload.store"))
    }


def test_help_loads_no_command(tmp_path: Path) -> None:
    found = imported(["--help"])

    assert not {name for name in found if name.startswith(("offload.cli.commands", "offload.app"))}


def test_a_look_is_light(lasting_server: Running, compiled: Path) -> None:
    """It takes 0.16 s of computing; a machine that does other things meanwhile may need more."""
    words = ["list", "--db", lasting_server.introduction()["database"]]
    surroundings = environment(compiled)
    program(words, surroundings)

    costs = [_cost_of(words, surroundings) for _ in range(3)]

    assert min(costs) < 0.4


def _cost_of(words: Sequence[str], surroundings: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert program(words, surroundings).returncode == exits.OK
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_a_reader_that_has_enough_is_no_error(lasting_server: Running, compiled: Path) -> None:
    terminal = Terminal(
        "--db", lasting_server.introduction()["database"], app=("--app", str(TASKS))
    )
    job_id = terminal.started("echo", f"value={'x' * 200_000}")
    terminal("wait", str(job_id))
    words = ["result", str(job_id), *terminal.way]

    with subprocess.Popen(
        [sys.executable, "-m", "offload", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(compiled),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        said = process.stderr.read()
        code = process.wait(20)

    assert (code, said) == (exits.NOT_READ, b"")


def test_a_terminal_that_knows_few_letters_is_told_all_the_same(lasting_server: Running) -> None:
    server = ("--server", lasting_server.introduction()["address"])
    job_id = Terminal(*server).started("echo", "value=Zoë 😀")
    Terminal(*server)("wait", str(job_id))

    ended = program(["result", str(job_id), *server], {**os.environ, "PYTHONIOENCODING": "ascii"})

    assert (ended.stdout, ended.returncode) == ("Zoë 😀\n", exits.OK)


def test_ctrl_c_is_quiet(start: Start, serve: Start) -> None:
    said = serve("--workers", "0", "--json").introduction()
    job_id = Terminal("--server", said["address"]).started("echo")
    running = start("wait", str(job_id), "--db", said["database"])
    eventually(lambda: running.said("no live worker"))

    code, _ = running.end(signal.SIGINT)

    assert code == exits.INTERRUPTED
    assert running.complaints[1:] == [
        f"offload: job {job_id} goes on; `offload cancel {job_id}` stops it\n"
    ]


def test_a_fault_of_ours_shows_its_traceback_and_a_code_of_its_own(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "import offload.cli.verbs\n"
        "offload.cli.verbs.open_verbs = None\n"
        "sys.argv = ['offload', 'list']\n"
        "offload.cli.main()\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )

    assert ended.returncode == exits.OWN_FAULT
    assert ended.stderr.startswith("Traceback (most recent call last)")


def test_python_m_offload_does_not_look_in_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "sqlite3.py").write_text("raise RuntimeError('the wrong sqlite3')\n")

    ended = program(["list"])

    assert ended.returncode == exits.UNAVAILABLE
    assert ended.stderr.startswith("offload: there is no database")


@pytest.mark.parametrize("words", [["start", "power_sim", "a=2", "b=10", "delay_seconds=0"]])
def test_without_an_app_the_examples_are_started(tmp_path: Path, words: list[str]) -> None:
    started = program([*words, "--json"])

    job = json.loads(started.stdout)
    assert (job["id"], job["task"], job["state"]) == (1, "power_sim", "queued")
    assert (tmp_path / "offload.db").exists()


def test_the_app_may_stand_in_a_variable(tmp_path: Path) -> None:
    ended = program(["start", "double", "n=2", "--json"], {**os.environ, "OFFLOAD_APP": str(TASKS)})

    assert json.loads(ended.stdout)["task"] == "double"


def test_a_module_that_uses_its_offload_while_it_is_imported(tmp_path: Path) -> None:
    (tmp_path / "hasty.py").write_text(
        "from offload import Offload\n"
        "app = Offload(worker='off')\n"
        "@app.task\n"
        "def mow() -> None: ...\n"
        "mow.start()\n"
    )

    ended = program(["start", "mow", "--app", "hasty.py"])

    assert ended.returncode == exits.UNUSABLE
    assert ended.stderr == (
        "offload: the module uses its Offload while it is imported; put what starts jobs or looks "
        'at them under `if __name__ == "__main__":`\n'
    )
