"""The worker's end of a socket: never blocks, and needs no thread."""

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable
from typing import Protocol

_PIECE = 1 << 18


class Passed(Protocol):
    """A socket, or the end of a pipe, that goes to the other side with a message."""

    def fileno(self) -> int:
        """Return its descriptor."""
        ...

    def close(self) -> None:
        """Close this end of it."""
        ...


class Link:
    """One end of a socket, on the worker's loop.

    Args:
        end: a stream, or a socket that keeps messages apart; it is closed with this.
        arrived: called with what has come.
        gone: called once when the other end is closed.
    """

    def __init__(
        self, end: socket.socket, arrived: Callable[[bytes], None], gone: Callable[[], None]
    ) -> None:
        end.setblocking(False)
        self._socket = end
        self._arrived = arrived
        self._gone = gone
        self._unsent: deque[tuple[bytes, tuple[Passed, ...]]] = deque()
        self._is_open = True
        self._waits_for_room = False
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(end, self._read)

    def send(self, data: bytes, *passed: Passed) -> None:
        """Send bytes, and what is passed on with them, which are closed here afterwards."""
        if not self._is_open:
            for each in passed:
                each.close()
            return
        self._unsent.append((data, passed))
        if len(self._unsent) == 1:
            self._write()

    def drain(self) -> None:
        """Take what has arrived and was not read yet; the other end is closed."""
        while self._is_open and self._read():
            continue

    def shut(self) -> None:
        """Say that nothing more comes; what the other end still says is heard."""
        if self._is_open:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Let go of the socket. Nobody is told."""
        if self._is_open:
            self._is_open = False
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket.close()
            while self._unsent:
                for each in self._unsent.popleft()[1]:
                    each.close()

    def _read(self) -> bool:
        """Hand on what has come; says whether anything had."""
        try:
            data = self._socket.recv(_PIECE)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            data = b""
        if data:
            self._arrived(data)
        else:
            self.close()
            self._gone()
        return bool(data)

    def _write(self) -> None:
        """Send what there is; what does not fit goes when there is room again."""
        while self._unsent:
            data, passed = self._unsent[0]
            try:
                sent = self._send(data, passed)
            except (BlockingIOError, InterruptedError):
                self._wait_for_room()
                return
            except OSError:
                break  # the other end is gone; reading says so
            for each in passed:
                each.close()
            if sent < len(data):
                self._unsent[0] = (data[sent:], ())
            else:
                self._unsent.popleft()
        if self._waits_for_room:
            self._waits_for_room = False
            self._loop.remove_writer(self._socket)

    def _wait_for_room(self) -> None:
        if not self._waits_for_room:
            self._waits_for_room = True
            self._loop.add_writer(self._socket, self._write)

    def _send(self, data: bytes, passed: tuple[Passed, ...]) -> int:
        if passed:
            return socket.send_fds(self._socket, [data], [each.fileno() for each in passed])
        return self._socket.send(data)
