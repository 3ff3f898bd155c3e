"""Clients that take their time: they lose their own place, and nobody else's."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from offload.http.crowd import Crowd, Limits
from tests.http.site import Site
from tests.support import eventually

pytestmark = pytest.mark.slow

Open = Callable[[Limits], Site]

HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /start/add HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture
def open_limited(tmp_path: Path) -> Iterator[Open]:
    """Opens a server with limits of the test's own."""
    opened: list[Site] = []

    def open_one(limits: Limits) -> Site:
        site = Site(tmp_path / f"jobs-{len(opened)}.db", work=False)
        site.server.limits = limits
        opened.append(site)
        site.open()
        return site

    yield open_one
    for site in opened:
        site.close()


def connect(site: Site) -> socket.socket:
    return socket.create_connection(("127.0.0.1", site.port), timeout=20)


def all_of(connection: socket.socket) -> bytes:
    """What comes until the server closes; it may close roughly."""
    received = b""
    try:
        while part := connection.recv(65536):
            received += part
    except ConnectionError:
        pass
    return received


@pytest.mark.parametrize("began", [b"G", b"GET /healthz HTTP/1.1\r\n", HEAD + b"X: y"])
def test_a_head_that_does_not_end_in_time_is_408(open_limited: Open, began: bytes) -> None:
    site = open_limited(Limits(head=0.2))

    with connect(site) as connection:
        connection.sendall(began)
        received = all_of(connection)

    assert received.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in received
    assert b"x-content-type-options: nosniff" in received


def test_no_single_byte_puts_the_deadline_of_a_head_off(open_limited: Open) -> None:
    site = open_limited(Limits(head=0.4))
    began = time.monotonic()

    with connect(site) as connection:
        connection.sendall(HEAD)
        connection.settimeout(0.05)
        received = drip(connection, b"X: y\r\n")

    assert received.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < 5


def drip(connection: socket.socket, piece: bytes) -> bytes:
    """Send a piece again and again, until there is an answer."""
    while True:
        try:
            connection.sendall(piece)
            return connection.recv(65536)
        except TimeoutError:
            continue


def test_a_connection_that_never_says_anything_is_closed_without_a_word(open_limited: Open) -> None:
    site = open_limited(Limits(head=0.2))

    with connect(site) as connection:
        received = all_of(connection)

    assert received == b""


@pytest.mark.parametrize("length", [b"Content-Length: 1000", b"Transfer-Encoding: chunked"])
def test_a_body_that_does_not_come_in_time_is_408_and_starts_nothing(
    open_limited: Open, length: bytes
) -> None:
    site = open_limited(Limits(body=0.2))

    with connect(site) as connection:
        connection.sendall(POST + length + b"\r\n\r\n")
        received = all_of(connection)

    assert received.startswith(b"HTTP/1.1 408 ")
    assert received.count(b"HTTP/1.1") == 1
    assert site.start("/start/add?a=1") == 1


def test_a_slow_body_has_the_time_that_its_rate_allows(open_limited: Open) -> None:
    site = open_limited(Limits(body=0.1, rate=100))
    body = b'{"a": 1' + b" " * 200

    with connect(site) as connection:
        connection.sendall(POST + b"Content-Length: %d\r\n\r\n" % (len(body) + 1) + body)
        connection.settimeout(0.5)  # five times what is allowed to a body of no size
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(20)
        connection.sendall(b"}")
        received = connection.recv(65536)

    assert received.startswith(b"HTTP/1.1 202 ")


def test_a_deadline_does_not_end_who_waits_for_an_answer(open_limited: Open) -> None:
    site = open_limited(Limits(head=0.1, body=0.1))
    job_id = site.start("/start/add?a=1")

    answer = site.get(f"/v1/jobs/{job_id}?wait=1&until=done")

    assert (answer.status, answer.json["state"]) == (200, "queued")


