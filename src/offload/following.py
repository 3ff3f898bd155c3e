"""A job's log as it is read: a page, all of it, or line after line until the job has ended.

Following is looking again, four times a second as long as somebody does it. Lines are stored no
more often than that, so a wake-up for each would be dearer and hardly sooner.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TypedDict

from msgspec import Struct
from msgspec.structs import replace

from offload import verbs
from offload.model import StoredLine
from offload.shapes import instant
from offload.store.base import Log, Logged
from offload.store.logs import LEVELS
from offload.verbs import Plan

__all__ = [
    "AT_ONCE",
    "LEVELS",
    "LOOK_SECONDS",
    "LineShape",
    "LinesPage",
    "LogPage",
    "Wanted",
    "alines",
    "asked",
    "further",
    "lines",
    "look",
    "page_shape",
    "plain",
    "shapes_of",
]

LOOK_SECONDS = 0.25
"""Between two looks at a log that is followed: no more often are lines stored."""

AT_ONCE = 500
"""Lines that are read with one look."""


class LogPage(Struct, frozen=True):
    """Some lines of a job's log, oldest first.

    Attributes:
        after: the next page begins behind this number.
        more: there is one already.
        done: the job has ended, so nothing is written any more.
        newest: the number of the last line that the job has written.
        kept: how many of them are kept.
    """

    lines: list[StoredLine]
    after: int
    more: bool
    done: bool
    newest: int
    kept: int


class LineShape(Struct, frozen=True):
    """A line as JSON.

    Attributes:
        level: of a logger's record; null where it was printed.
        skipped: so many lines before it were not kept. 0 where only some lines were asked for.
    """

    n: int
    attempt: int
    at: str
    level: str | None
    source: str
    text: str
    skipped: int


class LinesPage(Struct, frozen=True):
    """A page as JSON; see `LogPage`."""

    items: list[LineShape]
    after: int
    more: bool
    done: bool
    newest: int
    kept: int


def asked(
    job_id: int,
    *,
    after: int = 0,
    limit: int = AT_ONCE,
    tail: bool = False,
    level: str | None = None,
    text: str | None = None,
    attempt: int | None = None,
    source: str | None = None,
) -> Log:
    """Return what is asked of a log.

    Args:
        job_id: the job.
        after: only lines behind this number.
        limit: how many at most.
        tail: the newest ones.
        level: only what is of this level or above; what was printed counts as INFO.
        text: only lines that contain it, whatever the case of its letters a to z.
        attempt: only lines of this attempt.
        source: only what comes from there: "stdout", "stderr", or a logger's name.

    Raises:
        ValueError: there is no such level.
    """
    if level is not None and level.upper() not in LEVELS:
        raise ValueError(f"there is no level {level!r}; there are {', '.join(LEVELS)}")
    weight = None if level is None else level.upper()
    return Log(job_id, after, limit, weight, text or None, tail, attempt, source)


def look(log: Log) -> Plan[LogPage]:
    """Read a page.

    Raises:
        UnknownJob, Evicted: there is no such job.
    """
    # The job first: where it had ended then, every line of it is there now.
    job = yield from verbs.fetch(log.job_id, bodies=False)
    logged: Logged = yield log
    found = logged.lines
    is_full = len(found) == log.limit
    after = found[-1].n if found and is_full else max(log.after, logged.newest)
    more = is_full and not log.tail and after < logged.newest
    return LogPage(found, after, more, job.is_finished, logged.newest, logged.kept)


class Wanted(TypedDict, total=False):
    """What a reader of a log may say; see `Offload.logs`."""

    follow: bool
    after: int
    tail: int | None
    level: str | None
    text: str | None
    attempt: int | None
    source: str | None


def lines(
    run: Callable[[Plan[LogPage]], LogPage], job_id: int, wanted: Wanted
) -> Iterator[StoredLine]:
    """Return the lines, one after the other.

    Args:
        run: carries a plan out, waiting for each answer.
        job_id: the job.
        wanted: which lines, and whether to wait for further ones until the job has ended.

    Raises:
        ValueError: there is no such level.
    """
    return _lines(run, _log_of(job_id, wanted), follow=wanted.get("follow", False))


def alines(
    perform: Callable[[Plan[LogPage]], Awaitable[LogPage]], job_id: int, wanted: Wanted
) -> AsyncIterator[StoredLine]:
    """The same without blocking the loop."""
    return _alines(perform, _log_of(job_id, wanted), follow=wanted.get("follow", False))


def _lines(
    run: Callable[[Plan[LogPage]], LogPage], log: Log, *, follow: bool
) -> Iterator[StoredLine]:
    while True:
        page = run(look(log))
        yield from page.lines
        if not page.more:
            if page.done or not follow:
                return
            time.sleep(LOOK_SECONDS)
        log = further(log, page)


async def _alines(
    perform: Callable[[Plan[LogPage]], Awaitable[LogPage]], log: Log, *, follow: bool
) -> AsyncIterator[StoredLine]:
    while True:
        page = await perform(look(log))
        for line in page.lines:
            yield line
        if not page.more:
            if page.done or not follow:
                return
            await asyncio.sleep(LOOK_SECONDS)
        log = further(log, page)


def _log_of(job_id: int, wanted: Wanted) -> Log:
    tail = wanted.get("tail")
    return asked(
        job_id,
        after=wanted.get("after", 0),
        limit=AT_ONCE if tail is None else tail,
        tail=tail is not None,
        level=wanted.get("level"),
        text=wanted.get("text"),
        attempt=wanted.get("attempt"),
        source=wanted.get("source"),
    )


def further(log: Log, page: LogPage) -> Log:
    """Return what is asked behind a page."""
    return replace(log, after=page.after, tail=False, limit=AT_ONCE)


def page_shape(log: Log, page: LogPage) -> LinesPage:
    """Return the shape of a page."""
    items = shapes_of(log, page.lines)
    return LinesPage(items, page.after, page.more, page.done, page.newest, page.kept)


def shapes_of(log: Log, found: list[StoredLine]) -> list[LineShape]:
    """Return the shapes of what was asked: each knows what is missing before it."""
    is_whole = log.level is None and log.text is None
    is_whole = is_whole and log.attempt is None and log.source is None
    shapes: list[LineShape] = []
    before = log.after
    for line in found:
        is_known = is_whole and (bool(shapes) or not log.tail)
        shapes.append(_shape(line, line.n - before - 1 if is_known else 0))
        before = line.n
    return shapes


def _shape(line: StoredLine, skipped: int) -> LineShape:
    return LineShape(
        n=line.n,
        attempt=line.attempt,
        at=instant(line.at),
        level=line.level or None,
        source=line.source,
        text=line.text,
        skipped=skipped,
    )


def plain(shape: LineShape) -> str:
    """Return a line for people: when, from where, what; and first what is missing before it."""
    whence = f"{shape.level} {shape.source}" if shape.level else shape.source
    said = f"{shape.at} {whence}: {shape.text}\n"
    return f"{gap(shape.skipped)}\n{said}" if shape.skipped else said


def gap(skipped: int) -> str:
    """Say how many lines are missing."""
    what = "line was" if skipped == 1 else "lines were"
    return f"… {skipped:,} {what} not kept …"
