"""Asks many things, each at its own times, whether they are done: on the loop, or on few threads.

Black boxes and polling tasks both stand on it. It knows nothing of either: it makes calls when
they are due, one at a time for each thing, and hands the answer to whoever watches, who says when
to ask again.
"""

import asyncio
import contextvars
import inspect
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, cast

from offload.worker.polling.answer import Answer, NoAnswer, Raised, Returned
from offload.worker.polling.threads import STUCK_SECONDS, Call, Threads
from offload.worker.polling.timers import Timer, Timers

log = logging.getLogger("offload.worker")

CHECK_SECONDS = 60.0
"""A check that has not answered for so long counts as failed."""

MOST_AWAITED = 500
"""Checks that are coroutines run on the loop, at most so many at once."""

QUICK_CALLS = 10
"""After so many quick ones in a row a slow call is no slow call any more."""

OnAnswer = Callable[[Answer], float | None]
"""Takes an answer; returns the seconds until it is asked again, or None for never again."""


class Hands(Protocol):
    """Who makes blocking calls for the loop: threads; in a test perhaps nobody else."""

    @property
    def threads(self) -> int:
        """How many threads there are."""
        ...

    def take(self, calls: Sequence[Call]) -> None:
        """Make these calls soon, and deliver each answer on the loop."""
        ...

    def close(self) -> None:
        """End, in bounded time whatever a call does."""
        ...


