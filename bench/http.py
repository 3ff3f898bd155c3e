"""Rows over HTTP: durable starts at 64 connections, and the way to a result and back."""

import asyncio
import contextlib
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.harness import Size, percentile, python, row

CONNECTIONS = 64

TASKS = """
from offload import Offload
app = Offload()

@app.task
async def noop(n: int) -> int:
    return n
"""

BARE = """
import asyncio, uvicorn
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = b'{"id": 1}'
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": body})
class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print(f"bare on http://127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]}", flush=True)
Server(uvicorn.Config(app, port=0, log_level="warning", access_log=False)).run()
"""


@dataclass
class Server:
    """A server in another process.

    Attributes:
        port: where it listens, on 127.0.0.1.
    """

    process: "subprocess.Popen[str]"
    port: int

    def pids(self) -> list[int]:
        """The server and all that descends from it."""
        pids = [self.process.pid]
        for pid in pids:
            for task in Path(f"/proc/{pid}/task").iterdir():
                pids += [int(child) for child in (task / "children").read_text().split()]
        return pids

    def wait(self, seconds: float) -> None:
        """Let it be, unless it ends."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)


@contextlib.contextmanager
def served(folder: Path, *options: str) -> Iterator[Server]:
    """Run `offload serve` with a no-op task."""
    (folder / "tasks.py").write_text(TASKS)
    arguments = ["-m", "offload", "serve", "tasks.py", "--port", "0", *options]
    with running(python(*arguments, cwd=folder)) as server:
        yield server


@contextlib.contextmanager
def running(process: "subprocess.Popen[str]") -> Iterator[Server]:
    """Wait for the address that a server prints, and end it at the end."""
    assert process.stdout is not None
    try:
        select.select([process.stdout], [], [], 20)
        line = process.stdout.readline()
        yield Server(process, int(line.rstrip().rstrip("/").rpartition(":")[2]))
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


async def request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> bytes:
    """Send one request on an open connection and read its whole response's body."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 202")):
        raise RuntimeError(head.decode("latin-1"))
    length = next(
        int(line.partition(b":")[2])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
    return await reader.readexactly(length)


def post(port: int, target: str) -> bytes:
    """A start, as bytes."""
    return f"POST {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 0\r\n\r\n".encode()


async def flood(port: int, seconds: float) -> tuple[float, list[float]]:
    """Starts per second over 64 kept connections, and the time that each one took, in ms."""
    stop_at = time.perf_counter() + seconds
    times: list[float] = []

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (began := time.perf_counter()) < stop_at:
            await request(reader, writer, post(port, "/start/noop?n=1"))
            times.append((time.perf_counter() - began) * 1000)
        writer.close()
        await writer.wait_closed()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    return len(times) / (time.perf_counter() - began), times


@row("POST /start at 64 connections", "/s", "a bare handler of the same server")
def starts(folder: Path, size: Size) -> Mapping[str, float]:
    """Durable starts, no worker beside them; the client shares the machine's cores."""
    length = size.of(5)
    with served(folder, "--workers", "0", "--capacity", "100000000") as server:
        asyncio.run(flood(server.port, 0.5))
        rate, times = asyncio.run(flood(server.port, length))
    bare = subprocess.Popen(
        [sys.executable, "-c", BARE], stdout=subprocess.PIPE, text=True, env=os.environ
    )
    with running(bare) as server:
        asyncio.run(flood(server.port, 0.5))
        limit, _ = asyncio.run(flood(server.port, length))
    return {"offload": rate, "raw": limit, "p99 in ms": percentile(times, 0.99)}


@row("start to result over HTTP, idle", "ms", "")
def start_to_result(folder: Path, size: Size) -> Mapping[str, float]:
    """From the request to the value, through the server's process and the worker's."""

    async def measure(port: int) -> list[float]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        wait = (
            f"POST /start/noop?n=1 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            "Prefer: wait=10\r\nContent-Length: 0\r\n\r\n"
        ).encode()
        times = []
        for _ in range(size.of(300)):
            began = time.perf_counter()
            await request(reader, writer, wait)
            times.append((time.perf_counter() - began) * 1000)
        writer.close()
        return times

    with served(folder) as server:
        asyncio.run(first_result(server.port))
        times = asyncio.run(measure(server.port))
    return {"p50": percentile(times, 0.5), "p99": percentile(times, 0.99)}


async def first_result(port: int) -> None:
    """Wait for the worker: the first job's result."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /start/noop?n=1 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nPrefer: wait=30\r\n"
    await request(reader, writer, f"{head}Content-Length: 0\r\n\r\n".encode())
    writer.close()
