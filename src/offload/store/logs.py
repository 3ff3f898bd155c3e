r"""Logs: what jobs have written, their first lines and their newest ones, and a gap between.

The lines of a job count 1, 2, 3 over all its attempts, those that are not kept too: so a number
that is missing is the gap, and nothing else has to say so. What is dropped comes out of the middle.
How a program began tells what it was given, how it ended why; of a million lines in between nobody
has read one.

Each row knows how many lines and bytes were kept up to it and where the first half ends, so a look
at the last row is enough to go on, however long the log is.
"""

from itertools import groupby

from msgspec import Struct

from offload.model import LogLine, StoredLine
from offload.store import rows
from offload.store.base import Log, Logged, Said, Say
from offload.store.session import Session

HALF_LINES = 5_000
"""So many lines are kept of the beginning, and so many of the end; that is 10,000 a job."""

HALF_BYTES = 512 << 10
"""So many bytes are kept of the beginning, and about so many of the end; a mebibyte a job."""

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
"""By weight. A level with another name is never left out, as nobody here knows its weight."""

_STREAM = ""
"""The level of what was printed; it counts as INFO."""


class Skipping(LogLine, frozen=True):
    """A line before which others were dropped, as there were too many to carry.

    Attributes:
        skipped: how many.
    """

    skipped: int = 0


class _End(Struct, frozen=True):
    """Where a job's log ends.

    Attributes:
        n: the last line's number.
        place: how many lines were ever stored.
        upto: how many bytes.
        head: the last line of the first half; 0 while that has room.
    """

    n: int = 0
    place: int = 0
    upto: int = 0
    head: int = 0

    def after(self, line: LogLine) -> "_End":
        """Return the end with one more line."""
        skipped = line.skipped if isinstance(line, Skipping) else 0
        place, upto = self.place + 1, self.upto + len(line.text.encode())
        fits = not self.head and place <= HALF_LINES and upto <= HALF_BYTES
        return _End(self.n + 1 + skipped, place, upto, self.head if fits else self.head or self.n)


def say(session: Session, say: Say) -> None:
    """Store lines in their order; those of somebody who does not hold the job any more are lost."""
    lines = sorted(say.lines, key=_holder)  # stable: of one job they stay in their order
    for (job_id, token), said in groupby(lines, key=_holder):
        if session.one("log_token", (job_id,)) == (token,):
            _append(session, job_id, list(said))


def _holder(said: Said) -> tuple[int, int]:
    return said.job_id, said.token


def _append(session: Session, job_id: int, lines: list[Said]) -> None:
    last = session.one("last_line", (job_id,))
    end = _End() if last is None else _End(*last)
    laid_out = []
    for said in lines:
        end = end.after(said.line)
        laid_out.append(_row(said, end))
    session.many("insert_line", laid_out)
    if end.head:
        _trim(session, job_id, end)


def _row(said: Said, end: _End) -> rows.Row:
    line = said.line
    return (
        said.job_id,
        end.n,
        said.attempt,
        line.at,
        line.level,
        line.source,
        line.text,
        end.place,
        end.upto,
        end.head,
    )


def _trim(session: Session, job_id: int, end: _End) -> None:
    """Drop what lies between the first half and the newest lines."""
    bounds = {"place": end.place - HALF_LINES, "upto": end.upto - HALF_BYTES}
    row = session.one("first_kept_line", {"job_id": job_id, "head": end.head, **bounds})
    first_kept = end.n if row is None else row[0]
    session.do("drop_lines", {"job_id": job_id, "head": end.head, "first_kept": first_kept})


def log(session: Session, query: Log) -> Logged:
    """Read a page of a job's log; see `Log`."""
    found = session.all("log_tail" if query.tail else "log", _parameters(query))
    lines = [StoredLine(*row) for row in found]
    if query.tail:
        lines.reverse()
    last = session.one("last_line", (query.job_id,))
    end = _End() if last is None else _End(*last)
    kept = session.one("kept_lines", (query.job_id,))[0] if end.head else end.place
    return Logged(lines, newest=end.n, kept=kept)


def _parameters(query: Log) -> dict[str, object]:
    below = below_level(query.level)
    return {
        "job_id": query.job_id,
        "after": query.after,
        "limit": query.limit,
        "attempt": query.attempt,
        "source": query.source,
        "text": None if query.text is None else f"%{_literal(query.text)}%",
        "below": rows.encode(below).decode() if below else None,
    }


def below_level(level: str | None) -> tuple[str, ...]:
    """Name the levels that weigh less.

    Raises:
        ValueError: nobody knows what this level weighs.
    """
    if level is None:
        return ()
    below = LEVELS[: LEVELS.index(level)]
    return (*below, _STREAM) if "INFO" in below else below


def _literal(text: str) -> str:
    for special in "\\%_":
        text = text.replace(special, "\\" + special)
    return text
