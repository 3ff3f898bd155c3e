"""One idea: somebody who carries things away a moment later, so that handing them in is quick.

Whoever hands in many things at once is not kept from it by those who take care of the first ones:
in Python a thread that wakes up may hold all others up for 5 ms.
"""

import queue
import threading
import time
from collections.abc import Callable

MOMENT_SECONDS = 0.002
"""How long things are gathered before they are carried away together."""

IDLE_SECONDS = 5.0


class Porter:
    """A thread that is there while there is something to carry, and a little longer."""

    def __init__(self) -> None:
        self._acts: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def take(self, act: Callable[[], None]) -> None:
        """Do something soon, on a thread of its own; it must not raise. Returns at once."""
        self._acts.put(act)
        if self._threads:
            return
        with self._lock:
            if not self._threads:
                thread = threading.Thread(target=self._carry, name="offload-porter", daemon=True)
                self._threads.append(thread)
                thread.start()

    def _carry(self) -> None:
        while (act := self._next()) is not None:
            time.sleep(MOMENT_SECONDS)
            act()
            for _ in range(self._acts.qsize()):
                self._acts.get()()

    def _next(self) -> Callable[[], None] | None:
        """Wait for something; None when nothing has come for long."""
        try:
            return self._acts.get(timeout=IDLE_SECONDS)
        except queue.Empty:
            with self._lock:
                if self._acts.empty():
                    self._threads.clear()
                    return None
            return self._acts.get()
