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
from typing import cast

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


HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

STREAMS = 500
"""More than one client may have: they come from several of this machine's addresses."""


async def listener(port: int, number: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a stream of all events; from an address that few others have."""
    here = (f"127.0.0.{2 + number // 50}", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=here)
    writer.write(
        f"GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        "Accept: text/event-stream\r\n\r\n".encode()
    )
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head.decode("latin-1"))
    await reader.readuntil(b"id: ")
    return reader, writer


async def _told(reader: asyncio.StreamReader, kind: bytes, count: int) -> float:
    """Read until so many events of a kind have come; returns when the last one came."""
    while count:
        line = await reader.readuntil(b"\n")
        count -= b'"kind":"%b"' % kind in line
    return time.perf_counter()


@row("500 readers of events", "ms", "")
def fan_out(folder: Path, size: Size) -> Mapping[str, float]:
    """From a start to the event at each reader, while one of them takes nothing.

    And what the server holds more after many events than before them, in MB.
    """
    jobs = size.of(200)

    async def measure(server: Server) -> tuple[list[float], float]:
        streams = [await listener(server.port, number) for number in range(STREAMS)]
        cast(asyncio.ReadTransport, streams[0][1].transport).pause_reading()
        awake = [reader for reader, _ in streams[1:]]
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        times: list[float] = []
        before = 0.0
        for number in range(jobs):
            began = time.perf_counter()
            await request(reader, writer, post(server.port, "/start/noop?n=1"))
            told = await asyncio.gather(*(_told(each, b"queued", 1) for each in awake))
            times += [(at - began) * 1000 for at in told]
            before = before or (resident(server.process.pid) if number > jobs // 4 else 0.0)
        after = resident(server.process.pid)
        for _, each in [*streams, (reader, writer)]:
            each.close()
        return times, after - before

    with served(folder, "--workers", "0", "--capacity", "100000000") as server:
        times, grown = asyncio.run(measure(server))
    return {
        "p50": percentile(times, 0.5),
        "p99": percentile(times, 0.99),
        "grown in MB": grown,
    }


def resident(pid: int) -> float:
    """Return a process's resident memory in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@row("a request beside 1,000 slow connections", "ms", "the same without them")
def beside_slow_ones(folder: Path, size: Size) -> Mapping[str, float]:
    """Each of them has sent half a head, and the next byte of it every second."""

    async def ask(port: int) -> list[float]:
        times = []
        for _ in range(size.of(200)):
            began = time.perf_counter()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            await request(reader, writer, HEALTH)
            times.append((time.perf_counter() - began) * 1000)
            writer.close()
        return times

    async def drip(port: int) -> None:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /healthz HTTP/1.1\r\nX: ")
            while not writer.is_closing():
                await asyncio.sleep(1)
                writer.write(b"x")

    async def measure(port: int) -> tuple[list[float], list[float]]:
        alone = await ask(port)
        slow = [asyncio.create_task(drip(port)) for _ in range(1000)]
        await asyncio.sleep(2)
        beside = await ask(port)
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        return alone, beside

    with served(folder, "--workers", "0") as server:
        alone, beside = asyncio.run(measure(server.port))
    return {
        "offload": percentile(beside, 0.5),
        "raw": percentile(alone, 0.5),
        "p99": percentile(beside, 0.99),
    }
