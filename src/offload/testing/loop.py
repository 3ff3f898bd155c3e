"""An event loop on virtual time: when nothing is ready, the clock jumps to the next timer.

A run takes as long as its computing, whatever it sleeps; and it is repeatable: there are no
sockets and no threads, so nothing but the code decides what happens next.

Several processes can be simulated on one loop. Each callback belongs to a strand (what a thread is
to a process), each strand to a process. A task stays on the strand that made it; any other callback
belongs to the strand that scheduled it.
Within a strand callbacks run in the order in which they were scheduled, as asyncio promises.
Between strands nothing is promised, as between real threads and processes: with a seed, the one
that goes next is drawn. A process can be frozen, and it can crash: then nothing of it ever runs
again, no `finally` either.
"""

import asyncio
import contextlib
import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple

from offload.testing.clock import START

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

MOST_AT_ONE_INSTANT = 100_000
"""Callbacks that may run without time passing; more of them is a loop without an end."""


class Deadlock(RuntimeError):
    """Something is awaited, and nothing is scheduled that could bring it."""


class Livelock(RuntimeError):
    """Callbacks go on scheduling callbacks, and no time passes."""


class Strand:
    """A thread of a simulated process: its callbacks run one after the other, in order.

    Attributes:
        process: what it belongs to, and lives and dies with.
        name: for people.
    """

    def __init__(self, loop: "VirtualLoop", process: "Process", name: str) -> None:
        self.process = process
        self.name = name
        self.ready: deque[tuple[int, asyncio.Handle]] = deque()
        self._loop = loop
        self._held_until = 0.0

    @property
    def may_run(self) -> bool:
        """Whether its next callback could run now."""
        return not self.process.is_frozen and self._held_until <= self._loop.time()

    def call_soon(
        self,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """Schedule a callback on this strand, from wherever."""
        with self._loop.as_strand(self):
            return self._loop.call_soon(callback, *args, context=context)

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts
    ) -> asyncio.TimerHandle:
        """Schedule a callback on this strand in `delay` seconds of virtual time."""
        with self._loop.as_strand(self):
            return self._loop.call_later(delay, callback, *args)

    def block(self, seconds: float) -> None:
        """Run nothing for a while, as a thread whose code blocks; other strands go on."""
        self._held_until = max(self._held_until, self._loop.time() + seconds)
        with self._loop.as_strand(self):
            self._loop.call_at(self._held_until, lambda: None)  # time must stop there

    def __repr__(self) -> str:
        return f"<Strand {self.process.name}/{self.name}>"


class Process:
    """A simulated process: strands that live, freeze and die together.

    Attributes:
        name: for people.
        main: the strand of its event loop.
        is_alive: whether it has not crashed.
        is_frozen: whether it stands still, as after SIGSTOP.
    """

    def __init__(self, loop: "VirtualLoop", name: str) -> None:
        self.name = name
        self.is_alive = True
        self.is_frozen = False
        self._loop = loop
        self._strands: dict[str, Strand] = {}
        self.main = self.strand("main")

    def strand(self, name: str) -> Strand:
        """Return the strand of that name, made when it is first asked for."""
        if name not in self._strands:
            self._strands[name] = Strand(self._loop, self, name)
        return self._strands[name]

    def spawn(
        self, coroutine: Coroutine[Any, Any, T], *, name: str | None = None
    ) -> "asyncio.Task[T]":
        """Run a coroutine as a task of this process."""
        with self._loop.as_strand(self.main):
            return self._loop.create_task(coroutine, name=name or self.name)

    def crash(self) -> None:
        """End at this moment: its callbacks, timers and tasks are never run again.

        A callback of its own that crashes it runs on to its end; what it schedules is dropped.
        """
        self._loop.keep_tasks_of(self)
        self.is_alive = False
        for strand in self._strands.values():
            strand.ready.clear()

    def freeze(self) -> None:
        """Stand still. Time passes; what is due meanwhile runs after `thaw`."""
        self.is_frozen = True

    def thaw(self) -> None:
        """Go on."""
        self.is_frozen = False

    def __repr__(self) -> str:
        return f"<Process {self.name}>"


