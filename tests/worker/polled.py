"""Polling on virtual time: hands without threads, a rig whose workers poll, a remote side."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from offload import current, verbs
from offload.model import NewJob
from offload.polling import Done, Pending, Polling, hook_of
from offload.store.base import Insert
from offload.testing import Process
from offload.values import encode
from offload.worker.executors import Executor
from offload.worker.executors.polling import PollExecutor
from offload.worker.polling.answer import Answer, Raised, Returned
from offload.worker.polling.engine import Engine, Watch
from offload.worker.polling.threads import Call
from offload.worker.worker import Worker, WorkerSettings
from tests.simulation.surroundings import LockPresence
from tests.worker.rigs import BY, VirtualRig


class VirtualHands:
    """Makes each call when its time is over; all at once, as if there were a thread for each."""

    def __init__(self, seconds: Callable[[], float] = lambda: 0.0) -> None:
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self.is_closed = False

    @property
    def threads(self) -> int:
        return 0

    def take(self, calls: Sequence[Call]) -> None:
        for call in calls:
            self._loop.call_later(self._seconds(), self._make, call)

    def close(self) -> None:
        self.is_closed = True

    def _make(self, call: Call) -> None:
        try:
            answer: Answer = Returned(call.ask())
        except Exception as error:
            answer = Raised(error)
        call.answered(answer)


class Diary:
    """Notes when something was asked, and what it answered."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.asked_at: list[float] = []
        self.answers: list[Answer] = []

    def watch(
        self, interval: float, check: Callable[[], object] = lambda: None, **options: Any
    ) -> Watch:
        """Watch a check of which every call and answer is noted."""

        def asked() -> object:
            self.asked_at.append(self.engine.loop.time())
            return check()

        def on_answer(answer: Answer) -> float:
            self.answers.append(answer)
            return interval

        return self.engine.watch(asked, on_answer, **options)


class PollingRig(VirtualRig):
    """A rig whose workers poll, and a remote side that notes everything."""

    def worker(self, *, process: Process | None = None, **settings: Any) -> Worker:
        holder = process or self.loop.process("a lock's holder")
        return Worker(
            mailbox=self.mailbox if process is None else self._mailbox_of(process),
            bell=self.bell,
            registry=self.registry,
            presence=LockPresence(self.locks, holder),
            clock=self.clock,
            settings=WorkerSettings(**settings),
            equip=self._equip,
            draw=lambda: 0.5,
        )

    def _equip(self, mark: str) -> dict[str, Executor]:
        return {"poll": PollExecutor(self.clock, lambda: 0.5, Engine(VirtualHands()))}

    async def start_many(
        self, task: str, count: int, params: object = None, **options: Any
    ) -> tuple[int, ...]:
        kind = self.registry.find(task).kind
        job = NewJob(task=task, kind=kind, params=encode(params or {}), **options)
        insert = Insert(jobs=(job,) * count, now=self.clock.now(), by=BY, token=count)
        inserted = await self.perform(verbs.start(insert))
        ids: tuple[int, ...] = inserted.ids
        return ids


class Remote:
    """Work elsewhere: begun under a number, done after so many checks."""

    def __init__(self, rig: VirtualRig, checks: int = 3, **settings: Any) -> None:
        self.rig = rig
        self.checks = checks
        self.polling = Polling(**({"interval": 10.0} | settings))
        self.begun: list[str] = []
        self.told: list[str] = []
        self.checked: list[Any] = []
        self.answer: Callable[[Any], Any] = self._answer
        self.seconds_to_start = 0.0
        self.polling.use_check("batch", hook_of("batch", "check", self._check))
        self.polling.on_cancel = hook_of("batch", "on_cancel", self._on_cancel)
        self.polling.on_cleanup = hook_of("batch", "on_cleanup", self._on_cleanup)

    def register(self, **options: Any) -> None:
        async def batch(definition: str = "") -> dict[str, Any]:
            await asyncio.sleep(self.seconds_to_start)
            self.begun.append(current().idempotency_key)
            return {"id": len(self.begun)}

        self.rig.task(batch, polling=self.polling, **options)

    def _check(self, handle: Any) -> Any:
        self.checked.append(handle)
        return self.answer(handle)

    def _answer(self, handle: Any) -> Any:
        done = self.checked.count(handle)
        return Done(handle["id"]) if done >= self.checks else Pending(done, self.checks)

    def _on_cancel(self, handle: Any) -> None:
        self.told.append(f"cancel {handle['id']}")

    def _on_cleanup(self, handle: Any) -> None:
        self.told.append(f"cleanup {handle['id']}")
