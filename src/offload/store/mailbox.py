"""The mailbox: callers drop an operation in and get a future; one thread writes for all of them.

The thread drains what has arrived, runs it in one transaction, commits, then answers. So an
acknowledged start is on disk, a thousand concurrent starts share one fsync, no transaction ever
spans an await or user code, and blocking and async callers are served by the same code. A batch is
what arrived during the previous commit; nobody waits for a timer.

A second thread answers queries from its own connection, so that no page holds up a claim.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from typing import Any, Protocol, TypeVar

from msgspec import UNSET

from offload.clock import Clock
from offload.errors import StoreError, StoreUnavailable, StoreUncertain
from offload.store.base import Claim, CommitUnknown, Effects, Operation, Query, Store
from offload.store.latency import Latency

T = TypeVar("T")

log = logging.getLogger("offload.store")

MOST_AT_ONCE = 512
"""Operations in one transaction at most, so that nobody waits long behind a crowd."""


RECOVERIES = 3
"""How often an operation is run again whose commit had an unknown result."""


class Mailbox(Protocol):
    """The way to a store, for blocking callers (a `Future`) and for those on a loop (`*_soon`)."""

    def ask(self, operation: Operation[T]) -> Future[T]:
        """Drop an operation in; the future has the answer once it is on disk."""
        ...

    def ask_soon(self, operation: Operation[T]) -> "asyncio.Future[T]":
        """The same for a caller on the running loop."""
        ...

    def read(self, query: Query[T]) -> Future[T]:
        """Drop a query in."""
        ...

    def read_soon(self, query: Query[T]) -> "asyncio.Future[T]":
        """The same for a caller on the running loop."""
        ...

    def every(
        self, seconds: float, make: Callable[[], Operation[T]], tell: Callable[[T], None]
    ) -> Callable[[], None]:
        """Run an operation at an interval, before all that waits; returns what ends it.

        `tell` gets each answer, on the writer's thread. Failures are left to the next turn.
        """
        ...


class Letter:
    """An operation or a query, and where its answer goes."""

    __slots__ = ("content", "future", "loop")

    def __init__(
        self, content: Any, future: Any, loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        self.content = content
        self.future = future
        self.loop = loop


class _Turn:
    """One operation that comes round at an interval."""

    def __init__(
        self, seconds: float, make: Callable[[], Any], tell: Callable[[Any], None], due: float
    ) -> None:
        self.seconds = seconds
        self.make = make
        self.tell = tell
        self.due = due


class ThreadMailbox:
    """A mailbox with a writer thread and a reader thread, both started by the first letter.

    Args:
        store: what is behind it; only these threads touch it from now on.
        clock: its monotonic reading paces what comes round at an interval.
        on_effects: told after each commit what it did, on the writer's thread; must not raise.

    Attributes:
        commits: how long each batch took, from its transaction's begin to its answers.
    """

    def __init__(self, store: Store, clock: Clock, on_effects: Callable[[Effects], None]) -> None:
        self._store = store
        self._clock = clock
        self._on_effects = on_effects
        self.commits = Latency()
        self._writes: queue.SimpleQueue[Letter | None] = queue.SimpleQueue()
        self._reads: queue.SimpleQueue[Letter | None] = queue.SimpleQueue()
        self._turns: list[_Turn] = []
        self._threads: list[threading.Thread] = []
        self._door = threading.RLock()  # nobody closes between a look at it and a drop
        self._closed = False

    def ask(self, operation: Operation[T]) -> Future[T]:
        """Drop an operation in; see `Mailbox.ask`."""
        future: Future[T] = Future()
        self._drop(self._writes, Letter(operation, future))
        return future

    def ask_soon(self, operation: Operation[T]) -> "asyncio.Future[T]":
        """Drop an operation in from a loop; see `Mailbox.ask_soon`."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._drop(self._writes, Letter(operation, future, loop))
        return future

    def read(self, query: Query[T]) -> Future[T]:
        """Drop a query in; see `Mailbox.read`."""
        future: Future[T] = Future()
        self._drop(self._reads, Letter(query, future))
        return future

    def read_soon(self, query: Query[T]) -> "asyncio.Future[T]":
        """Drop a query in from a loop; see `Mailbox.read_soon`."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._drop(self._reads, Letter(query, future, loop))
        return future

    def every(
        self, seconds: float, make: Callable[[], Operation[T]], tell: Callable[[T], None]
    ) -> Callable[[], None]:
        """Run an operation at an interval; see `Mailbox.every`."""
        turn = _Turn(seconds, make, tell, self._clock.monotonic() + seconds)
        with self._door:
            self._turns.append(turn)
            self._start()
        self._writes.put(None)
        return lambda: self._turns.remove(turn) if turn in self._turns else None

    def close(self, timeout: float) -> None:
        """Write what was dropped in, then let go of the store; waits `timeout` seconds at most."""
        with self._door:
            self._closed = True
            threads, self._threads = self._threads, []
        self._writes.put(None)
        self._reads.put(None)
        for thread in threads:
            thread.join(timeout)
        if not any(thread.is_alive() for thread in threads):
            self._store.close()

    # --- the two threads

    def _drop(self, box: "queue.SimpleQueue[Letter | None]", letter: Letter) -> None:
        with self._door:
            if self._closed:
                raise StoreUnavailable("this Offload was closed; nothing was stored")
            self._start()
            box.put(letter)

    def _start(self) -> None:
        if len(self._threads) == 2 or self._closed:
            return
        works = (self._write_on, "offload-writer"), (self._read_on, "offload-reader")
        for work, name in works[len(self._threads) :]:
            thread = threading.Thread(target=work, name=name, daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                raise StoreUnavailable(f"{error} for the database; nothing was stored") from error
            self._threads.append(thread)

    def _write_on(self) -> None:
        while True:
            letters = self._collect()
            turns = self._due_turns()
            if turns:
                self._take_turns(turns)
            if letters:
                with self.commits.timing():
                    deliver(self._store, letters, self._on_effects)
            elif self._closed and self._writes.empty():
                return

    def _collect(self) -> list[Letter]:
        """Wait for the first letter, or until something comes round; take all that is there."""
        letters: list[Letter] = []
        try:
            letter = self._writes.get(timeout=self._seconds_to_wait())
            while True:
                if letter is not None:
                    letters.append(letter)
                if len(letters) >= MOST_AT_ONCE:
                    break
                letter = self._writes.get_nowait()
        except queue.Empty:
            pass
        return letters

    def _seconds_to_wait(self) -> float | None:
        if self._closed:
            return 0.0
        turns = list(self._turns)
        if not turns:
            return None
        return max(0.0, min(turn.due for turn in turns) - self._clock.monotonic())

    def _due_turns(self) -> list[_Turn]:
        now = self._clock.monotonic()
        return [turn for turn in list(self._turns) if turn.due <= now]

    def _take_turns(self, turns: list[_Turn]) -> None:
        for turn in turns:
            turn.due = self._clock.monotonic() + turn.seconds
            try:
                self._take(turn)
            except Exception:  # a fault of ours; all others still need this thread
                log.exception("what comes round every %g s broke", turn.seconds)

    def _take(self, turn: _Turn) -> None:
        answer: Future[Any] = Future()
        deliver(self._store, [Letter(turn.make(), answer)], self._on_effects)
        if answer.exception() is None:
            turn.tell(answer.result())

    def _read_on(self) -> None:
        while True:
            letter = self._reads.get()
            if letter is not None:
                resolve([(letter, _attempt(partial(self._store.read, letter.content)))])
            elif self._closed:
                return


def deliver(store: Store, letters: list[Letter], on_effects: Callable[[Effects], None]) -> None:
    """Run the letters in one transaction and answer each; a bad one never fails its neighbours.

    Three cases: all went well; the database cannot be reached, and everybody is told so; one
    operation is at fault, or the commit's result is unknown, and each goes alone.

    Claims come last, so that they see all that the transaction makes claimable. Who listens is
    told before the answers are: whoever is answered has been told what that commit did.
    """
    letters = sorted(letters, key=_is_claim)
    try:
        answers, effects = store.run([letter.content for letter in letters])
    except StoreUnavailable as error:
        resolve([(letter, error) for letter in letters])
    except CommitUnknown:
        _recover(store, letters, on_effects)
    except Exception as error:
        if len(letters) == 1:
            resolve([(letters[0], _as_store_error(error))])
            return
        for letter in letters:
            deliver(store, [letter], on_effects)
    else:
        if effects:
            on_effects(effects)
        resolve(zip(letters, answers, strict=True))


def _is_claim(letter: Letter) -> bool:
    return isinstance(letter.content, Claim)


def _recover(store: Store, letters: list[Letter], on_effects: Callable[[Effects], None]) -> None:
    """Find out what became of each operation, and run again what was not stored.

    All are looked up before the first is run again: that issues new ids, and an insert is found
    among those that were issued since its transaction began.
    """
    found = [_attempt(partial(store.recover, letter.content)) for letter in letters]
    for letter, stored in zip(letters, found, strict=True):
        again = partial(_run_again, store, letter.content, on_effects)
        resolve([(letter, _attempt(again) if stored is UNSET else stored)])


def _run_again(
    store: Store, operation: Operation[Any], on_effects: Callable[[Effects], None]
) -> Any:
    """Run one operation until it is known what became of it, a few times at most."""
    for _ in range(RECOVERIES):
        try:
            [answer], effects = store.run([operation])
        except CommitUnknown:
            answer = store.recover(operation)
            if answer is not UNSET:
                return answer
        else:
            if effects:
                on_effects(effects)
            return answer
    raise StoreUncertain(
        "the database took the operation and never said what became of it; "
        "it may have been stored: look before you try again"
    )


def _attempt(call: Callable[[], Any]) -> Any:
    """Return what the call returns, or the error that it raised, as a value."""
    try:
        return call()
    except Exception as error:
        return _as_store_error(error)


def _as_store_error(error: Exception) -> StoreError:
    if isinstance(error, StoreError):
        return error
    wrapped = StoreError(f"the operation could not be carried out: {error!r}")
    wrapped.__cause__ = error
    return wrapped


def resolve(answers: Iterable[tuple[Letter, Any]]) -> None:
    """Answer the letters; each loop is woken once for all of its own."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Any, Any]]] = {}
    for letter, answer in answers:
        if letter.loop is None:
            if letter.future.set_running_or_notify_cancel():  # from here on nobody can cancel it
                _settle(letter.future, answer)
        else:
            by_loop.setdefault(letter.loop, []).append((letter.future, answer))
    for loop, settled in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle_all, settled)
        except RuntimeError:
            continue  # the loop was closed: nobody waits there any more


def _settle_all(settled: list[tuple[Any, Any]]) -> None:
    for future, answer in settled:
        _settle(future, answer)


def _settle(future: Any, answer: Any) -> None:
    if future.done():
        return  # the caller was cancelled; what it asked for has happened all the same
    if isinstance(answer, StoreError):
        future.set_exception(answer)
    else:
        future.set_result(answer)
