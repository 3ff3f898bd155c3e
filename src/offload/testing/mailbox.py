"""The mailbox without threads: the same letters and the same transactions, on the loop itself.

What `ThreadMailbox` does on its writer's thread is done here in callbacks: letters that wait
together go in one transaction, what comes round at an interval goes before them, and answers
arrive in the order of the commits. So a test sees the batches of the real one, without its threads.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from offload.clock import Clock
from offload.errors import StoreError, StoreUnavailable
from offload.store.base import Effects, Operation, Query, Store
from offload.store.mailbox import MOST_AT_ONCE, Letter, deliver, resolve

T = TypeVar("T")


class Scheduler(Protocol):
    """Where callbacks are scheduled: a loop, or a `Strand` of a virtual one."""

    def call_soon(self, callback: Callable[[], object], /) -> object:
        """Schedule a callback."""
        ...

    def call_later(self, delay: float, callback: Callable[[], object], /) -> object:
        """Schedule a callback in `delay` seconds."""
        ...


class InlineMailbox:
    """A `Mailbox` that needs no thread.

    `ask` and `read` run at once and return a future that is done; they need no loop. `ask_soon`,
    `read_soon` and `every` run in callbacks.

    Args:
        store: what is behind it.
        clock: its monotonic reading paces what comes round at an interval.
        on_effects: told after each commit what it did.
        lag: seconds before the next transaction or query is run; asked each time.
        writer: where writing callbacks are scheduled; on the running loop when None.
        reader: where reading callbacks are scheduled; on the running loop when None.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        on_effects: Callable[[Effects], None] = lambda effects: None,
        *,
        lag: Callable[[], float] = lambda: 0.0,
        writer: Scheduler | None = None,
        reader: Scheduler | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._on_effects = on_effects
        self._writes = _Box(self._write, lag, writer)
        self._reads = _Box(self._read, lag, reader)
        self._turns: list[_Turn] = []
        self._is_closed = False

    def ask(self, operation: Operation[T]) -> Future[T]:
        """Run an operation at once, together with the letters that wait."""
        self._check_open()
        future: Future[T] = Future()
        self._writes.waiting.append(Letter(operation, future))
        while not future.done():
            self._write()
        return future

    def ask_soon(self, operation: Operation[T]) -> "asyncio.Future[T]":
        """Drop an operation in; see `Mailbox.ask_soon`."""
        return self._drop(operation, self._writes)

    def read(self, query: Query[T]) -> Future[T]:
        """Answer a query at once."""
        self._check_open()
        future: Future[T] = Future()
        self._answer(Letter(query, future))
        return future

    def read_soon(self, query: Query[T]) -> "asyncio.Future[T]":
        """Drop a query in; see `Mailbox.read_soon`."""
        return self._drop(query, self._reads)

    def every(
        self, seconds: float, make: Callable[[], Operation[T]], tell: Callable[[T], None]
    ) -> Callable[[], None]:
        """Run an operation at an interval; see `Mailbox.every`."""
        turn = _Turn(seconds, make, tell, self._clock.monotonic() + seconds)
        self._turns.append(turn)
        self._writes.begin(seconds)
        return lambda: self._turns.remove(turn) if turn in self._turns else None

    def close(self, timeout: float = 0.0) -> None:
        """Write what was dropped in and let go of the store; `timeout` is for the real one."""
        while self._writes.waiting:
            self._write()
        self._is_closed = True
        self._turns.clear()
        self._store.close()

    # --- what the threads would do

    def _drop(self, content: Any, box: "_Box") -> "asyncio.Future[Any]":
        self._check_open()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        box.waiting.append(Letter(content, future, loop))
        box.begin()
        return future

    def _check_open(self) -> None:
        if self._is_closed:
            raise StoreUnavailable("this mailbox was closed; nothing was stored")

    def _write(self) -> None:
        now = self._clock.monotonic()
        for turn in [turn for turn in self._turns if turn.due <= now]:
            self._take(turn)
        waiting = self._writes.waiting
        letters = [waiting.popleft() for _ in range(min(len(waiting), MOST_AT_ONCE))]
        if letters:
            deliver(self._store, letters, self._on_effects)

    def _take(self, turn: "_Turn") -> None:
        turn.due = self._clock.monotonic() + turn.seconds
        self._writes.begin(turn.seconds)
        letter = Letter(turn.make(), Future())
        deliver(self._store, [letter], self._on_effects)
        if letter.future.exception() is None:
            turn.tell(letter.future.result())

    def _read(self) -> None:
        if self._reads.waiting:
            self._answer(self._reads.waiting.popleft())

    def _answer(self, letter: Letter) -> None:
        answer: Any
        try:
            answer = self._store.read(letter.content)
        except StoreError as error:
            answer = error
        except Exception as error:  # as the real one does: a caller knows StoreErrors only
            answer = StoreError(f"the query could not be answered: {error!r}")
        resolve([(letter, answer)])


class _Turn:
    """One operation that comes round at an interval."""

    def __init__(
        self, seconds: float, make: Callable[[], Any], tell: Callable[[Any], None], due: float
    ) -> None:
        self.seconds = seconds
        self.make = make
        self.tell = tell
        self.due = due


class _Box:
    """Letters that wait, and the callbacks that take them out: one at a time, like a thread."""

    def __init__(
        self, work: Callable[[], None], lag: Callable[[], float], scheduler: Scheduler | None
    ) -> None:
        self.waiting: deque[Letter] = deque()
        self._work = work
        self._lag = lag
        self._scheduler = scheduler
        self._is_busy = False

    def begin(self, after: float = 0.0) -> None:
        """Look into the box soon; what is dropped in until then goes with it."""
        if after:
            self._later(after, self.begin)
        elif not self._is_busy:
            self._is_busy = True
            self._later(self._lag(), self._go)

    def _go(self) -> None:
        self._work()
        self._is_busy = False
        if self.waiting:
            self.begin()

    def _later(self, seconds: float, callback: Callable[[], None]) -> None:
        """Schedule a callback, in surroundings of its own as a thread has them.

        In those of a job's code it would be held back with the code while that stands still.
        """
        scheduler = self._scheduler or asyncio.get_running_loop()
        if seconds:
            contextvars.Context().run(scheduler.call_later, seconds, callback)
        else:
            contextvars.Context().run(scheduler.call_soon, callback)
