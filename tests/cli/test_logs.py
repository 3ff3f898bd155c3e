"""`offload logs`: what a job has written, the same from a database and from a server."""

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result

from offload.cli.loglines import text_of
from tests.cli.conftest import Terminal
from tests.cli.running import Running, environment

TASKS = '''\
import asyncio
import logging
from pathlib import Path

from offload import Offload, current

app = Offload()


@app.task
async def say() -> None:
    """Print and log."""
    print("printed")
    print("\\x1b[2Jtwo\\tparts \\x07")
    logging.getLogger("my.module").warning("careful\\nsecond line")
    current().log.info("noted")


@app.task
async def count(to: int) -> None:
    """Print numbers."""
    for number in range(1, to + 1):
        print(number)


@app.task
async def chat(file: str) -> None:
    """Print, wait for a file, print again."""
    print("before")
    while not Path(file).exists():
        await asyncio.sleep(0.02)
    print("after")


@app.task(retries=1, backoff=0)
async def stumble() -> None:
    """Print, and fail at first."""
    print("try", current().attempt)
    if current().attempt == 1:
        raise ValueError("not yet")
'''


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, compiled: Path) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("chatty")
    (folder / "chatty.py").write_text(TASKS)
    arguments = ("serve", "chatty.py", "--port", "0", "--json", "--grace", "0")
    running = Running(arguments, folder, environment(compiled))
    yield running
    running.end()
    running.clean_up()


@pytest.fixture(params=["db", "server"])
def terminal(request: pytest.FixtureRequest, server: Running) -> Terminal:
    """A terminal whose commands go one way or the other, to the same jobs."""
    said = server.introduction()
    if request.param == "server":
        return Terminal("--server", said["address"])
    folder = Path(said["database"]).parent
    return Terminal("--db", said["database"], app=("--app", str(folder / "chatty.py")))


def ended(terminal: Terminal, *words: str) -> str:
    """Start a job and wait for its end."""
    job_id = str(terminal.started(*words))
    assert terminal("wait", job_id).exit_code == 0
    return job_id


def texts(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return [re.sub(r"^\d\d:\d\d:\d\d\.\d{3} ", "", line) for line in result.stdout.splitlines()]


def test_what_a_job_has_written_is_printed(terminal: Terminal) -> None:
    job_id = ended(terminal, "say")

    printed = texts(terminal("logs", job_id))

    assert printed == [
        "stdout printed",
        "stdout two\tparts \\x07",
        "WARNING my.module: careful",
        "             second line",
        "INFO offload.job: noted",
    ]


def test_lines_are_chosen_by_options(terminal: Terminal) -> None:
    job_id = ended(terminal, "say")

    warnings = texts(terminal("logs", job_id, "--level", "warning"))
    newest = texts(terminal("logs", job_id, "-n", "1"))
    prints = texts(terminal("logs", job_id, "--source", "stdout", "-n", "1"))

    assert warnings[0] == "WARNING my.module: careful"
    assert newest == ["INFO offload.job: noted"]
    assert prints == ["stdout two\tparts \\x07"]


def test_json_is_a_line_for_each(terminal: Terminal) -> None:
    job_id = ended(terminal, "count", "to=3")

    lines = [json.loads(line) for line in terminal("logs", job_id, "--json").stdout.splitlines()]

    assert [line["text"] for line in lines] == ["1", "2", "3"]
    assert {line["source"] for line in lines} == {"stdout"}


def test_following_ends_with_the_job(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "go on"
    job_id = str(terminal.started("chat", f"file={file}"))
    threading.Timer(0.5, file.touch).start()

    assert texts(terminal("logs", job_id, "-f")) == ["stdout before", "stdout after"]


def test_an_attempt_begins_visibly_and_can_be_chosen(terminal: Terminal) -> None:
    job_id = ended(terminal, "stumble")

    assert texts(terminal("logs", job_id)) == ["stdout try 1", "--- attempt 2", "stdout try 2"]
    assert texts(terminal("logs", job_id, "--attempt", "2")) == ["stdout try 2"]


def test_more_lines_than_a_page_are_printed_and_the_gap_is_shown(terminal: Terminal) -> None:
    job_id = ended(terminal, "count", "to=12000")

    printed = texts(terminal("logs", job_id))

    assert len(printed) == 10_001
    assert printed[4_999:5_002] == [
        "stdout 5000",
        "… 2,000 lines were not kept …",
        "stdout 7001",
    ]


def test_the_log_of_no_job_is_an_error(terminal: Terminal) -> None:
    result = terminal("logs", "123456789")

    assert result.exit_code != 0
    assert "123456789" in result.stderr


def test_no_terminal_obeys_what_a_job_calls_its_logger() -> None:
    line = {"at": "2026-01-31T09:00:00.123Z", "level": "INFO", "source": "\x1b[2J", "text": "x"}

    assert "\\x1b[2J:" in text_of(line)
