"""Rows of the library: starting, draining, and how soon a job runs."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

from bench import raw
from bench.harness import Size, percentile, row
from offload import Offload
from offload.model import State

SLOTS = 100


async def noop(n: int) -> int:
    """Do nothing, and say so."""
    return n


def starter(folder: Path) -> Offload:
    """An Offload that starts jobs and runs none."""
    app = Offload(folder / "offload.db", worker="off")
    app.task(noop)
    return app


def runner(folder: Path) -> Offload:
    """An Offload with an embedded worker."""
    app = Offload(folder / "offload.db", slots=SLOTS, keep=10_000_000)
    app.task(noop)
    return app


@row("start, one at a time", "/s", "raw commits of a row and its event")
def one_at_a_time(folder: Path, size: Size) -> Mapping[str, float]:
    """Each start is awaited before the next."""
    count = size.of(2_000)
    app = starter(folder)
    task = app.find("noop")
    task.start(0)
    began = time.perf_counter()
    for n in range(count):
        task.start(n)
    rate = count / (time.perf_counter() - began)
    app.close()
    return {"offload": rate, "raw": raw.commits(folder, count)}


@row("start, 64 callers", "/s", "the same rows in batches of 64 by hand")
def many_callers(folder: Path, size: Size) -> Mapping[str, float]:
    """64 coroutines, each awaiting every start of its own."""
    each = size.of(300)
    app = starter(folder)
    task = app.find("noop")

    async def caller() -> None:
        for n in range(each):
            await task.astart(n)

    async def all_callers() -> float:
        await task.astart(0)
        began = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(64)))
        return 64 * each / (time.perf_counter() - began)

    rate = asyncio.run(all_callers())
    app.close()
    return {"offload": rate, "raw": raw.inserts(folder, 64 * each, 64)}


@row("start_many, 10,000 at a time", "/s", "executemany")
def start_many(folder: Path, size: Size) -> Mapping[str, float]:
    """All in one transaction."""
    count = size.of(10_000)
    app = starter(folder)
    task = app.find("noop")
    task.start(0)
    began = time.perf_counter()
    task.start_many(range(count))
    rate = count / (time.perf_counter() - began)
    app.close()
    return {"offload": rate, "raw": raw.inserts(folder, count, count)}


@row("drain 10,000 no-op async jobs", "/s", "raw claim and finish in batches of 100")
def drain(folder: Path, size: Size) -> Mapping[str, float]:
    """One embedded worker with 100 slots; results and events kept."""
    count = size.of(10_000)
    app = starter(folder)
    app.find("noop").start_many(range(count))
    app.close()
    app = runner(folder)
    began = time.perf_counter()
    app.find("noop").start(0).wait()  # the last; those claimed with it may end just after it
    while app.counts().get(("default", State.SUCCEEDED), 0) <= count:
        time.sleep(0.001)
    rate = count / (time.perf_counter() - began)
    app.close()
    return {"offload": rate, "raw": raw.life_cycles(folder, count, 100)}


@row("start to running, embedded, idle", "ms", "fdatasync p50")
def start_to_running(folder: Path, size: Size) -> Mapping[str, float]:
    """From the call of start to the first line of the job's code."""
    app = Offload(folder / "offload.db")
    began_at: dict[int, float] = {}

    @app.task
    async def mark(n: int) -> None:
        began_at[n] = time.perf_counter()

    mark.start(-1).result()
    times = []
    for n in range(size.of(500)):
        called_at = time.perf_counter()
        mark.start(n).result()
        times.append((began_at[n] - called_at) * 1000)
    app.close()
    return {
        "p50": percentile(times, 0.5),
        "p99": percentile(times, 0.99),
        "raw": raw.fsync_ms(folder),
    }


@row("start to result, embedded, idle", "ms", "fdatasync p50")
def start_to_result(folder: Path, size: Size) -> Mapping[str, float]:
    """From the call of start to the value in hand."""
    app = runner(folder)
    task = app.find("noop")
    task.start(0).result()
    times = []
    for n in range(size.of(500)):
        called_at = time.perf_counter()
        task.start(n).result()
        times.append((time.perf_counter() - called_at) * 1000)
    app.close()
    return {
        "p50": percentile(times, 0.5),
        "p99": percentile(times, 0.99),
        "raw": raw.fsync_ms(folder),
    }
