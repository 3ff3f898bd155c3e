"""Behind every verb: settings, the house that is opened for them, and who carries a plan out.

It opens nothing until it is first needed, so what was never used survives a fork; what was used
opens anew in the child and never touches an inherited connection.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from offload import lifetime, model, verbs
from offload.clock import Clock
from offload.config import Config, load_config
from offload.errors import ConfigError
from offload.house import House
from offload.model import QueueSettings, State
from offload.registry import Registry
from offload.store.base import Counts, Operation, Workers
from offload.verbs import Plan, ask
from offload.watch import LOOK_AGAIN_SECONDS
from offload.worker.embedded import EmbeddedWorker
from offload.worker.worker import Worker, WorkerSettings

T = TypeVar("T")

Until = Callable[[model.Job], bool] | None


class Desk:
    """Carries plans out, for blocking callers and for those on a loop.

    Args:
        arguments: the settings that the program gave; None is not given.
        queue: what the program said about its queue.
        clock: tells the time.

    Attributes:
        registry: the tasks.
    """

    def __init__(self, arguments: Mapping[str, Any], queue: QueueSettings, clock: Clock) -> None:
        self.registry = Registry()
        self._arguments = arguments
        self._said_of_queue = queue
        self._clock = clock
        self._opening = threading.RLock()
        self._house: House | None = None
        self._config: Config | None = None
        lifetime.register(self)

    # --- settings

    @property
    def config(self) -> Config:
        """The settings in force; gathered once.

        Raises:
            ConfigError: a setting does not fit.
        """
        if self._config is None:
            self._config = load_config(self._arguments, spelled="Offload({}=…)")
        return self._config

    def configure(self, config: Config) -> None:
        """Use these settings instead of the program's own. Before the first verb only."""
        if self._house is not None:
            raise ConfigError("this Offload is open already; configure it before its first verb")
        self._config = config
        self._said_of_queue = QueueSettings()

    @property
    def database(self) -> Path:
        """The database's absolute path."""
        return Path(self.config.db).absolute()

    @property
    def queue_settings(self) -> QueueSettings:
        """What was said explicitly about the queue, by the program or else by the settings."""
        return model.merge(self._said_of_queue, self.config.queue)

    def now(self) -> float:
        """Return the instant by this Offload's clock."""
        return self._clock.now()

    # --- carrying out

    def run(self, plan: Plan[T]) -> T:
        """Carry a plan out, waiting for each answer."""
        mailbox = self.open().mailbox
        try:
            wanted = next(plan)
            while True:
                send = mailbox.ask if isinstance(wanted, Operation) else mailbox.read
                wanted = plan.send(send(wanted).result())
        except StopIteration as end:
            value: T = end.value
            return value

    async def perform(self, plan: Plan[T]) -> T:
        """Carry a plan out, awaiting each answer."""
        mailbox = self.open().mailbox
        try:
            wanted = next(plan)
            while True:
                send = mailbox.ask_soon if isinstance(wanted, Operation) else mailbox.read_soon
                wanted = plan.send(await send(wanted))
        except StopIteration as end:
            value: T = end.value
            return value

    def wait_until(self, job_id: int, until: Until, timeout: float | None) -> model.Job:
        """Wait until something is true of a job; returns it as it is then, or after `timeout` s.

        Args:
            until: what is to be true; None: that it has ended, which is the quickest to see.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with self.open().watch.blocking(job_id, only_end=until is None) as (waiter, changed):
            while True:
                changed.clear()
                job = waiter.ended or self.run(verbs.fetch(job_id))
                seconds = _seconds_to_look_again(deadline)
                if (until or _is_finished)(job) or seconds <= 0:
                    return job
                self.hire({(job.task, job.queue)})
                changed.wait(seconds)

    async def await_until(self, job_id: int, until: Until, timeout: float | None) -> model.Job:
        """The same without blocking the loop."""
        deadline = None if timeout is None else time.monotonic() + timeout
        with self.open().watch.on_loop(job_id, only_end=until is None) as (waiter, changed):
            while True:
                changed.clear()
                job = waiter.ended or await self.perform(verbs.fetch(job_id))
                seconds = _seconds_to_look_again(deadline)
                if (until or _is_finished)(job) or seconds <= 0:
                    return job
                await self.ahire({(job.task, job.queue)})
                try:
                    await asyncio.wait_for(changed.wait(), seconds)
                except TimeoutError:
                    continue

    # --- workers

    def make_worker(self, settings: WorkerSettings) -> Worker:
        """Return a worker for these tasks, to be run on the calling loop."""
        house = self.open()
        return Worker(
            mailbox=house.mailbox,
            bell=house.bell,
            registry=self.registry,
            presence=house.presence,
            clock=self._clock,
            settings=settings,
            house=house.token,
        )

    def hire(self, wanted: set[tuple[str, str]]) -> None:
        """Embed a worker in this program if nobody else takes these: pairs of task and queue."""
        house = self.open()
        if self._may_hire(house):
            house.hire_unless_served(self.run(ask(Workers())), wanted, self._embed)

    async def ahire(self, wanted: set[tuple[str, str]]) -> None:
        """The same without blocking the loop."""
        house = self.open()
        if self._may_hire(house):
            workers = await self.perform(ask(Workers()))
            house.hire_unless_served(workers, wanted, self._embed)

    def _may_hire(self, house: House) -> bool:
        return self.config.worker == "auto" and len(self.registry) > 0 and house.needs_a_look()

    def _embed(self) -> EmbeddedWorker:
        config = self.config
        settings = WorkerSettings(slots=config.slots, lease=config.lease)
        lifetime.end_with_the_program()
        return EmbeddedWorker(lambda: self.make_worker(settings))

    # --- opening and closing

    def open(self) -> House:
        """Return what is open, opening it if need be; nothing is written by that.

        Raises:
            OffloadError: the embedded worker has failed. Said once, before the verb does anything.
        """
        if self._house is None:
            with self._opening:
                if self._house is None:
                    self._house = House(self.database, self._clock)
        self._house.raise_failure()
        return self._house

    def close(self, patience: float = 0.0) -> int:
        """Stop the embedded worker and let go of the database; the next verb opens it again.

        Args:
            patience: seconds given to running jobs to end by themselves; then they are interrupted
                and go back to the queue.

        Returns:
            How many jobs were still running.
        """
        with self._opening:
            house, self._house = self._house, None
        return 0 if house is None else house.close(patience, self.config.grace + 1)

    def forking(self) -> AbstractContextManager[None]:
        """Hold the store closed while this process forks."""
        return nullcontext() if self._house is None else self._house.store.closed()

    def after_fork(self) -> None:
        """In a forked child: forget what was open; its threads are not here."""
        self._house = None
        self._opening = threading.RLock()

    def end(self) -> str | None:
        """At the program's end: interrupt what runs; returns what there is to say about it."""
        if self._house is None or not self._house.embeds:
            return None
        self._house.stop_worker(0.0, self.config.grace)
        counts: dict[tuple[str, State], int] = self.run(ask(Counts()))
        unfinished = sum(counts[key] for key in counts if key[1] not in model.FINISHED)
        workers: list[model.WorkerInfo] = self.run(ask(Workers()))
        somebody_goes_on = any(
            worker.pid != os.getpid() and self._house.presence.is_alive(worker)
            for worker in workers
        )
        self.close()
        if unfinished == 0 or somebody_goes_on:
            return None
        return lifetime.how_to_go_on(unfinished, self.database)


def _is_finished(job: model.Job) -> bool:
    return job.is_finished


def _seconds_to_look_again(deadline: float | None) -> float:
    """Seconds until somebody who waits should look again; 0 or less when the time is over."""
    if deadline is None:
        return LOOK_AGAIN_SECONDS
    return min(LOOK_AGAIN_SECONDS, deadline - time.monotonic())
