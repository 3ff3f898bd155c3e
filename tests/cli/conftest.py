"""Servers, workers and a terminal for the tests of the command line."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from offload.cli import group
from tests.cli.running import Running, environment
from tests.cli.screens import Screen

TASKS = Path(__file__).with_name("tasks.py")

Start = Callable[..., Running]
OpenScreen = Callable[..., Screen]


class Terminal:
    """Where commands are typed: those that are no process of their own.

    Args:
        way: the options that say where the jobs are.
        app: what `start` needs besides.
    """

    def __init__(self, *way: str, app: tuple[str, ...] = ()) -> None:
        self.way = way
        self.app = app

    def __call__(self, *words: str, **variables: str) -> Result:
        """Type a command."""
        app = self.app if words[0] == "start" else ()
        return CliRunner().invoke(group, [*words, *self.way, *app], env=variables)

    def json(self, *words: str) -> Any:
        """Type a command with --json and read what it printed."""
        return json.loads(self(*words, "--json").stdout)

    def started(self, *words: str) -> int:
        """Start a job; returns its id."""
        job_id: int = self.json("start", *words)["id"]
        return job_id


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands keep their compiled modules."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture
def start(tmp_path: Path, compiled: Path) -> Iterator[Start]:
    """Start `offload …` in a folder with tasks.py; whatever it leaves behind is killed."""
    (tmp_path / "tasks.py").write_text(TASKS.read_text())
    begun: list[Running] = []

    def start(*arguments: str, **variables: str) -> Running:
        begun.append(Running(arguments, tmp_path, environment(compiled, **variables)))
        return begun[-1]

    yield start
    for running in begun:
        running.clean_up()


@pytest.fixture
def serve(start: Start) -> Start:
    """Start `offload serve tasks.py` on a free port."""

    def serve(*arguments: str, **variables: str) -> Running:
        return start("serve", "tasks.py", "--port", "0", *arguments, **variables)

    return serve


@pytest.fixture(scope="session")
def lasting_server(tmp_path_factory: pytest.TempPathFactory, compiled: Path) -> Iterator[Running]:
    """One server for all tests that neither end it nor fill it."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "tasks.py").write_text(TASKS.read_text())
    limits = ("--concurrency", "50", "--capacity", "1000")
    arguments = ("serve", "tasks.py", "--port", "0", "--json", "--grace", "0", *limits)
    running = Running(arguments, folder, environment(compiled))
    yield running
    running.end()
    running.clean_up()


@pytest.fixture(params=["db", "server"])
def terminal(request: pytest.FixtureRequest, lasting_server: Running) -> Terminal:
    """A terminal whose commands go one way or the other, to the same jobs."""
    said = lasting_server.introduction()
    if request.param == "server":
        return Terminal("--server", said["address"])
    return Terminal("--db", said["database"], app=("--app", str(TASKS)))


@pytest.fixture
def screen(compiled: Path) -> Iterator[OpenScreen]:
    """Type a command on a terminal of 80 columns."""
    opened: list[Screen] = []

    def screen(*words: str, **variables: str) -> Screen:
        usual = {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24", "NO_COLOR": ""}
        opened.append(Screen(words, environment(compiled, **{**usual, **variables})))
        return opened[-1]

    yield screen
    for each in opened:
        each.close()


@pytest.fixture(autouse=True)
def _nothing_is_imported_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Forget the users' modules that a command has imported, and where it has looked for them."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    for name, module in [*sys.modules.items()]:
        file = getattr(module, "__file__", None) or ""
        if file.startswith((str(TASKS), f"{tmp_path}/")):
            del sys.modules[name]
