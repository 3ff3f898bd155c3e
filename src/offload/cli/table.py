"""Jobs as a table that fits the terminal."""

import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from offload.cli.page import coloured, progress_text
from offload.cli.telling import visible
from offload.cli.times import duration, seconds_of
from offload.values import encode

HEADINGS = ("id", "state", "task", "parameters", "progress", "age", "took")
GAP = "  "
LEAST_PARAMETERS = 12
"""The parameters give way where the terminal is narrow; so much of them stays."""


def table(jobs: Sequence[Mapping[str, Any]], now: float, width: int | None = None) -> str:
    """Return the table.

    Args:
        jobs: in the form of JSON.
        now: the instant, in seconds since the epoch.
        width: columns; those of the terminal by default.
    """
    rows = [HEADINGS, *(_row(job, now) for job in jobs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    columns = shutil.get_terminal_size((100, 0)).columns if width is None else width
    excess = sum(widths) + len(GAP) * (len(widths) - 1) - columns
    place = HEADINGS.index("parameters")
    widths[place] = max(min(widths[place], LEAST_PARAMETERS), widths[place] - max(excess, 0))
    return "\n".join(_line(row, widths, is_heading=row is HEADINGS) for row in rows)


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
    return visible(" ".join(f"{name}={_short(value)}" for name, value in params.items()))


def _short(value: object) -> str:
    text = value if isinstance(value, str) else encode(value).decode()
    text = text.replace("\n", " ")
    return text if len(text) <= 40 else f"{text[:39]}…"


def _took(job: Mapping[str, Any], now: float) -> str:
    if not job["started_at"]:
        return ""
    end = seconds_of(job["finished_at"]) if job["finished_at"] else now
    return duration(end - seconds_of(job["started_at"]))


def _line(row: Sequence[str], widths: Sequence[int], *, is_heading: bool) -> str:
    cells = [_fitted(text, width) for text, width in zip(row, widths, strict=True)]
    if not is_heading:
        cells[1] = cells[1].replace(row[1], coloured(row[1]))
    return GAP.join(cells).rstrip()


def _fitted(text: str, width: int) -> str:
    return text.ljust(width) if len(text) <= width else f"{text[: width - 1]}…"
