"""How the crash demo is shown: bars on a terminal, lines elsewhere, or JSON."""

import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Protocol

import click

from offload.cli.line import Track
from offload.cli.screen import draws_bars
from offload.cli.telling import print_json, visible
from offload.cli.verbs import JobView


class Screen(Protocol):
    """Where the demo is shown."""

    def say(self, step: str, text: str) -> None:
        """Say what is done next; without a step, what came of it."""
        ...

    def show(self, jobs: Sequence[JobView]) -> None:
        """Show the jobs as they are now."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was found; what was shown last stays."""
        ...


class Plain:
    """A line for each step, and for each change of a job's state."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun_at = clock()
        self._tracks: dict[int, Track] = {}
        self._states: dict[int, str] = {}

    def say(self, step: str, text: str) -> None:
        """Say a step; see `Screen.say`."""
        click.echo(sentence(self._clock() - self._begun_at, step, text))

    def show(self, jobs: Sequence[JobView]) -> None:
        """Say which jobs have another state; see `Screen.show`."""
        for job in jobs:
            line = self._tracks.setdefault(job["id"], Track()).line(job, time.time())
            if self._states.get(job["id"]) != line.state:
                self._states[job["id"]] = line.state
                self.say("", line.as_text())

    def close(self) -> None:
        """Do nothing; see `Screen.close`."""


class Json:
    """A document for each step; jobs are not shown."""

    def say(self, step: str, text: str) -> None:
        """Print a step; see `Screen.say`."""
        print_json({"step": step or None, "says": text})

    def show(self, jobs: Sequence[JobView]) -> None:
        """Do nothing; see `Screen.show`."""

    def close(self) -> None:
        """Do nothing; see `Screen.close`."""


def sentence(seconds: float, step: str, text: str) -> str:
    """Return a step as a line: when, what, and what there is to say of it."""
    return f"{seconds:5.1f} s  {step:8}  {visible(text)}"


def screen(*, as_json: bool) -> Screen:
    """Return what the terminal can show."""
    if as_json:
        return Json()
    if not draws_bars(sys.stdout):
        return Plain()
    drawn: Screen = import_module("offload.cli.crash.drawn").Drawn()  # it imports rich
    return drawn
