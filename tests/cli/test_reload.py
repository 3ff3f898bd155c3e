"""`offload serve --reload`: new jobs get the new code, those that run finish on the old."""

import http.client
import os
import re
import signal
import threading
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from offload.cli import exits, sources
from tests.cli.conftest import Start, Terminal
from tests.cli.running import Running, marked
from tests.support import eventually

GRACE = 0.3
AT_ONCE = 5.0
"""Five times the second that is promised: the machine may be busy with other things."""

SERVES = r"^offload: generation {} \(process \d+\) serves the new code; new jobs run with it$"
ENDED = r"^offload: generation {} \(process \d+\) has ended$"


# --- what is looked at


def test_every_python_file_beside_the_served_one_is_seen(tmp_path: Path) -> None:
    for name in ("tasks.py", "notes.txt", "shop/__init__.py", "shop/deep/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "no_package.py").touch()

    seen = sources.look(sources.folders_of(str(tmp_path / "tasks.py")))

    names = {os.path.relpath(name, tmp_path) for name in seen}
    assert names == {"tasks.py", "shop/__init__.py", "shop/deep/__init__.py"}


def test_a_file_that_is_replaced_in_the_same_moment_is_seen_as_another(tmp_path: Path) -> None:
    file, new = tmp_path / "tasks.py", tmp_path / "new"
    file.write_text("a = 1")
    before = sources.look([str(tmp_path)])

    new.write_text("a = 2")
    os.utime(new, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    new.rename(file)

    assert sources.look([str(tmp_path)]) != before


def test_installed_modules_and_our_own_are_not_looked_at() -> None:
    folders = sources.imported_folders()

    assert str(Path(__file__).parent) in folders
    assert [each for each in folders if "site-packages" in each or "src/offload" in each] == []


def test_a_folder_that_is_gone_holds_nothing(tmp_path: Path) -> None:
    assert sources.look([str(tmp_path / "absent")]) == {}


@pytest.mark.parametrize(
    ("after", "words"),
    [({"/a/x.py": (2, 0, 0)}, "x.py"), ({"/b/y.py": (1, 0, 0)}, "x.py and 1 more file")],
)
def test_what_changed_is_named(after: sources.Snapshot, words: str) -> None:
    assert sources.what_changed({"/a/x.py": (1, 0, 0)}, after) == words


# --- one server after another


@pytest.fixture
def running(serve: Start, tmp_path: Path) -> Running:
    """A server that reloads, with the task `version` and a module beside it."""
    (tmp_path / "helper.py").write_text("VERSION = 1\n")
    source = (tmp_path / "tasks.py").read_text()
    more = "\n\n@app.task\nasync def version() -> int:\n    return helper.VERSION\n"
    (tmp_path / "tasks.py").write_text("import helper\n" + source + more)
    return serve("--reload", "--grace", str(GRACE), "--concurrency", "20", "--json")


def change(file: Path, before: str, after: str) -> None:
    """Save a file as editors do: another one takes its place."""
    new = file.with_suffix(".new")
    new.write_text(file.read_text().replace(before, after))
    new.rename(file)


def witness(folder: Path) -> str:
    file = folder / "witness"
    return file.read_text() if file.exists() else ""


def has_begun(folder: Path, job_id: int) -> bool:
    return f"S {job_id} " in witness(folder)


def version(terminal: Terminal) -> str:
    return terminal("start", "version", "--wait").stdout.strip()


@pytest.mark.slow
def test_new_jobs_get_the_new_code_and_running_ones_finish_on_the_old(
    running: Running, tmp_path: Path
) -> None:
    terminal = Terminal("--server", running.introduction()["address"])
    before = version(terminal)
    job_id = terminal.started("until", "file=go")
    eventually(partial(has_begun, tmp_path, job_id))

    change(tmp_path / "tasks.py", "return file", "return file + '!'")
    change(tmp_path / "helper.py", "1", "2")
    eventually(lambda: running.said(SERVES.format(2)))
    after = version(terminal)
    state = terminal.json("status", str(job_id))["state"]
    (tmp_path / "go").touch()

    assert (before, after, state) == ("1", "2", "running")
    assert terminal("wait", str(job_id)).exit_code == exits.OK
    assert terminal("result", str(job_id)).stdout == "go\n"
    assert terminal("start", "until", "file=go", "--wait").stdout == "go!\n"
    eventually(lambda: running.said(ENDED.format(1)))
    assert witness(tmp_path).count(f"S {job_id} ") == 1


@pytest.mark.slow
def test_the_server_knows_new_tasks_and_new_parameters(running: Running, tmp_path: Path) -> None:
    terminal = Terminal("--server", running.introduction()["address"])
    refused = terminal("start", "double", "n=2", "by=3").exit_code

    change(tmp_path / "tasks.py", "double(n: int)", "double(n: int, by: int = 0)")
    eventually(lambda: running.said(SERVES.format(2)))

    assert refused == exits.UNUSABLE
    assert terminal("start", "double", "n=2", "by=3", "--wait").stdout == "4\n"


@pytest.mark.slow
def test_code_that_cannot_be_imported_is_told_and_the_old_goes_on(
    running: Running, tmp_path: Path
) -> None:
    terminal = Terminal("--server", running.introduction()["address"])
    assert version(terminal) == "1"  # there is a worker with the old code

    change(tmp_path / "helper.py", "VERSION", "VERSION =")
    eventually(lambda: running.said(r"\(process \d+\) goes on until that is mended"))
    broken = version(terminal)
    change(tmp_path / "helper.py", "VERSION = = 1", "VERSION = 3")
    eventually(lambda: running.said(SERVES.format(3)))

    place = re.escape(f"{tmp_path / 'helper.py'}, line 1")
    assert running.said(f"^offload: tasks.py cannot be imported: {place}: SyntaxError: ")
    assert broken == "1"
    assert version(terminal) == "3"
    assert not running.said("Traceback")


@pytest.mark.slow
@pytest.mark.promise("P1")
def test_no_request_is_lost_meanwhile(running: Running, tmp_path: Path) -> None:
    address = urlsplit(running.introduction()["address"]).netloc
    statuses: list[int] = []
    over = threading.Event()

    def ask() -> None:
        """Ask again and again, on a connection that is kept for as long as the server keeps it."""
        connection = http.client.HTTPConnection(address, timeout=20)
        while not over.is_set():
            connection.request("GET", "/v1/jobs?limit=1")
            response = connection.getresponse()
            response.read()
            statuses.append(response.status)
        connection.close()

    asking = [threading.Thread(target=ask) for _ in range(3)]
    for thread in asking:
        thread.start()
    for number in (2, 3):
        change(tmp_path / "helper.py", f"= {number - 1}", f"= {number}")
        eventually(partial(running.said, ENDED.format(number - 1)))
    over.set()
    for thread in asking:
        thread.join()

    assert set(statuses) == {200}


@pytest.mark.slow
def test_a_server_that_dies_is_started_again(running: Running, tmp_path: Path) -> None:
    terminal = Terminal("--server", running.introduction()["address"])
    assert version(terminal) == "1"
    server = next(pid for pid in running.workers() if "--inherited" in words_of(pid))

    os.kill(server, signal.SIGKILL)

    eventually(lambda: running.said(r"was ended by signal 9 \(Killed\); starting another one$"))
    assert version(terminal) == "1"


def words_of(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


@pytest.mark.slow
@pytest.mark.promise("P10")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_all_generations_end_with_it(
    running: Running, tmp_path: Path, number: signal.Signals
) -> None:
    terminal = Terminal("--server", running.introduction()["address"])
    job_id = terminal.started("rest")
    eventually(partial(has_begun, tmp_path, job_id))
    change(tmp_path / "helper.py", "1", "2")
    eventually(lambda: running.said(SERVES.format(2)))

    code, seconds = running.end(number)

    assert code == (-number if number == signal.SIGKILL else exits.OK)
    assert seconds < GRACE + AT_ONCE
    eventually(lambda: marked(running.mark) == set(), AT_ONCE)
    near = Terminal("--db", running.introduction()["database"])
    job = near.json("status", str(job_id))
    assert (job["state"], job["crashes"]) == ("queued", 0)


@pytest.mark.slow
@pytest.mark.promise("P10")
def test_a_second_signal_ends_all_generations_at_once(serve: Start, tmp_path: Path) -> None:
    running = serve("--reload", "--grace", "60", "--json")
    terminal = Terminal("--server", running.introduction()["address"])
    job_id = terminal.started("rest")
    eventually(partial(has_begun, tmp_path, job_id))
    running.send(signal.SIGTERM)
    eventually(lambda: terminal("start", "echo").exit_code == exits.REFUSED)

    code, seconds = running.end(signal.SIGTERM)

    assert code == 128 + signal.SIGTERM
    assert seconds < AT_ONCE
    eventually(lambda: marked(running.mark) == set(), AT_ONCE)


@pytest.mark.slow
def test_what_cannot_be_served_at_first_is_told_and_ends_it(start: Start, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import nothing_of_that_name\n")

    running = start("serve", "broken.py", "--port", "0", "--reload")

    assert running.process.wait(20) == exits.UNUSABLE
    eventually(lambda: running.said(r"broken.py, line 1: No module named 'nothing_of_that_name'"))


@pytest.mark.long
def test_of_too_many_generations_the_oldest_is_told_to_end(
    running: Running, tmp_path: Path
) -> None:
    terminal = Terminal("--server", running.introduction()["address"])
    first = terminal.started("rest")
    eventually(partial(has_begun, tmp_path, first))
    for number in range(2, 9):
        change(tmp_path / "helper.py", f"= {number - 1}", f"= {number}")
        eventually(partial(running.said, SERVES.format(number)))
        job_id = terminal.started("rest")
        eventually(partial(has_begun, tmp_path, job_id))

    eventually(lambda: running.said(r"those are too many: generation 1 \(.* ends"))
    eventually(lambda: running.said(ENDED.format(1)))
