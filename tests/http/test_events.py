"""Live events: nothing is lost, nothing comes twice, whatever happens to the connection."""

import asyncio
import http.client
import json
import select
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from offload import Offload
from offload.feed import ALL, EventFeed, Line, Reader, Selection, tail
from offload.http import stream
from offload.http.crowd import Limits
from offload.http.live import Places
from offload.model import QueueSettings
from offload.store.base import Prune
from offload.wire.problems import Problem
from tests.http.conftest import Open
from tests.http.site import Client, Site
from tests.support import eventually

pytestmark = pytest.mark.slow

SSE = {"Accept": "text/event-stream"}
LINES = {"Accept": "application/x-ndjson"}


class Sent(Struct, frozen=True):
    """One server-sent event as a browser would see it."""

    type: str
    id: str
    data: Any


class Listener:
    """Reads a stream of server-sent events as the standard says."""

    def __init__(self, client: Client, target: str, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=20)
        self._connection.request("GET", target, headers=SSE | named)
        self.response = self._connection.getresponse()
        self.last_id = ""
        self._unread = b""

    def next(self) -> Sent | None:
        """The next event; None when the server has ended the stream."""
        kind, data = "message", ""
        while line := self.line():
            name, _, value = line.rstrip("\n").partition(": ")
            match name:
                case "id":
                    self.last_id = value
                case "event":
                    kind = value
                case "data":
                    data += value
                case "" if data:
                    return Sent(kind, self.last_id, json.loads(data))
        return None

    def line(self) -> str:
        """The next line as it is; empty at the end."""
        while b"\n" not in self._unread:
            part = self.response.read1(65536)
            if not part:
                return ""
            self._unread += part
        line, _, self._unread = self._unread.partition(b"\n")
        return f"{line.decode()}\n"

    def events(self, count: int) -> list[Any]:
        """The data of the next durable events."""
        found: list[Any] = []
        while len(found) < count:
            sent = self.next()
            assert sent is not None
            if sent.type == "message":
                assert int(sent.id) == sent.data["id"]
                found.append(sent.data)
        return found

    def rest(self) -> list[Sent]:
        """All that comes until the server ends it."""
        return list(iter(self.next, None))

    def close(self) -> None:
        self.response.close()
        self._connection.close()


Listen = Callable[..., Listener]


@pytest.fixture
def listen() -> Iterator[Listen]:
    """Opens streams that are closed with the test."""
    opened: list[Listener] = []

    def open_one(client: Client, target: str = "/v1/events", **headers: str) -> Listener:
        listener = Listener(client, target, **headers)
        opened.append(listener)
        return listener

    yield open_one
    for listener in opened:
        listener.close()


def kinds(events: list[Any]) -> list[str]:
    return [event["kind"] for event in events]


# --- all jobs


def test_what_happens_is_told_as_it_happens(open_site: Open, listen: Listen) -> None:
    site = open_site()
    first = site.finished("/start/add?a=1")
    listener = listen(site)

    job_id = site.start("/start/add?a=2")
    events = listener.events(3)

    assert listener.response.status == 200
    assert listener.response.headers["content-type"].startswith("text/event-stream")
    assert kinds(events) == ["queued", "claimed", "succeeded"]
    assert {event["job_id"] for event in events} == {job_id}
    assert (events[0]["task"], events[0]["queue"], events[0]["group"]) == ("add", "default", None)
    assert first < job_id


def test_a_stream_goes_on_where_another_one_was_left(open_site: Open, listen: Listen) -> None:
    site = open_site()
    listener = listen(site)
    site.finished("/start/add?a=1")
    seen = listener.events(2)
    listener.close()
    site.finished("/start/add?a=2")

    again = listen(site, Last_Event_ID=str(seen[-1]["id"]))
    rest = again.events(4)

    ids = [event["id"] for event in seen + rest]
    assert ids == list(range(ids[0], ids[0] + 6))


def test_a_stream_says_where_it_begins_so_that_nothing_before_its_first_event_is_lost(
    open_site: Open, listen: Listen
) -> None:
    site = open_site()
    site.finished("/start/add?a=1")
    before = listen(site)
    assert before.line().startswith("retry: ")
    begins = before.line().removeprefix("id: ").strip()
    before.close()
    job_id = site.finished("/start/add?a=2")

    events = listen(site, Last_Event_ID=begins).events(3)

    assert {event["job_id"] for event in events} == {job_id}


def test_all_that_is_kept_is_told_from_the_beginning(open_site: Open, listen: Listen) -> None:
    site = open_site()
    for _ in range(3):
        site.finished("/start/add?a=1")

    events = listen(site, "/v1/events?after=0").events(9)

    assert [event["id"] for event in events] == list(range(1, 10))


