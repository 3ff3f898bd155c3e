"""Small helpers that several test folders share."""

import threading
import time
from collections.abc import Callable
from pathlib import Path


def eventually(what: Callable[[], object], seconds: float = 20.0) -> None:
    """Return as soon as `what()` is true; fail when it has not become so in time."""
    give_up_at = time.monotonic() + seconds
    pause = threading.Event()
    while not what():
        assert time.monotonic() < give_up_at, f"not within {seconds} s"
        pause.wait(0.01)


def whole_lines(file: Path, start: int = 0) -> list[str]:
    """The lines of a file that others write; none if there is no file.

    Where a line goes over the end of a page of memory a reader may see its first part alone,
    though it is one write: that part is left out.

    Args:
        file: of ASCII characters.
        start: the first byte to read.
    """
    try:
        with file.open("rb") as opened:
            opened.seek(start)
            return opened.read().decode().split("\n")[:-1]
    except FileNotFoundError:
        return []
