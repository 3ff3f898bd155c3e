"""A server and a worker in a thread of their own, the tasks they serve, and a client for them."""

import asyncio
import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Mapping
from http.client import HTTPMessage
from pathlib import Path
from typing import Any

from offload import Offload, current
from offload.config import Config
from offload.errors import StoreError
from offload.http.server import KEEP_ALIVE_SECONDS, HttpServer
from offload.values import decode, encode
from offload.worker.worker import WorkerSettings
from tests.support import eventually

ABSENT_ID = 10**12


class Gate:
    """Holds jobs until the test lets them go; opened from the test's thread."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def wait(self) -> None:
        event = asyncio.Event()
        self._waiting.append((asyncio.get_running_loop(), event))
        if not self._open.is_set():
            await event.wait()

    def block(self) -> None:
        """Wait as code does that cannot be stopped."""
        self._open.wait(60)

    def open(self) -> None:
        self._open.set()
        for loop, event in self._waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)


class Answer:
    """What came back."""

    def __init__(self, status: int, headers: HTTPMessage, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        """The body, with integers of any size."""
        return decode(self.body)

    @property
    def problem(self) -> str:
        """The kind of problem; fails if the answer is none, or not as RFC 9457 has it."""
        document = self.json
        assert self.headers["content-type"] == "application/problem+json", self.body
        assert document["status"] == self.status
        assert {"type", "title", "status", "detail", "instance"} <= document.keys()
        kind: str = document["type"].removeprefix("/problems/")
        return kind

    def __repr__(self) -> str:
        return f"<{self.status} {self.body[:500]!r}>"


class Client:
    """Asks a server on one connection, which is kept. For one thread at a time."""

    def __init__(self, port: int, token: str = "") -> None:
        self.port = port
        self.token = token
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._used_at = 0.0

    def ask(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request on the connection that is kept, and read the answer."""
        self.send(method, target, body, headers)
        response = self._connection.getresponse()
        return Answer(response.status, response.headers, response.read())

    def send(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Send a request, and do not wait for the answer."""
        sent = dict(headers or {})
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        if time.monotonic() - self._used_at > KEEP_ALIVE_SECONDS - 2:
            self.hang_up()  # the server does so too, about now
        self._used_at = time.monotonic()
        self._connection.request(method, target, body, sent)

    def hang_up(self) -> None:
        """Close the connection."""
        self._connection.close()

    def get(self, target: str, **headers: str) -> Answer:
        return self.ask("GET", target, headers=_named(headers))

    def post(self, target: str, value: object = None, **headers: str) -> Answer:
        """Post a value as JSON; None is no body."""
        if value is None:
            return self.ask("POST", target, headers=_named(headers))
        sent = {"Content-Type": "application/json"} | _named(headers)
        return self.ask("POST", target, encode(value), sent)

    def raw(self, sent: bytes) -> bytes:
        """Send bytes and return all that comes back until the server closes.

        A request among them should say `Connection: close`.
        """
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            # The server may have closed already; what it said is still to be read.
            with contextlib.suppress(ConnectionError):
                connection.sendall(sent)
            received = b""
            while part := _receive(connection):
                received += part
        return received


class Site(Client):
    """One server with its database, its worker and its tasks.

    Args:
        database: the file.
        work: whether there is a worker.
        settings: what `Config` takes.
    """

    def __init__(self, database: Path, *, work: bool = True, **settings: Any) -> None:
        self.gate = Gate()
        usual: dict[str, Any] = {"db": str(database), "worker": "off", "port": 0, "grace": 1}
        config = Config(**(usual | settings))
        self.app = _tasks(self.gate)
        self.app.configure(config)
        self.server = HttpServer(self.app, config, served="the tests")
        self.address = self.server.bind()
        self.host = self.address.removeprefix("http://")
        super().__init__(int(self.host.rpartition(":")[2]), config.token)
        self._work = work
        self._others: list[Client] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()))

    def open(self) -> None:
        """Start it; returns when its worker is there, which has made the database."""
        self._thread.start()
        if self._work:
            eventually(self._has_worker)

    def _has_worker(self) -> bool:
        with contextlib.suppress(StoreError):
            return bool(self.app.workers())
        return False

    def second(self) -> Client:
        """Another client of the same server."""
        other = Client(self.port, self.token)
        self._others.append(other)
        return other

    def waiting(self, job_id: int) -> int:
        """How many wait for a job in the server."""
        return len(self.app.open().watch._waiting.get(job_id, ()))

    def close(self) -> None:
        self.gate.open()
        for client in (self, *self._others):
            client.hang_up()
        self.server.stop()
        assert self.has_ended(within=20)
        self.app.close()

    def has_ended(self, *, within: float) -> bool:
        """Wait until the server and the worker have ended."""
        self._thread.join(within)
        return not self._thread.is_alive()

    async def _main(self) -> None:
        if not self._work:
            await self.server.run()
            return
        worker = self.app.make_worker(WorkerSettings())
        working = asyncio.create_task(worker.run())
        await self.server.run()
        await worker.drain(1)
        await working

    # --- jobs

    def start(self, target: str, value: object = None, **headers: str) -> int:
        """Start a job; returns its id."""
        answer = self.post(target, value, **headers)
        assert answer.status == 202, answer
        job_id: int = answer.json["id"]
        return job_id

    def state(self, job_id: int) -> str:
        state: str = self.get(f"/status?id={job_id}").json["state"]
        return state

    def reaches(self, job_id: int, state: str) -> None:
        """Wait until a job is shown in a state."""
        eventually(lambda: self.state(job_id) == state)

    def finished(self, target: str, value: object = None) -> int:
        """Start a job and wait for its end."""
        job_id = self.start(target, value)
        self.get(f"/v1/jobs/{job_id}?wait=30&until=done")
        return job_id

    def held(self, count: int = 1) -> list[int]:
        """Start jobs that run until the gate opens; returns when all of them run."""
        ids = [self.start("/start/hold") for _ in range(count)]
        for job_id in ids:
            self.reaches(job_id, "running")
        return ids


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except ConnectionError:
        return b""


def _tasks(gate: Gate) -> Offload:
    app = Offload()

    @app.task
    async def add(a: int, b: int = 1) -> int:
        """Add two numbers."""
        return a + b

    @app.task
    async def echo(value: Any = None) -> Any:
        """Return what it is given."""
        return value

    @app.task
    async def words(text: str, times: list[int] | None = None) -> str:
        """Return the text."""
        return text

    @app.task(aliases=["failing"])
    async def boom(message: str = "it broke") -> None:
        """Raise."""
        raise RuntimeError(message)

    @app.task
    async def strange() -> object:
        """Return what JSON cannot carry."""
        return {1, 2, 3}

    @app.task
    async def hold() -> str:
        """Report progress, then wait for the gate."""
        current().progress(1, 4, "waiting", unit="step")
        await gate.wait()
        return "held"

    @app.task
    def stubborn() -> str:
        """Block a thread until the gate opens, whatever is asked of it."""
        gate.block()
        return "done"

    return app
