"""`offload token`: what it makes is shown once, listed without its secret, and taken back."""

import json
import os
import pty
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from offload.cli import group
from tests.cli.conftest import Start
from tests.support import eventually


def typed(database: Path, *words: str) -> Result:
    return CliRunner().invoke(group, ["token", *words, "--db", str(database)])


def test_a_token_is_shown_once_and_listed_without_its_secret(tmp_path: Path) -> None:
    database = tmp_path / "jobs.db"

    made = typed(database, "create", "page", "--scope", "submit", "--expires", "90d")
    listed = typed(database, "list")

    secret = made.stdout.strip()
    assert secret.startswith("ofl_")
    assert len(secret) == 4 + 43  # 256 bits
    assert "not shown again" in made.stderr
    assert "page  submit  valid" in listed.stdout
    assert secret not in listed.stdout
    assert (database.stat().st_mode & 0o777) == 0o600


def test_as_json_it_has_the_secret_and_nothing_else_has(tmp_path: Path) -> None:
    database = tmp_path / "jobs.db"

    made = json.loads(typed(database, "create", "one", "--job", "7", "--json").stdout)
    [listed] = json.loads(typed(database, "list", "--json").stdout)

    assert made["token"].startswith("ofl_")
    assert (made["scopes"], made["job"], made["expires_at"]) == (["read"], 7, None)
    assert listed.keys() == (made.keys() - {"token"}) | {"state"}
    assert listed["state"] == "valid"


def test_a_name_is_free_again_when_its_token_was_revoked(tmp_path: Path) -> None:
    database = tmp_path / "jobs.db"
    typed(database, "create", "page")

    again = typed(database, "create", "page")
    revoked = typed(database, "revoke", "page")
    anew = typed(database, "create", "page")

    assert again.exit_code == 2
    assert "there is a token named 'page' already" in again.stderr
    assert revoked.stdout.startswith("page is revoked; no token is left")
    assert anew.exit_code == 0
    number = str(json.loads(typed(database, "list", "--json").stdout)[-1]["id"])
    assert typed(database, "revoke", number).stdout.startswith("page is revoked")
    states = [each["state"] for each in json.loads(typed(database, "list", "--json").stdout)]
    assert states == ["revoked", "revoked"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create", ""), "1 to 100 printable characters"),
        (("create", "a\nb"), "1 to 100 printable characters"),
        (("create", "a", "--expires", "soon"), "is no time"),
        (("create", "a", "--expires", "0"), "opens nothing"),
        (("create", "a", "--scope", "root"), "is not one of"),
        (("create", "a", "--job", "7", "--scope", "control"), "can only read"),
        (("revoke", "nobody"), "no token in force"),
        (("revoke",), "say which token"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    database = tmp_path / "jobs.db"
    typed(database, "create", "other")

    answer = typed(database, *words)

    assert answer.exit_code == 2
    assert said in answer.stderr


def test_a_name_that_is_another_one_s_number_is_ambiguous(tmp_path: Path) -> None:
    database = tmp_path / "jobs.db"
    typed(database, "create", "first")
    typed(database, "create", "1")

    assert (
        "is the number of one token and the name of another"
        in typed(database, "revoke", "1").stderr
    )
    assert typed(database, "revoke", "2").exit_code == 0


def test_looking_makes_no_database(tmp_path: Path) -> None:
    assert typed(tmp_path / "jobs.db", "list").exit_code == 6
    assert typed(tmp_path / "jobs.db", "revoke", "x").exit_code == 6
    assert not (tmp_path / "jobs.db").exists()


@pytest.mark.slow
def test_a_server_takes_what_was_made_beside_it(serve: Start, tmp_path: Path) -> None:
    server = serve("--workers", "0")
    url, database = server.url, tmp_path / "offload.db"

    def jobs(**variables: str) -> int:
        way = ["list", "--server", url, "--json"]
        return CliRunner().invoke(group, way, env=variables).exit_code

    assert jobs() == 0
    secret = typed(database, "create", "me").stdout.strip()
    eventually(lambda: jobs() != 0)
    eventually(lambda: jobs(OFFLOAD_TOKEN=secret) == 0)
    typed(database, "revoke", "me")
    eventually(lambda: jobs() == 0)


@pytest.mark.slow
def test_a_link_is_printed_for_somebody_at_a_terminal_only(serve: Start, tmp_path: Path) -> None:
    piped = serve("--workers", "0", OFFLOAD_TOKEN="t")
    eventually(lambda: any("stop" in line for line in piped.lines))
    assert not any("/login?once=" in line for line in piped.lines)
    piped.end()

    ours, theirs = pty.openpty()
    pid = os.posix_spawnp(
        "env",
        ["env", "OFFLOAD_TOKEN=t", sys.executable, "-m", "offload", "serve", "--port", "0",
         "--workers", "0", "--db", str(tmp_path / "other.db")],
        dict(os.environ),
        file_actions=[(os.POSIX_SPAWN_DUP2, theirs, 1)],
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while b"Ctrl-C" not in shown:
        shown += os.read(ours, 4096)
    os.kill(pid, 15)
    os.waitpid(pid, 0)
    os.close(ours)

    assert shown.count(b"/login?once=") == 1
