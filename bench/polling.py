"""Rows of polling: what thousands of waiting jobs cost, and how late checks are."""

import asyncio
import math
import random
import resource
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.harness import Size, percentile, row
from offload import Offload
from offload.polling import Done
from offload.worker.polling.engine import Engine

JOBS = 10_000
INTERVAL = 10.0


def cpu_seconds() -> float:
    """What this process has used of the processor."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def watched(seconds: float) -> Mapping[str, float]:
    """Watch this process for a while: its share of a core in percent, and its threads."""
    began, used, most = time.perf_counter(), cpu_seconds(), 0
    while (left := began + seconds - time.perf_counter()) > 0:
        most = max(most, threading.active_count())
        time.sleep(min(0.1, left))
    share = 100 * (cpu_seconds() - used) / (time.perf_counter() - began)
    return {"offload": share, "threads": most}


@row("10,000 waiting jobs at 10 s, % of a core", "%", "the limit that was set")
def waiting_jobs(folder: Path, size: Size) -> Mapping[str, float]:
    """One embedded worker; each job is checked by itself, in a blocking call.

    Watched for two intervals, also in a short run: the checks of one come in waves.
    """
    app = Offload(folder / "offload.db")
    checks = 0

    @app.polling(interval=INTERVAL)
    def waits(n: int) -> int:
        return n

    @waits.check
    def look(handle: int) -> None:
        nonlocal checks
        checks += 1

    waits.start_many(range(size.of(JOBS)))
    while checks < 2 * size.of(JOBS):
        time.sleep(0.1)
    before, began = checks, time.perf_counter()
    figures = watched(2 * INTERVAL)
    rate = (checks - before) / (time.perf_counter() - began)
    app.close()
    return {**figures, "checks a second": rate, "raw": 10.0}


@row("check_many of 10,000 jobs, 100 a call, calls a round", "calls", "⌈n / limit⌉")
def together(folder: Path, size: Size) -> Mapping[str, float]:
    """All jobs wait; a round is one interval."""
    app = Offload(folder / "offload.db")
    interval, jobs = 2.0, size.of(JOBS)
    called_at: list[float] = []
    ends = threading.Event()

    @app.polling(interval=interval)
    def waits(n: int) -> int:
        return n

    @waits.check_many(limit=100)
    def look(handles: list[int]) -> list[Done | None]:
        called_at.append(time.perf_counter())
        return [Done() if ends.is_set() else None for _ in handles]

    waits.start_many(range(jobs))
    while len(called_at) < 3 * jobs / 100:
        time.sleep(0.05)
    began, rounds = time.perf_counter(), 5
    time.sleep(rounds * interval)
    calls = sum(began <= at < began + rounds * interval for at in called_at)
    app.close()
    return {"offload": calls / rounds, "raw": math.ceil(jobs / 100)}


def lateness(things: int, check_of: Callable[[int], Callable[[], None]]) -> list[float]:
    """Ask each thing once a second for five seconds; returns how late the quick ones were, ms."""

    async def ask() -> list[float]:
        engine, late = Engine(), []

        def watch(thing: int) -> None:
            due = [engine.loop.time() + random.random()]

            def on_answer(_: object) -> float:
                if thing >= 100:
                    late.append(1000 * (engine.loop.time() - due[0]))
                due[0] = engine.loop.time() + 1.0
                return 1.0

            engine.watch(check_of(thing), on_answer, first_after=due[0] - engine.loop.time())

        for thing in range(things):
            watch(thing)
        await asyncio.sleep(2.0)
        late.clear()
        await asyncio.sleep(5.0)
        await engine.close()
        return late

    return asyncio.run(ask())


@row("10,000 things asked once a second, late", "ms", "")
def quick(folder: Path, size: Size) -> Mapping[str, float]:
    """The engine alone; every check is quick."""
    late = lateness(size.of(JOBS), lambda thing: lambda: None)
    return {"p50": percentile(late, 0.5), "p99": percentile(late, 0.99)}


@row("the same; 5 hang for 3 s and 95 take 20 ms, the others late", "ms", "")
def beside_slow_ones(folder: Path, size: Size) -> Mapping[str, float]:
    """The engine alone; slow ones must not make the others late."""
    pauses = [3.0] * 5 + [0.02] * 95

    def check_of(thing: int) -> Callable[[], None]:
        return lambda: time.sleep(pauses[thing]) if thing < len(pauses) else None

    late = lateness(size.of(JOBS), check_of)
    return {"p50": percentile(late, 0.5), "p99": percentile(late, 0.99)}
