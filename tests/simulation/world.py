"""One simulated run: real workers, care and store on virtual time, and everything around them.

The world makes processes, notes what happens to them, and decides what becomes of each commit. What
happens in which order follows from the plan's seed alone.
"""

import asyncio
import logging
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from offload.model import FINISHED
from offload.store.base import Effects, Operation
from offload.store.sqlite import SQLiteStore
from offload.testing import InlineMailbox, Process, VirtualClock, VirtualLoop
from tests.simulation.bodies import Bodies
from tests.simulation.books import Books
from tests.simulation.elsewhere import Elsewhere
from tests.simulation.history import (
    Begun,
    Broke,
    Committed,
    Count,
    Ended,
    Ending,
    Entered,
    Entry,
    History,
    Jumped,
    Said,
    TakenForDead,
)
from tests.simulation.plan import Faults, Plan, WorkerPlan
from tests.simulation.server import Server
from tests.simulation.surroundings import Fate, Locks, Wire, WiredBell, connector


class World:
    """Everything of one run.

    Args:
        plan: what the seed decided.
        folder: where the database is kept.
    """

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.faults = Faults()
        self.history = History()
        self.trace: list[str] = []
        self.loop = VirtualLoop(plan.seed)
        self.loop.set_exception_handler(self._broke)
        self.clock = VirtualClock(self.loop)
        self.locks = Locks()
        self.wire = Wire(self._wake_up_delay)
        self.bodies = Bodies(self, Elsewhere(self))
        self.servers: dict[str, Server] = {}
        self.down_until = 0.0
        self._path = folder / "offload.db"
        self._books = Books(self._path)
        self._stores: list[SQLiteStore] = []
        self._draws: dict[str, random.Random] = {}
        self._counted: Count = {}
        self._told: dict[tuple[int, int], str] = {}
        self._saved: dict[int, bytes] = {}
        self._latest = 0.0
        self._runs = 0
        self._is_over = False

    # --- chance

    def draw(self, name: str) -> random.Random:
        """Return the source of chance of that name; the use of one does not move another."""
        if name not in self._draws:
            self._draws[name] = random.Random(f"{name} {self.plan.seed}")
        return self._draws[name]

    def _lag(self) -> float:
        mean = self.faults.lag
        return self.draw("lag").expovariate(1 / mean) if mean else 0.0

    def _wake_up_delay(self) -> float | None:
        draw = self.draw("wake")
        if draw.random() < self.faults.lost_wake_up:
            return None
        mean = self.faults.slow_wake_up
        return draw.expovariate(1 / mean) if mean else 0.0

    # --- processes

    def mailbox(self, process: Process, bell: WiredBell | None = None) -> InlineMailbox:
        """Open a process's own way to the file."""
        store = _TracedStore(self, process, self._path)
        self._stores.append(store)
        return InlineMailbox(
            store,
            self.clock,
            (bell or WiredBell(self.wire, process)).ring,
            lag=self._lag,
            writer=process.strand("writer"),
            reader=process.strand("reader"),
        )

    def serve(self, name: str, plan: WorkerPlan) -> Server:
        """Begin a process with a worker."""
        self.note(f"{name} begins")
        server = Server(self, self.loop.process(name), plan, house=len(self.servers) + 1)
        self.servers[name] = server
        return server

    def alive(self) -> list[Server]:
        """Return the processes that have not fallen."""
        return [server for server in self.servers.values() if server.process.is_alive]

    def workers_of(self, process: Process) -> list[int]:
        """Return the ids under which a process was enrolled."""
        entered = self.history.of(Entered)
        return [entry.worker for entry in entered if entry.process == process.name]

    def who(self) -> str:
        """Return the name of the process that acts."""
        return self.loop.present.process.name

    # --- time

    def time(self) -> float:
        """Return the instant of virtual time."""
        return self.loop.time()

    def jump(self, seconds: float) -> None:
        """Set everybody's wall clock on or back."""
        self._latest = max(self._latest, self.clock.now())
        self.clock.jump(seconds)
        self.add(Jumped(at=self.loop.time(), seconds=seconds))

    def set_the_clock_right(self) -> None:
        """Set the wall clock to the latest instant that it has shown."""
        if self._latest > self.clock.now():
            self.jump(self._latest - self.clock.now())

    def block(self, seconds: float) -> None:
        """Let the present loop stand still; see `Witness.block`."""
        self.loop.present.block(seconds)

    # --- what is noted

    def note(self, what: str) -> None:
        """Write a line of the trace."""
        who = self.loop.present.process.name
        self.trace.append(f"{self.loop.time():10.4f}  {who:7}  {what}")

    def add(self, entry: Entry) -> None:
        """Add an entry to the history and to the trace."""
        self.history.add(entry)
        self.note(shown(entry))

    def begins(self, job: int) -> Begun:
        """Note that code of a job begins; see `Witness.begins`."""
        process = self.loop.present.process
        attempts = self.servers[process.name].worker._held.values()
        held = [attempt.job for attempt in attempts if attempt.job.id == job][-1]
        self._runs += 1
        self._latest = max(self._latest, self.clock.now())
        begun = Begun(
            at=self.loop.time(),
            process=process.name,
            worker=held.worker or 0,
            job=job,
            token=held.token,
            run=self._runs,
            latest=self._latest,
        )
        self.add(begun)
        return begun

    def ends(self, ended: Ended) -> None:
        """Note how a run of code ended; see `Witness.ends`."""
        if self.loop.present.process.is_alive and not self._is_over:
            self.add(Ended(at=self.loop.time(), run=ended.run, how=ended.how, value=ended.value))

    def does(self, entry: Entry) -> None:
        """Note what a run of code does; see `Witness.does`."""
        if self.loop.present.process.is_alive and not self._is_over:
            self.add(replace(entry, at=self.loop.time()))

    def said(self, record: logging.LogRecord) -> None:
        """Note a line of log."""
        process, text = self.loop.present.process.name, record.getMessage()
        if record.levelno >= logging.ERROR:
            self.broke(process, text)
        else:
            said = Said(at=self.loop.time(), process=process, level=record.levelno, text=text)
            self.history.add(said)
            self.note(f"says {record.msg}")  # without its numbers: a pid differs between runs

    def broke(self, process: str, what: str) -> None:
        """Note what nobody expected."""
        self.add(Broke(at=self.loop.time(), process=process, what=what))

    def _broke(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not self._is_over:
            culprit = context.get("exception") or context.get("task") or context.get("handle")
            self.broke(self.loop.present.process.name, f"{context['message']}: {culprit!r}")

    # --- the database's weather

    def is_out(self) -> bool:
        """Whether the database cannot be reached; see `Weather.is_out`."""
        return self.loop.time() < self.down_until

    def fate(self, process: Process) -> Fate:
        """Draw what becomes of a commit; see `Weather.fate`."""
        faults, draw = self.faults, self.draw("fate").random
        if draw() < faults.failed_commit:
            return "refused"
        if draw() < faults.unknown_commit:
            return "stored, unseen" if draw() < 0.5 else "lost, unseen"
        return "stored"

    def committed(self, process: Process) -> None:
        """Read what was stored; perhaps the process ends at this very moment."""
        committed, entered = self._books.look(self.loop.time(), process.name)
        for worker in entered:
            self.add(worker)
            if worker.lock not in self.locks.held:  # it was gone before the worker was known
                self.add(TakenForDead(at=worker.at, worker=worker.worker))
        news = (committed.counted, committed.told, committed.saved)
        if committed.events or news != (self._counted, self._told, self._saved):
            self._counted, self._told, self._saved = news
            self.add(committed)
        server = self.servers.get(process.name)
        if server is not None and self.draw("fate").random() < self.faults.crash_at_commit:
            server.fall()

    def unfinished(self) -> int:
        """How many jobs have no outcome yet, by what was stored last."""
        return sum(count for (_, state), count in self._counted.items() if state not in FINISHED)

    # --- the end

    def end(self) -> None:
        """Note what the store says, and let go of everything."""
        self._is_over = True
        self.add(self._books.end(self.loop.time()))
        self.loop.end()
        for store in self._stores:
            store.close()


class _TracedStore(SQLiteStore):
    """The real store of a process, which writes what it is asked into the trace."""

    def __init__(self, world: World, process: Process, path: Path) -> None:
        super().__init__(
            path,
            connect=connector(process, world),
            sleep=lambda seconds: None,
            monotonic=world.clock.monotonic,
            draw=lambda: 0.5,
        )
        self._world = world

    def run(self, operations: Sequence[Operation[Any]]) -> tuple[list[Any], Effects]:
        """Run and trace a transaction."""
        kinds = " ".join(type(operation).__name__ for operation in operations)
        try:
            answers, effects = super().run(operations)
        except Exception as error:
            self._world.note(f"{kinds}: {type(error).__name__}")
            raise
        if effects:
            self._world.note(f"{kinds}: {effects}")
        return answers, effects


def shown(entry: Entry) -> str:
    """Show an entry in a line of the trace, the parts that differ between runs left out."""
    if isinstance(entry, Committed):
        events = (f"{event.job_id}.{event.version} {event.kind}" for event in entry.events)
        return f"stored {', '.join(events)}; at work {entry.occupied}"
    if isinstance(entry, Ending):
        jobs = (f"{job.id} {job.state} {job.version} {job.result!r}" for job in entry.jobs)
        return f"in the end {', '.join(jobs)}"
    left_out = {"at", "tasks"}  # a set has no order of its own
    names = (name for name in entry.__struct_fields__ if name not in left_out)
    fields = ", ".join(f"{name}={getattr(entry, name)!r}" for name in names)
    return f"{type(entry).__name__} {fields}"