def test_a_request_behind_one_that_waits_is_not_hurried(open_limited: Open) -> None:
    site = open_limited(Limits(head=0.1))
    job_id = site.start("/start/add?a=1")
    waiting = f"GET /v1/jobs/{job_id}?wait=1&until=done HTTP/1.1\r\nHost: localhost\r\n\r\n"

    received = site.raw(waiting.encode() * 2 + HEAD + b"Connection: close\r\n\r\n")

    assert received.count(b"HTTP/1.1 200 ") == 3


def test_who_does_not_take_an_answer_is_dropped(open_limited: Open) -> None:
    site = open_limited(Limits(write=0.2))
    job_id = site.start("/start/words", {"text": "x" * 900_000})
    ask = f"GET /v1/jobs/{job_id} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()

    with connect(site) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(10)
        with pytest.raises(ConnectionError):
            ask_for_ever(connection, ask * 100)


def ask_for_ever(connection: socket.socket, questions: bytes) -> None:
    """Answers pile up until the server reads no more, and then ends it."""
    while True:
        connection.sendall(questions)


def test_hundreds_of_slow_connections_do_not_keep_anybody_waiting(open_limited: Open) -> None:
    site = open_limited(Limits(connections=100))
    slow = [connect(site) for _ in range(300)]
    for connection in slow[::2]:
        connection.setblocking(False)
        send_what_goes(connection, HEAD)

    began = time.monotonic()
    answers = [site.second().get("/healthz").status for _ in range(20)]
    seconds = time.monotonic() - began

    assert answers == [200] * 20
    assert seconds < 5
    for connection in slow:
        connection.close()


def send_what_goes(connection: socket.socket, data: bytes) -> None:
    try:
        connection.send(data)
    except OSError:
        return  # it had to give way already


def test_a_body_that_is_still_coming_gives_way_and_an_asked_question_does_not(
    open_limited: Open,
) -> None:
    site = open_limited(Limits(connections=3))
    job_id = site.start("/start/add?a=1")
    site.hang_up()
    asking, sending = connect(site), connect(site)
    wait = f"GET /v1/jobs/{job_id}?wait=2&until=done HTTP/1.1\r\nHost: localhost\r\n\r\n"
    asking.sendall(wait.encode())
    sending.sendall(POST + b"Content-Length: 20\r\n\r\n{")
    eventually(lambda: site.waiting(job_id) == 1)

    others = [connect(site) for _ in range(6)]
    gone = all_of(sending)
    answer = asking.recv(65536)

    assert gone == b""
    assert answer.startswith(b"HTTP/1.1 200 ")
    for connection in (asking, sending, *others):
        connection.close()


def test_where_everybody_is_served_a_newcomer_is_told_to_try_again(open_limited: Open) -> None:
    site = open_limited(Limits(connections=2))
    job_id = site.start("/start/add?a=1")
    site.hang_up()
    wait = f"GET /v1/jobs/{job_id}?wait=20&until=done HTTP/1.1\r\nHost: localhost\r\n\r\n"
    served = [connect(site) for _ in range(2)]
    for connection in served:
        connection.sendall(wait.encode())
    eventually(lambda: site.waiting(job_id) == 2)

    def is_full() -> bool:
        with connect(site) as newcomer:
            return all_of(newcomer).startswith(b"HTTP/1.1 503 ")

    eventually(is_full)
    for connection in served:
        connection.close()


class Still:
    """A connection that notes whether it had to give way."""

    def __init__(self) -> None:
        self.gave_way = False

    def give_way(self) -> None:
        self.gave_way = True


def test_who_has_been_silent_longest_gives_way() -> None:
    crowd = Crowd(Limits(connections=3))
    first, second, third = Still(), Still(), Still()
    for each in (first, second, third):
        crowd.enter(each)
    crowd.asks(first)
    crowd.falls_silent(first)

    assert crowd.enter(Still())

    assert [each.gave_way for each in (first, second, third)] == [False, True, False]


def test_nobody_gives_way_who_is_served() -> None:
    crowd = Crowd(Limits(connections=1))
    served = Still()
    crowd.enter(served)
    crowd.asks(served)

    assert not crowd.enter(Still())
    assert not served.gave_way
