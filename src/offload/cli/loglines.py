"""Lines of a log as people read them on a terminal: when, from where, what."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import click

from offload.cli.telling import visible
from offload.cli.times import seconds_of

_COLOURS = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}


class Printer:
    """Prints the lines of one log; says where an attempt begins, and what is missing."""

    def __init__(self) -> None:
        self._attempt: int | None = None

    def show(self, line: Mapping[str, Any]) -> None:
        """Print a line."""
        if self._attempt not in (None, line["attempt"]):
            click.secho(f"--- attempt {line['attempt']}", dim=True)
        self._attempt = line["attempt"]
        if line["skipped"]:
            click.secho(_gap(line["skipped"]), dim=True)
        click.echo(text_of(line))


def text_of(line: Mapping[str, Any]) -> str:
    """Return a line of a log; further lines of its text stand below its text."""
    level = line["level"]
    # A logger's name is of unknown origin, like the text itself: no terminal obeys either.
    whence = visible(f"{level} {line['source']}:" if level else line["source"])
    moment = datetime.fromtimestamp(seconds_of(line["at"]), UTC).astimezone()
    when = f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"
    first, *others = visible(line["text"]).split("\n")
    colour = _COLOURS.get(level or "")
    begin = f"{click.style(when, dim=True)} {click.style(whence, fg=colour, dim=not level)} {first}"
    return "\n".join([begin, *(f"{' ' * (len(when) + 1)}{each}" for each in others)])


def _gap(skipped: int) -> str:
    what = "line was" if skipped == 1 else "lines were"
    return f"… {skipped:,} {what} not kept …"
