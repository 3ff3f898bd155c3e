"""Waiting for several jobs: whichever ends first, and what each of them is doing.

In the shape of `concurrent.futures`: `as_completed` and `wait`, for handles, black boxes and
groups, of one Offload or of several. What this process stores is heard without reading anything;
what others have stored is read, for all jobs at once.
"""

import asyncio
import queue
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import ExitStack, aclosing
from functools import partial
from typing import Any, Literal, NamedTuple, Protocol

from msgspec import Struct

from offload import model
from offload.ends import Ends, Listener
from offload.errors import UnknownJob
from offload.group import Group
from offload.house import House
from offload.job import Job
from offload.lifecycle import Shown, shown_state
from offload.model import State
from offload.store.base import Found, Get
from offload.submitted import BoxJob
from offload.verbs import Plan, ask

ReturnWhen = Literal["FIRST_COMPLETED", "FIRST_EXCEPTION", "ALL_COMPLETED"]

LOOK_AGAIN_SECONDS = 0.5
"""Whoever waits looks again after so long without having heard anything."""

READ_A_SECOND = 5_000
"""Of many jobs no more than so many a second are looked at again."""

NONE_FOUND = Found({}, 0)

Handle = Job[Any]
Asked = Iterable[Job[Any] | Group[Any]] | Group[Any] | Job[Any]


class Waited(NamedTuple):
    """What `wait` returns.

    Attributes:
        done: jobs that have ended, however.
        not_done: those that have not.
    """

    done: set[Handle]
    not_done: set[Handle]


def as_completed(jobs: Asked, timeout: float | None = None) -> "Completions":
    """Return the jobs one by one as they end: for `for` and for `async for`.

    Those that have ended already come first, in the order in which they ended. A black box that the
    store refused has ended, too: its `result()` says why.

    Args:
        jobs: handles, and groups, which stand for all their jobs.
        timeout: seconds from now on after which a `TimeoutError` is raised if not all have ended.
    """
    return Completions(jobs, timeout)


def wait(
    jobs: Asked, timeout: float | None = None, return_when: ReturnWhen = "ALL_COMPLETED"
) -> Waited:
    """Wait for several jobs; returns those that have ended, and those that have not.

    Args:
        jobs: handles, and groups, which stand for all their jobs.
        timeout: seconds to wait at most; None waits for ever.
        return_when: "ALL_COMPLETED", "FIRST_COMPLETED", or "FIRST_EXCEPTION": when the first one
            has failed, or all have ended.
    """
    completions, enough = Completions(jobs, timeout), _enough(return_when)
    try:
        for job in completions:
            if enough(completions, job):
                break
    except TimeoutError:
        pass
    return completions.waited()


async def await_(
    jobs: Asked, timeout: float | None = None, return_when: ReturnWhen = "ALL_COMPLETED"
) -> Waited:
    """`wait` without blocking the loop (the underscore because `await` is a keyword)."""
    completions, enough = Completions(jobs, timeout), _enough(return_when)
    try:
        async with aclosing(completions.__aiter__()) as ended:
            async for job in ended:
                if enough(completions, job):
                    break
    except TimeoutError:
        pass
    return completions.waited()


class Desk(Protocol):
    """What is needed of each Offload whose jobs are waited for."""

    def open(self) -> House:
        """Return what is open."""
        ...

    def run(self, plan: Plan[Found]) -> Found:
        """Carry a plan out, waiting for its answer."""
        ...

    async def perform(self, plan: Plan[Found]) -> Found:
        """Carry a plan out, awaiting its answer."""
        ...

    def hire(self, wanted: set[tuple[str, str]]) -> None:
        """See that somebody takes these: pairs of task and queue."""
        ...

    async def ahire(self, wanted: set[tuple[str, str]]) -> None:
        """The same without blocking the loop."""
        ...


class _Pile:
    """The jobs of one Offload that have not ended, by id."""

    def __init__(self, desk: Any) -> None:
        self.desk: Desk = desk
        self.pending: dict[int, list[Handle]] = {}
        self.wanted: set[tuple[str, str]] = set()

    @property
    def question(self) -> Plan[Found]:
        return ask(Get(tuple(self.pending), bodies=False))


class _Ended(Struct, frozen=True):
    """This process has stored the end of these jobs."""

    pile: _Pile
    jobs: tuple[model.Job, ...]


class _Changed(Struct, frozen=True):
    """Another process may have changed some jobs."""

    pile: _Pile


class _Accepted(Struct, frozen=True):
    """The job of a black box is stored, or refused."""

    job: BoxJob[Any]


_News = _Ended | _Changed | _Accepted