def test_a_stream_may_be_of_one_task_queue_or_group(open_site: Open, listen: Listen) -> None:
    site = open_site()
    group = site.app.find("add").map([1])
    site.finished("/start/echo?value=1")
    site.finished("/start/add?a=1")

    of_task = listen(site, "/v1/events?after=0&task=echo").events(3)
    of_group = listen(site, f"/v1/events?after=0&group={group.id}").events(3)
    of_queue = listen(site, "/v1/events?after=0&queue=default").events(9)

    assert {event["job_id"] for event in of_task} == {2}
    assert {event["group"] for event in of_group} == {group.id}
    assert len(of_queue) == 9


@pytest.mark.parametrize("known", ["999999", "7x"])
def test_an_id_that_was_never_given_resets_the_stream(
    open_site: Open, listen: Listen, known: str
) -> None:
    site = open_site()
    site.finished("/start/add?a=1")
    listener = listen(site, Last_Event_ID=known)

    sent = listener.next()
    site.start("/start/add?a=2")

    assert sent is not None
    assert (sent.type, sent.id, sent.data) == ("reset", "3", {"kind": "reset", "after": 3})
    assert listener.events(1)[0]["id"] == 4


def test_an_id_older_than_what_is_kept_resets_the_stream(open_site: Open, listen: Listen) -> None:
    site = open_site()
    for _ in range(3):
        site.finished("/start/add?a=1")
    forget_all_but(site, 1)

    reset = listen(site, Last_Event_ID="2").next()
    kept = listen(site, Last_Event_ID="6").events(3)
    begun = listen(site, "/v1/events?after=0").events(3)

    assert reset is not None
    assert (reset.type, reset.id) == ("reset", "9")
    assert [event["id"] for event in kept] == [7, 8, 9]
    assert [event["id"] for event in begun] == [7, 8, 9]


def forget_all_but(site: Site, keep: int) -> None:
    """Keep only the newest finished jobs."""
    site.app.set_queue(QueueSettings(keep=keep), QueueSettings())
    site.app.open().mailbox.ask(Prune(site.app.now())).result(10)


@pytest.mark.promise("S24")
def test_a_reader_that_comes_back_after_the_server_was_killed_misses_nothing(
    tmp_path: Path,
) -> None:
    (tmp_path / "tasks.py").write_text(
        "from offload import Offload\napp = Offload()\n\n"
        "@app.task\nasync def add(a: int) -> int:\n    return a\n"
    )
    seen: list[int] = []
    known = "0"
    for _ in range(3):
        with Doomed(tmp_path) as client:
            listener = Listener(client, "/v1/events", Last_Event_ID=known)
            for number in range(4):
                assert client.post(f"/start/add?a={number}").status == 202
            events = listener.events(5)  # in the middle of what happens
            seen += [event["id"] for event in events]
            known = listener.last_id
            listener.close()
    with Doomed(tmp_path) as client:
        last = Listener(client, "/v1/events", Last_Event_ID=known)
        while len(set(seen)) < 36:
            seen += [event["id"] for event in last.events(1)]
        last.close()

    assert seen == sorted(set(seen))
    with sqlite3.connect(tmp_path / "jobs.db") as database:
        stored = [row[0] for row in database.execute("select id from event order by id")]
    database.close()
    assert stored[: len(seen)] == seen


