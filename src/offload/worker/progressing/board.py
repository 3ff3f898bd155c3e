"""Where the code of one attempt says how far it has come; only the latest word is kept.

To say a word costs a check and an assignment. The first one after a look is told to whoever looks;
they know from then on that there is news, and take it when they have time for it.
"""

import math
from collections.abc import Callable
from itertools import islice
from typing import TypeAlias

from msgspec.structs import replace

from offload.model import Bar, Progress
from offload.worker.progressing.forecast import Forecast
from offload.worker.progressing.open_bar import OpenBar
from offload.worker.progressing.words import MOST, PLAIN, number, words

MOST_BARS = 20
"""Shown of one job; beyond them the closed ones give way to a new one, then the newest is not
shown."""

_Word: TypeAlias = tuple[float, float | None, str | None, object]


class Board:
    """The job's own word, and its bars.

    What the job says of itself is its progress. As long as it says nothing, the first of its bars
    that is open stands for it, with its name as the message; the others are shown beside it.

    Threads of the job write while another thread takes; each step is one of the interpreter, and
    what is written in the midst of a look is told anew.

    Args:
        tell: told that there is news, once before each look; may `take` at once. None for a board
            at which nobody looks: it keeps nothing.

    Attributes:
        redact: takes out of a text what nobody is to read; None takes nothing.
        forecast: what is told of its ticks by whoever takes them in the worker.
        loops: how many loops that are the job's own progress stand in each other.
    """

    __slots__ = (
        "_bars",
        "_is_told",
        "_passed_on",
        "_said",
        "_tell",
        "forecast",
        "loops",
        "redact",
    )

    def __init__(self, tell: Callable[["Board"], object] | None = None) -> None:
        self.forecast = Forecast()
        self.redact: Callable[[str], str] | None = None
        self.loops = 0
        self._tell = tell
        self._is_told = tell is None
        self._said: _Word | None = None
        self._passed_on: Progress | None = None
        self._bars: list[OpenBar] = []

    @property
    def is_looked_at(self) -> bool:
        """Whether anybody will ever see what is said."""
        return self._tell is not None

    # --- what is said

    def say(
        self, done: float, total: float | None, message: object = None, unit: object = None
    ) -> None:
        """Say how far the job has come.

        Raises:
            TypeError: `done` or `total` is no number.
            ValueError: it is not a finite one.
        """
        # What passes here needs no call of a function; that would double the cost of a word.
        if not (
            type(done) in PLAIN
            and -MOST <= done <= MOST
            and (total is None or (type(total) in PLAIN and -MOST <= total <= MOST))
        ):
            done, total = number(done), None if total is None else number(total)
        if message is not None and not isinstance(message, str):
            message = words(message)  # now: by the time of the look it may be another
        self._said = done, total, message, unit
        if not self._is_told:
            self.tell()

    def open(self, bar: OpenBar) -> None:
        """Add a bar; a closed one of its name gives way."""
        if self._tell is None:
            return
        others = [
            each
            for each in self._bars
            if each.is_open or not (each.is_passing or each.name == bar.name)
        ]
        if len(others) >= MOST_BARS:
            others = [each for each in others if each.is_open]
        self._bars = [*others, bar]
        self.note()

    def pass_on(self, progress: Progress) -> None:
        """Say what the board of another process shows."""
        self._passed_on = progress
        self.note()

    def note(self) -> None:
        """Note that there is news."""
        if not self._is_told:
            self.tell()

    def tell(self) -> None:
        """Tell that there is news."""
        if self._tell is not None:
            self._is_told = True
            self._tell(self)

    def tell_rest(self) -> None:
        """Tell once more what was told and never taken: whoever told it was perhaps interrupted."""
        if self._is_told:
            self.tell()

    # --- what is shown

    def take(self) -> Progress:
        """Return what is to be shown; what is said from now on is told again."""
        self._is_told = self._tell is None
        word = self._shown()
        return word if self.redact is None else _redacted(word, self.redact)

    def _shown(self) -> Progress:
        if self._passed_on is not None:
            return self._passed_on
        bars = self._bars
        if self._said is not None:
            done, total, message, unit = self._said
            most = None if total is None else float(total)
            return Progress(float(done), most, words(message), words(unit), bars=_listed(bars))
        main = min(bars, key=lambda bar: -bar.closed if bar.closed else -math.inf, default=None)
        return Progress(0.0) if main is None else main.as_progress(_listed(bars, main))


def _listed(bars: list[OpenBar], main: OpenBar | None = None) -> tuple[Bar, ...]:
    shown = (
        bar.as_bar(place)
        for place, bar in enumerate(bars, 1)
        if bar is not main and (bar.is_open or not bar.is_passing)
    )
    return tuple(islice(shown, MOST_BARS))


def _redacted(word: Progress, redact: Callable[[str], str]) -> Progress:
    def hidden(text: str | None) -> str | None:
        return None if text is None else redact(text)

    bars = tuple(
        replace(bar, name=redact(bar.name), message=hidden(bar.message)) for bar in word.bars
    )
    return replace(word, message=hidden(word.message), bars=bars)
