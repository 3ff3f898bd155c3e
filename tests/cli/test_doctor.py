"""The doctor at a real database: what it sees there, and what the command says."""

import json
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from offload import Offload
from offload.cli import exits
from offload.doctor import Facts, Level, examine, judge
from tests.cli.conftest import Start, Terminal
from tests.support import eventually

# --- a real database


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Offload]:
    """An Offload without a worker, which knows one task."""
    app = Offload(tmp_path / "offload.db", worker="off")

    @app.task
    async def render(frames: int) -> int:
        return frames

    yield app
    app.close()


def looked_at(app: Offload) -> Facts:
    return examine(app, grace=5.0, lease=30.0)


def test_looking_makes_no_database(app: Offload) -> None:
    found = looked_at(app)

    assert (found.exists, found.content, found.situation, found.files) == (False, None, None, ())
    assert not app.database.exists()


def test_a_real_database_tells_all_there_is_to_know(app: Offload) -> None:
    app.start("render", frames=1)
    app.find("render").using(delay=60).start(2)

    found = looked_at(app)

    assert found.trouble is None
    assert found.content is not None
    assert (found.content.damage, found.content.size > 0) == ((), True)
    assert found.disk.kind != ""
    assert found.disk.free > 0
    assert {oct(file.mode) for file in found.files if not file.is_folder} == {"0o600"}
    assert found.situation is not None
    assert sorted(job.id for job in found.situation.unfinished) == [1, 2]
    assert "none is alive, and there are 2 unfinished jobs" in judge(found)[-3].says


def test_a_cancel_that_is_not_obeyed_is_dated(tmp_path: Path) -> None:
    app, begun, may_end = Offload(tmp_path / "offload.db"), threading.Event(), threading.Event()

    @app.task(executor="thread")
    def stubborn() -> None:
        begun.set()
        may_end.wait()

    stubborn.start()
    begun.wait()
    before = app.now()
    app.cancel(1)
    found = looked_at(app)
    may_end.set()
    app.close()

    assert found.situation is not None
    [worker] = found.situation.workers
    assert before <= found.situation.cancel_asked_at[1] <= app.now()
    assert worker.is_alive
    assert worker.process_began_at is not None
    assert worker.process_began_at <= worker.info.started_at + 1
    later = replace(found, now=found.now + 16)
    assert f"kill -TERM {os.getpid()}" in judge(later)[-1].do


def test_a_file_that_is_no_database_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "offload.db").write_bytes(b"no database at all" * 100)
    app = Offload(tmp_path / "offload.db", worker="off")

    found = looked_at(app)

    assert found.trouble is not None
    assert "is not a database" in found.trouble
    app.close()


def test_what_cannot_be_opened_is_told_as_such(app: Offload) -> None:
    app.database.mkdir()

    found = looked_at(app)

    assert found.trouble is not None
    assert str(app.database) in found.trouble
    assert judge(found)[0].level is Level.FAULT


# --- the command


@pytest.mark.slow
def test_all_is_well_with_a_server_at_work(serve: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    running = serve("--json")
    terminal = Terminal("--db", running.introduction()["database"])
    running.worker()
    eventually(lambda: "worker alive" in terminal("doctor").stdout)

    typed = terminal("doctor")

    assert typed.exit_code == exits.OK
    assert typed.stdout.splitlines()[0].startswith("ok       database")
    assert "alive (process" in typed.stdout


def test_a_fault_is_the_exit_code_and_comes_with_advice(serve: Start, tmp_path: Path) -> None:
    said = serve("--workers", "0", "--json").introduction()
    terminal = Terminal("--db", said["database"])
    Terminal("--server", said["address"])("start", "echo")
    Path(said["database"]).chmod(0o644)

    typed = terminal("doctor")
    as_json = terminal.json("doctor")

    assert typed.exit_code == exits.FAILED
    assert typed.stdout.endswith("1 fault, 1 warning\n")
    assert "-> offload worker FILE_OR_MODULE" in typed.stdout
    assert as_json["ok"] is False
    assert {each["level"] for each in as_json["findings"]} == {"ok", "warning", "fault"}
    assert stat.S_IMODE(Path(said["database"]).stat().st_mode) == 0o644


def test_a_database_that_is_not_there_is_looked_for_in_vain(tmp_path: Path) -> None:
    typed = Terminal("--db", str(tmp_path / "no.db"))("doctor")

    assert typed.exit_code == exits.FAILED
    assert f"there is no {tmp_path / 'no.db'}" in " ".join(typed.stdout.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("columns", ["40", "80"])
def test_the_doctor_fits_the_terminal(columns: str) -> None:
    typed = Terminal("--db", "/absent.db")("doctor", COLUMNS=columns)

    assert max(map(len, typed.stdout.splitlines())) <= int(columns)


def test_the_findings_for_programs_are_one_document(tmp_path: Path) -> None:
    typed = Terminal("--db", str(tmp_path / "no.db"))("doctor", "--json")

    assert list(json.loads(typed.stdout)) == ["ok", "findings"]
