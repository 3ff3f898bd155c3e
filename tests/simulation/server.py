"""A simulated process that serves: one worker on its own strands, from its begin to its end."""

import asyncio
import random
from collections.abc import Sequence
from typing import Literal, Protocol

from offload.errors import StoreError
from offload.testing import InlineMailbox, Process, VirtualClock, VirtualLoop
from offload.worker.executors.coroutine import CoroutineExecutor
from offload.worker.executors.polling import PollExecutor
from offload.worker.polling.engine import Engine
from offload.worker.polling.threads import Call
from offload.worker.worker import Worker, WorkerSettings
from tests.simulation.bodies import Bodies
from tests.simulation.history import Entry, Fell, TakenForDead, ToldToEnd
from tests.simulation.plan import WorkerPlan
from tests.simulation.surroundings import LockPresence, Locks, Wire, WiredBell
from tests.simulation.threads import StrandExecutor

OVERDUE_SECONDS = 5.0
"""A process that has not ended so long after its grace is killed, as a supervisor does."""


class Surroundings(Protocol):
    """What a process finds in its world."""

    loop: VirtualLoop
    clock: VirtualClock
    locks: Locks
    wire: Wire
    bodies: Bodies

    def mailbox(self, process: Process, bell: WiredBell | None = None) -> InlineMailbox: ...
    def draw(self, name: str) -> random.Random: ...
    def workers_of(self, process: Process) -> list[int]: ...
    def add(self, entry: Entry) -> None: ...
    def note(self, what: str) -> None: ...


class NoHands:
    """For an engine that makes no blocking call: every check here is a coroutine."""

    threads = 0

    def take(self, calls: Sequence[Call]) -> None:
        """Refuse."""
        raise AssertionError("no check of the simulation blocks")

    def close(self) -> None:
        """There is nothing to end."""


class Server:
    """One process with one worker.

    Attributes:
        house: tells the process from all others.
        process: its strands.
        worker: the real one.
        fallen: set when the process is gone.
    """

    def __init__(self, world: Surroundings, process: Process, plan: WorkerPlan, house: int) -> None:
        self.process = process
        self.house = house
        self.fallen = asyncio.Event()
        self.is_draining = False
        self._world = world
        bell = WiredBell(world.wire, process)
        draw = world.draw(f"worker {process.name}").random
        self.worker = Worker(
            mailbox=world.mailbox(process, bell),
            bell=bell,
            registry=world.bodies.registry(with_rare=plan.knows_rare, with_tick=plan.knows_tick),
            presence=LockPresence(world.locks, process),
            clock=world.clock,
            settings=WorkerSettings(
                slots=plan.slots, processes=2, lease=plan.lease, max_frozen=plan.max_frozen
            ),
            executors={
                "async": CoroutineExecutor(),
                "thread": StrandExecutor(world.loop),
                "poll": PollExecutor(world.clock, draw, Engine(NoHands())),
            },
            draw=draw,
            house=house,
        )
        process.spawn(self._live())

    def fall(self, how: Literal["crashed", "ended"] = "crashed") -> None:
        """End the process at this moment; the kernel releases its locks."""
        if self.process.is_alive:
            self.process.crash()
            self._world.locks.release(self.process)
            self._world.add(Fell(at=self._world.loop.time(), process=self.process.name, how=how))
            self.fallen.set()

    def seem_dead(self) -> None:
        """Let the others see no life in it, as when its lock file was removed."""
        self._world.locks.release(self.process)
        at = self._world.loop.time()
        for worker in self._world.workers_of(self.process):
            self._world.add(TakenForDead(at=at, worker=worker))

    def tell_to_end(self, grace: float) -> None:
        """Send it SIGTERM."""
        if self.is_draining:
            return
        self.is_draining = True
        at = self._world.loop.time()
        self._world.add(ToldToEnd(at=at, process=self.process.name, grace=grace))
        self.process.spawn(self.worker.drain(grace), name="drain")
        self._world.loop.call_later(grace + OVERDUE_SECONDS, self.fall)

    async def _live(self) -> None:
        try:
            await self.worker.run()
        except StoreError as error:  # it could not enter; its supervisor begins another one
            self._world.note(f"could not go on: {type(error).__name__}")
        self.fall("ended")
