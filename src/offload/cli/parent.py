"""A worker that belongs to a server ends when the server is gone, however that came about.

The server holds the other end of the worker's standard input and never writes to it. The kernel
closes it at the very moment the server ends, also when that is by SIGKILL, and also before the
worker has begun to look. (Linux's PDEATHSIG would be tied to a thread of the server.)
"""

import os
import threading
from collections.abc import Callable

from offload.cli.ending import leave


class Parent:
    """Watches the process that started this one. Made first of all, before user code is imported.

    Until `then` was called the end of the parent is the end of this process: nothing was begun.
    """

    def __init__(self) -> None:
        self._act: Callable[[], object] = lambda: leave(0)
        self._is_gone = False
        self._deciding = threading.Lock()
        self._descriptor = _take_standard_input()
        threading.Thread(target=self._watch, name="offload parent", daemon=True).start()

    def then(self, act: Callable[[], object]) -> None:
        """Say what is to be done at the parent's end, from a thread; at once if it is gone."""
        with self._deciding:
            self._act = act
            is_gone = self._is_gone
        if is_gone:
            act()

    def _watch(self) -> None:
        while os.read(self._descriptor, 1024):
            continue
        with self._deciding:
            self._is_gone = True
            act = self._act
        act()


def _take_standard_input() -> int:
    """Move the standard input away: a task that reads it, or starts programs, must not have it."""
    descriptor = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return descriptor
