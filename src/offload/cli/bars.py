"""Watched jobs as bars on a terminal, drawn anew in their place at every look.

The only module that imports rich, which takes some 50 ms: it is imported where bars are drawn.
"""

import time
from collections.abc import Callable, Sequence
from typing import TextIO

from rich.console import Console, JustifyMethod, OverflowMethod
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from offload.cli.line import Line, Track
from offload.cli.page import COLOURS
from offload.cli.verbs import JobView

TASK, COUNT, BAR = 16, 20, 10
"""Columns: the most of a task's name and of a count, the least of a bar."""

LONGEST_BAR, LEAST_NOTE = 40, 12

STEADY = {"state": 10, "count": 6, "rate": 6, "time": 10}
"""So wide at least, that the bars do not jump with every digit."""

GIVES_WAY = ("rate", "bar", "task", "time")
"""What is left out where the terminal is narrow, the first one first."""

_LAST = frozenset({"succeeded", "failed", "cancelled", "evicted"})
_FIRST = frozenset({"running", "waiting", "cancelling"})


class Bars:
    """Bars.

    Args:
        stream: the terminal.
        clock: seconds since the epoch.
        console: the terminal as rich has it; for tests.
    """

    def __init__(
        self,
        stream: TextIO,
        clock: Callable[[], float] = time.time,
        console: Console | None = None,
    ) -> None:
        self._clock = clock
        self._console = console or Console(file=stream, highlight=False)
        self._tracks: dict[int, Track] = {}
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self._is_begun = False

    def show(self, jobs: Sequence[JobView]) -> None:
        """Draw the jobs as they are now; see `Display.show`."""
        if not self._is_begun:
            self._is_begun = True
            self._live.start()
        self._live.update(self._drawn(jobs), refresh=True)

    def close(self) -> None:
        """Leave the last bars where they are; see `Display.close`."""
        self._live.stop()

    def _drawn(self, jobs: Sequence[JobView]) -> Table:
        now = self._clock()
        lines = [self._tracks.setdefault(job["id"], Track()).line(job, now) for job in jobs]
        room = max(self._console.height - 1, 2)
        shown = fitting(lines, room)
        return drawn(
            with_bars(shown, room - (len(shown) < len(lines))),
            self._console.width,
            count=len(lines),
            is_ascii=self._console.options.ascii_only,
        )


def fitting(lines: Sequence[Line], room: int) -> Sequence[Line]:
    """Return as many lines as there is room for, those first that move; in the order given."""
    if len(lines) <= room:
        return lines
    by_rank = sorted(range(len(lines)), key=lambda place: (_rank(lines[place]), place))
    return [lines[place] for place in sorted(by_rank[: room - 1])]  # one says how many are left


def with_bars(lines: Sequence[Line], room: int) -> Sequence[Line]:
    """Return the lines, and below each what else its job counts, as far as there is room."""
    spare = room - len(lines)
    shown: list[Line] = []
    for line in lines:
        bars = line.bars[: max(spare, 0)]
        shown += [line, *bars]
        spare -= len(bars)
    return shown


def _rank(line: Line) -> int:
    return 0 if line.state in _FIRST else 2 if line.state in _LAST else 1


def drawn(lines: Sequence[Line], width: int, *, count: int, is_ascii: bool = False) -> Table:
    """Return the lines as a table of at most `width` columns, of `count` jobs in all."""
    widths = layout(lines, width)
    table = Table.grid(padding=(0, 1, 0, 0))
    overflow: OverflowMethod = "crop" if is_ascii else "ellipsis"
    for name, of_column in widths.items():
        justify: JustifyMethod = "right" if name == "id" else "left"
        table.add_column(width=of_column, no_wrap=True, overflow=overflow, justify=justify)
    bar = _plain_bar if is_ascii else _bar
    for line in lines:
        cells = {"bar": bar(line, widths.get("bar", BAR))} | _texts(line)
        table.add_row(*(cells[name] for name in widths))
    more = count - sum(not line.is_bar for line in lines)
    if more <= 0:
        return table
    whole = Table.grid()
    whole.add_row(table)
    whole.add_row(Text(f"and {more} more jobs", no_wrap=True, overflow="crop"))
    return whole


def layout(lines: Sequence[Line], width: int) -> dict[str, int]:
    """Return the columns for which there is room, in their order, and the width of each.

    A note says more than a rate does, and a longer bar says least.
    """
    most = {"task": TASK, "count": COUNT}
    widths = {"id": 0, "task": 0, "state": 0, "bar": BAR, "count": 0, "rate": 0, "time": 0}
    for name in widths.keys() - {"bar"}:
        needed = max((len(str(getattr(line, name))) for line in lines), default=0)
        widths[name] = max(min(needed, most.get(name, needed)), STEADY.get(name, 0))
    for name in GIVES_WAY:
        if sum(widths.values()) + len(widths) > width:
            del widths[name]
    spare = max(width - sum(widths.values()) - len(widths) - 1, 0)
    longest = max((len(line.note) for line in lines), default=0)
    if spare < longest:
        spare += widths.pop("rate", -1) + 1
    note = min(longest, spare)
    if note >= LEAST_NOTE:
        widths["note"] = note
        spare -= note
    if "bar" in widths:
        widths["bar"] = min(BAR + spare, LONGEST_BAR)
    return widths


def _texts(line: Line) -> dict[str, Text]:
    texts = {name: Text(getattr(line, name)) for name in ("task", "count", "rate", "time", "note")}
    if line.is_bar:
        return {"id": Text(""), "state": Text(line.unit), **texts}
    state = Text(line.state, COLOURS.get(line.state, ""))
    return {"id": Text(str(line.id)), "state": state, **texts}


def _bar(line: Line, width: int) -> ProgressBar | Text:
    """Return a bar; a pulse where a job runs and does not say how far it is."""
    colour = COLOURS.get(line.state, "")
    if line.share is None and line.state != "running":
        return Text("")
    return ProgressBar(
        total=1.0,
        completed=line.share or 0.0,
        width=width,
        pulse=line.share is None,
        complete_style=colour or "default",
        finished_style=colour or "default",
        pulse_style=colour or "default",
    )


def _plain_bar(line: Line, width: int) -> Text:
    """Return a bar of signs that every terminal has."""
    if line.share is None:
        return Text("")
    filled = round(line.share * (width - 2))
    return Text(f"[{'#' * filled}{'-' * (width - 2 - filled)}]")
