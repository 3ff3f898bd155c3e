"""The server itself: where it listens, and how it stops."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from offload import Offload
from offload.config import Config
from offload.errors import ConfigError
from offload.http.server import HttpServer, listen
from tests.http.conftest import Open
from tests.http.site import Client
from tests.support import eventually


@pytest.fixture
def taken() -> Iterator[int]:
    """A port at which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def _refusal(host: str = "127.0.0.1", port: int = 0, token: str = "") -> str:
    """What a server says that cannot listen."""
    with pytest.raises(ConfigError) as raised:
        listen(host, port, token)
    return str(raised.value)


def test_a_port_in_use_is_named_with_what_to_do(taken: int) -> None:
    message = _refusal(port=taken)

    assert f"127.0.0.1:{taken} is in use" in message
    assert "--port" in message


def test_a_port_that_was_bound_is_taken_before_anything_runs(tmp_path: Path) -> None:
    config = Config(db=str(tmp_path / "jobs.db"), port=0)
    server = HttpServer(Offload(), config)

    address = server.bind()

    assert server.bind() == address
    assert "is in use" in _refusal(port=int(address.rpartition(":")[2]))
    server.stop()
    asyncio.run(server.run())


def test_an_address_that_is_none_is_named_with_what_to_do() -> None:
    assert "70000" in _refusal(port=70_000)
    assert "--host" in _refusal(host="203.0.113.7", token="t")
    assert "--host" in _refusal(host="no-such-name.invalid")
    assert "--host" in _refusal(host="a" * 300)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
def test_a_wider_address_without_a_token_is_refused_and_says_why(host: str) -> None:
    message = _refusal(host=host)

    assert "--token" in message
    assert "other machines" in message


def test_a_wider_address_with_a_token_is_served(open_site: Open) -> None:
    site = open_site(host="0.0.0.0", token="t0ken", allow_host="jobs.example", work=False)

    assert site.address == f"http://127.0.0.1:{site.port}"
    assert site.get("/v1/tasks").status == 200
    assert site.get("/v1/tasks", Host="jobs.example").status == 200
    assert site.get("/v1/tasks", Host=f"0.0.0.0:{site.port}").status == 421


def test_the_loopback_address_of_version_6_is_served(tmp_path: Path) -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as probe:
        assert probe.family is socket.AF_INET6
    listener = listen("::1", 0, "")

    assert listener.family is socket.AF_INET6
    listener.close()


def test_answers_are_not_held_back_by_nagle_s_algorithm() -> None:
    listener = listen("127.0.0.1", 0, "")

    assert listener.proto == socket.IPPROTO_TCP
    listener.close()


@pytest.mark.promise("P10")
def test_a_server_that_is_told_to_stop_answers_what_was_asked(open_site: Open) -> None:
    site = open_site()
    [job_id] = site.held()
    other = site.second()

    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(other.get, f"/v1/jobs/{job_id}?wait=60&until=done")
        eventually(lambda: site.waiting(job_id) == 1)
        site.server.stop()
        answer = waiting.result(10)

    assert (answer.status, answer.json["state"]) == (200, "running")
    assert answer.headers["connection"] == "close"
    eventually(lambda: _is_refused(site.port))


def _is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionError:
        return True
    return False


def test_a_start_whose_body_comes_after_the_stop_is_503(open_site: Open) -> None:
    site = open_site(work=False)
    head = (
        f"POST /start/add HTTP/1.1\r\nHost: {site.host}\r\n"
        "Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 8\r\n\r\n"
    )

    with socket.create_connection(("127.0.0.1", site.port), timeout=20) as connection:
        connection.sendall(head.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        site.server.stop()
        connection.sendall(b'{"a": 1}')
        received = connection.makefile("rb").read()

    assert received.startswith(b"HTTP/1.1 503 ")
    assert b"/problems/draining" in received


@pytest.mark.promise("P10")
def test_a_client_that_never_ends_its_request_does_not_hold_up_the_stop(open_site: Open) -> None:
    site = open_site(work=False)
    head = (
        f"POST /start/add HTTP/1.1\r\nHost: {site.host}\r\n"
        "Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 8\r\n\r\n"
    )

    with socket.create_connection(("127.0.0.1", site.port), timeout=20) as connection:
        connection.sendall(head.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        site.server.stop()
        received = connection.makefile("rb").read()

    assert received.startswith(b"HTTP/1.1 503 ")
    assert b"/problems/draining" in received
    assert site.has_ended(within=5)


def test_a_server_may_be_stopped_before_it_runs_and_twice(tmp_path: Path) -> None:
    server = HttpServer(Offload(), Config(db=str(tmp_path / "jobs.db"), port=0))

    server.stop()
    server.stop()
    asyncio.run(asyncio.wait_for(server.run(), 10))

    assert server.draining


def test_signals_are_left_to_whoever_runs_the_process(tmp_path: Path) -> None:
    server = HttpServer(Offload(), Config(db=str(tmp_path / "jobs.db"), port=0))
    port = int(server.bind().rpartition(":")[2])

    async def handler_while_it_serves() -> object:
        running = asyncio.create_task(server.run())
        answer = await asyncio.to_thread(Client(port).get, "/healthz", Connection="close")
        assert answer.status == 200
        handler = signal.getsignal(signal.SIGTERM)
        server.stop()
        await running
        return handler

    before = signal.getsignal(signal.SIGTERM)
    assert asyncio.run(handler_while_it_serves()) is before


def test_health_is_told_without_the_database(open_site: Open) -> None:
    site = open_site(work=False)

    answer = site.get("/healthz")

    assert (answer.status, answer.json) == (200, {"status": "ok"})
    assert not site.app.database.exists()