class Doomed:
    """`offload serve` in a folder, killed with SIGKILL at the end."""

    def __init__(self, folder: Path) -> None:
        arguments = ["serve", "tasks.py", "--port", "0", "--db", "jobs.db", "--capacity", "1000"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "offload", *arguments, "--json"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Client:
        assert self._process.stdout is not None
        address = json.loads(self._process.stdout.readline())["address"]
        self._client = Client(int(address.rstrip("/").rpartition(":")[2]))
        return self._client

    def __exit__(self, *_: object) -> None:
        assert self._process.stdout is not None
        self._client.hang_up()
        self._process.kill()
        self._process.wait(20)
        self._process.stdout.close()


# --- one job


def test_the_stream_of_a_job_ends_with_the_job(open_site: Open, listen: Listen) -> None:
    site = open_site()
    [job_id] = site.held()
    listener = listen(site, f"/v1/jobs/{job_id}/events")
    site.finished("/start/add?a=1")

    site.gate.open()
    sent = [each for each in listener.rest() if each.type == "message"]

    assert [each.data["kind"] for each in sent] == ["queued", "claimed", "succeeded"]
    assert {each.data["job_id"] for each in sent} == {job_id}


def test_who_comes_back_when_all_of_a_job_was_sent_is_told_not_to(
    open_site: Open, listen: Listen
) -> None:
    site = open_site()
    job_id = site.finished("/start/add?a=1")
    target = f"/v1/jobs/{job_id}/events"

    whole = listen(site, target)
    sent = whole.rest()
    again = listen(site, target, Last_Event_ID=whole.last_id)
    part = listen(site, target, Last_Event_ID=sent[0].id)

    assert [each.data["kind"] for each in sent] == ["queued", "claimed", "succeeded"]
    asked = listen(site, f"{target}?after={whole.last_id}")
    foreign = listen(site, target, Last_Event_ID="999999")

    assert again.response.status == 204
    assert asked.response.status == 204
    assert len(foreign.rest()) == 3
    assert [each.data["kind"] for each in part.rest()] == ["claimed", "succeeded"]


def test_progress_rides_along_without_an_id(open_site: Open, listen: Listen) -> None:
    site = open_site()
    [job_id] = site.held()
    listener = listen(site, f"/v1/jobs/{job_id}/events")

    sent = [listener.next() for _ in range(3)]

    kinds = [each.type for each in sent if each is not None]
    assert kinds == ["message", "message", "progress"]
    claimed, last = sent[1:]
    assert claimed is not None
    assert last is not None
    assert last.data["job_id"] == job_id
    told = {name: last.data["progress"][name] for name in ("done", "total", "message", "unit")}
    assert told == {"done": 1, "total": 4, "message": "waiting", "unit": "step"}
    assert last.id == claimed.id


def test_a_job_that_is_not_there_has_no_stream(site: Site, listen: Listen) -> None:
    listener = listen(site, "/v1/jobs/999999/events")

    assert listener.response.status == 404


# --- pages and lines


def test_a_page_says_where_the_next_one_begins(open_site: Open) -> None:
    site = open_site()
    for number in range(4):
        site.finished(f"/start/{'add?a' if number % 2 else 'echo?value'}=1")

    first = site.get("/v1/events?limit=5").json
    second = site.get(f"/v1/events?limit=50&after={first['after']}").json
    of_task = site.get("/v1/events?task=add&limit=4").json
    behind = site.get(f"/v1/events?task=add&limit=4&after={of_task['after']}").json

    assert [event["id"] for event in first["items"]] == [1, 2, 3, 4, 5]
    assert (first["more"], first["after"], first["reset"]) == (True, 5, False)
    assert [event["id"] for event in second["items"]] == [6, 7, 8, 9, 10, 11, 12]
    assert (second["more"], second["after"], second["reset"]) == (False, 12, False)
    assert [event["id"] for event in of_task["items"]] == [4, 5, 6, 10]
    assert [event["id"] for event in behind["items"]] == [11, 12]


def test_a_page_says_when_something_before_it_is_not_kept(open_site: Open) -> None:
    site = open_site()
    for _ in range(2):
        site.finished("/start/add?a=1")
    forget_all_but(site, 1)

    gap = site.get("/v1/events?after=1").json
    beginning = site.get("/v1/events").json
    foreign = site.get("/v1/events?after=1000").json

    assert (gap["reset"], gap["after"]) == (True, 6)
    assert (beginning["reset"], [event["id"] for event in beginning["items"]]) == (False, [4, 5, 6])
    assert foreign == {"items": [], "after": 6, "more": False, "reset": True}


@pytest.mark.parametrize("query", ["after=x", "after=-1", "limit=0", "limit=x", "group=x", "a=1"])
def test_what_a_page_cannot_be_asked_is_422(site: Site, query: str) -> None:
    answer = site.get(f"/v1/events?{query}")

    assert answer.status == 422
    assert answer.problem == "invalid-parameters"


def test_lines_of_json_are_told_live_and_end_with_the_job(open_site: Open) -> None:
    site = open_site()
    job_id = site.finished("/start/add?a=1")

    answer = site.ask("GET", f"/v1/jobs/{job_id}/events", headers=LINES)

    lines = [json.loads(line) for line in answer.body.splitlines() if line]
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert kinds(lines) == ["queued", "claimed", "succeeded"]


def test_the_head_of_a_stream_does_not_stream(site: Site) -> None:
    answer = site.ask("HEAD", "/v1/events", headers=SSE)

    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["x-accel-buffering"] == "no"


# --- the server's own safety


def test_a_silent_stream_gives_signs_of_life(
    open_site: Open, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BEAT_SECONDS", 0.05)
    site = open_site()
    site.finished("/start/add?a=1")
    listener = listen(site)

    lines = [listener.line() for _ in range(9)]

    assert lines.count(":\n") >= 3


def test_a_server_that_stops_ends_its_streams(open_site: Open, listen: Listen) -> None:
    site = open_site()
    site.finished("/start/add?a=1")
    listeners = [listen(site), listen(site, "/v1/events?after=0")]
    listeners[1].events(3)

    site.server.stop()

    assert [listener.rest() for listener in listeners] == [[], []]
    assert site.has_ended(within=5)


def test_a_client_has_so_many_streams_at_once(
    open_site: Open, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Places.__init__, "__defaults__", (2,))
    site = open_site()
    site.finished("/start/add?a=1")
    first, _second = listen(site), listen(site)

    refused = listen(site)
    first.close()

    assert refused.response.status == 429
    assert refused.response.headers["retry-after"] == "1"
    eventually(lambda: listen(site).response.status == 200)


def test_there_are_so_many_streams_at_all() -> None:
    places = Places(most=1, most_of_one=5)

    with places.place("a"), pytest.raises(Problem, match="too many"), places.place("b"):
        pass

    assert places.taken == 0


def test_a_reader_that_is_suspended_is_dropped_and_holds_nobody_up(
    tmp_path: Path, listen: Listen
) -> None:
    site = Site(tmp_path / "jobs.db", work=False)
    site.server.limits = Limits(write=1)
    site.open()
    site.app.find("words").start("x")
    with socket.socket() as suspended:
        suspended.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        suspended.connect(("127.0.0.1", site.port))
        suspended.sendall(
            b"GET /v1/events?after=0 HTTP/1.1\r\nHost: localhost\r\n"
            b"Accept: text/event-stream\r\n\r\n"
        )
        awake = listen(site)
        flood(site.app, 20_000)
        told = awake.events(20_000)

        eventually(lambda: is_broken(suspended))

    assert [event["id"] for event in told] == list(range(2, 20_002))
    awake.close()
    site.close()


def is_broken(connection: socket.socket) -> bool:
    """Whether the other side has thrown the connection away; without taking anything of it."""
    poll = select.poll()
    poll.register(connection, 0)
    return bool(poll.poll(0))


def flood(app: Offload, jobs: int) -> None:
    """Start many jobs that nobody can run, in some transactions."""
    for _ in range(jobs // 500):
        app.find("words").start_many(["x"] * 500)


# --- the feed by itself


async def collect(reader: Reader, count: int) -> list[Line]:
    found: list[Line] = []
    while len(found) < count:
        batch = await reader.next(10)
        assert batch.lines or batch.motions
        found += batch.lines
    return found


def test_a_reader_that_falls_behind_what_is_kept_reads_on_from_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "KEPT_LINES", 10)
    app = Offload(tmp_path / "jobs.db", worker="off")
    task = app.task(_nothing)
    task.start()

    async def scenario() -> list[int]:
        feed = EventFeed(app)
        quick = await feed.follow(ALL, None)
        slow = await feed.follow(ALL, 0)
        of_one = await feed.follow(Selection(job_id=3), 0)
        for _ in range(40):
            await task.astart()
        await collect(quick, 40)
        assert quick._tail.lines_after(1) is None
        lines = await collect(slow, 41)
        assert [line.job_id for line in await collect(of_one, 1)] == [3]
        for reader in (quick, slow, of_one):
            reader.close()
        assert feed.readers == 0
        assert feed._tail is None
        return [line.id for line in lines]

    assert asyncio.run(scenario()) == list(range(1, 42))
    app.close()


async def _nothing() -> None:
    """Do nothing."""


def test_many_writers_at_once_are_read_in_one_order_without_a_gap(tmp_path: Path) -> None:
    app = Offload(tmp_path / "jobs.db", worker="off")
    task = app.task(_nothing)
    task.start()

    async def scenario() -> list[int]:
        feed = EventFeed(app)
        reader = await feed.follow(ALL, None)
        writers = [threading.Thread(target=_start_some, args=(app.database,)) for _ in range(4)]
        for writer in writers:
            writer.start()
        lines = await collect(reader, 200)
        for writer in writers:
            await asyncio.to_thread(writer.join)
        reader.close()
        return [line.id for line in lines]

    assert asyncio.run(scenario()) == list(range(2, 202))
    app.close()


def _start_some(database: Path) -> None:
    app = Offload(database, worker="off")
    task = app.task(_nothing)
    for _ in range(50):
        task.start()
    app.close()


def test_a_transaction_that_was_rolled_back_leaves_no_gap(open_site: Open) -> None:
    site = open_site(work=False)
    site.start("/start/add?a=1")
    with sqlite3.connect(site.app.database, isolation_level=None) as database:
        database.execute("begin immediate")
        database.execute(
            "insert into event (job_id, version, kind, state, at, actor, door, attempt) "
            "values (9, 1, 'queued', 'queued', 0, '', '', 0)"
        )
        database.execute("rollback")
    database.close()
    site.start("/start/add?a=2")

    page = site.get("/v1/events?after=1").json

    assert (page["reset"], [event["id"] for event in page["items"]]) == (False, [2])
