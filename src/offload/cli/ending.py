"""How a process of ours ends when it is told to: the first signal asks, the second one ends it.

SIGTERM and SIGINT are the same word here. The first one only sets an event; whoever runs the
process then has some seconds. They are counted by a thread that needs neither the loop nor the
lock of anybody: user code may block the loop, a thread of a job may never end, and the process must
be gone in time all the same.
"""

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

_FLUSH_SECONDS = 0.05


class Ending:
    """Told by signals, or by `begin`, that this process is to end.

    Args:
        seconds: after which the process is ended, whatever it still does. Its exit code is 0 then:
            it has done as it was told, and what it left is given back by others.
        last_act: done before the process ends in that way, or at the second signal; must not wait.
        finish: called before that, where it was not the second signal: what is half done, and worse
            so than not begun, may be done to its end.

    Attributes:
        asked: set when it is to end.
    """

    def __init__(
        self,
        seconds: float,
        last_act: Callable[[], object] = lambda: None,
        finish: Callable[[], object] = lambda: None,
    ) -> None:
        self.asked = asyncio.Event()
        self._seconds = seconds
        self._last_act = last_act
        self._finish = finish
        self._told = False
        self._loop = asyncio.get_running_loop()
        self._alarm, self._set_off = os.pipe()
        threading.Thread(target=self._count, name="offload ending", daemon=True).start()

    def listen(self) -> None:
        """Listen to the signals; in the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear)

    def begin(self) -> None:
        """Begin to end, unless that has begun. From any thread, and from a signal's handler."""
        if self._told:
            return
        self._told = True
        os.write(self._set_off, b"!")
        with contextlib.suppress(RuntimeError):  # the loop has ended already
            self._loop.call_soon_threadsafe(self.asked.set)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self._told:
            self._last_act()
            os._exit(128 + number)
        self.begin()

    def _count(self) -> None:
        os.read(self._alarm, 1)
        time.sleep(self._seconds)
        self._finish()
        self._last_act()
        leave(0)


def leave(code: int) -> None:
    """End this process now, with what it has printed, and without waiting for any other thread.

    Not for a signal's handler.
    """
    # In a thread of its own: a pipe that nobody empties would hold us for ever.
    flushing = threading.Thread(target=_flush, daemon=True)
    flushing.start()
    flushing.join(_FLUSH_SECONDS)
    os._exit(code)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
