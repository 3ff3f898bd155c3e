"""An executor of child processes with all that it needs, for one test."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from offload.lifespan import Lifespan
from offload.model import (
    JobOptions,
    LogLine,
    Mode,
    Outcome,
    Progress,
    State,
    Succeeded,
    Usage,
)
from offload.registry import RegisteredTask, Registry
from offload.values import decode, encode
from offload.worker import family
from offload.worker.context import Context, Stop
from offload.worker.executors.process import ProcessExecutor
from offload.worker.presence import boot_id
from offload.worker.work import Work
from tests.ideas.samples import a_job
from tests.support import eventually
from tests.worker.children import tasks

GRACE = 0.4
"""Seconds from the request to stop until SIGKILL, in tests that await it."""


class Course:
    """Notes the turns of an attempt."""

    def __init__(self) -> None:
        self.begun = 0
        self.still: list[Mode] = []
        self.deeds: list[tuple[str, tuple[int, ...]]] = []
        self.usage: Usage | None = None
        self.kept: list[bytes] = []
        self.lines: list[LogLine] = []

    def begin(self) -> None:
        self.begun += 1

    async def wait(self, handle: bytes, next_check_at: float) -> bool:
        raise AssertionError("a blocking task waits for nothing elsewhere")

    def check_again(self, next_check_at: float) -> None:
        raise AssertionError("a blocking task waits for nothing elsewhere")

    def stands_still(self, mode: Mode) -> None:
        self.still.append(mode)

    def note(self, what: str, pids: tuple[int, ...] = ()) -> None:
        self.deeds.append((what, pids))

    def used(self, usage: Usage) -> None:
        self.usage = usage

    def keep(self, value: bytes) -> None:
        self.kept.append(value)

    async def keep_now(
        self, value: bytes | None = None, steps: tuple[tuple[str, bytes], ...] = ()
    ) -> bool:
        self.kept += [] if value is None else [value]
        return True

    def say(self, lines: Iterable[LogLine]) -> None:
        self.lines += lines


class Attempted:
    """One attempt, and what was heard of it."""

    def __init__(self, work: Work, course: Course, told: list[Progress]) -> None:
        self.work = work
        self.course = course
        self.told = told
        self.outcome: asyncio.Task[Outcome] | None = None


class Executing:
    """An executor, and the tasks that were registered for it."""

    def __init__(self, executor: ProcessExecutor, mark: str) -> None:
        self.executor = executor
        self.mark = mark
        self._registry = Registry()
        self._tasks: dict[Callable[..., Any], RegisteredTask] = {}
        self._last_id = 0

    def register(self, function: Callable[..., Any], **options: Any) -> None:
        """Register a function with options; without any it is done when it first runs."""
        self.adopt(self._registry.add(function, **options))

    def adopt(self, task: RegisteredTask) -> None:
        """Take a task as somebody else has registered it."""
        self._tasks[task.function] = task

    def attempt(
        self, function: Callable[..., Any], options: JobOptions | None = None, **params: Any
    ) -> Attempted:
        """Make an attempt at a job of a function; it does not run yet."""
        if function not in self._tasks:
            self.register(function)
        task = self._tasks[function]
        self._last_id += 1
        job = a_job(
            State.RUNNING,
            id=self._last_id,
            task=task.name,
            attempt=1,
            params=encode(params),
            options=options or JobOptions(),
        )
        told: list[Progress] = []
        stop, course = Stop(), Course()
        context = Context(
            job.id,
            1,
            stop=stop,
            tell=lambda board: told.append(board.take()),
            idempotency_key="once",
        )
        return Attempted(Work(task, job, context, stop, course), course, told)

    def begin(
        self, function: Callable[..., Any], options: JobOptions | None = None, **params: Any
    ) -> Attempted:
        """Begin a job."""
        attempted = self.attempt(function, options, **params)
        attempted.outcome = asyncio.create_task(self.executor.run(attempted.work))
        return attempted

    async def run(
        self, function: Callable[..., Any], options: JobOptions | None = None, **params: Any
    ) -> Outcome:
        """Run a job to its end."""
        attempted = self.attempt(function, options, **params)
        return await asyncio.wait_for(self.executor.run(attempted.work), 60)

    async def value(self, function: Callable[..., Any], **params: Any) -> Any:
        """Run a job that succeeds; returns its value."""
        outcome = await self.run(function, **params)
        assert isinstance(outcome, Succeeded), outcome
        return decode(outcome.value)

    async def begun(
        self,
        function: Callable[..., Any],
        file: Path,
        options: JobOptions | None = None,
        **params: Any,
    ) -> Attempted:
        """Begin a job, and wait until its code says that it has begun."""
        attempted = self.begin(function, options, begun=str(file), **params)
        await soon(file.exists)
        return attempted

    async def stopped(self, attempted: Attempted) -> Outcome:
        """Stop a job; returns its outcome."""
        attempted.work.stop.set()
        assert attempted.outcome is not None
        return await asyncio.wait_for(attempted.outcome, 60)

    async def frozen(self, attempted: Attempted) -> None:
        """Pause a job, and wait until it is said to stand still."""
        said = len(attempted.course.still)
        attempted.work.pause.set()
        await soon(lambda: len(attempted.course.still) > said)

    def everything(self) -> list[str]:
        """What lives of all that the executor has started; the fork server counts too."""
        return [str(kin) for kin in family.marked(self.mark)]


@asynccontextmanager
async def executing(
    processes: int = 2, *, grace: float = 1.0, hooks: tuple[Lifespan, ...] = ()
) -> AsyncIterator[Executing]:
    """An executor; when it is closed, nothing of it may be left."""
    mark = f"worker-{os.getpid()}-{secrets.token_hex(4)}.lock"
    executor = ProcessExecutor(processes, grace, mark, hooks)
    executing = Executing(executor, mark)
    try:
        yield executing
    finally:
        await executor.close()
        left = executing.everything()
        family.sweep(mark, boot_id())
    assert left == []


@asynccontextmanager
async def beginning(
    function: Callable[..., Any], begun: Path, **params: Any
) -> AsyncIterator[tuple[Executing, Attempted, int]]:
    """A job that has begun in the only child, and that child's pid; there is little patience."""
    async with executing(1, grace=GRACE) as children:
        pid = await children.value(tasks.pid)
        yield children, await children.begun(function, begun, **params), pid


async def outcome_of(attempted: Attempted) -> Any:
    """Wait for a job's outcome."""
    assert attempted.outcome is not None
    return await asyncio.wait_for(attempted.outcome, 60)


async def soon(what: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait on the loop until something is true."""
    await asyncio.to_thread(eventually, what, seconds)


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    return pid in family.everyone()
