"""A process that belongs to another one of ours ends when that is gone, however that came about.

The one above holds the other end of this one's standard input. The kernel closes it at the very
moment that process ends, also when that is by SIGKILL, and also before this one has begun to look.
(Linux's PDEATHSIG would be tied to a thread of the process above.) All that is ever written to it
is one word: `RETIRE`.
"""

import os
import threading
from collections.abc import Callable

from offload.cli.ending import leave

RETIRE = b"."
"""Take nothing more, and end when all that runs has ended by itself, whenever that is."""

Act = Callable[[], object]


class Parent:
    """Watches the process that started this one. Made first of all, before user code is imported.

    Until `then` was called the end of the parent is the end of this process: nothing was begun.
    """

    def __init__(self) -> None:
        self._at_its_end: Act = lambda: leave(0)
        self._at_its_word: Act | None = None
        self._is_gone = False
        self._has_spoken = False
        self._deciding = threading.Lock()
        self._descriptor = _take_standard_input()
        threading.Thread(target=self._watch, name="offload parent", daemon=True).start()

    def then(self, act: Act) -> None:
        """Say what is to be done at the parent's end, from a thread; at once if it is gone."""
        with self._deciding:
            self._at_its_end = act
            is_gone = self._is_gone
        if is_gone:
            act()

    def when_retired(self, act: Act) -> None:
        """Say what is to be done at the word `RETIRE`, from a thread; at once if it was said."""
        with self._deciding:
            self._at_its_word = act
            has_spoken = self._has_spoken
        if has_spoken:
            act()

    def _watch(self) -> None:
        while os.read(self._descriptor, 1024):
            with self._deciding:
                act = None if self._has_spoken else self._at_its_word
                self._has_spoken = True
            if act is not None:
                act()
        with self._deciding:
            self._is_gone = True
            act = self._at_its_end
        act()


def _take_standard_input() -> int:
    """Move the standard input away: a task that reads it, or starts programs, must not have it."""
    descriptor = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return descriptor
