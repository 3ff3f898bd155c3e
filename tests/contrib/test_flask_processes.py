"""Flask is optional, and a process that has only imported a task's module finds the app."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TASKS = """
from offload.contrib.flask import FlaskOffload

offload = FlaskOffload({arguments})


@offload.task
def where() -> str:
    from flask import current_app

    return current_app.name
"""

FACTORY = """
from flask import Flask
from tasks import offload


def create_app() -> Flask:
    app = Flask("made")
    offload.init_app(app)
    return app
"""

AS_A_CHILD = """
from offload.worker.context import Context, enter
from tasks import where

enter(Context(7, 1))
print(where.registered.function())
"""

WITHOUT_FLASK = """
import sys

import offload

assert not any(name.partition(".")[0] in ("flask", "werkzeug") for name in sys.modules)
sys.modules["flask"] = None
import offload.contrib.flask
"""


TWO_TASKS = """
from flask import Flask
from offload.contrib.flask import FlaskOffload

offload = FlaskOffload({arguments})


@offload.task(executor="process")
def insisting() -> str:
    return "here"


@offload.task
def easy() -> str:
    return "here"


def create_app(**config: object) -> Flask:
    app = Flask("made")
    app.config.update(config)
    offload.init_app(app)
    return app
"""

SHOW_EXECUTORS = """
import tasks

for testing in (False, True):
    registry = tasks.create_app(TESTING=testing).extensions["offload"].registry
    print(*(registry.find(name).executor for name in ("insisting", "easy")))
"""


EVERYDAY = """
import os

import tasks
import web

with web.create_app().app_context():
    print(tasks.where.start().result(20))
    other = tasks.another.start().result(20)
    print(other, tasks.offload.get(other).result(20))
    print("elsewhere" if tasks.pid.start().result(20) != os.getpid() else "here")
tasks.offload.close()
"""

ANOTHER = """

@offload.task
def another() -> int:
    return where.start().id


@offload.task
def pid() -> int:
    import os

    return os.getpid()
"""


def python(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


def test_without_flask_there_is_one_sentence() -> None:
    ended = python(WITHOUT_FLASK)

    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: offload.contrib.flask needs Flask; "
        'install it with: pip install "offload[flask]"'
    )


def test_a_child_process_makes_the_app_with_the_factory(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text(TASKS.format(arguments="factory='web:create_app'"), "utf-8")
    (tmp_path / "web.py").write_text(FACTORY, "utf-8")

    ended = python(AS_A_CHILD)

    assert ended.stdout == "made\n", ended.stderr


def test_a_child_process_takes_the_app_that_came_with_the_import(tmp_path: Path) -> None:
    written = "from flask import Flask\napp = Flask('here')\n" + TASKS.format(arguments="app")
    (tmp_path / "tasks.py").write_text(written, "utf-8")

    ended = python(AS_A_CHILD)

    assert ended.stdout == "here\n", ended.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("", "no app yet: call init_app"),
        ("factory='nowhere:create_app'", "FlaskOffload(factory='nowhere:create_app') gives no app"),
    ],
)
def test_a_child_process_without_an_app_says_what_is_missing(
    tmp_path: Path, arguments: str, said: str
) -> None:
    (tmp_path / "tasks.py").write_text(TASKS.format(arguments=arguments), "utf-8")

    ended = python(AS_A_CHILD)

    assert said in ended.stderr.splitlines()[-1]


@pytest.mark.skipif(sys.platform != "linux", reason="child processes are had on Linux only")
def test_jobs_of_an_everyday_app_have_it_in_their_child_processes(tmp_path: Path) -> None:
    written = TASKS.format(arguments="factory='web:create_app'") + ANOTHER
    (tmp_path / "tasks.py").write_text(written, "utf-8")
    (tmp_path / "web.py").write_text(FACTORY, "utf-8")

    ended = python(EVERYDAY)

    assert ended.stdout.splitlines() == ["made", "3 made", "elsewhere"], ended.stderr


def test_an_app_under_test_runs_its_blocking_tasks_in_threads_unless_one_insists(
    tmp_path: Path,
) -> None:
    written = TWO_TASKS.format(arguments="factory='tasks:create_app'")
    (tmp_path / "tasks.py").write_text(written, "utf-8")

    ended = python(SHOW_EXECUTORS)

    everyday, under_test = (line.split() for line in ended.stdout.splitlines())
    assert everyday == ["process", "process"], ended.stderr
    assert under_test == ["process", "thread"]


def test_a_task_that_insists_on_a_process_wants_to_know_how_that_makes_the_app(
    tmp_path: Path,
) -> None:
    (tmp_path / "tasks.py").write_text(TWO_TASKS.format(arguments=""), "utf-8")

    ended = python(SHOW_EXECUTORS)

    assert "ConfigError: the task 'insisting' wants a process" in ended.stderr.splitlines()[-1]
    assert "factory=" in ended.stderr
