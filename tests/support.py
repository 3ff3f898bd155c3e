"""Small helpers that several test folders share."""

import threading
import time
from collections.abc import Callable


def eventually(what: Callable[[], object], seconds: float = 20.0) -> None:
    """Return as soon as `what()` is true; fail when it has not become so in time."""
    give_up_at = time.monotonic() + seconds
    pause = threading.Event()
    while not what():
        assert time.monotonic() < give_up_at, f"not within {seconds} s"
        pause.wait(0.01)
