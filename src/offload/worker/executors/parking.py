"""Where a thread stands still: at the checkpoints of its code, for as long as its job is paused.

A pause may be taken back and made anew while the thread is on its way here. So the thread says for
which pause it stands, and only of the present one the worker is told.
"""

import asyncio
import threading
from collections.abc import Callable

from offload.errors import Stopped


class Parking:
    """Belongs to one job. `shut` and `open` on the worker's loop; `wait` in the job's threads.

    Args:
        loop: the worker's.
        stands: called on the loop when a thread stands still.

    Attributes:
        is_shut: threads are to stand still; any thread may look.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, stands: Callable[[], object]) -> None:
        self._loop = loop
        self._stands = stands
        self._changed = threading.Condition()
        self.is_shut = False
        self._pause = 0

    def shut(self) -> None:
        """Let threads stand still from now on."""
        with self._changed:
            self.is_shut = True
            self._pause += 1
            self._changed.notify_all()

    def open(self) -> None:
        """Let threads go on."""
        with self._changed:
            self.is_shut = False
            self._changed.notify_all()

    def wait(self) -> None:
        """Stand still as long as it is shut.

        Raises:
            Stopped: the worker has ended; nobody would ever open.
        """
        with self._changed:
            while self.is_shut:
                pause = self._pause
                try:
                    self._loop.call_soon_threadsafe(self._say, pause)
                except RuntimeError:
                    raise Stopped("the worker has ended") from None
                while self._is_present(pause):
                    self._changed.wait()

    def _say(self, pause: int) -> None:
        if self._is_present(pause):
            self._stands()

    def _is_present(self, pause: int) -> bool:
        return self.is_shut and self._pause == pause
