"""The client: what it sends again, what it never does, and what it makes of an answer."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from offload import errors
from offload.client import Client, error_of
from offload.http.problems import ERRORS, KINDS
from tests.cli.running import Running

Answer = tuple[int, str, bytes] | None
"""A status code, a media type and a body; None breaks the connection instead."""


class Scripted(HTTPServer):
    """A server that answers as it was told, in order, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, str, str | None, bytes]] = []
        self.tokens: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A broken connection is meant to be broken."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Scripted

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        key = self.headers.get("Idempotency-Key")
        self.server.tokens.append(self.headers.get("Authorization"))
        self.server.asked.append((self.command, self.path, key, body))
        answer = self.server.answers.pop(0)
        if answer is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, media_type, content = answer
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = answer

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def good(value: Any) -> Answer:
    return 200, "application/json", json.dumps(value).encode()


def problem(status: int, name: str, **members: Any) -> Answer:
    document = {"type": f"/problems/{name}", "title": name, "detail": f"it is {name}", **members}
    return status, "application/problem+json", json.dumps(document).encode()


@pytest.fixture
def server() -> Iterator[Scripted]:
    scripted = Scripted()
    serving = threading.Thread(target=scripted.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    yield scripted
    scripted.shutdown()
    serving.join()
    scripted.server_close()


@pytest.fixture
def client(server: Scripted) -> Iterator[Client]:
    made = Client(server.url)
    yield made
    made.close()


def test_a_reading_request_is_sent_again_after_a_broken_connection(
    server: Scripted, client: Client
) -> None:
    server.answers = [None, None, good({"id": 7})]

    assert client.status(7) == {"id": 7}
    assert [path for _, path, _, _ in server.asked] == ["/v1/jobs/7"] * 3


def test_a_start_is_sent_again_with_the_same_key(server: Scripted, client: Client) -> None:
    server.answers = [None, good({"id": 1}), good({"id": 2})]

    assert client.start("mow", [("a", "1"), ("a", "2")], {"priority": 3})["id"] == 1
    assert client.start("mow", params={"a": 2**70}, key="my-key")["id"] == 2

    first, again, other = server.asked
    assert first == again
    assert first[1] == "/v1/tasks/mow/jobs"
    assert json.loads(first[3]) == {"texts": {"a": ["1", "2"]}, "options": {"priority": 3}}
    assert first[2] is not None
    assert other[2] == "my-key"
    assert json.loads(other[3]) == {"params": {"a": 2**70}, "options": {}}


def test_a_cancel_is_never_sent_twice(server: Scripted, client: Client) -> None:
    server.answers = [None]

    with pytest.raises(errors.StoreUnavailable, match="cannot be reached"):
        client.cancel(7)

    assert len(server.asked) == 1


def test_it_gives_up_after_some_tries(server: Scripted, client: Client) -> None:
    server.answers = [None] * 4

    with pytest.raises(errors.StoreUnavailable):
        client.status(7)

    assert server.answers == []


def test_a_server_that_does_not_answer_is_not_waited_for_for_ever() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = Client(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.05)

        with pytest.raises(errors.StoreUnavailable, match=r"did not answer within 0\.05 s"):
            client.status(7)
        client.close()


def test_a_token_and_a_path_before_the_routes_are_sent(server: Scripted) -> None:
    server.answers = [good({"items": [], "next_cursor": None})]
    client = Client(f"{server.url}/behind/a/proxy/", "a-secret")

    found = client.list()

    assert found == []
    assert server.asked[0][1] == "/behind/a/proxy/v1/jobs?limit=100"
    assert server.tokens == ["Bearer a-secret"]
    client.close()


def test_a_list_goes_through_the_pages(server: Scripted, client: Client) -> None:
    server.answers = [
        good({"items": [{"id": 9}, {"id": 8}], "next_cursor": "8"}),
        good({"items": [{"id": 7}], "next_cursor": "7"}),
    ]

    assert [job["id"] for job in client.list(state="failed", limit=3)] == [9, 8, 7]
    assert server.asked[1][1] == "/v1/jobs?state=failed&limit=1&cursor=8"


def test_a_wait_asks_until_the_end(server: Scripted, client: Client) -> None:
    server.answers = [
        good({"id": 7, "done": False}),
        None,
        good({"id": 7, "done": True}),
    ]

    assert client.wait(7)["done"] is True
    assert {path for _, path, _, _ in server.asked} == {"/v1/jobs/7?wait=30.000&until=done"}


def test_a_wait_of_no_time_asks_once(server: Scripted, client: Client) -> None:
    server.answers = [good({"id": 7, "done": False})]

    assert client.wait(7, 0)["done"] is False
    assert server.asked[0][1] == "/v1/jobs/7?wait=0.000&until=done"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            (200, "text/html", b"<h1>Hello</h1>"),
            r"is no offload server \(it answered 200, text/html",
        ),
        ((404, "text/plain", b"nothing"), "is no offload server"),
        ((302, "application/json", b"{}"), "is no offload server"),
    ],
)
def test_another_server_is_told_apart(
    server: Scripted, client: Client, answer: Answer, words: str
) -> None:
    server.answers = [answer]

    with pytest.raises(errors.ConfigError, match=words):
        client.status(7)


