"""What is left when a process of ours is killed: nothing runs on, and no job is lost."""

import os
import re
import signal
from functools import partial
from pathlib import Path

import pytest

from offload.cli import exits
from tests.cli.conftest import TASKS, Start, Terminal
from tests.cli.running import marked
from tests.support import eventually, whole_lines

pytestmark = pytest.mark.slow

AT_ONCE = 5.0
"""Five times the second that is promised: the machine may be busy with other things."""


RESCUE_SECONDS = 2.0


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def witness(folder: Path) -> list[list[str]]:
    """What jobs have written: [word, job id, process]."""
    return [line.split() for line in whole_lines(folder / "witness")]


def begun(folder: Path, job_id: int) -> list[int]:
    """The processes in which a job has begun, in their order."""
    return [int(pid) for word, job, pid in witness(folder) if (word, job) == ("S", str(job_id))]


def has_begun(folder: Path, job_id: int, times: int) -> bool:
    return len(begun(folder, job_id)) == times


@pytest.mark.promise("P3", "L2", "L7")
def test_a_killed_worker_is_replaced_and_its_job_goes_on(serve: Start, tmp_path: Path) -> None:
    running = serve("--json")
    said = running.introduction()
    terminal = Terminal("--server", said["address"])
    job_id = terminal.started("until", "file=go")
    eventually(lambda: len(begun(tmp_path, job_id)) == 1)

    os.kill(running.worker(), signal.SIGKILL)
    eventually(lambda: len(begun(tmp_path, job_id)) == 2, 10)
    (tmp_path / "go").touch()

    job = terminal.json("wait", str(job_id))
    assert (job["state"], job["attempt"], job["crashes"]) == ("succeeded", 1, 1)
    assert len(set(begun(tmp_path, job_id))) == 2
    assert running.said(r"^offload: worker process \d+ was ended by signal 9 \(Killed\); starting")
    assert running.said(r"^offload: worker 1 \(pid \d+\) died; 1 jobs go back")


@pytest.mark.promise("L2", "P3")
@pytest.mark.parametrize("victim", ["worker", "fork server", "server"])
def test_what_a_killed_process_had_below_it_is_gone_before_its_job_runs_again(
    serve: Start, start: Start, tmp_path: Path, victim: str
) -> None:
    running = serve("--json", "--grace", "0.2")
    near = Terminal("--db", running.introduction()["database"], app=("--app", str(TASKS)))
    job_id = near.started("grind")
    eventually(partial(has_begun, tmp_path, job_id, 1))
    worker, child = running.worker(), begun(tmp_path, job_id)[0]
    before = running.workers() - {worker}
    pids = {"worker": worker, "server": running.pid, "fork server": parent_of(child)}

    os.kill(pids[victim], signal.SIGKILL)

    if victim == "server":
        eventually(lambda: marked(running.mark) == set(), AT_ONCE)
        start("worker", "tasks.py")
    eventually(lambda: not before & marked(running.mark), AT_ONCE)
    eventually(partial(has_begun, tmp_path, job_id, 2), 5 * RESCUE_SECONDS)
    assert before & marked(running.mark) == set()
    assert near.json("status", str(job_id))["crashes"] == (0 if victim == "server" else 1)


@pytest.mark.promise("S19", "P3")
def test_a_job_that_is_there_at_three_deaths_is_not_tried_again(
    serve: Start, tmp_path: Path
) -> None:
    running = serve("--json")
    terminal = Terminal("--server", running.introduction()["address"])
    job_id = terminal.started("until", "file=go")

    for times in (1, 2, 3):
        eventually(partial(has_begun, tmp_path, job_id, times))
        os.kill(begun(tmp_path, job_id)[-1], signal.SIGKILL)

    job = terminal.json("wait", str(job_id))
    assert (job["state"], job["error"]["code"], job["crashes"]) == ("failed", "crash-loop", 3)
    assert len(begun(tmp_path, job_id)) == 3


@pytest.mark.promise("P3")
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_what_must_not_be_repeated_is_lost_and_has_run_once(
    serve: Start, start: Start, tmp_path: Path, end: signal.Signals
) -> None:
    running = serve("--json", "--grace", "0.2")
    near = Terminal("--db", running.introduction()["database"], app=("--app", str(TASKS)))
    job_id = near.started("not_again", "file=go")
    eventually(lambda: begun(tmp_path, job_id))

    if end is signal.SIGKILL:
        os.kill(running.worker(), end)
    else:
        running.end(end)
        start("worker", "tasks.py")

    job = near.json("wait", str(job_id))
    assert (job["state"], job["error"]["code"]) == ("failed", "lost")
    assert len(begun(tmp_path, job_id)) == 1


