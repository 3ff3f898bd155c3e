"""The chapters of a job's page: where its time went, its attempts, its receipts, its last lines.

Each is a list of lines that fit the page, empty where there is nothing to tell.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from textwrap import wrap
from typing import Any

from offload.cli.table import columns, ellipsis
from offload.cli.telling import visible
from offload.cli.times import duration, seconds_of

WIDTH = 80
"""Columns of a page, the usual ones of a terminal."""

MOST_ROWS = 30
"""Of a chapter: a job that is paused and resumed all day has thousands."""

_BAR = 30
_DAY = 86_400.0
_HEADINGS = ("#", "ended", "worker", "began", "ran", "paused", "memory", "cpu", "exit")
_GIVES_WAY = ("worker", "ended", "paused")
_LIMITS = ("timeout", "deadline", "memory", "interrupt")
_NAMES = {"interrupt": "shutdown", "memory": "memory limit"}


def paragraph(text: str, first: str = "  ", rest: str = "    ") -> list[str]:
    """Return text of unknown origin as lines that fit the page.

    What stands between backticks, a command to be copied, is not broken.
    """
    whole = _COMMAND.sub(lambda found: found[0].replace(" ", _NO_BREAK), visible(text))
    lines = wrap(whole, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
    return [line.replace(_NO_BREAK, " ") for line in lines]


_COMMAND = re.compile(r"`[^`\n]{1,60}`")
_NO_BREAK = "\0"
"""In no text that is `visible`."""


def paragraphs(texts: Iterable[str], first: str = "  ", rest: str = "    ") -> list[str]:
    """The same for several texts, of which the middle ones are left out where there are many."""
    told = few(["\n".join(paragraph(text, first, rest)) for text in texts])
    return [line for each in told for line in each.split("\n")]


def clock(instant: str, now: float) -> str:
    """Return an instant as the time of day, with its date where it is not of these hours."""
    seconds = seconds_of(instant)
    moment = datetime.fromtimestamp(seconds).astimezone()
    return f"{moment:%H:%M:%S}" if abs(now - seconds) < _DAY else f"{moment:%m-%d %H:%M:%S}"


def few(rows: Sequence[str]) -> list[str]:
    """Return the first rows and the last ones, and how many are left out between them."""
    if len(rows) <= MOST_ROWS:
        return list(rows)
    head, tail = MOST_ROWS // 3, MOST_ROWS - MOST_ROWS // 3
    return [*rows[:head], f"  {ellipsis()} {len(rows) - MOST_ROWS} more", *rows[-tail:]]


# --- where the time went


def timeline(spans: Sequence[Mapping[str, Any]], now: float) -> list[str]:
    """Return a line for each span, with a bar that is as long as its share."""
    longest = max((span["seconds"] for span in spans), default=0.0)
    return few([_span(span, now, longest) for span in spans])


def _span(span: Mapping[str, Any], now: float, longest: float) -> str:
    share = span["seconds"] / longest if longest else 0.0
    lasts = "" if span["ended_at"] else " ..."
    bar = "#" * max(round(share * _BAR), 1) + lasts
    took = duration(span["seconds"])
    return f"  {clock(span['began_at'], now)}  {span['stage']:7}  {took:>10}  {bar}"


# --- attempts


def attempts(items: Sequence[Mapping[str, Any]], now: float) -> list[str]:
    """Return the attempts as a table; a column in which nothing stands is left out."""
    if not items:
        return []
    rows = [_attempt(item, now) for item in items]
    told = [at for at, _ in enumerate(_HEADINGS) if any(row[at] for row in rows)]
    heading, *lines = columns(
        [_HEADINGS[at] for at in told],
        [[row[at] for at in told] for row in rows],
        gives_way=[name for name in _GIVES_WAY if _HEADINGS.index(name) in told],
        width=WIDTH - 2,
    )
    return [f"  {heading}", *few([f"  {line}" for line in lines])]


def _attempt(item: Mapping[str, Any], now: float) -> tuple[str, ...]:
    usage = item["usage"] or {}
    memory, cpu = usage.get("peak_memory"), usage.get("cpu_seconds")
    return (
        str(item["number"]),
        _ended(item),
        _worker(item),
        clock(item["began_at"], now),
        duration(item["active_seconds"]),
        duration(item["paused_seconds"]) if item["paused_seconds"] else "",
        "" if memory is None else f"{memory / 1e6:,.0f} MB",
        "" if cpu is None else duration(cpu),
        _exit(usage),
    )


def _ended(item: Mapping[str, Any]) -> str:
    """Name the end: the kind of failure says more than that it failed."""
    if item["ended"] is None:
        return "not yet"
    return str(item["code"] or _ENDS.get(item["ended"], item["ended"]))


_ENDS = {"attempt-failed": "failed", "stopped": "cancelled", "rescued": "worker died"}


def _worker(item: Mapping[str, Any]) -> str:
    """Name the worker, its process and its host: the last is what may be cut off."""
    said = [item["worker"], item["pid"] and f"pid {item['pid']}", item["host"]]
    return visible(", ".join(str(each) for each in said if each))


def _exit(usage: Mapping[str, Any]) -> str:
    if usage.get("signal"):
        return visible(usage["signal"])
    return "" if usage.get("exit_code") is None else str(usage["exit_code"])


# --- receipts


def receipts(items: Sequence[Mapping[str, Any]], now: float) -> list[str]:
    """Return each receipt as a sentence."""
    return paragraphs(_receipt(item, now) for item in items)


def _receipt(item: Mapping[str, Any], now: float) -> str:
    asked, at = item["asked"], clock(item["asked_at"], now)
    if asked in _LIMITS:
        return f"{_NAMES.get(asked, asked)} at {at}: {item['says']}"
    is_refused = item["outcome"] == "refused"  # then the reason says why, and stands in `says`
    why = f" ({item['reason']})" if item["reason"] and not is_refused else ""
    return f"{asked} asked at {at} by {by(item)}{why}: {item['says']}"


def by(said: Mapping[str, Any]) -> str:
    """Name who asked and through which door; most actors name theirs."""
    actor, door = said["by"], said["door"]
    return actor if actor.startswith(door) else f"{actor} through {door}"


# --- last lines


def last_lines(lines: Sequence[Mapping[str, Any]], whole: str, now: float) -> list[str]:
    """Return the last lines of a log, cut where they are too long; `whole` is how to see all."""
    before = lines[0]["n"] - 1 if lines else 0
    said = f"{before:,} line{'s' if before > 1 else ''} before these: {whole}"
    more = [f"  {ellipsis()} {said}"] if before else []
    return more + [_cut(_line(line, now)) for line in lines]


def _line(line: Mapping[str, Any], now: float) -> str:
    source = line["level"] or line["source"]
    return f"  {clock(line['at'], now)}  {visible(source):7}  {visible(_first(line['text']))}"


def _first(text: str) -> str:
    return text.rstrip().partition("\n")[0].expandtabs()


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}{ellipsis()}"


# --- next


def actions(job: Mapping[str, Any], way: str = "") -> list[str]:
    """Return what can be done next: only what would work now.

    Args:
        job: in the form of JSON.
        way: what stands behind a command so that it finds the job: ` --db FILE`.
    """
    offered = {
        f"offload {verb} {job['id']}{way}": promise
        for verb, promise in _ACTIONS.items()
        if verb in job["links"] or (verb == "watch" and not job["done"])
    }
    widest = max(map(len, offered), default=0)
    return [f"  {command:{widest}}  {promise}" for command, promise in offered.items()]


_ACTIONS = {
    "result": "print what it returned",
    "retry": "run it again, under the same number",
    "resume": "let it go on",
    "pause": "let it stand still",
    "cancel": "stop it for good",
    "watch": "see how it goes on",
}
