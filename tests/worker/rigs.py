"""A store, a bell and workers, put together for a test: on virtual time, or in real threads."""

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from offload import verbs
from offload.clock import Clock, SystemClock
from offload.lifecycle import Shown, shown_state
from offload.model import By, Event, Job, NewJob, QueueSettings, State, Wish, WorkerInfo
from offload.registry import Registry
from offload.store.base import Effects, History, Insert, Operation, SetQueue, Workers
from offload.store.mailbox import ThreadMailbox
from offload.store.sqlite import SQLiteStore
from offload.store.wake import Bell
from offload.testing import InlineMailbox, Process, VirtualClock, VirtualLoop, connect_without_fsync
from offload.values import decode, encode
from offload.worker.embedded import EmbeddedWorker
from offload.worker.executors import EXECUTORS, Executor
from offload.worker.presence import LockFile, Presence
from offload.worker.worker import Worker, WorkerSettings
from tests.simulation.surroundings import Fate, LockPresence, Locks, connector
from tests.support import eventually

T = TypeVar("T")

BY = By(actor="test", door="python")


class VirtualRig:
    """Everything on one virtual loop.

    Args:
        folder: where the database is.
        seed: draws which of the loop, the writer and the reader goes next, and how long they take.
    """

    def __init__(self, folder: Path, seed: int | None = None) -> None:
        self.folder = folder
        self.loop = VirtualLoop(seed)
        self.clock = VirtualClock(self.loop)
        self.locks = Locks()
        self.registry = Registry()
        self.bell = Bell(None)
        self.process = self.loop.process("the worker")
        self.store = _WatchedStore(self, folder / "offload.db")
        self.lag = 0.0
        self._is_out = False
        self._fates: dict[str, Fate] = {}
        self._draw = random.Random(seed)
        self.mailbox = InlineMailbox(
            self.store,
            self.clock,
            self.bell.ring,
            lag=self._lag if seed is None else self._drawn_lag,
            writer=self.process.strand("writer"),
            reader=self.process.strand("reader"),
        )
        self.broken: list[dict[str, Any]] = []
        self.loop.set_exception_handler(lambda loop, context: self.broken.append(context))

    def task(self, function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
        """Register a function."""
        self.registry.add(function, **options)
        return function

    def worker(
        self,
        *,
        process: Process | None = None,
        executors: Mapping[str, Executor] = EXECUTORS,
        equip: Callable[[str], Mapping[str, Executor]] = lambda mark: {},
        **settings: Any,
    ) -> Worker:
        """Make a worker; where it is given a process, its lock is released with that."""
        holder = process or self.loop.process("a lock's holder")
        return Worker(
            mailbox=self.mailbox if process is None else self._mailbox_of(process),
            bell=self.bell,
            registry=self.registry,
            presence=LockPresence(self.locks, holder),
            clock=self.clock,
            settings=WorkerSettings(**settings),
            executors=executors,
            equip=equip,
            draw=lambda: 0.5,
        )

    @asynccontextmanager
    async def working(self, **settings: Any) -> AsyncIterator[Worker]:
        """Let a worker work; it is drained at the end."""
        worker = self.worker(**settings)
        working = asyncio.create_task(worker.run(), name="the worker")
        yield worker
        await worker.drain(0)
        await working

    def run(self, scenario: Coroutine[Any, Any, T]) -> T:
        """Run a scenario in the worker's process, to its end."""
        answer = self.loop.run_until_complete(self.process.spawn(scenario))
        assert self.broken == []
        return answer

    def close(self) -> None:
        """Let go of everything."""
        self.loop.end()
        self.store.close()

    # --- what goes wrong

    def take_the_database_away(self) -> None:
        """Let every transaction and query fail."""
        self._is_out = True

    def bring_the_database_back(self) -> None:
        """Let them succeed again."""
        self._is_out = False

    def decide(self, kind: str, fate: Fate) -> None:
        """Say what becomes of the next transaction that holds an operation of this kind."""
        self._fates[kind] = fate

    def execute(self, sql: str, *parameters: object) -> None:
        """Change the database behind everybody's back."""
        with sqlite3.connect(self.folder / "offload.db") as connection:
            connection.execute(sql, parameters)
        connection.close()

    def is_out(self) -> bool:
        """Whether the database is away; see `Weather.is_out`."""
        return self._is_out

    def fate(self, process: Process) -> Fate:
        """What becomes of a commit; see `Weather.fate`."""
        kinds = [kind for kind in self.store.kinds if kind in self._fates]
        return self._fates.pop(kinds[0]) if kinds else "stored"

    def committed(self, process: Process) -> None:
        """Nothing is noted; see `Weather.committed`."""

    def _lag(self) -> float:
        return self.lag

    def _drawn_lag(self) -> float:
        return self._draw.choice([0.0, 0.001, 0.003])

    def _mailbox_of(self, process: Process) -> InlineMailbox:
        return InlineMailbox(
            self.store,
            self.clock,
            self.bell.ring,
            lag=self._lag,
            writer=process.strand("writer"),
            reader=process.strand("reader"),
        )

    # --- what a client does

    async def start(self, task: str, params: object = None, **options: Any) -> int:
        """Start one job; returns its id."""
        [job_id] = await self.start_many(task, 1, params, **options)
        return job_id

    async def start_many(
        self, task: str, count: int, params: object = None, **options: Any
    ) -> tuple[int, ...]:
        """Start equal jobs; returns their ids."""
        job = NewJob(task=task, kind="async", params=encode(params or {}), **options)
        insert = Insert(jobs=(job,) * count, now=self.clock.now(), by=BY, token=count)
        inserted = await self.perform(verbs.start(insert))
        ids: tuple[int, ...] = inserted.ids
        return ids

    async def cancel(self, job_id: int) -> Job:
        """Cancel a job; returns it as it then was."""
        job, _ = await self.perform(verbs.request(job_id, Wish.CANCEL, self.clock.now, BY))
        assert isinstance(job, Job)
        return job

    async def job(self, job_id: int) -> Job:
        """Read a job."""
        job = await self.perform(verbs.fetch(job_id))
        assert isinstance(job, Job)
        return job

    async def shown(self, job_id: int) -> Shown:
        """Read what people are shown of a job."""
        return shown_state(await self.job(job_id), self.clock.now())

    async def history(self, job_id: int) -> list[Event]:
        """Read a job's events."""
        return await self.mailbox.read_soon(History(job_id))

    async def kinds(self, job_id: int) -> list[str]:
        """Read the kinds of a job's events."""
        return [event.kind for event in await self.history(job_id)]

    async def until(self, job_id: int, *states: State) -> Job:
        """Wait until a job is in one of these states, 60 virtual seconds at most."""
        for _ in range(6000):
            job = await self.job(job_id)
            if job.state in states:
                return job
            await asyncio.sleep(0.01)
        raise AssertionError(f"job {job_id} is {job.state} ({job.reason}), not {states}")

    async def finished(self, job_id: int) -> Job:
        """Wait for a job's outcome."""
        return await self.until(job_id, State.SUCCEEDED, State.FAILED, State.CANCELLED)

    async def set_queue(self, name: str, **settings: Any) -> None:
        """Write a queue's settings."""
        await self.mailbox.ask_soon(SetQueue(name, QueueSettings(**settings)))

    async def perform(self, plan: verbs.Plan[Any]) -> Any:
        """Carry out a verb's plan, as the desk does."""
        try:
            wanted = next(plan)
            while True:
                if isinstance(wanted, Operation):
                    wanted = plan.send(await self.mailbox.ask_soon(wanted))
                else:
                    wanted = plan.send(await self.mailbox.read_soon(wanted))
        except StopIteration as end:
            return end.value


class _WatchedStore(SQLiteStore):
    """The real store, which knows what the present transaction is about."""

    def __init__(self, rig: VirtualRig, path: Path) -> None:
        super().__init__(path, connect=connector(rig.process, rig))
        self.kinds: list[str] = []
        self.history: list[list[str]] = []

    def run(self, operations: Sequence[Operation[Any]]) -> tuple[list[Any], Effects]:
        self.kinds = [type(operation).__name__ for operation in operations]
        self.history.append(self.kinds)
        return super().run(operations)


class ThreadRig:
    """The real thing: a writer's and a reader's thread, and workers on loops in threads.

    Args:
        folder: where the database is.
        store: another way to it.
    """

    def __init__(self, folder: Path, store: SQLiteStore | None = None) -> None:
        self.clock: Clock = SystemClock()
        self.registry = Registry()
        self.bell = Bell(None)
        self.presence: Presence = LockFile(folder / "run")
        self.store = store or SQLiteStore(folder / "offload.db", connect=connect_without_fsync)
        self.mailbox = ThreadMailbox(self.store, self.clock, self.bell.ring)
        self._embedded: list[EmbeddedWorker] = []

    def task(self, function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
        """Register a function."""
        self.registry.add(function, **options)
        return function

    def work(self, **settings: Any) -> EmbeddedWorker:
        """Begin a worker in a thread."""
        embedded = EmbeddedWorker(lambda: self.worker(**settings))
        self._embedded.append(embedded)
        embedded.start()
        return embedded

    def worker(self, **settings: Any) -> Worker:
        """Make a worker; on its loop."""
        return Worker(
            mailbox=self.mailbox,
            bell=self.bell,
            registry=self.registry,
            presence=self.presence,
            clock=self.clock,
            settings=WorkerSettings(**settings),
            executors=EXECUTORS,
        )

    def close(self) -> None:
        """Stop the workers and let go of everything."""
        for embedded in self._embedded:
            embedded.stop(0.0, 5.0)
        self.mailbox.close(5.0)
        self.bell.close()

    # --- what a client does

    def start(self, task: str, params: object = None, **options: Any) -> int:
        """Start one job; returns its id."""
        job = NewJob(task=task, kind="async", params=encode(params or {}), **options)
        insert = Insert(jobs=(job,), now=self.clock.now(), by=BY, token=1)
        [job_id] = self.perform(verbs.start(insert)).ids
        assert isinstance(job_id, int)
        return job_id

    def cancel(self, job_id: int) -> Job:
        """Cancel a job; returns it as it then was."""
        job, _ = self.perform(verbs.request(job_id, Wish.CANCEL, self.clock.now, BY))
        assert isinstance(job, Job)
        return job

    def job(self, job_id: int) -> Job:
        """Read a job."""
        job = self.perform(verbs.fetch(job_id))
        assert isinstance(job, Job)
        return job

    def shown(self, job_id: int) -> Shown:
        """Read what people are shown of a job."""
        return shown_state(self.job(job_id), self.clock.now())

    def finished(self, job_id: int, seconds: float = 20.0) -> Job:
        """Wait for a job's outcome."""
        eventually(lambda: self.job(job_id).is_finished, seconds)
        return self.job(job_id)

    def history(self, job_id: int) -> list[Event]:
        """Read a job's events."""
        return self.mailbox.read(History(job_id)).result(5)

    def kinds(self, job_id: int) -> list[str]:
        """Read the kinds of a job's events."""
        return [event.kind for event in self.history(job_id)]

    def workers(self) -> list[WorkerInfo]:
        """Read who is enrolled."""
        return self.mailbox.read(Workers()).result(5)

    def set_queue(self, name: str, **settings: Any) -> None:
        """Write a queue's settings."""
        self.mailbox.ask(SetQueue(name, QueueSettings(**settings))).result(5)

    def perform(self, plan: verbs.Plan[Any]) -> Any:
        """Carry out a verb's plan, as the desk does."""
        try:
            wanted = next(plan)
            while True:
                if isinstance(wanted, Operation):
                    wanted = plan.send(self.mailbox.ask(wanted).result(5))
                else:
                    wanted = plan.send(self.mailbox.read(wanted).result(5))
        except StopIteration as end:
            return end.value


def value(job: Job) -> object:
    """The value with which a job succeeded."""
    assert job.state is State.SUCCEEDED, job.error
    assert job.result is not None
    return decode(job.result)
