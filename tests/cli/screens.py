"""Commands on a terminal of their own: what they draw, and what a person types."""

import contextlib
import os
import pty
import re
import subprocess
import sys
from collections.abc import Sequence

from tests.support import eventually


class Screen:
    """A command on a terminal of its own."""

    def __init__(self, words: Sequence[str], surroundings: dict[str, str]) -> None:
        self._master, inner = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "offload", *words],
            env=surroundings,
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
        )
        os.close(inner)
        os.set_blocking(self._master, False)
        self.text = ""

    def shows(self, pattern: str) -> bool:
        with contextlib.suppress(OSError):  # nothing new, or nobody there any more
            self.text += os.read(self._master, 65536).decode()
        return re.search(pattern, self.text) is not None

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    def end(self) -> int:
        eventually(lambda: self.shows("\0") or self.process.poll() is not None)
        self.shows("\0")
        return self.process.wait()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)
