"""Rows of the process executor: jobs a second, and how soon a killed child is replaced."""

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from bench import raw
from bench.harness import Size, percentile, row
from offload import Offload
from offload.model import PLAIN, Job, LogLine, Mode, State, Succeeded, Usage
from offload.registry import RegisteredTask, Registry
from offload.values import encode
from offload.worker.context import Context, Stop
from offload.worker.executors.process import ProcessExecutor
from offload.worker.work import Work

T = TypeVar("T")

NOTHING = {field.name: None for field in msgspec.structs.fields(Job)}


def noop(n: int) -> int:
    """Do nothing, and say so."""
    return n


class _Course:
    """Nothing is noted."""

    def begin(self) -> None:
        pass

    async def wait(self, handle: bytes, next_check_at: float) -> bool:
        return False

    def check_again(self, next_check_at: float) -> None:
        pass

    def stands_still(self, mode: Mode) -> None:
        pass

    def note(self, what: str, pids: tuple[int, ...] = ()) -> None:
        pass

    def used(self, usage: Usage) -> None:
        pass

    def keep(self, value: bytes) -> None:
        pass

    async def keep_now(
        self, value: bytes | None = None, steps: tuple[tuple[str, bytes], ...] = ()
    ) -> bool:
        return False

    def say(self, lines: Iterable[LogLine]) -> None:
        pass


@row("process executor, two children", "/s", "concurrent.futures, two processes")
def no_ops(folder: Path, size: Size) -> Mapping[str, float]:
    """The executor alone, without a store; two jobs at a time. Beside it: all at a time."""
    count = size.of(10_000)

    async def measure(executor: ProcessExecutor) -> float:
        task = Registry().add(noop)
        await asyncio.gather(*(executor.run(_work(task, n=n)) for n in range(4)))
        works = iter([_work(task, n=n) for n in range(count)])

        async def lane() -> None:
            for work in works:
                await executor.run(work)

        began = time.perf_counter()
        await asyncio.gather(lane(), lane())
        return count / (time.perf_counter() - began)

    return {"offload": asyncio.run(_with_children(measure)), "raw": _pooled(count)}


@row("process jobs end to end, two children", "/s", "raw claim and finish in batches of 2")
def end_to_end(folder: Path, size: Size) -> Mapping[str, float]:
    """No-op jobs through the store: each is claimed, run in a child and recorded.

    Nothing is claimed ahead of a free child, so that every job waits for a commit that it shares
    with one other at most.
    """
    count = size.of(2_000)
    app = Offload(folder / "offload.db", keep=10_000_000)
    app.configure(msgspec.structs.replace(app.config, processes=2))
    task = app.task(noop)
    task.start(0).result()
    began = time.perf_counter()
    task.start_many(range(count))
    while app.counts().get(("default", State.SUCCEEDED), 0) <= count:
        time.sleep(0.01)
    rate = count / (time.perf_counter() - began)
    app.close()
    return {"offload": rate, "raw": raw.life_cycles(folder, count, 2)}


@row("a killed child is replaced, first job run", "ms", "a fresh interpreter that does nothing")
def replaced(folder: Path, size: Size) -> Mapping[str, float]:
    """From the SIGKILL of a worker's only child to the result of the next job.

    The job's function needs no import: what its module costs is its own.
    """

    async def measure(executor: ProcessExecutor) -> list[float]:
        task = Registry().add(os.getpid, name="which")
        times = []
        for _ in range(size.of(20)):
            outcome = await executor.run(_work(task))
            assert isinstance(outcome, Succeeded)
            killed_at = time.perf_counter()
            os.kill(int(outcome.value), signal.SIGKILL)
            while not isinstance(await executor.run(_work(task)), Succeeded):
                continue  # it was given to the one that was being killed
            times.append((time.perf_counter() - killed_at) * 1000)
        return times

    times = asyncio.run(_with_children(measure, processes=1))
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", ""], check=True)
    fresh = (time.perf_counter() - began) * 1000
    return {"p50": percentile(times, 0.5), "p99": percentile(times, 0.99), "raw": fresh}


async def _with_children(
    measure: Callable[[ProcessExecutor], Awaitable[T]], processes: int = 2
) -> T:
    executor = ProcessExecutor(processes, 1.0, f"bench-{os.getpid()}")
    try:
        return await measure(executor)
    finally:
        await executor.close()


def _pooled(count: int) -> float:
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        list(pool.map(noop, range(4)))
        began = time.perf_counter()
        list(pool.map(noop, range(count)))
        return count / (time.perf_counter() - began)


def _work(task: RegisteredTask, **params: int) -> Work:
    said = {"id": 1, "task": task.name, "state": State.RUNNING, "attempt": 1, "options": PLAIN}
    job = cast("Any", Job)(**NOTHING | said | {"params": encode(params)})
    stop = Stop()
    return Work(task, job, Context(job.id, 1, stop=stop), stop, _Course())
