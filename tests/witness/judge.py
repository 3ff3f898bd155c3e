"""Judges a torture by what the bodies witnessed, the answers that clients got, and how jobs ended.

Pure. A body that began and has no end was killed with its process; that is an end too. Whether it
was dead when the next body of its job began was looked at by that body, at that moment.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

MOST_CRASHES = 3

ALWAYS_RAISES = "failing"
ONCE = "once"
IN_CHILDREN = ("working", "deaf", "failing", "keeping_in_process")


class Line(NamedTuple):
    """One line of the witness file.

    `how` is how a body has ended, who ran beside it, or of which item it tells.
    """

    word: str
    job: int
    attempt: int
    pid: int
    start: str
    at: int
    how: str = ""


class Ended(NamedTuple):
    """A job as it is stored after everything: how often each final event happened, and the rest."""

    task: str
    state: str
    code: str | None
    message: str
    value: object
    endings: int
    crashes: int


class Still(NamedTuple):
    """A job that was shown as paused, in one version of its row, at both ends of a time."""

    job: int
    since: int
    until: int


class Account(NamedTuple):
    """What the clients know.

    Attributes:
        started: the number that each job was started with.
        cancelled: who was cancelled.
        still: who was seen to be paused, and when.
    """

    started: Mapping[int, int]
    cancelled: frozenset[int]
    still: tuple[Still, ...] = ()


def read(text: str) -> list[Line]:
    """Read a witness file. The last line of a full disk apart, a line is whole."""
    lines = []
    for line in text.splitlines():
        word, job, attempt, pid, start, at, *how = line.split()
        lines.append(Line(word, int(job), int(attempt), int(pid), start, int(at), *how))
    return lines


def judge(lines: Sequence[Line], account: Account, ended: Mapping[int, Ended]) -> Iterator[str]:
    """Return what is wrong."""
    bodies: dict[int, list[Line]] = defaultdict(list)
    for line in lines:
        bodies[line.job].append(line)
    for job, number in account.started.items():
        if job not in ended:
            yield f"P1: job {job} was acknowledged and is not there"
            continue
        yield from _outcome(job, number, bodies[job], ended[job], job in account.cancelled)
    for job, told in bodies.items():
        yield from _one_at_a_time(job, told)
        in_child = job in ended and ended[job].task in IN_CHILDREN
        yield from _attempts(job, told, in_child)
        yield from _kept(job, told)
    for still in account.still:
        yield from _stood_still(still, bodies[still.job])


def _outcome(
    job: int, number: int, told: Sequence[Line], end: Ended, was_cancelled: bool
) -> Iterator[str]:
    """P3: one final outcome, and one that the bodies bear out."""
    hows = [line.how for line in told if line.word == "end"]
    begins = sum(line.word == "begin" for line in told)
    what = f"job {job} ({end.task}), begun {begins} times, is {end.state}"
    if end.endings != 1:
        yield f"P3: {what} and has {end.endings} final outcomes"
    if end.state == "succeeded":
        if "done" not in hows:
            yield f"P3: {what}, and no body of it has come to its end"
        if end.value != number:
            yield f"S8: {what} with {end.value!r} instead of {number}"
    elif end.state == "failed":
        yield from _failure(what, hows, begins, end)
    elif end.state != "cancelled":
        yield f"L7: {what}"
    elif not was_cancelled:
        yield f"P4: {what}, and nobody has cancelled it"


def _failure(what: str, hows: Sequence[str], begins: int, end: Ended) -> Iterator[str]:
    """A job may fail by its own exception, and by what was done to it."""
    match end.code:
        case "exception":
            if end.task != ALWAYS_RAISES or "raised" not in hows:
                yield f"P3: {what} by an exception that its body did not raise: {end.message}"
        case "crash-loop":
            if end.crashes < MOST_CRASHES:
                yield f"S19: {what} as a crash loop after {end.crashes} crashes"
        case "killed":  # also just after the body's end, before that was stored
            if end.task not in IN_CHILDREN:
                yield f"P3: {what} as killed, and had no process of its own"
        case "lost":
            if end.task != ONCE:
                yield f"P3: {what} as lost, and could have run again"
        case _:
            yield f"P3: {what} ({end.code}): {end.message}"
    if end.task == ONCE and begins > 1:
        yield f"P3: {what} ({end.code}), and was not to be repeated"


def _one_at_a_time(job: int, told: Sequence[Line]) -> Iterator[str]:
    """P2: never two bodies of one job at the same time."""
    for line in told:
        if line.word == "beside":
            yield f"P2: job {job} began in process {line.pid} while {line.how} still ran it"
    ends = {(line.pid, line.start, line.attempt): line.at for line in told if line.word == "end"}
    begins = [line for line in told if line.word == "begin"]
    for before, after in pairwise(begins):
        key = (before.pid, before.start, before.attempt)
        repeated = (after.pid, after.start, after.attempt) == key
        if not repeated and ends.get(key, 0) > after.at:
            yield f"P2: job {job} began in process {after.pid} before it ended in {before.pid}"


def _attempts(job: int, told: Iterable[Line], in_child: bool) -> Iterator[str]:
    """S3: the attempt is the first, the same once more, or the next one after one that failed.

    A worker tells of a child's death, which then is the attempt's failure; of its own it cannot.
    """
    last, has_failed = 1, False
    for line in told:
        if line.word == "end":
            has_failed = in_child or line.how == "raised"
        if line.word != "begin":
            continue
        if line.attempt not in (last, last + 1 if has_failed else last):
            yield f"S3: job {job} began attempt {line.attempt} after attempt {last}"
        last, has_failed = line.attempt, in_child


def _kept(job: int, told: Sequence[Line]) -> Iterator[str]:
    """P6: what was said to be stored is found, and what is behind it is never done again."""
    highest, has_begun = 0, False
    for line in told:
        match line.word:
            case "kept":
                highest = max(highest, int(line.how))
            case "found" if int(line.how) < highest:
                yield f"P6: job {job} found {line.how}, and {highest} was kept"
            case "item" if int(line.how) <= highest:
                yield f"P6: job {job} did item {line.how} again, and {highest} was kept"
            case "step" if has_begun:
                yield f"P6: job {job} took its step again"
        has_begun = has_begun or line.word == "item"


def _stood_still(still: Still, told: Sequence[Line]) -> Iterator[str]:
    """P5: from whoever is shown as paused nothing comes. That it is unwound is another thing."""
    for line in told:
        if line.word in ("item", "kept", "begin") and still.since < line.at < still.until:
            yield f"P5: job {still.job} was shown as paused and wrote {line.word!r}"