class Completions:
    """The jobs one by one as they end; see `as_completed`. Gone through once."""

    def __init__(self, jobs: Asked, timeout: float | None = None) -> None:
        self._asked = jobs
        self._timeout = timeout
        self._give_up_at = None if timeout is None else time.monotonic() + timeout
        self._piles: dict[int, _Pile] = {}
        self._all: dict[Handle, None] = {}
        self._unstored: set[Handle] = set()
        self._ready: deque[Handle] = deque()
        self._given: set[Handle] = set()
        self._failed: set[Handle] = set()
        self._heard: Callable[[_News], None] = lambda news: None

    def __iter__(self) -> Iterator[Handle]:
        """Yield the jobs as they end.

        Raises:
            TimeoutError: not all have ended in time.
        """
        news: queue.SimpleQueue[_News] = queue.SimpleQueue()
        self._heard = news.put
        with ExitStack() as stack:
            self._take_up(_handles(self._asked), stack)
            self._look(self._piles.values())
            while True:
                yield from self._given_out()
                seconds = self._seconds()
                if seconds is None:
                    return
                try:
                    first = news.get(timeout=seconds)
                    rest = [news.get_nowait() for _ in range(news.qsize())]
                    self._look(self._understood([first, *rest]))
                except queue.Empty:
                    self._look(self._piles.values())
                    for pile in self._piles.values():
                        pile.desk.hire(pile.wanted)

    async def __aiter__(self) -> AsyncGenerator[Handle, None]:
        """The same for a loop."""
        news: asyncio.Queue[_News] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def heard(what: _News) -> None:
            try:
                loop.call_soon_threadsafe(news.put_nowait, what)
            except RuntimeError:
                return  # the loop was closed: nobody waits there any more

        self._heard = heard
        with ExitStack() as stack:
            self._take_up(await _ahandles(self._asked), stack)
            await self._alook(self._piles.values())
            while True:
                for job in self._given_out():
                    yield job
                seconds = self._seconds()
                if seconds is None:
                    return
                try:
                    async with asyncio.timeout(seconds):
                        first = await news.get()
                except TimeoutError:
                    await self._alook(self._piles.values())
                    for pile in self._piles.values():
                        await pile.desk.ahire(pile.wanted)
                else:
                    rest = [news.get_nowait() for _ in range(news.qsize())]
                    await self._alook(self._understood([first, *rest]))

    @property
    def failed(self) -> set[Handle]:
        """Those that have failed, or were refused."""
        return self._failed

    def waited(self) -> Waited:
        """Return what has ended by now, and what has not."""
        done = self._given | set(self._ready)
        return Waited(done, self._all.keys() - done)

    # --- who is waited for

    def _take_up(self, jobs: Iterable[Handle], stack: ExitStack) -> None:
        self._all = dict.fromkeys(jobs)
        for job in self._all:
            if isinstance(job, BoxJob) and not job.accepted.done():
                self._unstored.add(job)
                self._pile_of(job, stack)
                job.accepted.add_done_callback(partial(self._tell_of, job))
            else:
                self._pile_of(job, stack)
                self._expect(job)

    def _tell_of(self, job: BoxJob[Any], _: object) -> None:
        self._heard(_Accepted(job))

    def _expect(self, job: Handle) -> None:
        if isinstance(job, BoxJob) and job.accepted.exception() is not None:
            self._failed.add(job)
            self._ready.append(job)
        else:
            self._piles[id(job.desk)].pending.setdefault(job.id, []).append(job)

    def _pile_of(self, job: Handle, stack: ExitStack) -> None:
        if id(job.desk) in self._piles:
            return
        pile = self._piles[id(job.desk)] = _Pile(job.desk)
        ends: Ends = pile.desk.open().ends

        def ended(jobs: tuple[model.Job, ...]) -> None:
            ours = tuple(each for each in jobs if each.id in pile.pending)
            if ours:
                self._heard(_Ended(pile, ours))

        def changed(ids: tuple[int, ...] | None) -> None:
            if ids is None or any(each in pile.pending for each in ids):
                self._heard(_Changed(pile))

        stack.callback(ends.listen(Listener(ended, changed)))

    # --- what is heard of them

    def _understood(self, news: Iterable[_News]) -> Iterable[_Pile]:
        """Take news in; returns whose jobs have to be looked at."""
        doubtful: dict[int, _Pile] = {}
        for each in news:
            match each:
                case _Ended(pile, jobs):
                    for job in jobs:
                        self._end(pile, job.id, job)
                case _Changed(pile):
                    doubtful[id(pile)] = pile
                case _Accepted(box):
                    self._unstored.discard(box)
                    self._expect(box)
                    pile = self._piles[id(box.desk)]
                    doubtful[id(pile)] = pile
        return doubtful.values()

    def _look(self, piles: Iterable[_Pile]) -> None:
        for pile in piles:
            if pile.pending:
                self._read(pile, pile.desk.run(pile.question))

    async def _alook(self, piles: Iterable[_Pile]) -> None:
        for pile in piles:
            if pile.pending:
                self._read(pile, await pile.desk.perform(pile.question))

    def _read(self, pile: _Pile, found: Found) -> None:
        """Compare with what was read: a job that is there no more has ended, too."""
        _check_issued(pile.pending, found)
        gone = [each for each in pile.pending if each not in found.jobs]
        for job_id in gone:
            self._end(pile, job_id, None)
        ended = [job for job in found.jobs.values() if job.is_finished]
        for job in sorted(ended, key=lambda job: job.finished_at or 0.0):
            self._end(pile, job.id, job)
        pile.wanted = {(job.task, job.queue) for job in found.jobs.values() if not job.is_finished}

    def _end(self, pile: _Pile, job_id: int, job: model.Job | None) -> None:
        handles = pile.pending.pop(job_id, [])
        self._ready.extend(handles)
        if job is not None and job.state is State.FAILED:
            self._failed.update(handles)

    def _given_out(self) -> Iterator[Handle]:
        while self._ready:
            job = self._ready.popleft()
            self._given.add(job)
            yield job

    def _seconds(self) -> float | None:
        """Seconds to wait for news; None when all have ended.

        Raises:
            TimeoutError: the time is over.
        """
        pending = sum(len(pile.pending) for pile in self._piles.values()) + len(self._unstored)
        if not pending:
            return None
        again = max(LOOK_AGAIN_SECONDS, pending / READ_A_SECOND)
        if self._give_up_at is None:
            return again
        left = self._give_up_at - time.monotonic()
        if left <= 0:
            raise TimeoutError(
                f"{len(self._all) - len(self._given)} of {len(self._all)} jobs have not ended in "
                f"{self._timeout:g} s; they go on"
            )
        return min(again, left)


