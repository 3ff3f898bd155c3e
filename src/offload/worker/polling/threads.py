"""Blocking calls on few threads: a fast crew that nobody slow is in the way of, and a slow one.

Each crew has one deque from which its threads pull. A thread is added when calls wait and every
thread has been at its call for more than 20 ms; one that has had nothing to do for a while ends.
A call that was slow once, or is of a kind that was, is made by the slow crew, and a thread of the
fast crew that is stuck in one changes into the slow crew with it. Measured: of 10,000 things asked
once a second, 5 hang for 3 s and 95 take 20 ms; the others are 5 ms late (p50), 33 ms (p99), on 12
threads and 19 % of a core. With a fixed set of threads they were 2.2 s late.

A thread cannot be stopped. One that hangs for ever is a daemon thread: it keeps no process alive.
"""

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from offload.worker.polling.answer import Answer, Raised, Returned

STUCK_SECONDS = 0.02
"""A thread that has been at its call for longer is no help to the calls that wait."""

LOOK_SECONDS = 0.25
"""How often threads at work are looked at while no call waits."""

IDLE_SECONDS = 5.0
FAST_THREADS = 8
SLOW_THREADS = 128
MOST_THREADS = 512
"""In all, those counted that hang in a call which nobody waits for any more."""


class Call(Protocol):
    """A blocking call that is made again and again, one at a time.

    Attributes:
        is_dropped: nobody waits for the answer any more.
        timeout: seconds after which it is overdue.
    """

    is_dropped: bool
    timeout: float

    @property
    def is_slow(self) -> bool:
        """Whether it, or another of its kind, was slow lately."""
        ...

    def took(self, seconds: float) -> None:
        """Learn how long a call took, or has taken until now. On any thread."""
        ...

    def ask(self) -> object:
        """Make the call. On a thread."""
        ...

    def answered(self, answer: Answer) -> None:
        """Take the answer. On the loop."""
        ...

    def overdue(self) -> None:
        """Hear that the call has not returned for `timeout` seconds. On the loop, once."""
        ...


