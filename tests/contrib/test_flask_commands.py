"""`flask offload …`: the commands of `offload`, for the database and the tasks of the app."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from offload.contrib.flask import FlaskOffload
from tests.contrib.conftest import MakeApp

WEB = """
from flask import Flask, current_app
from offload.contrib.flask import FlaskOffload

offload = FlaskOffload()


@offload.task
async def where() -> str:
    return current_app.name


def create_app() -> Flask:
    app = Flask("shop", instance_path={instance!r})
    offload.init_app(app)
    return app
"""


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    offload = FlaskOffload()

    @offload.task
    async def add(a: int, b: int = 1) -> int:
        return a + b

    return make_app(offload, OFFLOAD_WORKER="off")


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["offload", *arguments])


def typed(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


def test_jobs_of_the_app_are_started_listed_and_cancelled(app: Flask) -> None:
    started = run(app, "start", "add", "a=2")
    listed = run(app, "list", "--json")
    cancelled = run(app, "cancel", "1")
    waited = run(app, "wait", "1")

    assert (started.exit_code, started.output.splitlines()[0]) == (0, "job 1 is queued")
    assert [job["params"] for job in json.loads(listed.output)] == [{"a": 2}]
    assert (cancelled.exit_code, cancelled.output) == (0, "job 1 is cancelled\n")
    assert waited.exit_code == 3
    with app.app_context():
        assert app.extensions["offload"].get(1).state == "cancelled"


def test_an_error_is_a_sentence_and_an_exit_code(app: Flask) -> None:
    run(app, "start", "add", "a=2")

    answer = run(app, "status", "77")

    assert (answer.exit_code, answer.output) == (4, "offload: job 77 was never started\n")


def test_the_help_names_what_makes_sense_in_an_app(app: Flask) -> None:
    answer = run(app, "--help")

    assert "worker" in answer.output
    assert "  serve " not in answer.output
    assert run(app, "serve").exit_code == 2


@pytest.mark.slow
def test_a_worker_of_its_own_runs_the_app_s_jobs_in_its_context(tmp_path: Path) -> None:
    (tmp_path / "web.py").write_text(WEB.format(instance=str(tmp_path / "data")), "utf-8")
    flask = [sys.executable, "-m", "flask", "--app", "web", "offload"]
    started = typed(*flask, "start", "where")
    with subprocess.Popen([*flask, "worker"], stdout=subprocess.PIPE, text=True) as worker:
        try:
            assert worker.stdout is not None
            introduction = [worker.stdout.readline() for _ in range(3)]
            wait = [*flask, "wait", "1", "--timeout", "20"]
            waited = subprocess.run(wait, capture_output=True, text=True, check=False)
            result = subprocess.run(
                [*flask, "result", "1"], capture_output=True, text=True, check=False
            )
        finally:
            worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0

    assert started.stdout == "job 1 is queued\n"
    assert introduction[0].endswith(":shop\n")
    assert introduction[2].endswith("data/offload.db\n")
    assert waited.returncode == 0, waited.stderr
    assert result.stdout == "shop\n"
