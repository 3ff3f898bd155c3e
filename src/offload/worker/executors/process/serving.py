"""The worker's hold on its fork server: starts it, gives it orders, hears of its children."""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable

import msgspec

from offload.worker.executors.process.link import Link, Passed
from offload.worker.executors.process.orders import OfChild, Order, Ready, Report
from offload.worker.family import MARK

_PROGRAM = """\
import json, sys
sys.path[:] = json.loads(sys.argv.pop())
from offload.worker.executors.process.server import main
main(int(sys.argv.pop()))
"""

_read = msgspec.json.Decoder(Report).decode
_write = msgspec.json.Encoder().encode


class ForkServer:
    """A running fork server. On the worker's loop; that thread has to stay as long as the server.

    Args:
        mark: what it and all below it have in their environment.
        told: called with each report of a child.
        lost: called when the server has ended, with the way it ended.
    """

    def __init__(
        self, mark: str, told: Callable[[OfChild], None], lost: Callable[[str], None]
    ) -> None:
        self._told = told
        self._lost = lost
        self.is_ready = False
        self._is_closing = False
        self.gone = asyncio.Event()
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._process = _spawn(its, mark)
        except BaseException:
            ours.close()
            raise
        finally:
            its.close()
        self._link = Link(ours, self._hear, self._end)

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._process.pid

    def order(self, order: Order, *passed: Passed) -> None:
        """Give an order; sockets and pipes that go with it are closed here."""
        self._link.send(_write(order), *passed)

    async def close(self, seconds: float) -> None:
        """Let it end all that is below it, and itself."""
        self._is_closing = True
        self._link.shut()
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.gone.wait(), seconds)
        finally:
            self._link.close()  # it sees that, too, when nobody waits for it any more
            self._process.poll()

    def _hear(self, data: bytes) -> None:
        report = _read(data)
        if isinstance(report, Ready):
            self.is_ready = True
        else:
            self._told(report)

    def _end(self) -> None:
        """It has closed its end: it is dead, or about to be."""
        how = self._bury()
        self.gone.set()
        if not self._is_closing:
            self._lost(how)

    def _bury(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.5)
        if self._process.returncode is None:
            self._process.kill()
            self._process.wait()
        code = self._process.returncode
        return f"signal {-code}" if code < 0 else f"exit code {code}"


def _spawn(its: socket.socket, mark: str) -> "subprocess.Popen[bytes]":
    """Start a fresh interpreter that looks for modules where this one does, and nowhere else."""
    command = [sys.executable, *_flags(), "-P", "-c", _PROGRAM]
    return subprocess.Popen(
        [*command, str(its.fileno()), json.dumps(sys.path)],
        stdin=subprocess.DEVNULL,
        pass_fds=(its.fileno(),),
        start_new_session=True,
        env=os.environ | {MARK: mark},
    )


def _flags() -> list[str]:
    """The options of this interpreter that change what code does."""
    flags = [f"-W{option}" for option in sys.warnoptions]
    flags += [f"-X{name}" if value is True else f"-X{name}={value}" for name, value in _options()]
    flags += ["-" + "O" * sys.flags.optimize] if sys.flags.optimize else []
    return flags


def _options() -> list[tuple[str, object]]:
    kept = ("dev", "utf8", "faulthandler", "int_max_str_digits", "gil")
    return [(name, value) for name, value in sys._xoptions.items() if name in kept]
