"""What children write is shown on the worker's own streams, and the worker never waits for them.

A terminal that was stopped with Ctrl-S, or a pipe that nobody reads, holds up whoever writes to it.
So a thread of its own writes, and what it cannot write in time is left out, and that is said.
"""

import os
import select
import threading
from collections import deque
from collections.abc import Mapping

MOST_HELD_BYTES = 1 << 20

CLOSING_SECONDS = 0.5
"""How long the end of a worker waits for what is still to be shown."""

_DESCRIPTORS: Mapping[str, int] = {"stdout": 1, "stderr": 2}


class Echo:
    """Shows pieces in their order; its thread begins with the first one.

    Args:
        descriptors: where each stream is shown.

    Attributes:
        held: bytes that are still to be shown.
    """

    def __init__(self, descriptors: Mapping[str, int] = _DESCRIPTORS) -> None:
        self._descriptors = descriptors
        self._pieces: deque[tuple[int, bytes]] = deque()
        self.held = 0
        self._left_out = 0
        self._is_closing = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def show(self, source: str, data: bytes) -> None:
        """Show a piece soon."""
        with self._changed:
            if self._is_closing or self.held + len(data) > MOST_HELD_BYTES:
                self._left_out += len(data)
                return
            if self._left_out:
                note = f"offload: {self._left_out} bytes of output were not shown here\n".encode()
                self._pieces.append((self._descriptors["stderr"], note))
                self.held += len(note)
                self._left_out = 0
            self._pieces.append((self._descriptors[source], data))
            self.held += len(data)
            self._changed.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="offload echo", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Show what is left, for a moment at most."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(CLOSING_SECONDS)

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._pieces and not self._is_closing:
                    self._changed.wait()
                if not self._pieces:
                    return
                descriptor, data = self._pieces.popleft()
            _write(descriptor, data)
            with self._changed:
                self.held -= len(data)


def _write(descriptor: int, data: bytes) -> None:
    try:
        while data:
            try:
                data = data[os.write(descriptor, data) :]
            except BlockingIOError:  # somebody else has set it so
                select.select([], [descriptor], [], 1.0)
    except OSError:
        return  # nobody is there to see it
