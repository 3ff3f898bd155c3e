"""Rows of pausing: how soon async jobs stand still, how soon they go on, and what a gate costs."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextvars import Context as Surroundings
from pathlib import Path
from typing import Any, cast

import msgspec
import uvloop

from bench.harness import Size, percentile, row
from offload import Offload
from offload.model import PLAIN, Job, LogLine, Mode, State, Usage
from offload.registry import RegisteredTask, Registry
from offload.worker.context import Context, Stop
from offload.worker.executors.coroutine import CoroutineExecutor
from offload.worker.executors.gate import Gate, Gated
from offload.worker.executors.gated_loop import let_through_gates
from offload.worker.pausing import Pausing
from offload.worker.work import Work

NOTHING = {field.name: None for field in msgspec.structs.fields(Job)}

AWAITS = 1_000
"""Of one job, where awaits are measured."""


class Sleeping:
    """A job whose coroutine and child task each go on every 50 ms, in the executor's hands."""

    def __init__(self, task: RegisteredTask, executor: CoroutineExecutor) -> None:
        said = {"id": 1, "task": task.name, "state": State.RUNNING, "attempt": 1, "options": PLAIN}
        job = cast("Any", Job)(**NOTHING | said | {"params": b"{}"})
        self.stop = Stop()
        self.pause = Pausing()
        self.still_at = 0.0
        context = Context(1, 1, stop=self.stop)
        work = Work(task, job, context, self.stop, self, pause=self.pause)
        self.ended = asyncio.create_task(executor.run(work))

    def begin(self) -> None:
        """Nothing is counted."""

    def stands_still(self, mode: Mode) -> None:
        """Take the time."""
        self.still_at = time.perf_counter()

    def note(self, what: str, pids: tuple[int, ...] = ()) -> None:
        """There is no receipt."""

    async def wait(self, handle: bytes, next_check_at: float) -> bool:
        """Not asked of a coroutine."""
        return False

    def check_again(self, next_check_at: float) -> None:
        """Not asked of a coroutine."""

    def used(self, usage: Usage) -> None:
        """Not asked of a coroutine."""

    def keep(self, value: bytes) -> None:
        """Not asked here."""

    async def keep_now(
        self, value: bytes | None = None, steps: tuple[tuple[str, bytes], ...] = ()
    ) -> bool:
        """Not asked here."""
        return False

    def say(self, lines: Iterable[LogLine]) -> None:
        """Not asked here."""


@row("freeze and thaw 1,000 running async jobs", "ms", "")
def frozen(folder: Path, size: Size) -> Mapping[str, float]:
    """From the first `freeze` to the last job that stands still, and from thaw to the last step.

    Through the executor alone, on uvloop. The target is one await and 100 ms.
    """
    count = size.of(1_000)
    stepped_at: list[float] = []

    async def step() -> None:
        while True:
            await asyncio.sleep(0.05)
            stepped_at.append(time.perf_counter())

    async def job() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(step())
            await step()

    async def measure() -> Mapping[str, float]:
        task, executor = Registry().add(job, name="job"), CoroutineExecutor()
        jobs = [Sleeping(task, executor) for _ in range(count)]
        await asyncio.sleep(0.2)
        asked_at = time.perf_counter()
        for one in jobs:
            one.pause.set()
        await _until(lambda: all(one.still_at for one in jobs))
        still = (max(one.still_at for one in jobs) - asked_at) * 1000
        stepped_at.clear()
        await asyncio.sleep(0.2)  # all their timers are due, and held back
        if stepped_at:
            raise AssertionError(f"{len(stepped_at)} steps were taken by frozen jobs")
        asked_at = time.perf_counter()
        for one in jobs:
            one.pause.clear()
        await _until(lambda: len(stepped_at) >= 2 * count)
        went_on = (max(stepped_at[: 2 * count]) - asked_at) * 1000
        for one in jobs:
            one.stop.set()
        await asyncio.gather(*[one.ended for one in jobs])
        return {"stand still": still, "went on": went_on}

    return uvloop.run(measure())


