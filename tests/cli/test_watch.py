"""Watching jobs: which ones, from a pipe and on a terminal, and how the watching ends."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from offload.cli import exits
from offload.cli.line import Track
from offload.cli.watching import Named, Unfinished
from offload.errors import Evicted
from tests.cli.conftest import TASKS, OpenScreen, Start, Terminal
from tests.cli.running import Running
from tests.cli.samples import NOW, job
from tests.cli.test_lines import NO_BARS
from tests.support import eventually

pytestmark = pytest.mark.slow

# --- which jobs


class Shelf:
    """The verbs that watching needs, on jobs in a dict; those that are gone are evicted."""

    def __init__(self, *jobs: dict[str, Any]) -> None:
        self.jobs = {each["id"]: each for each in jobs}

    def status(self, job_id: int) -> dict[str, Any]:
        if job_id not in self.jobs:
            raise Evicted(job_id)
        return self.jobs[job_id]

    def listed(self, narrowed: Mapping[str, str], *, limit: int) -> Sequence[dict[str, Any]]:
        state = narrowed["state"]
        return [each for each in self.jobs.values() if each["state"] == state][:limit]


def test_a_job_that_is_evicted_while_it_is_watched_has_ended() -> None:
    shelf: Any = Shelf(job())
    look = Named(shelf, [7])
    look()
    shelf.jobs.clear()

    [gone] = look()

    assert (gone["done"], exits.of_jobs([gone])) == (True, exits.UNKNOWN)
    assert "no longer kept" in Track().line(gone, NOW).as_text()


def test_what_is_started_meanwhile_is_watched_too() -> None:
    shelf: Any = Shelf(job())
    look = Unfinished(shelf)
    look()
    shelf.jobs[8] = job(id=8, **NO_BARS)
    shelf.jobs[7] = job(state="succeeded", done=True, finished_at="2026-03-01T12:00:00.000Z")

    seen = look()

    assert [(each["id"], each["state"]) for each in seen] == [(7, "succeeded"), (8, "queued")]


@pytest.mark.parametrize(
    ("states", "code"),
    [
        (["succeeded"], exits.OK),
        (["succeeded", "cancelled"], exits.CANCELLED),
        (["cancelled", "failed", "succeeded"], exits.FAILED),
        (["failed", "running"], exits.TIME_OVER),
        ([], exits.OK),
    ],
)
def test_the_exit_code_of_several_jobs_is_that_of_the_worst(states: list[str], code: int) -> None:
    assert exits.of_jobs([job(state=state) for state in states]) == code


# --- the command


def test_watching_ends_with_the_jobs_and_tells_each_change(terminal: Terminal) -> None:
    ids = [terminal.started("double", "n=1"), terminal.started("echo", "value=x")]

    typed = terminal("watch", *map(str, ids))

    lines = typed.stdout.splitlines()
    for job_id, task in zip(ids, ("double", "echo"), strict=True):
        assert any(line.startswith(f"job {job_id} {task} succeeded") for line in lines)
    assert typed.exit_code == exits.OK


def test_watching_for_programs_is_a_line_of_json_for_each_change(terminal: Terminal) -> None:
    job_id = terminal.started("fail", "message=too wet")

    typed = terminal("watch", str(job_id), "--json")

    last = json.loads(typed.stdout.splitlines()[-1])
    assert (last["id"], last["state"], last["error"]["message"]) == (job_id, "failed", "too wet")
    assert (typed.exit_code, typed.stderr) == (exits.FAILED, "")


def test_watching_gives_up_when_the_time_is_over(terminal: Terminal) -> None:
    job_id = terminal.started("echo", "--delay", "3600")

    typed = terminal("watch", str(job_id), "--timeout", "0")

    assert typed.exit_code == exits.TIME_OVER
    assert typed.stdout.startswith(f"job {job_id} echo scheduled in 1 h")


def test_a_job_that_never_was_cannot_be_watched(terminal: Terminal) -> None:
    typed = terminal("watch", "999999999")

    assert typed.exit_code == exits.UNKNOWN
    assert typed.stderr == "offload: job 999999999 was never started\n"


def test_without_ids_all_unfinished_jobs_are_watched(serve: Start) -> None:
    said = serve("--json").introduction()
    terminal = Terminal("--db", said["database"], app=("--app", str(TASKS)))
    assert terminal("watch").stderr == "offload: there is no unfinished job to watch\n"
    ids = [terminal.started("rest", "seconds=0.5"), terminal.started("fail", "--delay", "0.5")]

    typed = terminal("watch")

    assert {int(line.split()[1]) for line in typed.stdout.splitlines()} == set(ids)
    assert typed.exit_code == exits.FAILED


def test_a_start_that_is_watched_prints_the_result_and_nothing_else(terminal: Terminal) -> None:
    typed = terminal("start", "double", "n=4", "--watch")

    assert typed.stdout == "8\n"
    assert re.search(r"^offload: job \d+ double succeeded", typed.stderr, re.MULTILINE)


def test_a_start_that_is_watched_by_a_program_is_lines_of_json(terminal: Terminal) -> None:
    typed = terminal("start", "fail", "--watch", "--json")

    states = [json.loads(line)["state"] for line in typed.stdout.splitlines()]
    assert (states[-1], typed.exit_code, typed.stderr) == ("failed", exits.FAILED, "")


# --- on a terminal


BAR = "━"
HIDDEN, SHOWN_AGAIN = "\x1b[?25l", "\x1b[?25h"


def test_a_terminal_shows_bars(terminal: Terminal, screen: OpenScreen) -> None:
    job_id = terminal.started("rest", "seconds=0.5")

    typed = screen("watch", str(job_id), *terminal.way)

    assert typed.end() == exits.OK
    assert BAR in typed.text
    assert "1/4" in typed.text
    assert typed.text.count(HIDDEN) == typed.text.count(SHOWN_AGAIN) == 1


def test_waiting_on_a_terminal_shows_a_bar_too(terminal: Terminal, screen: OpenScreen) -> None:
    job_id = terminal.started("rest", "seconds=0.5")

    typed = screen("wait", str(job_id), *terminal.way)

    assert typed.end() == exits.OK
    assert BAR in typed.text
    assert typed.text.endswith(f"job {job_id} has succeeded\r\n")


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_that_wants_plain_text_gets_lines(
    terminal: Terminal, screen: OpenScreen, variables: dict[str, str]
) -> None:
    job_id = terminal.started("double", "n=1")

    typed = screen("watch", str(job_id), *terminal.way, **variables)

    assert typed.end() == exits.OK
    assert "\x1b" not in typed.text
    assert f"job {job_id} double succeeded" in typed.text


def test_ctrl_c_ends_the_watching_and_no_job(terminal: Terminal, screen: OpenScreen) -> None:
    job_id = terminal.started("rest")
    typed = screen("watch", str(job_id), *terminal.way)
    eventually(lambda: typed.shows(BAR))

    typed.process.send_signal(signal.SIGINT)

    assert typed.end() == exits.INTERRUPTED
    assert typed.text.endswith("offload: nobody watches any more; the jobs go on\r\n")
    assert SHOWN_AGAIN in typed.text
    assert terminal.json("status", str(job_id))["state"] == "running"
    terminal("cancel", str(job_id))


@pytest.mark.parametrize("words", [("--wait",), ("--watch",), ("--watch", "--json")])
def test_ctrl_c_while_a_start_is_waited_for_says_that_the_job_goes_on(
    lasting_server: Running, start: Start, words: tuple[str, ...]
) -> None:
    terminal = Terminal("--server", lasting_server.introduction()["address"])
    running = start("start", "rest", *terminal.way, *words)
    eventually(lambda: running.complaints or running.lines)
    job_id = terminal.json("list", "--limit", "1", "--task", "rest")[0]["id"]

    code, _ = running.end(signal.SIGINT)

    assert code == exits.INTERRUPTED
    told = f"offload: job {job_id} goes on; `offload cancel {job_id}` stops it\n"
    assert "--json" in words or running.said(re.escape(told))
    assert terminal.json("status", str(job_id))["done"] is False
    terminal("cancel", str(job_id))


# --- Ctrl-C before anything has begun


@pytest.mark.parametrize("module", ["click", "offload.cli.exits", "offload.cli.commands.list"])
def test_ctrl_c_while_modules_are_imported_is_one_line(module: str) -> None:
    code = (
        "import signal, sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, path, target=None):\n"
        f"        if name == {module!r}:\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "sys.argv = ['offload', 'list']\n"
        "from offload.cli import main\n"
        "main()\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )

    assert (ended.returncode, ended.stdout) == (exits.INTERRUPTED, "")
    assert ended.stderr == "offload: interrupted\n"


def test_bars_are_loaded_where_they_are_drawn_and_nowhere_else() -> None:
    code = (
        "import sys\n"
        "import offload.cli.commands.watch, offload.cli.commands.start, offload.cli.commands.wait\n"
        "print('rich' in sys.modules)\n"
    )

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ended.stdout == "False\n"
