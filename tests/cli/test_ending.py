"""Ending in order and ending at once: `offload serve` and `offload worker` under signals."""

import http.client
import os
import signal
import sqlite3
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from offload import Offload
from offload.cli import exits
from tests.cli.conftest import TASKS, Start, Terminal
from tests.cli.running import Running, marked
from tests.support import eventually

pytestmark = pytest.mark.slow

GRACE = 0.3
AT_ONCE = 5.0
"""Five times the second that is promised: the machine may be busy with other things."""

WITH_GRACE = ("--grace", str(GRACE), "--json")


def near(running: Running) -> Terminal:
    """A terminal at the database of a server or worker."""
    return Terminal("--db", running.introduction()["database"], app=("--app", str(TASKS)))


def begun(terminal: Terminal, folder: Path, *words: str) -> int:
    """Start a job; returns its id when its code runs."""
    job_id = terminal.started(*words)
    eventually(lambda: f"S {job_id} " in witness(folder))
    return job_id


def witness(folder: Path) -> str:
    file = folder / "witness"
    return file.read_text() if file.exists() else ""


@pytest.fixture(params=["serve", "worker"])
def running(request: pytest.FixtureRequest, start: Start) -> Running:
    """A server with a worker, or a worker alone; both run jobs and both are told to end."""
    if request.param == "serve":
        return start("serve", "tasks.py", "--port", "0", *WITH_GRACE)
    return start("worker", "tasks.py", *WITH_GRACE)


@pytest.mark.promise("P10", "L6")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_without_jobs_it_ends_at_once(running: Running, number: signal.Signals) -> None:
    running.first_line()

    code, seconds = running.end(number)

    assert code == exits.OK
    assert seconds < AT_ONCE
    assert marked(running.mark) == set()
    assert running.complaints == []


@pytest.mark.promise("P10", "L6")
def test_a_job_that_ends_in_the_grace_period_succeeds(running: Running, tmp_path: Path) -> None:
    terminal = near(running)
    job_id = begun(terminal, tmp_path, "until", "file=go")

    running.send(signal.SIGTERM)
    (tmp_path / "go").touch()
    code = running.process.wait(10)

    assert code == exits.OK
    assert terminal("result", str(job_id)).stdout == "go\n"


STUBBORN = [("rest", "hang", "hang_elsewhere"), ("hog",), ("grind", "grind", "rest")]
"""An async job, a thread that never ends, one behind the loop's back; one in the loop's way;
processes that hear nothing, with others below them."""


@pytest.mark.promise("P10", "L6")
@pytest.mark.parametrize("tasks", STUBBORN)
def test_what_does_not_end_is_left_in_time(
    running: Running, tmp_path: Path, tasks: tuple[str, ...]
) -> None:
    for task in tasks:
        begun(near(running), tmp_path, task)

    code, seconds = running.end()

    assert code == exits.OK
    assert seconds < GRACE + AT_ONCE
    assert marked(running.mark) == set()


@pytest.mark.promise("P10")
def test_what_was_left_is_an_interrupt_and_goes_on(
    running: Running, start: Start, tmp_path: Path
) -> None:
    terminal = near(running)
    ids = [begun(terminal, tmp_path, task) for task in ("rest", "hang")]
    running.end()
    left = terminal.json("status", str(ids[0]))

    start("worker", "tasks.py", *WITH_GRACE)
    eventually(lambda: all(witness(tmp_path).count(f"S {job_id} ") == 2 for job_id in ids))

    assert (left["state"], left["attempt"], left["worker"]) == ("queued", 0, None)
    for job_id in ids:
        job = terminal.json("status", str(job_id))
        assert (job["state"], job["crashes"], job["interrupts"]) == ("running", 0, 1)


@pytest.mark.promise("P10")
@pytest.mark.parametrize("tasks", STUBBORN)
def test_a_second_signal_ends_it_at_once(
    serve: Start, tmp_path: Path, tasks: tuple[str, ...]
) -> None:
    running = serve("--grace", "60", "--json")
    for task in tasks:
        begun(near(running), tmp_path, task)
    running.send(signal.SIGTERM)
    eventually(lambda: refuses_starts(running))

    code, seconds = running.end(signal.SIGINT)

    assert code == exits.INTERRUPTED
    assert seconds < AT_ONCE
    eventually(lambda: marked(running.mark) == set(), AT_ONCE)