def test_an_answer_that_cannot_be_read(server: Scripted, client: Client) -> None:
    server.answers = [(200, "application/json", b'{"id": 7')]

    with pytest.raises(errors.StoreUnavailable, match="cannot be read"):
        client.status(7)


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8080",
        "localhost",
        "ftp://127.0.0.1",
        "http://",
        "http://127.0.0.1:x",
        "http://127.0.0.1:70000",
        "http://127.0.0.1/?a=1",
        "http://me@127.0.0.1",
        "http://[::1",
        "http://a b",
        "http://a..b",
        "http://127.0.0.1/\n",
        "",
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(errors.ConfigError, match="is no address of a server; write http"):
        Client(url)


@pytest.mark.parametrize(
    "url", ["https://example.org", "http://[::1]:8080/", "http://Häuser.example"]
)
def test_what_is_an_address(url: str) -> None:
    if url.isascii():
        assert Client(url).url == url
    else:
        with pytest.raises(errors.ConfigError):
            Client(url)


def test_every_problem_of_the_server_has_its_exception_here() -> None:
    ours = {name: type(error_of({"type": f"/problems/{name}", "detail": "x"})) for name in KINDS}

    for kind, name in ERRORS.items():
        assert issubclass(kind, ours[name]) or issubclass(kind, errors.StoreError)
    assert ours["unauthorized"] is errors.ConfigError
    assert ours["malformed-request"] is errors.OffloadError


def test_a_problem_keeps_what_the_server_said(server: Scripted, client: Client) -> None:
    failed = {"code": "exception", "type": "ValueError", "message": "no", "traceback": None}
    server.answers = [
        problem(409, "job-failed", id=7, state="failed", error=failed),
        problem(422, "invalid-parameters", errors=[{"parameter": "n", "problem": "missing"}]),
        problem(429, "queue-full", queue="default", capacity=10),
        problem(410, "evicted", id=7),
        problem(409, "already-finished", id=7, state="succeeded"),
    ]

    with pytest.raises(errors.JobFailed, match="it is job-failed") as job_failed:
        client.result(7)
    with pytest.raises(errors.InvalidParameters) as invalid:
        client.start("mow")
    with pytest.raises(errors.QueueFull) as full:
        client.start("mow")
    with pytest.raises(errors.Evicted):
        client.status(7)
    with pytest.raises(errors.AlreadyFinished) as finished:
        client.cancel(7)

    assert (job_failed.value.job_id, job_failed.value.remote_message) == (7, "no")
    assert invalid.value.faults == (errors.Fault("n", "missing"),)
    assert (full.value.queue, full.value.capacity) == ("default", 10)
    assert finished.value.state == "succeeded"


def test_a_real_server_is_asked_over_one_connection(lasting_server: Running) -> None:
    client = Client(lasting_server.introduction()["address"])

    started = client.start("double", params={"n": 2**200})
    job = client.wait(started["id"], 20)
    connected = client._connection.sock

    assert job["state"] == "succeeded"
    assert client.result(started["id"]) == 2**201
    assert client._connection.sock is connected
    client.close()
