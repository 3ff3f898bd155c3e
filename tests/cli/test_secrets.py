"""S25: a parameter that is secret comes out at no door, whatever the job's code does with it."""

import http.client
import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from click.testing import CliRunner

from offload import JobFailed, Offload
from offload.cli import group
from offload.http.routes import ROUTES
from tests.cli.conftest import Start
from tests.cli.running import Running
from tests.support import eventually

CANARY = re.compile(rb"c4nary|k3y-one|90210777")
"""Whatever is made of the secrets, one of these is in it."""

PASSWORD = 'c4nary"Zoë /+%\\'
PARAMS = {"user": "ada", "password": PASSWORD, "keys": {"a": ["k3y-one", 90210777]}}
TASKS = ("talks", "raises", "child", "thread", "elsewhere")

STREAMS = ("text/event-stream", "application/x-ndjson")
ACCEPTED = ("application/json", "text/html", *STREAMS)


class Doors:
    """A server whose jobs have all ended, and what comes out of it."""

    def __init__(self, running: Running, folder: Path) -> None:
        self.running = running
        self.url = running.url
        self.database = folder / "offload.db"
        self.ids: list[int] = []

    def ask(self, method: str, target: str, value: Any = None, **headers: str) -> tuple[int, bytes]:
        """Ask, and return the status and all bytes of the answer; of a stream its beginning."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        body = None if value is None else json.dumps(value)
        sent = {} if value is None else {"Content-Type": "application/json"}
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        with closing(connection):
            connection.request(method, target, body, sent | named)
            with connection.getresponse() as response:
                received = bytes(response.headers)
                kind = response.headers.get("content-type", "")
                is_stream = kind.partition(";")[0] in STREAMS
                until = time.monotonic() + (1 if is_stream else 60)
                if is_stream and connection.sock is not None:
                    connection.sock.settimeout(1)
                with suppress(TimeoutError):  # a stream of what is going on has no end
                    while time.monotonic() < until and (part := response.read1()):
                        received += part
        return response.status, received

    def start(self, task: str, params: dict[str, Any]) -> int:
        status, received = self.ask("POST", f"/v1/tasks/{task}/jobs", {"params": params})
        assert status == 202, received
        job_id: int = json.loads(received[received.index(b"{") :])["id"]
        return job_id


@pytest.fixture
def doors(start: Start, tmp_path: Path) -> Doors:
    (tmp_path / "tasks.py").write_text(Path(__file__).with_name("secret_tasks.py").read_text())
    limits = ("--capacity", "100", "--access-log", "on")
    doors = Doors(start("serve", "tasks.py", "--port", "0", *limits), tmp_path)
    doors.ids = [doors.start(task, PARAMS) for task in TASKS]
    doors.ids.append(doors.start("counted", {"pin": 90210777}))
    for job_id in doors.ids:
        doors.ask("GET", f"/v1/jobs/{job_id}?wait=20&until=done")
    return doors


def no_canary(where: str, said: bytes | str) -> None:
    raw = said.encode() if isinstance(said, str) else said
    found = CANARY.search(raw)
    assert found is None, f"{where}: …{raw[max(0, found.start() - 200) : found.end() + 50]!r}"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.promise("S25")
def test_a_secret_comes_out_at_no_door(doors: Doors) -> None:
    asked = [*_refused(doors), *_looked_at(doors), *_acted_on(doors)]
    typed = [*_typed(doors, "--server", doors.url), *_typed(doors, "--db", str(doors.database))]
    handles = [
        *_handled(Offload(doors.database, worker="off")),
        *_handled(Offload(server=doors.url)),
    ]
    eventually(lambda: doors.running.said("GET /metrics"))

    told: list[tuple[str, bytes | str]] = [*asked, *typed, *handles]
    for where, said in told:
        no_canary(where, said)
    # What the code prints is still shown where it runs; all else that is written there is ours.
    for line in doors.running.complaints:
        if line.startswith("offload: "):
            no_canary("the log of the server", line)
    assert any("***" in said for where, said in typed if "logs" in where)
    assert any(b"***" in said for where, said in asked if "attempts" in where or "logs" in where)


def _refused(doors: Doors) -> Iterator[tuple[str, bytes]]:
    """What is answered to parameters that do not fit."""
    pin = quote(PASSWORD)
    for target, value, expected in (
        (f"/start/counted?pin={pin}", None, 422),
        (f"/start/counted?pin=1&password={pin}&nothing=1", None, 422),
        (f"/start/counted?pin={pin}&pin={pin}", None, 400),
        ("/start/counted", {"pin": PASSWORD}, 422),
        ("/start/counted", {"pin": [PASSWORD], "user": 1}, 422),
        ("/v1/tasks/counted/jobs", {"params": {"pin": {PASSWORD: 90210777}}}, 422),
        ("/v1/jobs", [{"task": "counted", "params": {"pin": PASSWORD}}], 207),
        ("/start/talks", {**PARAMS, "password": "***"}, 422),
    ):
        status, said = doors.ask("POST", target, value)
        assert status == expected, said
        yield f"POST {target}", said


def _looked_at(doors: Doors) -> Iterator[tuple[str, bytes]]:
    """What every GET answers, in every form."""
    for route in ROUTES:
        is_of_job = "{id}" in route.path or route.path in ("/status", "/result")
        for job_id in doors.ids if is_of_job else doors.ids[:1]:
            names = {"id": str(job_id), "name": "talks", "kind": "not-finished"}
            query = f"?id={job_id}" if route.path in ("/status", "/result") else ""
            if route.method != "GET":
                continue
            for form in ACCEPTED if job_id in doors.ids[:2] else ACCEPTED[:1]:
                target = route.path.format(**names) + query
                said = doors.ask("GET", target, Accept=form, Last_Event_ID="0")[1]
                yield f"GET {target} as {form}", said


def _acted_on(doors: Doors) -> Iterator[tuple[str, bytes]]:
    """What is answered to acts, and to starts that are answered with a job."""
    for job_id in doors.ids[1:]:
        for verb in ("cancel", "pause", "resume", "retry"):
            yield verb, doors.ask("POST", f"/v1/jobs/{job_id}/{verb}")[1]
    for task in TASKS:
        yield (
            f"start {task}",
            doors.ask("POST", f"/start/{task}", PARAMS, Prefer="wait=10")[1],
        )
    many = [{"task": task, "params": PARAMS} for task in TASKS]
    yield "start many", doors.ask("POST", "/v1/jobs", {"jobs": many, "group": True})[1]
    yield "the group", doors.ask("GET", "/v1/groups/1")[1]


def _typed(doors: Doors, *way: str) -> Iterator[tuple[str, str]]:
    """What commands print."""
    app = ("--app", str(doors.database.with_name("tasks.py")))
    first = [str(job_id) for job_id in doors.ids]
    commands = [
        *((verb, each) for verb in ("status", "logs") for each in first),
        *((verb, each, "--json") for verb in ("status", "result") for each in first[1:3]),
        ("wait", *first),
        ("list",),
        ("list", "--json"),
        ("tasks", "--json") if way[0] == "--server" else ("schedules",),
        ("start", "counted", "--pin", PASSWORD),
        ("start", "counted", "--pin", PASSWORD, "--json"),
        ("start", "talks", "--user", "ada", "--password", PASSWORD, "--json"),
        ("start", "talks", "--help"),
    ]
    for command in commands:
        extra = app if command[0] == "start" and way[0] == "--db" else ()
        result = CliRunner().invoke(group, [*command, *way, *extra])
        assert result.exception is None or isinstance(result.exception, SystemExit), command
        yield " ".join((*command, *way[:1])).replace(PASSWORD, "?"), result.output


def _handled(app: Any) -> Iterator[tuple[str, str]]:
    """What a program is shown that does not ask for the parameters themselves."""
    with app:
        for job in app.list(limit=50):
            yield f"the record of job {job.id}", repr(job)
            try:
                app.get(job.id).result(timeout=10)
            except JobFailed as error:
                yield f"the error of job {job.id}", f"{error} {error!r} {error.traceback}"


@pytest.mark.slow
def test_the_code_and_the_database_have_what_nobody_is_shown(doors: Doors) -> None:
    with Offload(doors.database, worker="off") as app:
        given = json.loads(app.get(doors.ids[0]).read().params or b"")

    assert given == PARAMS
    with sqlite3.connect(doors.database) as connection:
        [[options]] = connection.execute("select options from job where id = ?", [doors.ids[0]])
    assert json.loads(options) == {"secret": ["password", "keys"]}
