"""What `offload serve` says, and where each setting may stand."""

import http.client
import json
import shlex
import socket
import sqlite3
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from offload import examples
from offload.cli import exits
from offload.cli.commands import serve as serve_command
from offload.cli.commands import worker as worker_command
from offload.config import Config
from tests.cli.conftest import Start, Terminal
from tests.support import eventually

pytestmark = pytest.mark.slow

SETTINGS = {
    "host": "127.0.0.2",
    "port": 0,
    "db": "other.db",
    "concurrency": 7,
    "capacity": 8,
    "keep": 9,
    "workers": 0,
    "slots": 6,
    "max_frozen": 50,
    "processes": 2,
    "grace": 0.25,
    "lease": 11.0,
    "token": "a-secret",
    "allow_host": "example.org,example.net",
    "allow_origin": "https://example.org",
    "start_rate": "100/s",
    "access_log": "on",
}
"""For each setting of `offload serve` another value than its default."""


def test_it_serves_the_examples_and_says_so(start: Start, tmp_path: Path) -> None:
    running = start("serve", "--port", "0")
    eventually(lambda: len(running.lines) == 8)

    first, hint, *rest = (line.rstrip("\n") for line in running.lines)

    assert first == f"offload serves offload.examples on {running.url}"
    assert hint == "  (no tasks were named: `offload serve tasks.py` serves your own)"
    assert rest == [
        f"  tasks     {', '.join(examples.app.registry.names())}",
        f"  database  {tmp_path / 'offload.db'}",
        "  limits    3 jobs at once, 10 waiting, the newest 1000 finished ones kept",
        "  workers   1",
        f"  try       curl -X POST '{running.url}/start/power_sim?a=2&b=20'",
        "  stop      Ctrl-C; running jobs are given 5 s",
    ]


def test_the_first_line_means_that_it_answers(serve: Start) -> None:
    running = serve()

    assert running.first_line() == f"offload serves tasks.py on {running.url}"
    assert Terminal("--server", running.url)("list").stdout == "no jobs\n"


def test_every_option_is_a_setting() -> None:
    for command, others in ((serve_command.command, set()), (worker_command.command, {"queues"})):
        named = {param.name for param in command.params} - {
            "as_json",
            "with_parent",
            "inherited",
            "reload",
        }

        assert named - others <= set(Config.__struct_fields__)
    assert {param.name for param in serve_command.command.params} == {
        *SETTINGS,
        *("app", "as_json", "reload", "inherited", "with_parent"),
    }


@pytest.mark.parametrize("place", ["flags", "variables", "file"])
def test_each_setting_may_stand_anywhere(start: Start, tmp_path: Path, place: str) -> None:
    flags, variables = ["serve", "--json"], {}
    if place == "flags":
        flags += ["tasks.py"]
        for name, value in SETTINGS.items():
            flags += [f"--{name.replace('_', '-')}", str(value)]
    elif place == "variables":
        variables = {f"OFFLOAD_{name.upper()}": str(value) for name, value in SETTINGS.items()}
        variables["OFFLOAD_APP"] = "tasks.py"
    else:
        lines = [f"{name} = {json.dumps(value)}" for name, value in SETTINGS.items()]
        (tmp_path / "offload.toml").write_text("\n".join([*lines, 'app = "tasks.py"']))

    said = start(*flags, **variables).introduction()

    address = said.pop("address")
    assert address.startswith("http://127.0.0.2:")
    assert said == {
        "serves": "tasks.py",
        "tasks": said["tasks"],
        "database": str(tmp_path / "other.db"),
        **{name: SETTINGS[name] for name in ("concurrency", "capacity", "keep")},
        **{name: SETTINGS[name] for name in ("workers", "slots", "processes", "grace", "lease")},
    }
    assert "double" in said["tasks"]
    assert answer(address, "a-secret", "example.org") == 200
    assert answer(address, "a-secret", "example.com") == 421
    assert answer(address, "no-secret", "example.net") == 401


