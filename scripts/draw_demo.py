"""Draws `offload demo crash` as a picture of a terminal, from a real run of a minute.

    python scripts/draw_demo.py [--slices 48] > docs/images/demo-crash.svg

The bars are drawn at a few moments, and not as often as they move. The picture uses the fonts of
whoever looks at it and asks no other host for anything.
"""

import argparse
import io
import sys
import time
from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from offload.cli.bars import drawn
from offload.cli.crash.command import perform
from offload.cli.crash.drawn import coloured
from offload.cli.crash.plan import LEAST_SLICES, SLICES, Plan
from offload.cli.crash.receipt import promises
from offload.cli.crash.screens import sentence
from offload.cli.crash.stage import staged
from offload.cli.crash.telling import page
from offload.cli.line import Track
from offload.cli.verbs import JobView

WIDTH = 90

INDENT = 9
"""Of the bars: below what was said."""

THEME = TerminalTheme(
    background=(24, 27, 34),
    foreground=(214, 218, 226),
    normal=[
        (24, 27, 34),
        (240, 113, 120),
        (126, 196, 125),
        (229, 192, 106),
        (108, 168, 240),
        (203, 140, 232),
        (94, 196, 205),
        (214, 218, 226),
    ],
)

FORMAT = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  font-size: {char_height}px; line-height: {line_height}px; white-space: pre; }}
.{unique_id}-title {{ font: bold 18px sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


class Picture:
    """A screen that is printed on, with the bars where they tell something; see `Screen`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tracks: dict[int, Track] = {}
        self._begun_at = time.monotonic()
        self._jobs: Sequence[JobView] = ()
        self._steps: list[str] = []

    def say(self, step: str, text: str) -> None:
        """Print a step; below the pause the jobs as they are then."""
        said = sentence(time.monotonic() - self._begun_at, step, text)
        if step == "resume":
            self._draw()
        self._steps.append(step)
        self._console.print(coloured(said, step))

    def show(self, jobs: Sequence[JobView]) -> None:
        """Remember the jobs; drawn are those whose worker is gone, once."""
        self._jobs = jobs
        for job in jobs:
            self._tracks.setdefault(job["id"], Track()).line(job, time.time())
        if self._steps[-1:] == ["kill -9"] and any(
            "worker is gone" in _reason(job) for job in jobs
        ):
            self._steps.append("drawn")
            self._draw()

    def close(self) -> None:
        """Draw the jobs as they ended."""
        if self._steps[-1:] != ["closed"]:
            self._steps.append("closed")
            self._draw()

    def _draw(self) -> None:
        lines = [self._tracks[job["id"]].line(job, time.time()) for job in self._jobs]
        self._console.print(
            Padding(drawn(lines, WIDTH - INDENT, count=len(lines)), (0, 0, 0, INDENT))
        )


def _reason(job: JobView) -> str:
    return job["reason"] or ""


def main() -> None:
    """Play the demo and write the picture to standard output."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--slices", type=int, default=SLICES, metavar=f"{LEAST_SLICES}…")
    plan = Plan(parser.parse_args().slices)
    console = Console(
        record=True, width=WIDTH, force_terminal=True, file=io.StringIO(), highlight=False
    )
    console.print(Text("$ offload demo crash", "bold"))
    with staged(keep=False) as stage:
        facts = perform(stage, plan, Picture(console))
    found = tuple(promises(facts))
    console.print(Text.from_ansi(page(facts, found, time.time())))
    sys.stdout.write(_svg(console))
    if not all(promise.is_kept for promise in found):
        sys.exit("a promise is broken; this is no picture to be shown")


def _svg(console: Console) -> str:
    svg = console.export_svg(
        title="offload demo crash", theme=THEME, code_format=FORMAT, unique_id="demo"
    )
    return "\n".join(line.rstrip() for line in svg.splitlines() if line.strip()) + "\n"


if __name__ == "__main__":
    main()
