"""A server on a raw socket that does to each request what the test says, and remembers it."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from msgspec import Struct

Act = Callable[[socket.socket], None]
"""Does something to a connection whose request was read."""


class Asked(Struct, frozen=True):
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int


def answer(status: int, value: Any, **headers: str) -> Act:
    """Answer with JSON."""
    return raw(_written(status, "application/json", json.dumps(value).encode(), headers))


def good(value: Any) -> Act:
    return answer(200, value)


def problem(status: int, name: str, *, retry_after: str = "", **members: Any) -> Act:
    """Answer with a problem document."""
    document = {"type": f"/problems/{name}", "title": name, "detail": f"it is {name}", **members}
    headers = {"Retry-After": retry_after} if retry_after else {}
    content = json.dumps(document).encode()
    return raw(_written(status, "application/problem+json", content, headers))


def page(status: int, kind: str = "text/html") -> Act:
    """Answer as something does that is no server of ours."""
    return raw(_written(status, kind, b"<h1>Hello</h1>", {}))


def stream(*parts: str) -> Act:
    """Answer with server-sent events, and hang up."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    return lambda connection: _send(connection, head + "".join(parts).encode(), closes=True)


def nothing_more() -> Act:
    """Answer 204."""
    return raw(b"HTTP/1.1 204 No Content\r\n\r\n")


def raw(content: bytes, *, closes: bool = False) -> Act:
    """Answer with these bytes, whatever they mean."""
    return lambda connection: _send(connection, content, closes=closes)


def drop(connection: socket.socket) -> None:
    """Hang up without an answer."""
    _send(connection, b"", closes=True)


def cut_off(connection: socket.socket) -> None:
    """Hang up in the middle of the body."""
    content = (
        b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{"id"'
    )
    _send(connection, content, closes=True)


def silence(seconds: float) -> Act:
    """Say nothing for so long, or until the other side hangs up; then hang up."""

    def act(connection: socket.socket) -> None:
        connection.settimeout(seconds)
        with contextlib.suppress(OSError):
            connection.recv(1)
        drop(connection)

    return act


def trickle(connection: socket.socket) -> None:
    """Send a body of a thousand bytes one at a time, far more slowly than anybody would wait."""
    _send(connection, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n", closes=False)
    _send(connection, b"Content-Length: 1000\r\n\r\n", closes=False)
    until = time.monotonic() + 30
    with contextlib.suppress(OSError):
        while time.monotonic() < until:
            connection.sendall(b" ")
            threading.Event().wait(0.02)
        connection.shutdown(socket.SHUT_RDWR)


def _written(status: int, kind: str, content: bytes, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(content)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


def _send(connection: socket.socket, content: bytes, *, closes: bool) -> None:
    with contextlib.suppress(OSError):
        connection.sendall(content)
        if closes:
            connection.shutdown(socket.SHUT_RDWR)


class Nasty:
    """The server; `acts` are done in order, one a request."""

    def __init__(self, port: int = 0) -> None:
        self.acts: list[Act] = []
        self.asked: list[Asked] = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._open: list[socket.socket] = []
        self._threads[0].start()

    @property
    def paths(self) -> list[str]:
        return [each.path for each in self.asked]

    @property
    def keys(self) -> list[str | None]:
        return [each.headers.get("idempotency-key") for each in self.asked]

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            serving = threading.Thread(target=self._serve, args=(connection, len(self._open)))
            self._threads.append(serving)
            serving.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with connection, connection.makefile("rb") as file:
            while True:
                try:
                    asked = _read(file, number)
                except (OSError, ValueError):
                    return
                if asked is None or not self.acts:
                    return
                self.asked.append(asked)
                self.acts.pop(0)(connection)


def _read(file: Any, number: int) -> Asked | None:
    line = file.readline()
    if not line:
        return None
    method, path, _ = line.decode().split(" ")
    headers = {}
    while (line := file.readline().decode().strip()) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = file.read(int(headers.get("content-length", "0")))
    return Asked(method, path, headers, body, number)
