"""One of the servers that follow each other where the code is reloaded, and what it inherits."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import Process

import msgspec
from msgspec import Struct

from offload.cli.parent import RETIRE
from offload.cli.sources import imported_folders


class Inherited(Struct, frozen=True):
    """What a generation gets from the process above it.

    Attributes:
        number: counts the generations: 1, 2, 3.
        listener: the descriptor of the listening socket.
        report: the descriptor of the pipe in which it says that it serves.
    """

    number: int
    listener: int
    report: int

    @classmethod
    def read(cls, text: str) -> "Inherited":
        """Read it as it stands on the command line."""
        number, listener, report = map(int, text.split(","))
        os.set_inheritable(report, False)
        return cls(number, listener, report)

    def __str__(self) -> str:
        return f"{self.number},{self.listener},{self.report}"

    def tell(self) -> None:
        """Say that this generation serves, and in which folders its code is."""
        with contextlib.suppress(OSError), open(self.report, "wb") as report:
            report.write(msgspec.json.encode(imported_folders()) + b"\n")


class Generation:
    """A server process, with its number.

    Attributes:
        folders: where its code is; None until it serves.
    """

    def __init__(self, number: int, process: Process) -> None:
        self.folders: list[str] | None = None
        self.ended = asyncio.get_running_loop().create_task(process.wait())
        self._number = number
        self._process = process

    def __str__(self) -> str:
        return f"generation {self._number} (process {self._process.pid})"

    @property
    def is_alive(self) -> bool:
        """Whether its process still runs."""
        return not self.ended.done()

    def retire(self) -> None:
        """Have it take nothing more, and end when its jobs have ended."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, RuntimeError):  # it has ended already
            self._process.stdin.write(RETIRE)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)


def read_report(descriptor: int) -> list[str] | None:
    """Wait for a generation's word that it serves; None if it ends without."""
    with open(descriptor, "rb") as report:
        line = report.readline()
    return msgspec.json.decode(line, type=list[str]) if line else None