class VirtualLoop(asyncio.BaseEventLoop):
    """An asyncio loop whose `time()` is virtual; also a `loop_factory` for `asyncio.Runner`.

    It has one thread and no IO: sockets, subprocesses and signals are refused by asyncio's own
    base class, and `asyncio.to_thread` runs the function at once, in line.

    Args:
        seed: draws which strand goes next; None lets them go in the order of scheduling.
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__()
        self._now = 0.0
        self._numbers = itertools.count()
        self._timers: list[tuple[float, int, Strand, asyncio.TimerHandle]] = []
        self._waiting: dict[Strand, None] = {}
        self._kept: list[asyncio.Task[Any]] = []
        self._at_this_instant = 0
        self._random = None if seed is None else random.Random(seed)
        self._ended = False
        self._present = Process(self, "main").main

    # --- processes

    @property
    def present(self) -> Strand:
        """The strand whose callback runs now; outside of callbacks that of the main process."""
        return self._present

    def process(self, name: str) -> Process:
        """Begin a new simulated process."""
        return Process(self, name)

    @contextlib.contextmanager
    def as_strand(self, strand: Strand) -> Iterator[None]:
        """Let what is scheduled in this block belong to another strand."""
        before, self._present = self._present, strand
        try:
            yield
        finally:
            self._present = before

    def keep_tasks_of(self, process: Process) -> None:
        """Keep a dead process's tasks from being collected: collecting one runs its `finally`."""
        self._kept += [task for task in self._tasks() if task.home.process is process]

    def end(self) -> None:
        """Forget without a word whatever still waits, and close."""
        self._ended = True
        for task in self._tasks():
            _forget(task)
        self._kept.clear()
        self.close()

    # --- what asyncio asks of a loop

    def time(self) -> float:
        """Return the virtual time in seconds; it begins at 0."""
        return self._now

    def call_soon(
        self,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """Schedule a callback on the present strand, a task's step on the task's own."""
        handle = asyncio.Handle(callback, args, self, context)
        task = getattr(callback, "__self__", None)
        self._queue(task.home if type(task) is _Task else self._present, handle)
        return handle

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Schedule a callback on the present strand for an instant of virtual time."""
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._numbers), self._present, timer))
        return timer

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Schedule a callback on the present strand in `delay` seconds of virtual time."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_soon_threadsafe(
        self,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """Schedule a callback on the main strand of the present process.

        Raises:
            RuntimeError: it was called from a real thread, whose time is not ours.
        """
        if self.is_running() and asyncio._get_running_loop() is not self:
            raise RuntimeError("a VirtualLoop has one thread; a real one cannot call into it")
        return self._present.process.main.call_soon(callback, *args, context=context)

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> "asyncio.Future[T]":
        """Call the function at once, in line: here are no threads."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def create_task(
        self,
        coro: Any,
        *,
        name: object = None,
        context: Context | None = None,
        **options: Any,
    ) -> "asyncio.Task[Any]":
        """Make a task of the present strand."""
        return _Task(coro, loop=self, name=name, context=context)

    def _tasks(self) -> "list[_Task]":
        return [task for task in asyncio.all_tasks(self) if isinstance(task, _Task)]

    # --- one step

    def _run_once(self) -> None:
        strand = self._next_strand()
        _, handle = strand.ready.popleft()
        if not strand.ready:
            del self._waiting[strand]
        if handle.cancelled():
            return
        self._present, before = strand, self._present
        try:
            handle._run()
        finally:
            self._present = before

    def _next_strand(self) -> Strand:
        while True:
            able = [strand for strand in self._waiting if strand.ready and strand.may_run]
            if able:
                return self._choose(able)
            self._let_time_pass()

    def _choose(self, able: list[Strand]) -> Strand:
        self._at_this_instant += 1
        if self._at_this_instant > MOST_AT_ONE_INSTANT:
            raise Livelock(
                f"{MOST_AT_ONE_INSTANT} callbacks ran at {self._now} s and no time passed; "
                f"waiting: {self._names_of_tasks()}"
            )
        if self._random is None:
            return min(able, key=lambda strand: strand.ready[0][0])
        return able[int(self._random.random() * len(able))]

    def _let_time_pass(self) -> None:
        """Go to the next timer, and make ready all that is due then."""
        self._waiting = {strand: None for strand in self._waiting if strand.ready}
        while self._timers and self._is_void(self._timers[0]):
            heapq.heappop(self._timers)
        if not self._timers:
            raise Deadlock(f"nothing is scheduled any more; waiting: {self._names_of_tasks()}")
        self._now = max(self._now, self._timers[0][0])
        self._at_this_instant = 0
        while self._timers and self._timers[0][0] <= self._now:
            _, _, strand, timer = heapq.heappop(self._timers)
            if not timer.cancelled():
                self._queue(strand, timer)

    def _is_void(self, item: tuple[float, int, Strand, asyncio.TimerHandle]) -> bool:
        _, _, strand, timer = item
        return timer.cancelled() or not strand.process.is_alive

    def _queue(self, strand: Strand, handle: asyncio.Handle) -> None:
        if strand.process.is_alive and not self._ended:
            strand.ready.append((next(self._numbers), handle))
            self._waiting[strand] = None

    def _names_of_tasks(self) -> str:
        names = sorted(
            f"{task.get_name()} of {task.home.process.name}"
            for task in self._tasks()
            if task.home.process.is_alive
        )
        return ", ".join(names) or "no task"


class _Task(asyncio.Task[Any]):
    """A task that knows the strand on which it was made."""

    def __init__(
        self, coro: Any, *, loop: VirtualLoop, name: object, context: Context | None
    ) -> None:
        self.home = loop.present
        super().__init__(coro, loop=loop, name=None if name is None else str(name), context=context)


class VirtualClock:
    """The clock of a virtual loop: `offload.clock.Clock`, with a wall clock that can be set.

    Args:
        loop: whose time it shows.
        start: the instant at which the wall clock begins, in seconds since the epoch.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, start: float = START) -> None:
        self._loop = loop
        self._offset = start

    def now(self) -> float:
        """Return the wall clock's instant."""
        return self._offset + self._loop.time()

    def monotonic(self) -> float:
        """Return the loop's time."""
        return self._loop.time()

    def jump(self, seconds: float) -> None:
        """Set the wall clock on or back; no time passes."""
        self._offset += seconds


def _forget(task: "asyncio.Task[Any]") -> None:
    """Unwind a task that will never go on; asyncio would complain of it when it is collected."""
    setattr(task, _COMPLAINS, False)
    coroutine = task.get_coro()
    if isinstance(coroutine, Coroutine):
        with contextlib.suppress(BaseException):  # its `finally` may await, or raise anything
            coroutine.close()


_COMPLAINS = "_log_destroy_pending"
"""The attribute by which asyncio itself silences a task; `run_until_complete` does so."""
