"""SIGTERM in the midst of a crowd: whoever was let in is answered, and streams end whole."""

import contextlib
import http.client
import json
import re
import signal
import socket
import sqlite3
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from tests.cli.conftest import Start
from tests.support import eventually

pytestmark = pytest.mark.slow

CLIENTS = 50
STREAMS = 5


class Crowd:
    """Clients that start jobs for as long as anybody answers.

    Attributes:
        answered: the ids of jobs whose start was accepted.
        statuses: how often each status was answered.
        cut: answers of which only a part came.
    """

    def __init__(self, place: str) -> None:
        self._place = place
        self._lock = threading.Lock()
        self.answered: list[int] = []
        self.statuses: Counter[int] = Counter()
        self.cut: list[bytes] = []

    def start_on(self) -> None:
        """Start jobs on one connection, and on another when the server has closed that."""
        while True:
            connection = http.client.HTTPConnection(self._place, timeout=20)
            try:
                connection.connect()
            except ConnectionRefusedError:
                return
            except ConnectionResetError:
                continue
            with contextlib.closing(connection):
                self._use(connection)

    def _use(self, connection: http.client.HTTPConnection) -> None:
        while True:
            try:
                connection.request("POST", "/start/double?n=2")
                response = connection.getresponse()
            except (ConnectionError, http.client.RemoteDisconnected):
                return  # closed before it was read: nothing was accepted
            try:
                body = response.read()
            except http.client.IncompleteRead as error:
                self.cut.append(error.partial)
                return
            with self._lock:
                self.statuses[response.status] += 1
                if response.status == 202:
                    self.answered.append(json.loads(body)["id"])
            if response.will_close:
                return


def _listen(place: str) -> bytes:
    """Follow all events, and return what came until the server closed."""
    host, _, port = place.partition(":")
    received = b""
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(
            b"GET /v1/events HTTP/1.1\r\nHost: %b\r\nAccept: text/event-stream\r\n"
            b"Last-Event-ID: 0\r\n\r\n" % place.encode()
        )
        while part := connection.recv(1 << 16):
            received += part
    return received


@pytest.mark.timeout(300)
@pytest.mark.promise("P10", "L6")
def test_everybody_who_was_let_in_is_answered_and_streams_end_whole(start: Start) -> None:
    limits = ("--capacity", "1000000", "--concurrency", "50", "--keep", "1000000")
    running = start("serve", "tasks.py", "--port", "0", "--json", "--grace", "1", *limits)
    said = running.introduction()
    place = urlsplit(said["address"]).netloc
    crowd = Crowd(place)

    with ThreadPoolExecutor(CLIENTS + STREAMS) as threads:
        streams = [threads.submit(_listen, place) for _ in range(STREAMS)]
        clients = [threads.submit(crowd.start_on) for _ in range(CLIENTS)]
        eventually(lambda: len(crowd.answered) > 5 * CLIENTS)
        code, _ = running.end(signal.SIGTERM)
        for client in clients:
            client.result(30)
        heard = [stream.result(30) for stream in streams]

    with contextlib.closing(sqlite3.connect(said["database"])) as connection:
        stored = [job_id for (job_id,) in connection.execute("select id from job order by id")]
    assert code == 0
    assert crowd.cut == []
    assert sorted(crowd.answered) == stored
    assert set(crowd.statuses) <= {202, 503}
    for each in heard:
        _ends_whole(each)


def _ends_whole(received: bytes) -> None:
    """The last chunk is there, and before it nothing but whole events, in their order."""
    head, _, chunks = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    body = b""
    while True:
        size, _, rest = chunks.partition(b"\r\n")
        length = int(size, 16)  # fails where a chunk was cut
        assert rest[length : length + 2] == b"\r\n"
        if length == 0:
            break
        body += rest[:length]
        chunks = rest[length + 2 :]
    assert body.endswith(b"\n\n")
    ids = [int(number) for number in re.findall(rb"^id: (\d+)$", body, re.MULTILINE)]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