@pytest.mark.promise("L5")
def test_a_worker_that_cannot_live_is_tried_again_ever_more_rarely(
    serve: Start, tmp_path: Path
) -> None:
    running = serve()
    first = running.worker()
    source = (tmp_path / "tasks.py").read_text()
    (tmp_path / "tasks.py").write_text("raise RuntimeError('broken')\n" + source)

    os.kill(first, signal.SIGKILL)
    eventually(lambda: running.said(r"starting another one in 2 s"))

    pauses = re.findall(r"starting another one in (\S+) s", "".join(running.complaints))
    assert pauses in (["0.1", "1", "2"], ["0.1", "2"])
    assert running.said(r"^offload: tasks.py cannot be imported: .*line 1: RuntimeError: broken$")
    assert Terminal("--server", running.url)("start", "echo").exit_code == exits.OK
    assert running.end()[0] == exits.OK


@pytest.mark.promise("P1", "P3", "P10")
def test_a_killed_server_leaves_no_process_and_loses_no_job(
    start: Start, serve: Start, tmp_path: Path
) -> None:
    running = serve("--workers", "2", "--grace", "0.5", "--json")
    said = running.introduction()
    terminal = Terminal("--server", said["address"])
    ids = [terminal.started("until", "file=go") for _ in range(6)]
    eventually(lambda: len(witness(tmp_path)) == 3)

    running.send(signal.SIGKILL)
    eventually(lambda: marked(running.mark) == set(), AT_ONCE)
    (tmp_path / "go").touch()
    again = serve("--json")

    near = Terminal("--db", again.introduction()["database"])
    for job_id in ids:
        job = near.json("wait", str(job_id))
        assert (job["state"], job["crashes"]) == ("succeeded", 0)
    assert sorted(int(job) for word, job, _ in witness(tmp_path) if word == "E") == ids


@pytest.mark.promise("P10")
@pytest.mark.parametrize("task", ["hang", "hog", "grind"])
def test_even_code_that_does_not_stop_ends_with_its_server(
    serve: Start, tmp_path: Path, task: str
) -> None:
    running = serve("--grace", "0.2", "--json")
    near = Terminal("--db", running.introduction()["database"], app=("--app", str(TASKS)))
    job_id = near.started(task)
    eventually(lambda: begun(tmp_path, job_id))

    running.send(signal.SIGKILL)

    eventually(lambda: marked(running.mark) == set(), AT_ONCE)


@pytest.mark.promise("P10")
@pytest.mark.parametrize("moment", ["first line", "first worker", "worker at work"])
def test_a_server_killed_while_its_worker_starts_leaves_no_process(
    serve: Start, tmp_path: Path, moment: str
) -> None:
    running = serve("--workers", "2", "--grace", "0.2")
    running.first_line()
    if moment != "first line":
        eventually(running.workers)
    if moment == "worker at work":
        assert Terminal("--server", running.url)("start", "echo", "--wait").exit_code == exits.OK

    running.send(signal.SIGKILL)
    running.process.wait()

    eventually(lambda: marked(running.mark) == set(), AT_ONCE)


@pytest.mark.promise("P10")
def test_a_worker_whose_module_never_ends_importing_ends_with_its_server(
    serve: Start, tmp_path: Path
) -> None:
    hanging = (
        "import sys, threading\n"
        "if '--with-parent' in sys.argv:\n"
        "    open('importing', 'w').close()\n"
        "    threading.Event().wait()\n"
    )
    source = (tmp_path / "tasks.py").read_text()
    (tmp_path / "tasks.py").write_text(hanging + source)
    running = serve("--grace", "0.2")
    eventually((tmp_path / "importing").exists)

    running.send(signal.SIGKILL)

    eventually(lambda: marked(running.mark) == set(), AT_ONCE)


def test_a_worker_of_its_own_outlives_the_server(
    serve: Start, start: Start, tmp_path: Path
) -> None:
    server = serve("--workers", "0", "--json")
    terminal = Terminal("--server", server.introduction()["address"])
    worker = start("worker", "tasks.py", "--queue", "default", "--slots", "2", "--json")
    job_id = terminal.started("until", "file=go")
    eventually(lambda: begun(tmp_path, job_id) == [worker.pid])

    server.end(signal.SIGKILL)
    (tmp_path / "go").touch()

    near = Terminal("--db", worker.introduction()["database"])
    assert near("wait", str(job_id)).exit_code == exits.OK
    assert worker.introduction()["queues"] == ["default"]
    assert worker.process.poll() is None
