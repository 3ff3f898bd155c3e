"""Commands as processes of their own: their lines as they come, their children, their end."""

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support import eventually

MARK = "OFFLOAD_TEST_MARK"
"""A variable that every process of a test inherits, so that none of them can hide."""


def environment(compiled: Path, **more: str) -> dict[str, str]:
    """The surroundings of a command: those of the test, a mark, and what is given.

    Modules are compiled once for all commands, even where a developer has switched that off.
    """
    kept = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(compiled)}
    return {**os.environ, MARK: secrets.token_hex(8), "PYTHONUNBUFFERED": "", **kept, **more}


def marked(mark: str) -> set[int]:
    """Every live process that carries the mark."""
    wanted = f"{MARK}={mark}".encode()
    found = set()
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.add(int(folder.name))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


def _is_worker(pid: int) -> bool:
    try:
        return b"\0worker\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


class Running:
    """`offload …` as a process."""

    def __init__(
        self, arguments: Sequence[str], folder: Path, surroundings: dict[str, str]
    ) -> None:
        self.mark = surroundings[MARK]
        self.lines: list[str] = []
        self.complaints: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "offload", *arguments],
            cwd=folder,
            env=surroundings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for stream, lines in (
            (self.process.stdout, self.lines),
            (self.process.stderr, self.complaints),
        ):
            threading.Thread(target=self._read, args=(stream, lines), daemon=True).start()

    @staticmethod
    def _read(stream: Any, lines: list[str]) -> None:
        lines.extend(iter(stream.readline, ""))
        stream.close()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def url(self) -> str:
        """The address in the first line."""
        address: str = re.findall(r"http://[^\s\"]+", self.first_line())[0]
        return address

    def first_line(self) -> str:
        eventually(lambda: self.lines or self.process.poll() is not None)
        assert self.lines, f"it ended: {self.complaints}"
        return self.lines[0].rstrip("\n")

    def introduction(self) -> dict[str, Any]:
        """The first line of `--json`."""
        said: dict[str, Any] = json.loads(self.first_line())
        return said

    def said(self, pattern: str) -> bool:
        """Whether a line of its standard error has the pattern."""
        return any(re.search(pattern, line) for line in list(self.complaints))

    def workers(self) -> set[int]:
        """The processes that descend from it."""
        return marked(self.mark) - {self.pid}

    def worker(self) -> int:
        """Its one worker, once it runs; for a moment it is seen as a copy of the server."""
        eventually(lambda: any(map(_is_worker, self.workers())))
        return next(filter(_is_worker, self.workers()))

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; returns the exit code, and after how many seconds it came."""
        sent_at = time.monotonic()
        self.send(number)
        code = self.process.wait()  # with a time limit it would look only 20 times a second
        return code, time.monotonic() - sent_at

    def clean_up(self) -> None:
        """Kill whatever is left."""
        for pid in marked(self.mark):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()
