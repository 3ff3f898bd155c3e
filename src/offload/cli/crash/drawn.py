"""The crash demo on a terminal: what is said scrolls by above the bars, which stay below."""

import sys
import time
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from offload.cli.bars import Bars
from offload.cli.crash.screens import sentence
from offload.cli.verbs import JobView

COLOURS = {"kill -9": "bold red", "pause": "bold magenta", "resume": "bold cyan"}

_STEP_BEGINS = len(sentence(0.0, "", "").rstrip()) + 2


class Drawn:
    """Bars, and above them what was said; see `Screen`.

    Args:
        console: the terminal.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._bars = Bars(sys.stdout, console=self._console)
        self._begun_at = time.monotonic()

    def say(self, step: str, text: str) -> None:
        """Say a step; see `Screen.say`."""
        said = sentence(time.monotonic() - self._begun_at, step, text)
        self._console.print(coloured(said, step), soft_wrap=True)

    def show(self, jobs: Sequence[JobView]) -> None:
        """Draw the jobs; see `Screen.show`."""
        self._bars.show(jobs)

    def close(self) -> None:
        """Leave the last bars where they are; see `Screen.close`."""
        self._bars.close()


def coloured(said: str, step: str) -> Text:
    """Return what was said with its step in colour, and the time put back."""
    text = Text(said)
    text.stylize("dim", 0, _STEP_BEGINS - 2)
    text.stylize(COLOURS.get(step, "bold"), _STEP_BEGINS, _STEP_BEGINS + len(step))
    return text
