"""Which display a terminal gets: bars where they can be drawn, else lines."""

import os
import sys
from importlib import import_module
from typing import TextIO

from offload.cli.lines import for_people, for_programs
from offload.cli.watching import Display


def draws_bars(stream: TextIO) -> bool:
    """Whether bars can be drawn there, and nobody has asked for plain text."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def display(*, as_json: bool, err: bool = False) -> Display:
    """Return the display for a stream.

    Args:
        as_json: lines of JSON are wanted, on standard output.
        err: on standard error: the output is something else.
    """
    if as_json:
        return for_programs()
    stream = sys.stderr if err else sys.stdout
    return bars(stream) if draws_bars(stream) else for_people(err=err)


def bars(stream: TextIO) -> Display:
    """Return bars; rich is imported only now."""
    made: Display = import_module("offload.cli.bars").Bars(stream)
    return made
