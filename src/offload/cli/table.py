"""Jobs, and whatever else there are several of, as a table that fits the terminal."""

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from offload.cli.page import coloured, progress_text
from offload.cli.telling import visible
from offload.cli.times import duration, seconds_of
from offload.values import encode

HEADINGS = ("id", "state", "task", "parameters", "progress", "age", "took")
GIVES_WAY = ("parameters", "took", "age", "progress")
GAP = "  "
LEAST_WIDTH = 12
"""So much stays of a column that gives way where the terminal is narrow."""


def columns(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    gives_way: Sequence[str] = (),
    width: int | None = None,
) -> list[str]:
    """Return rows of text, the headings first, as lines that fit the terminal.

    Args:
        headings: of the columns.
        rows: a text for each column.
        gives_way: the columns that are cut where the terminal is narrow, and if that is not enough
            left out, the first one first.
        width: columns of the terminal; what it has by default.
    """
    room = shutil.get_terminal_size((100, 0)).columns if width is None else width
    widths = dict(zip(headings, _widths(headings, rows), strict=True))
    for heading in gives_way:
        least = max(LEAST_WIDTH, len(heading))
        widths[heading] -= min(max(widths[heading] - least, 0), _excess(widths, room))
    for heading in gives_way:
        if _excess(widths, room):
            del widths[heading]
    return [_line(dict(zip(headings, row, strict=True)), widths) for row in (headings, *rows)]


def _widths(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[int]:
    return (max(map(len, texts)) for texts in zip(headings, *rows, strict=True))


def _excess(widths: Mapping[str, int], room: int) -> int:
    return max(sum(widths.values()) + len(GAP) * (len(widths) - 1) - room, 0)


def _line(texts: Mapping[str, str], widths: Mapping[str, int]) -> str:
    return GAP.join(_fitted(texts[name], width) for name, width in widths.items()).rstrip()


def table(jobs: Sequence[Mapping[str, Any]], now: float, width: int | None = None) -> str:
    """Return the table.

    Args:
        jobs: in the form of JSON.
        now: the instant, in seconds since the epoch.
        width: columns; those of the terminal by default.
    """
    rows = [_row(job, now) for job in jobs]
    heading, *lines = columns(HEADINGS, rows, gives_way=GIVES_WAY, width=width)
    return "\n".join([heading, *map(_in_colour, lines, rows)])


def _row(job: Mapping[str, Any], now: float) -> tuple[str, ...]:
    return (
        str(job["id"]),
        job["state"],
        job["task"],
        _parameters(job["params"]),
        progress_text(job["progress"]),
        duration(now - seconds_of(job["created_at"])),
        _took(job, now),
    )


def _parameters(params: Mapping[str, Any]) -> str:
    said = " ".join(f"{name}={_short(value)}" for name, value in params.items())
    return visible(" ".join(said.split()))


def _short(value: object) -> str:
    text = value if isinstance(value, str) else encode(value).decode()
    return text if len(text) <= 40 else f"{text[:39]}{ellipsis()}"


def _took(job: Mapping[str, Any], now: float) -> str:
    if not job["started_at"]:
        return ""
    end = seconds_of(job["finished_at"]) if job["finished_at"] else now
    return duration(end - seconds_of(job["started_at"]))


def _in_colour(line: str, row: Sequence[str]) -> str:
    """Colour the state, which stands behind the id."""
    return line.replace(f" {row[1]}", f" {coloured(row[1])}", 1)


def _fitted(text: str, width: int) -> str:
    return text.ljust(width) if len(text) <= width else f"{text[: width - 1]}{ellipsis()}"


def ellipsis() -> str:
    """Return what stands for what was cut off, one column wide on every terminal."""
    try:
        "…".encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return "~"
    return "…"
