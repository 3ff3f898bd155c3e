"""Checks the handles of one task together: at most so many a call, on a common grid of times.

All handles share one grid of times, so that n of them take ⌈n / limit⌉ calls a round, however they
came; who is to be asked in between waits for the next line of the grid. It begins where the first
handle came; only who is to be asked sooner than an interval from now is gathered on a finer one.
Calls are made one after the other: whoever is asked answers for many, and is spared.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from offload.text import capped_repr
from offload.worker.polling.answer import Answer, Raised, Returned
from offload.worker.polling.engine import Engine, OnAnswer, Watch

FINE_SECONDS = 1.0

_ALMOST = 0.001
"""Seconds by which something may miss a line of the grid and still belong to it."""


class Batches:
    """The handles of one task that wait together. On the loop only.

    Args:
        engine: makes the calls.
        check_many: takes a list of handles; gives an answer for each, in their order. An exception
            in the list is the answer of that handle; one that is raised is everybody's.
        limit: handles a call at most.
        interval: seconds from one line of the grid to the next.
        timeout: seconds after which a call that has not answered counts as failed.
        is_async: whether `check_many` is a coroutine function.
        kind: see `Engine.watch`.
    """

    def __init__(
        self,
        engine: Engine,
        check_many: Callable[[list[Any]], Any],
        *,
        limit: int,
        interval: float,
        timeout: float,
        is_async: bool,
        kind: object,
    ) -> None:
        self._engine = engine
        self._check_many = check_many
        self._limit = limit
        self._interval = interval
        self._timeout = timeout
        self._is_async = is_async
        self._kind = kind
        self._origin: float | None = None
        self._lines: dict[float, list[Member]] = {}
        self._due: deque[tuple[Member, float]] = deque()
        self._asked: list[Member] = []
        self._caller: Watch | None = None

    def watch(self, handle: Any, on_answer: OnAnswer, *, first_after: float = 0.0) -> "Member":
        """Ask about a handle again and again; as `Engine.watch`, at the next line of the grid."""
        member = Member(self, handle, on_answer)
        member.ask_in(first_after)
        return member

    # --- the grid

    def plan(self, member: "Member", seconds: float) -> None:
        """Note a member on the first line of the grid that is not before."""
        now = self._engine.loop.time()
        if self._origin is None:
            self._origin = now
        # An answer comes a moment after its line; counted from there, every second line were lost.
        since = member.asked_on if seconds <= self._interval else None
        due = max(now, (now if since is None else since) + seconds)
        step = min(self._interval, FINE_SECONDS) if seconds < self._interval else self._interval
        count = math.ceil((due - self._origin - _ALMOST) / step)
        line = self._origin + count * step
        members = self._lines.get(line)
        if members is None:
            members = self._lines[line] = []
            self._engine.at(line, lambda: self._reach(line))
        members.append(member)
        member.line = line

    def _reach(self, line: float) -> None:
        self._due.extend((member, line) for member in self._lines.pop(line))
        self._go()

    # --- the calls, one after the other

    def _go(self) -> None:
        """Begin with what is due, unless a call is on its way."""
        if self._asked:
            return
        while self._due and len(self._asked) < self._limit:
            member, line = self._due.popleft()
            if member.line == line and not member.is_dropped:
                member.asked_on, member.line = line, None
                self._asked.append(member)
        if not self._asked:
            return
        if self._caller is None:
            self._caller = self._engine.watch(
                self._call_on_loop if self._is_async else self._call,
                self._take,
                timeout=self._timeout,
                is_async=self._is_async,
                kind=self._kind,
            )
        else:
            self._caller.ask_in(0.0)

    def _call(self) -> "_Said":
        asked = self._asked
        try:
            return _Said(asked, _each(self._check_many(_handles(asked)), len(asked)))
        except BaseException as error:  # everybody's; it ends no thread of ours
            return _Said(asked, [Raised(error)] * len(asked))

    async def _call_on_loop(self) -> "_Said":
        asked = self._asked
        try:
            return _Said(asked, _each(await self._check_many(_handles(asked)), len(asked)))
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            return _Said(asked, [Raised(error)] * len(asked))

    def _take(self, answer: Answer) -> float | None:
        """Give each member its own answer, then go on."""
        said = answer.value if isinstance(answer, Returned) else None
        if said is None or said.asked is self._asked:
            asked, self._asked = self._asked, []
            answers = [answer] * len(asked) if said is None else said.answers
            pairs = list(zip(asked, answers, strict=True))
        else:
            # A call that was given up has answered after all, while others are being asked.
            late = zip(said.asked, said.answers, strict=True)
            pairs = [(member, each) for member, each in late if member.line is not None]
        for member, each in pairs:
            member.answered(each)
        self._go()
        return 0.0 if self._asked else math.inf


class _Said(NamedTuple):
    """Who was asked in one call, and what it gave for each."""

    asked: "list[Member]"
    answers: Sequence[Answer]


class Member:
    """One handle of many; what `Watch` is to a single one.

    Attributes:
        handle: what is asked about.
        line: the line of the grid on which it is noted, by the loop's clock; None while it is
            being asked.
        asked_on: the line on which it was asked last.
        is_dropped: nobody waits for it any more.
    """

    __slots__ = ("_batches", "_on_answer", "asked_on", "handle", "is_dropped", "line")

    def __init__(self, batches: Batches, handle: Any, on_answer: OnAnswer) -> None:
        self.handle = handle
        self.line: float | None = None
        self.asked_on: float | None = None
        self.is_dropped = False
        self._batches = batches
        self._on_answer = on_answer

    def ask_in(self, seconds: float) -> None:
        """Ask at the next line of the grid that is not before so many seconds."""
        if not self.is_dropped:
            self._batches.plan(self, seconds)

    def cancel(self) -> None:
        """Ask no more; an answer that is still on its way is dropped."""
        self.is_dropped = True

    async def settle(self, seconds: float) -> bool:
        """Nothing of its own is running: a call that asks about many goes on."""
        return True

    def answered(self, answer: Answer) -> None:
        """Take the answer, and plan the next call."""
        if self.is_dropped:
            return
        seconds = self._on_answer(answer)
        if seconds is None:
            self.cancel()
        else:
            self.ask_in(seconds)


def _handles(members: "list[Member]") -> list[Any]:
    return [member.handle for member in members]


def _each(value: Any, count: int) -> Sequence[Answer]:
    """Take what a call returned apart into as many answers as there were handles."""
    what = f"it returned {capped_repr(value, limit=80)}"
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
        found = list(value)
        if len(found) == count:
            return [_answer(one) for one in found]
        what = f"it returned {len(found)} answers"
    raise ValueError(
        f"check_many was given {count} handles and has to return a list with an answer for each, "
        f"in their order; {what}"
    )


def _answer(one: Any) -> Answer:
    return Raised(one) if isinstance(one, BaseException) else Returned(one)