class Engine:
    """Schedules checks. Everything here is called on the loop on which it was made.

    Args:
        hands: who makes blocking calls; threads of its own by default.

    Attributes:
        loop: where it lives.
        is_closed: it asks nothing any more.
    """

    def __init__(self, hands: Hands | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        self._hands = hands or Threads(self.loop)
        self._timers = Timers(self.loop, self._send)
        self._ready: list[Call] = []
        self._places = asyncio.Semaphore(MOST_AWAITED)
        self._awaited: set[asyncio.Task[None]] = set()
        self._kinds: dict[object, Slowness] = {}
        self.is_closed = False

    @property
    def threads(self) -> int:
        """How many threads there are."""
        return self._hands.threads

    def watch(
        self,
        check: Callable[[], Any],
        on_answer: OnAnswer,
        *,
        first_after: float = 0.0,
        timeout: float = CHECK_SECONDS,
        is_async: bool | None = None,
        surroundings: contextvars.Context | None = None,
        kind: object = None,
    ) -> "Watch":
        """Ask something again and again, until `on_answer` returns None or it is cancelled.

        Args:
            check: a function, which is called on a thread, or a coroutine function, which runs on
                the loop. It is not called again before it has returned.
            on_answer: called on the loop with each answer; says when to ask again. A check that
                has taken too long has answered `Raised(NoAnswer)`; when it returns after all,
                that is one more answer.
            first_after: seconds until it is first asked.
            timeout: seconds after which a check that has not answered counts as failed.
            is_async: whether `check` is a coroutine function, where that cannot be seen.
            surroundings: the context variables in which it is called.
            kind: what is alike, such as a class or a task's name; a key of a dict. When one of a
                kind is slow, those that were never asked are taken for slow too.
        """
        runs_on_loop = inspect.iscoroutinefunction(check) if is_async is None else is_async
        watch = Watch(
            self,
            check,
            on_answer,
            timeout=timeout,
            is_async=runs_on_loop,
            surroundings=surroundings,
            kind=self._kinds.setdefault(kind, Slowness()),
        )
        watch.ask_in(first_after)
        return watch

    def at(self, due: float, act: Callable[[], None]) -> Timer:
        """Do something on the loop at an instant of its clock."""
        return self._timers.at(due, act)

    async def close(self) -> None:
        """Ask nothing any more. Takes a fraction of a second, also while a check hangs."""
        if self.is_closed:
            return
        self.is_closed = True
        self._timers.clear()
        for task in list(self._awaited):
            task.cancel()
        if self._awaited:
            await asyncio.wait(self._awaited, timeout=0.2)
        self._hands.close()

    # --- for its watches

    def send(self, watch: "Watch") -> None:
        """Make the call of a watch that is due."""
        if self.is_closed:
            return
        if watch.is_async:
            task = self.loop.create_task(
                self._await(watch), name="offload check", context=watch.surroundings
            )
            watch.task = task
            self._awaited.add(task)
            task.add_done_callback(self._awaited.discard)
        else:
            self._ready.append(watch)

    def _send(self) -> None:
        if self._ready:
            ready, self._ready = self._ready, []
            self._hands.take(ready)

    async def _await(self, watch: "Watch") -> None:
        """Await a check on the loop. No exception leaves: a SystemExit would end the loop."""
        try:
            async with self._places:
                async with asyncio.timeout(watch.timeout) as limit:
                    answer: Answer = Returned(await cast(Awaitable[Any], watch.ask()))
        except asyncio.CancelledError as error:
            if watch.is_dropped:
                return
            answer = Raised(error)
        except TimeoutError as error:
            answer = Raised(NoAnswer(watch.timeout) if limit.expired() else error)
        except BaseException as error:
            answer = Raised(error)
        watch.task = None
        watch.answered(answer)


class Slowness:
    """What is known of how long calls take."""

    __slots__ = ("quick_calls_owed",)

    def __init__(self) -> None:
        self.quick_calls_owed = 0

    def learn(self, seconds: float) -> None:
        """Learn how long one took; races between threads cost a call in the wrong crew."""
        owed = self.quick_calls_owed
        self.quick_calls_owed = QUICK_CALLS if seconds > STUCK_SECONDS else max(0, owed - 1)


class Watch:
    """One thing that is asked again and again; see `Engine.watch`.

    Attributes:
        next_at: when it is asked next, by the loop's clock; None while it is being asked.
        is_asked: a call has been made and has not returned.
    """

    __slots__ = (
        "_ask",
        "_engine",
        "_kind",
        "_on_answer",
        "_own",
        "_settled",
        "_timer",
        "is_asked",
        "is_async",
        "is_dropped",
        "surroundings",
        "task",
        "timeout",
    )

    def __init__(
        self,
        engine: Engine,
        ask: Callable[[], Any],
        on_answer: OnAnswer,
        *,
        timeout: float,
        is_async: bool,
        surroundings: contextvars.Context | None,
        kind: "Slowness",
    ) -> None:
        self.timeout = timeout
        self.is_async = is_async
        self.is_asked = False
        self.is_dropped = False
        self.surroundings = surroundings
        self.task: asyncio.Task[None] | None = None
        self._engine = engine
        self._ask = ask
        self._kind = kind
        self._own: Slowness | None = None
        self._on_answer = on_answer
        self._timer: Timer | None = None
        self._settled: asyncio.Event | None = None

    @property
    def next_at(self) -> float | None:
        """When it is asked next, by the loop's clock; None while it is being asked."""
        return None if self._timer is None else self._timer.due

    def ask_in(self, seconds: float) -> None:
        """Ask in so many seconds, instead of when it was planned; `math.inf`: not by itself."""
        if self.is_dropped:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds < math.inf:
            due = _together(self._engine.loop.time() + seconds, seconds)
            self._timer = self._engine.at(due, self._go)

    def cancel(self) -> None:
        """Ask no more; an answer that is still on its way is dropped, a coroutine is cancelled."""
        self.is_dropped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.task is not None:
            self.task.cancel()

    async def settle(self, seconds: float) -> bool:
        """Wait until no call of it is running; says whether that is so after `seconds`."""
        if (task := self.task) is not None:
            await asyncio.wait([task], timeout=seconds)
            return task.done()
        if self.is_asked:
            self._settled = self._settled or asyncio.Event()
            try:
                await asyncio.wait_for(self._settled.wait(), seconds)
            except TimeoutError:
                return False
        return True

    # --- for the engine and its threads

    @property
    def is_slow(self) -> bool:
        """Whether it was slow lately; of one that was never asked, whether its kind was."""
        return (self._own or self._kind).quick_calls_owed > 0

    def took(self, seconds: float) -> None:
        """Learn how long a call took; see `Call.took`."""
        self._own = self._own or Slowness()
        self._own.learn(seconds)
        self._kind.learn(seconds)

    def ask(self) -> object:
        """Make the call; see `Call.ask`."""
        if self.surroundings is None or self.is_async:
            return self._ask()
        return self.surroundings.run(self._ask)

    def answered(self, answer: Answer) -> None:
        """Take the answer, and plan the next call."""
        self.is_asked = False
        if self._settled is not None:
            self._settled.set()
        self._tell(answer)

    def overdue(self) -> None:
        """The call has not returned in time: that is an answer too."""
        self._tell(Raised(NoAnswer(self.timeout)))

    def _go(self) -> None:
        self._timer = None
        if self.is_asked:
            self._tell(Raised(NoAnswer(self.timeout)))
            return
        self.is_asked = True
        self._engine.send(self)

    def _tell(self, answer: Answer) -> None:
        if self.is_dropped or self._engine.is_closed:
            return
        try:
            seconds = self._on_answer(answer)
        except Exception:  # a fault of ours must not leave it unasked for ever
            log.critical("an answer could not be taken; asking again", exc_info=True)
            seconds = CHECK_SECONDS
        if seconds is None:
            self.cancel()
        else:
            self.ask_in(seconds)


def _together(due: float, seconds: float) -> float:
    """Put a due time off by at most 0.4 % of the wait, so that many are due at the same moments.

    Ten thousand things asked every ten seconds then wake the loop 32 times a second, and not 200.
    """
    step: float = 2.0 ** (math.frexp(seconds)[1] - 9)
    return math.ceil(due / step) * step if seconds > 0 else due