class Several(Struct, frozen=True):
    """Several jobs that are asked about at once.

    Attributes:
        jobs: their handles, in the order asked for.
        ids: the numbers of those that are stored.
    """

    jobs: tuple[Handle, ...]
    ids: tuple[int, ...]

    @classmethod
    def of(cls, asked: Any, desk: Any) -> "Several":
        """Take handles, ids and groups."""
        return cls._of(_handles(asked, desk))

    @classmethod
    async def aof(cls, asked: Any, desk: Any) -> "Several":
        """The same without blocking the loop."""
        return cls._of(await _ahandles(asked, desk))

    @classmethod
    def _of(cls, found: Iterable[Handle]) -> "Several":
        jobs = tuple(dict.fromkeys(job for job in found if not _was_refused(job)))
        return cls(jobs, tuple(job.id for job in jobs if _is_stored(job)))

    def question(self) -> Plan[Found]:
        """Return the plan that reads those that are stored."""
        return ask(Get(self.ids, bodies=False))

    def states(self, found: Found, now: float) -> dict[Handle, Shown]:
        """Return the state of each that is kept."""
        _check_issued(self.ids, found)
        states: dict[Handle, Shown] = {}
        stored = set(self.ids)
        for job in self.jobs:
            if not _is_stored(job) or job.id not in stored:  # perhaps it is by now
                states[job] = Shown.QUEUED
            elif job.id in found.jobs:
                states[job] = shown_state(found.jobs[job.id], now)
        return states


def _check_issued(ids: Iterable[int], found: Found) -> None:
    for job_id in ids:
        if not 0 < job_id <= found.issued and job_id not in found.jobs:
            raise UnknownJob(job_id)


def _is_stored(job: Handle) -> bool:
    return not isinstance(job, BoxJob) or job.accepted.done()


def _was_refused(job: Handle) -> bool:
    return isinstance(job, BoxJob) and job.accepted.done() and job.accepted.exception() is not None


def _handles(asked: Any, desk: Any = None) -> Iterator[Handle]:
    for each in _each(asked):
        if isinstance(each, Group):
            yield from each.jobs()
        else:
            yield _handle(each, desk)


async def _ahandles(asked: Any, desk: Any = None) -> list[Handle]:
    found: list[Handle] = []
    for each in _each(asked):
        found += await each.ajobs() if isinstance(each, Group) else [_handle(each, desk)]
    return found


def _each(asked: Any) -> Iterable[Any]:
    return (asked,) if isinstance(asked, Group | Job) else tuple(asked)


def _handle(each: object, desk: Any) -> Handle:
    if isinstance(each, Job):
        return each
    if desk is not None and type(each) is int:
        return Job(each, desk)
    also = ", groups or ids" if desk is not None else " or groups"
    raise TypeError(f"jobs are handles{also}, not {each!r}")


def _enough(return_when: str) -> Callable[[Completions, Handle], bool]:
    match return_when:
        case "ALL_COMPLETED":
            return lambda completions, job: False
        case "FIRST_COMPLETED":
            return lambda completions, job: True
        case "FIRST_EXCEPTION":
            return lambda completions, job: job in completions.failed
    raise ValueError(
        f"return_when can be 'ALL_COMPLETED', 'FIRST_COMPLETED' or 'FIRST_EXCEPTION', "
        f"not {return_when!r}"
    )