@row("pause and resume 1,000 running async jobs, whole worker", "ms", "")
def paused(folder: Path, size: Size) -> Mapping[str, float]:
    """One `group.pause()` and one `group.resume()`, in an embedded worker, on disk.

    `last step`: from the call to the last step that any job took. `paused`, `running`: until all
    are shown so, as a reader of the database sees it. Each job takes a step every 50 ms.
    """
    count = size.of(1_000)
    app = Offload(folder / "offload.db", slots=count)
    stepped_at = [0.0] * count

    @app.task
    async def step(number: int) -> None:
        while True:
            stepped_at[number] = time.perf_counter()
            await asyncio.sleep(0.05)

    group = step.map(range(count))

    def until(state: State) -> float:
        asyncio.run(_until(lambda: app.counts().get(("default", state)) == count))
        return time.perf_counter()

    until(State.RUNNING)
    asyncio.run(_until(lambda: all(stepped_at)))
    asked_at = time.perf_counter()
    group.pause()
    still = until(State.PAUSED)
    last = max(stepped_at)
    time.sleep(0.2)  # time for a step of each, if it took one
    if max(stepped_at) != last:
        raise AssertionError("a paused job took a step")
    resumed_at = time.perf_counter()
    group.resume()
    running = until(State.RUNNING)
    group.cancel()
    group.wait(30)
    app.close()
    figures = {"last step": last - asked_at, "paused": still - asked_at}
    figures["running"] = running - resumed_at
    return {name: 1000 * seconds for name, seconds in figures.items()}


@row("an await behind a gate", "µs", "the same await without one")
def per_await(folder: Path, size: Size) -> Mapping[str, float]:
    """1,000 futures of a coroutine, each is ready in the loop's next turn; CPU time on uvloop."""

    async def work() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(AWAITS):
            future = loop.create_future()
            loop.call_soon(future.set_result, None)
            await future

    async def measure(make: Callable[[Coroutine[Any, Any, None]], Awaitable[None]]) -> float:
        times = []
        for _ in range(size.of(200)):
            began = time.thread_time()
            await make(work())
            times.append((time.thread_time() - began) * 1e6 / AWAITS)
        return percentile(times, 0.1)

    return {"offload": uvloop.run(measure(_gated)), "raw": uvloop.run(measure(_plain))}


@row("a child task behind a gate", "µs", "the same task without one")
def per_task(folder: Path, size: Size) -> Mapping[str, float]:
    """Tasks that end at once, made in the context of a job; CPU time, uvloop."""

    async def nothing() -> None:
        return None

    async def work() -> None:
        for _ in range(AWAITS):
            await asyncio.create_task(nothing())

    async def measure(make: Callable[[Coroutine[Any, Any, None]], Awaitable[None]]) -> float:
        times = []
        for _ in range(size.of(100)):
            began = time.thread_time()
            await make(work())
            times.append((time.thread_time() - began) * 1e6 / AWAITS)
        return percentile(times, 0.1)

    return {"offload": uvloop.run(measure(_gated)), "raw": uvloop.run(measure(_plain))}


@row("a no-op job in the coroutine executor", "µs", "an asyncio task in a context of its own")
def per_job(folder: Path, size: Size) -> Mapping[str, float]:
    """One after the other, executor alone; CPU time, uvloop."""

    async def nothing() -> None:
        return None

    async def ours() -> float:
        task, executor = Registry().add(nothing, name="nothing"), CoroutineExecutor()
        return await _best(lambda: Sleeping(task, executor).ended, size.of(20))

    async def plain() -> float:
        loop = asyncio.get_running_loop()
        return await _best(lambda: loop.create_task(nothing(), context=Surroundings()), size.of(20))

    return {"offload": uvloop.run(ours()), "raw": uvloop.run(plain())}


async def _best(begin: Callable[[], Awaitable[object]], rounds: int) -> float:
    """Microseconds that one takes, in the best of some rounds of 1,000."""
    times = []
    for _ in range(rounds):
        began = time.thread_time()
        for _ in range(1_000):
            await begin()
        times.append((time.thread_time() - began) * 1e6 / 1_000)
    return min(times)


def _gated(coroutine: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    loop = asyncio.get_running_loop()
    let_through_gates(loop)
    gate, surroundings = Gate(loop), Surroundings()
    surroundings.run(gate.enter)
    return loop.create_task(Gated(coroutine, gate), context=surroundings)


def _plain(coroutine: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    return asyncio.get_running_loop().create_task(coroutine, context=Surroundings())


async def _until(what: Callable[[], bool]) -> None:
    """Turn the loop until it is so, for ten seconds at most."""
    give_up_at = time.perf_counter() + 10
    while not what():
        if time.perf_counter() > give_up_at:
            raise TimeoutError("not within 10 s")
        await asyncio.sleep(0.001)
