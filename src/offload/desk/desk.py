"""Behind every verb: settings, the house that is opened for them, and who carries a plan out.

It opens nothing until it is first needed, so what was never used survives a fork; what was used
opens anew in the child and never touches an inherited connection.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from offload import lifetime, model, verbs
from offload.boxes import Shelf
from offload.clock import Clock
from offload.config import Config, load_config
from offload.ends import Listener
from offload.errors import ConfigError
from offload.house import House
from offload.importable import refuse_while_importing
from offload.lifespan import Lifespan
from offload.model import QueueSettings, State
from offload.porter import Porter
from offload.registry import Registry
from offload.store.base import Counts, Operation, Workers
from offload.submitting import look_after, lose
from offload.verbs import Plan, ask
from offload.watch import LOOK_AGAIN_SECONDS
from offload.worker import family
from offload.worker.embedded import EmbeddedWorker
from offload.worker.executors import Executor
from offload.worker.executors.box import BoxExecutor
from offload.worker.executors.polling import PollExecutor
from offload.worker.executors.process import ProcessExecutor
from offload.worker.worker import Worker, WorkerSettings

T = TypeVar("T")

Until = Callable[[model.Job], bool] | None

LOSING_SECONDS = 2.0
"""What the store is given, at the end, to take down which black boxes were lost."""


class Desk:
    """Carries plans out, for blocking callers and for those on a loop.

    Args:
        arguments: the settings that the program gave; None is not given.
        queue: what the program said about its queue.
        clock: tells the time.

    Attributes:
        registry: the tasks.
        lifespans: what is set up and torn down round jobs.
        shelf: the black boxes that were handed in.
        porter: carries their jobs to the store.
    """

    def __init__(self, arguments: Mapping[str, Any], queue: QueueSettings, clock: Clock) -> None:
        self.registry = Registry()
        self._arguments = arguments
        self._said_of_queue = queue
        self._clock = clock
        self._opening = threading.RLock()
        self._house: House | None = None
        self._config: Config | None = None
        self.lifespans: list[Lifespan] = []
        self.shelf = Shelf()
        self.porter = Porter()
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

        To wait for its end say None: that is the quickest to see.
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
                job = waiter.ended
                if job is None:
                    job = await self.perform(verbs.fetch(job_id))
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
        house.is_staffed = True
        return self._worker_of(house, settings)

    def _worker_of(self, house: House, settings: WorkerSettings) -> Worker:
        return Worker(
            mailbox=house.mailbox,
            bell=house.bell,
            registry=self.registry,
            presence=house.presence,
            clock=self._clock,
            settings=settings,
            equip=self._equip,
            house=house.token,
            shelf=self.shelf,
            lifespans=tuple(self.lifespans),
            use=lambda: family.use(os.getpid()),
        )

    def _equip(self, mark: str) -> dict[str, Executor]:
        """Make the executors that hold something of their own, for the worker of this mark."""
        config = self.config
        return {
            "process": ProcessExecutor(config.processes, config.grace, mark, self.lifespans),
            "poll": PollExecutor(self._clock),
            "box": BoxExecutor(self._clock),
        }

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
        has_work = len(self.registry) > 0 or len(self.shelf) > 0
        return self.config.worker == "auto" and has_work and house.needs_a_look()

    def _embed(self) -> EmbeddedWorker:
        config = self.config
        settings = WorkerSettings(
            config.slots, config.processes, config.lease, max_frozen=config.max_frozen
        )
        lifetime.end_with_the_program()
        house = self.open()
        return EmbeddedWorker(lambda: self._worker_of(house, settings))

    # --- black boxes

    def staffed_house(self) -> int:
        """Return what tells this process from all others, and arrange for its end.

        Raises:
            ConfigError: it runs no jobs, and nobody else could run what is handed in here.
        """
        house = self.open()
        if self.config.worker == "off" and not house.is_staffed:
            raise ConfigError(
                "a black box can run only in the program that holds it, and this program is to "
                "run no jobs (worker is off); let it, or register the class of the box with "
                "app.register() and start it by name"
            )
        lifetime.end_with_the_program()
        return house.token

    def listen_for_boxes(self) -> None:
        """Hear from now on which jobs of black boxes have ended, so that the boxes are let go."""
        house = self.open()
        if not house.hears_of_boxes:
            house.hears_of_boxes = True
            heard = partial(look_after, self.shelf, house.mailbox)
            house.ends.listen(Listener(self.shelf.ended, heard))

    def hire_here(self) -> None:
        """Embed a worker for this program's black boxes, unless it has one; without waiting."""
        house = self.open()
        if not house.embeds:
            with self._opening:
                house.hire_here(self._embed)

    def carry_on(self, plan: Plan[T], ended: "Future[T]") -> None:
        """Carry a plan out without waiting for any answer; `ended` is given what it returns."""
        mailbox = self.open().mailbox

        def go(answered: "Future[Any] | None") -> None:
            try:
                wanted = next(plan) if answered is None else plan.send(answered.result())
                send = mailbox.ask if isinstance(wanted, Operation) else mailbox.read
                send(wanted).add_done_callback(go)
            except StopIteration as end:
                ended.set_result(end.value)
            except BaseException as error:
                ended.set_exception(error)

        go(None)

    # --- opening and closing

    def open(self) -> House:
        """Return what is open, opening it if need be; nothing is written by that.

        Raises:
            OffloadError: the embedded worker has failed. Said once, before the verb does anything.
            ConfigError: a child process imports the program only to find a task in it.
        """
        refuse_while_importing()
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
            if house is None:
                return 0
            house.is_ending = True
        boxes = self.shelf.unfinished()
        unfinished = house.stop_worker(patience, self.config.grace + 1)
        lose(self.shelf, boxes, house.mailbox, self.now(), LOSING_SECONDS)
        house.close(patience, self.config.grace + 1)
        return unfinished

    def forking(self) -> AbstractContextManager[None]:
        """Hold the store closed while this process forks."""
        return nullcontext() if self._house is None else self._house.store.closed()

    def after_fork(self) -> None:
        """In a forked child: forget what was open; its threads are not here."""
        self._house = None
        self._opening = threading.RLock()
        self.shelf = Shelf()
        self.porter = Porter()

    def end(self) -> str | None:
        """At the program's end: interrupt what runs; returns what there is to say about it."""
        if self._house is None or not (self._house.embeds or len(self.shelf)):
            return None
        with self._opening:
            self._house.is_ending = True
        boxes = self.shelf.unfinished()
        self._house.stop_worker(0.0, self.config.grace)
        lost = lose(self.shelf, boxes, self._house.mailbox, self.now(), LOSING_SECONDS)
        counts: dict[tuple[str, State], int] = self.run(ask(Counts()))
        unfinished = sum(counts[key] for key in counts if key[1] not in model.FINISHED)
        workers: list[model.WorkerInfo] = self.run(ask(Workers()))
        somebody_goes_on = any(
            worker.pid != os.getpid() and self._house.presence.is_alive(worker)
            for worker in workers
        )
        self.close()
        words = [lifetime.what_is_lost(lost)] if lost else []
        if unfinished and not somebody_goes_on:
            words.append(lifetime.how_to_go_on(unfinished, self.database))
        return "\n".join(words) or None


def _is_finished(job: model.Job) -> bool:
    return job.is_finished


def _seconds_to_look_again(deadline: float | None) -> float:
    """Seconds until somebody who waits should look again; 0 or less when the time is over."""
    if deadline is None:
        return LOOK_AGAIN_SECONDS
    return min(LOOK_AGAIN_SECONDS, deadline - time.monotonic())