def answer(address: str, token: str, host: str) -> int:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=5)
    headers = {"Host": host, "Authorization": f"Bearer {token}"}
    connection.request("GET", "/v1/jobs", headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_flags_beat_variables_and_variables_beat_the_file(start: Start, tmp_path: Path) -> None:
    (tmp_path / "offload.toml").write_text("port = 0\nkeep = 1\nslots = 1\ngrace = 0.1\n")

    said = start(
        "serve", "--json", "--keep", "3", OFFLOAD_KEEP="2", OFFLOAD_SLOTS="2"
    ).introduction()

    assert (said["keep"], said["slots"], said["grace"]) == (3, 2, 0.1)


def test_what_the_program_says_is_believed_unless_a_flag_says_otherwise(
    start: Start, tmp_path: Path
) -> None:
    source = (
        "from offload import Offload\napp = Offload('mine.db', concurrency=2, grace=0.1, keep=5)\n"
    )
    (tmp_path / "mine.py").write_text(source)

    said = start(
        "serve", "mine.py", "--port", "0", "--keep", "6", "--json", OFFLOAD_GRACE="0.2"
    ).introduction()

    assert said["database"] == str(tmp_path / "mine.db")
    assert (said["concurrency"], said["grace"], said["keep"]) == (2, 0.1, 6)


def test_limits_are_written_when_given_and_else_only_for_a_new_database(serve: Start) -> None:
    def limits(*flags: str) -> tuple[int, int, int]:
        running = serve("--workers", "0", "--json", *flags)
        said = running.introduction()
        running.end()
        return said["concurrency"], said["capacity"], said["keep"]

    assert limits() == (3, 10, 1000)
    assert limits("--concurrency", "5") == (5, 10, 1000)
    assert limits("--keep", "7") == (5, 10, 7)
    assert limits() == (5, 10, 7)


def test_other_commands_write_no_limits(serve: Start, tmp_path: Path) -> None:
    running = serve("--workers", "0", "--json", "--concurrency", "5")
    near = Terminal("--db", running.introduction()["database"])

    near("list", OFFLOAD_CONCURRENCY="1", OFFLOAD_KEEP="2")
    Terminal(*near.way, app=("--app", str(tmp_path / "tasks.py")))(
        "start", "echo", OFFLOAD_CONCURRENCY="1", OFFLOAD_KEEP="2"
    )
    running.end()

    again = serve("--workers", "0", "--json").introduction()
    assert (again["concurrency"], again["keep"]) == (5, 1000)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing.py"], "there is no file nothing.py in "),
        (["nothing"], "there is no module 'nothing'; looked in "),
        (["--port", "http"], "--port: port must be a whole number, not 'http'"),
        (["--grace", "-1"], "--grace: grace must be at least 0, not '-1'"),
        (["--host", "0.0.0.0"], "set a token with --token or OFFLOAD_TOKEN"),
        (["--host", "no.such.host.invalid"], "cannot listen at no.such.host.invalid:"),
        (["--port", "70000"], "--port: port must be at most 65535"),
        (["--grace", "nan"], "--grace: grace must be"),
        (["--lease", "inf"], "--lease: lease must be"),
    ],
)
def test_what_cannot_be_served_is_told_in_one_sentence(
    start: Start, arguments: list[str], words: str
) -> None:
    running = start("serve", *arguments)

    assert running.process.wait(20) == exits.UNUSABLE
    eventually(lambda: running.complaints)
    assert len(running.complaints) == 1
    assert running.complaints[0].startswith("offload: ")
    assert words in running.complaints[0]


def test_a_port_in_use(start: Start, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        running = start("serve", "--port", port)
        code = running.process.wait(20)

    eventually(lambda: running.complaints)
    assert code == exits.UNUSABLE
    assert running.complaints == [
        f"offload: 127.0.0.1:{port} is in use by another program; choose another port with --port\n"
    ]
    assert not (tmp_path / "offload.db").exists()


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_database_that_cannot_be_read(start: Start, tmp_path: Path, command: str) -> None:
    (tmp_path / "offload.db").write_text("no database at all, just a few words\n" * 100)

    running = start(command, "tasks.py", *(["--port", "0"] if command == "serve" else []))

    assert running.process.wait(20) == exits.UNAVAILABLE
    eventually(lambda: running.complaints)
    assert running.said("is not a database; name another file")
    assert not running.said("Traceback")


@pytest.mark.promise("D2")
@pytest.mark.parametrize(
    "words", [["serve", "--port", "0"], ["worker"], ["list"], ["start", "power_sim", "a=1", "b=1"]]
)
def test_a_newer_database_is_refused_untouched(
    serve: Start, start: Start, tmp_path: Path, words: list[str]
) -> None:
    serve("--workers", "0").first_line()
    file = sqlite3.connect(tmp_path / "offload.db")
    file.execute("update meta set value = '99' where key = 'oldest_code'")
    file.execute("pragma user_version = 99")
    file.commit()

    running = start(*words)

    assert running.process.wait(20) == exits.UNAVAILABLE
    eventually(lambda: running.complaints)
    assert running.said("was written by a newer offload")
    assert file.execute("pragma user_version").fetchone() == (99,)
    file.close()


def test_the_line_to_try_works(start: Start, tmp_path: Path) -> None:
    (tmp_path / "garden.py").write_text(
        "from offload import Offload\n"
        "app = Offload()\n"
        "@app.task\n"
        "def mow(strips: int, height: float, lawn: str, wet: bool, note: str = '') -> None: ...\n"
    )
    running = start("serve", "garden.py", "--port", "0", "--workers", "0")
    eventually(lambda: len(running.lines) == 7)

    words = shlex.split(next(line for line in running.lines if line.startswith("  try")))[1:]

    assert words[:3] == ["curl", "-X", "POST"]
    with urllib.request.urlopen(urllib.request.Request(words[3], method="POST")) as answered:
        assert answered.status == 202


def test_without_workers_it_says_how_to_start_them(serve: Start) -> None:
    running = serve("--workers", "0")
    eventually(lambda: len(running.lines) == 7)

    assert "  workers   none here; start them with `offload worker`\n" in running.lines