@pytest.mark.promise("P10")
def test_a_second_signal_ends_a_worker_at_once(start: Start, tmp_path: Path) -> None:
    running = start("worker", "tasks.py", "--grace", "60", "--json")
    terminal = near(running)
    begun(terminal, tmp_path, "rest")
    begun(terminal, tmp_path, "hang")
    running.send(signal.SIGTERM)
    waiting = str(terminal.started("echo"))
    assert terminal("wait", waiting, "--timeout", "0.5").exit_code == exits.TIME_OVER

    code, seconds = running.end(signal.SIGTERM)

    assert code == 128 + signal.SIGTERM
    assert seconds < AT_ONCE


def refuses_starts(running: Running) -> bool:
    return ask(running, "POST", "/start/echo") == 503


def ask(running: Running, method: str, path: str) -> int:
    """Return the status code of an answer."""
    connection = http.client.HTTPConnection(urlsplit(running.url).netloc, timeout=5)
    connection.request(method, path)
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.promise("P10")
def test_while_it_ends_it_starts_nothing_and_still_answers(serve: Start, tmp_path: Path) -> None:
    running = serve("--grace", "60", "--json")
    job_id = begun(near(running), tmp_path, "until", "file=go")
    running.send(signal.SIGTERM)

    eventually(lambda: refuses_starts(running))
    typed = Terminal("--server", running.introduction()["address"])("start", "echo")
    looked = ask(running, "GET", f"/status?id={job_id}")
    (tmp_path / "go").touch()

    assert typed.exit_code == exits.REFUSED
    assert "stopping" in typed.stderr
    assert looked == 200
    assert running.process.wait(10) == exits.OK
    assert near(running).json("status", str(job_id))["state"] == "succeeded"


@pytest.mark.promise("P10")
def test_a_signal_in_the_first_moment_leaves_nothing_behind(serve: Start) -> None:
    """The worker is still importing; it has not yet said how it wants to be ended."""
    running = serve("--workers", "2", "--grace", "1")
    running.first_line()

    code, seconds = running.end()

    assert code == exits.OK
    assert seconds < 1 + AT_ONCE
    assert marked(running.mark) == set()


def test_workers_do_not_hear_the_terminal(serve: Start) -> None:
    """Ctrl-C reaches a session's foreground group: they would hear it twice."""
    running = serve()

    worker = running.worker()

    eventually(lambda: os.getsid(worker) == worker)
    assert os.getsid(running.pid) == os.getsid(0)


def test_a_job_may_read_its_standard_input(serve: Start, tmp_path: Path) -> None:
    """It is empty; it is not the pipe that ties a worker to its server."""
    running = serve("--json")
    terminal = near(running)

    typed = terminal("start", "read_input", "--wait")

    assert typed.stdout == "\n"
    assert running.process.poll() is None


async def rest(seconds: float = 3600) -> str:
    raise NotImplementedError  # it is run where tasks.py is


@pytest.mark.promise("P10", "L6")
def test_a_hundred_jobs_are_given_back_in_time(start: Start, tmp_path: Path) -> None:
    running = start("worker", "tasks.py", *WITH_GRACE)
    app = Offload(running.introduction()["database"], worker="off")
    app.task(rest)
    ids = [job.id for job in app.start_many([("rest", {})] * 100)]
    eventually(lambda: witness(tmp_path).count("S ") == 100)

    code, seconds = running.end()
    left = [app.read_job(job_id) for job_id in ids]
    app.close()

    assert code == exits.OK
    assert seconds < GRACE + AT_ONCE
    assert {(job.state, job.interrupts, job.crashes) for job in left} == {("queued", 1, 0)}


@pytest.mark.promise("P10", "L6")
def test_a_locked_database_does_not_hold_it(running: Running, tmp_path: Path) -> None:
    terminal = near(running)
    job_id = begun(terminal, tmp_path, "rest")
    held = sqlite3.connect(running.introduction()["database"], isolation_level=None)
    held.execute("begin immediate")

    code, seconds = running.end()
    held.execute("rollback")
    held.close()

    assert code == exits.OK
    assert seconds < GRACE + AT_ONCE
    assert marked(running.mark) == set()
    assert terminal.json("status", str(job_id))["state"] == "running"  # until somebody looks
