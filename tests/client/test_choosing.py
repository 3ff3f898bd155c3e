"""`Offload(server=…)`: when the jobs are at a server, and when in a database."""

import subprocess
import sys
from pathlib import Path

import pytest

from offload import Offload
from offload.client.remote import Remote
from offload.errors import ConfigError
from offload.loading import load
from tests.client.programs import declare
from tests.http.site import Site


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("OFFLOAD_DB", "OFFLOAD_SERVER", "OFFLOAD_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def test_an_argument_names_the_server(site: Site) -> None:
    app = Offload(server=site.address)

    assert type(app) is Remote
    assert declare(app).add.start(1, 2).result(20) == 3
    app.close()


def test_a_variable_names_the_server(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFLOAD_SERVER", site.address)
    monkeypatch.setenv("OFFLOAD_TOKEN", "a-secret")

    app = Offload()

    assert isinstance(app, Remote)
    assert (app.url, app.config.token) == (site.address, "a-secret")


def test_a_database_that_is_given_goes_before_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFLOAD_SERVER", "http://127.0.0.1:1")

    assert type(Offload(tmp_path / "jobs.db")) is Offload


def test_a_server_that_is_given_goes_before_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFLOAD_DB", "jobs.db")

    assert type(Offload(server="http://127.0.0.1:1")) is Remote


def test_without_a_server_there_is_a_database(tmp_path: Path) -> None:
    (tmp_path / "offload.toml").write_text('server = "http://127.0.0.1:1"')  # for the terminal

    assert type(Offload()) is Offload


def test_both_ways_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="are two ways to the jobs"):
        Offload("jobs.db", server="http://127.0.0.1:1")

    monkeypatch.setenv("OFFLOAD_DB", "jobs.db")
    monkeypatch.setenv("OFFLOAD_SERVER", "http://127.0.0.1:1")
    with pytest.raises(ConfigError, match="OFFLOAD_DB and OFFLOAD_SERVER are two ways"):
        Offload()


def test_a_class_of_ones_own_has_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mine(Offload):
        """Has a verb of its own."""

    assert type(Mine("jobs.db")) is Mine


def test_what_is_no_address_is_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="'nonsense' is no address of a server"):
        Offload(server="nonsense")


def test_nothing_of_http_is_imported_without_a_server() -> None:
    code = (
        "import sys; from offload import Offload; Offload(); "
        "print([name for name in ('http.client', 'offload.client') if name in sys.modules])"
    )

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert printed.stdout.strip() == "[]"


def test_who_loads_the_tasks_has_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFLOAD_SERVER", "http://127.0.0.1:1")
    (tmp_path / "far_tasks.py").write_text("from offload import Offload\n\napp = Offload()\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    assert type(load("far_tasks.py")) is Offload