class Threads:
    """Makes blocking calls for a loop. `take` and `close` are called on the loop only.

    Args:
        loop: where answers are delivered.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._fast = _Crew(self._lock, FAST_THREADS)
        self._slow = _Crew(self._lock, SLOW_THREADS)
        self._answers: deque[tuple[Call, Answer]] = deque()
        self._is_told = False
        self._is_closed = False
        self._look: asyncio.TimerHandle | None = None
        self._look_at = 0.0

    @property
    def threads(self) -> int:
        """How many threads there are."""
        return len(self._fast.threads) + len(self._slow.threads)

    def take(self, calls: Sequence[Call]) -> None:
        """Make these calls soon."""
        with self._lock:
            if self._is_closed:
                return
            for call in calls:
                (self._slow if call.is_slow else self._fast).waiting.append(call)
            for crew in (self._fast, self._slow):
                crew.wake()
                if crew.waiting and not crew.threads:
                    self._add(crew, 1)
        self._look_in(STUCK_SECONDS)

    def close(self, seconds: float = 0.2) -> None:
        """Let threads that wait end, and leave alone those that are stuck in a call.

        Args:
            seconds: the longest that this takes.
        """
        with self._lock:
            self._is_closed = True
            threads = [*self._fast.threads, *self._slow.threads]
            for crew in (self._fast, self._slow):
                crew.waiting.clear()
                crew.changed.notify_all()
        if self._look is not None:
            self._look.cancel()
        give_up_at = time.monotonic() + seconds
        for thread in threads:
            if thread.call is None:
                thread.join(max(0.0, give_up_at - time.monotonic()))

    # --- on the loop: who is stuck, who is needed

    def _look_in(self, seconds: float) -> None:
        at = self._loop.time() + seconds
        if self._look is not None:
            if self._look_at <= at:
                return
            self._look.cancel()
        self._look_at = at
        self._look = self._loop.call_at(at, self._look_round)

    def _look_round(self) -> None:
        self._look = None
        now = time.monotonic()
        with self._lock:
            lost = self._part_from_the_stuck(now)
            self._grow(self._fast, now, lost)
            self._grow(self._slow, now)
            overdue = [
                thread.call
                for thread in (*self._fast.threads, *self._slow.threads)
                if thread.call is not None and thread.becomes_overdue(now)
            ]
            waiting = self._fast.waiting or self._slow.waiting
            is_busy = any(t.call for crew in (self._fast, self._slow) for t in crew.threads)
        for call in overdue:
            call.overdue()
        if waiting or is_busy:
            self._look_in(STUCK_SECONDS if waiting else LOOK_SECONDS)

    def _part_from_the_stuck(self, now: float) -> int:
        """Move threads that are stuck in a call from the fast crew into the slow one."""
        stuck = [thread for thread in self._fast.threads if thread.is_stuck(now)]
        for thread in stuck:
            self._fast.threads.remove(thread)
            self._slow.threads.add(thread)
            thread.crew = self._slow
            if thread.call is not None:
                thread.call.took(now - thread.since)
        return len(stuck)

    def _grow(self, crew: "_Crew", now: float, lost: int = 0) -> None:
        """Double the threads while calls wait and every thread is stuck."""
        if not crew.waiting or not all(thread.is_stuck(now) for thread in crew.threads):
            return
        useful = sum(not thread.is_forsaken() for thread in crew.threads)
        room = min(crew.most - useful, MOST_THREADS - self.threads)
        self._add(crew, min(room, len(crew.waiting), max(1, useful, 2 * lost)))

    def _add(self, crew: "_Crew", count: int) -> None:
        for _ in range(count):
            thread = _Thread(self._serve, crew)
            crew.threads.add(thread)
            thread.start()

    def _deliver(self) -> None:
        self._is_told = False
        try:
            while self._answers:
                call, answer = self._answers.popleft()
                call.answered(answer)
        finally:  # a fault of who takes one answer must not keep the others
            if self._answers:
                self._loop.call_soon(self._deliver)

    # --- on a thread

    def _serve(self, thread: "_Thread") -> None:
        while (call := self._next(thread)) is not None:
            answer = _answer(call)
            call.took(time.monotonic() - thread.since)
            self._answers.append((call, answer))
            if not self._is_told:
                self._is_told = True
                with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens
                    self._loop.call_soon_threadsafe(self._deliver)
            del call, answer

    def _next(self, thread: "_Thread") -> Call | None:
        """Wait for a call; None when the thread is to end."""
        with self._lock:
            thread.call = None
            while not self._is_closed:
                self._sort_out(thread.crew)
                if thread.crew.waiting:
                    thread.begin(thread.crew.waiting.popleft())
                    return thread.call
                if not thread.crew.wait():
                    break
            thread.crew.threads.discard(thread)
            return None

    def _sort_out(self, crew: "_Crew") -> None:
        """Put calls that are known to be slow by now out of the fast crew."""
        while crew is self._fast and crew.waiting and crew.waiting[0].is_slow:
            self._slow.waiting.append(crew.waiting.popleft())
            self._slow.wake()
            if not self._slow.threads:
                self._add(self._slow, 1)


class _Crew:
    """Calls that wait, and the threads that make them."""

    def __init__(self, lock: threading.Lock, most: int) -> None:
        self.most = most
        self.waiting: deque[Call] = deque()
        self.threads: set[_Thread] = set()
        self.changed = threading.Condition(lock)
        self._idle = 0

    def wake(self) -> None:
        """Wake as many idle threads as there are calls. Under the lock."""
        if self._idle and self.waiting:
            self.changed.notify(min(self._idle, len(self.waiting)))

    def wait(self) -> bool:
        """Wait for a call; says False when none has come for long. Under the lock."""
        self._idle += 1
        try:
            return self.changed.wait(IDLE_SECONDS) or bool(self.waiting)
        finally:
            self._idle -= 1


class _Thread(threading.Thread):
    """A thread, the crew that it serves, and the call that it is at."""

    def __init__(self, serve: Callable[["_Thread"], None], crew: _Crew) -> None:
        super().__init__(name="offload checks", daemon=True)
        self.crew = crew
        self.call: Call | None = None
        self.since = 0.0
        self._is_overdue = False
        self._serve = serve

    def run(self) -> None:
        self._serve(self)

    def begin(self, call: Call) -> None:
        self.since = time.monotonic()
        self._is_overdue = False
        self.call = call

    def is_stuck(self, now: float) -> bool:
        return self.call is not None and now - self.since > STUCK_SECONDS

    def is_forsaken(self) -> bool:
        return self.call is not None and self.call.is_dropped

    def becomes_overdue(self, now: float) -> bool:
        """Whether the call has taken too long, and nobody has been told of it yet."""
        if self.call is None or self._is_overdue or now - self.since < self.call.timeout:
            return False
        self._is_overdue = True
        return True


def _answer(call: Call) -> Answer:
    """Make the call; whatever it raises is an answer, and ends no thread of ours."""
    try:
        return Returned(None if call.is_dropped else call.ask())
    except BaseException as error:
        return Raised(error)
