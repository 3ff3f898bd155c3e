"""A child's end of the socket to its worker, and what SIGTERM does in a child.

There is no thread here: whoever asks whether the job should stop looks at the socket. So a child
is as single-threaded as the job's code leaves it, and may fork.
"""

import contextlib
import itertools
import os
import select
import signal
import socket
import threading
import time
from types import FrameType
from typing import cast

from offload.worker.executors.process import frames
from offload.worker.progressing import Board

TELL_SECONDS = 0.05
"""Progress is told to the worker at most this often; it stores it four times a second."""

LOOK_SECONDS = 0.01
"""Code that asks in a tight loop whether it is to stop gets a fresh answer this often."""

_TURN_MILLISECONDS = 20
"""Another thread of the job may have read the answer that this one waits for."""

_PIECE = 1 << 18


class Terminated(SystemExit):
    """SIGTERM has come; raised in the job's code, so that its `finally` blocks run."""


class Termination:
    """Turns SIGTERM into an exception in the main thread, and never in the midst of a frame.

    Attributes:
        is_armed: the code of a job runs; SIGTERM is raised in it, once.
        is_busy: a job has been taken, and not been answered.
    """

    def __init__(self) -> None:
        self.is_armed = False
        self.is_busy = False
        self._sheltered = 0
        self._is_late = False
        self._main = threading.get_ident()

    def listen(self) -> None:
        """Handle the signal; again before each job, since the last one may have changed that."""
        signal.signal(signal.SIGTERM, self._come)

    def __enter__(self) -> None:
        if threading.get_ident() == self._main:
            self._sheltered += 1

    def __exit__(self, *_: object) -> None:
        if threading.get_ident() == self._main:
            self._sheltered -= 1
            if self._is_late and not self._sheltered:
                self._is_late = False
                self._come(signal.SIGTERM, None)

    def _come(self, number: int, frame: FrameType | None) -> None:
        if self._sheltered:
            self._is_late = True
        elif self.is_armed:
            self.is_armed = False
            raise Terminated(128 + number)
        elif not self.is_busy:
            raise SystemExit(128 + number)


class Channel:
    """Speaks with the worker. `tell` and `is_stop_asked` may be called in any thread."""

    def __init__(self, end: socket.socket, termination: Termination) -> None:
        self._socket = end
        self._termination = termination
        self._reader = frames.Reader(frames.ToChild)
        self._lock = threading.RLock()
        self._arrived: list[frames.ToChild] = []
        self._asked_to_stop = False
        self._look_at = 0.0
        self._numbers = itertools.count(1)
        self._kept: dict[int, frames.Kept] = {}
        self._untold: Board | None = None
        self._told_at = 0.0
        self._is_open = True
        self._is_closed_there = False
        os.register_at_fork(after_in_child=self._let_go)

    def close(self) -> None:
        """Let go of the socket."""
        with self._lock:
            self._is_open = False
            self._socket.close()

    def next(self) -> frames.ToChild:
        """Wait for the worker's next word; its end is `Close`."""
        self._asked_to_stop = False
        self._kept.clear()
        while not self._arrived:
            self._receive(0)
        return self._arrived.pop(0)

    def begin(self) -> None:
        """Say that the job's code begins now."""
        with self._termination, self._lock:
            self._send(frames.Begun())

    def answer(self, answer: frames.Answer) -> None:
        """Say how the job ended, after its last word of progress."""
        with self._termination, self._lock:
            self._tell_now()
            self._send(answer)

    def tell(self, board: Board) -> None:
        """Say how far the job has come; of many words in a short time only the last one is sent."""
        with self._termination, self._lock:
            was_told = self._untold is None
            self._untold = board
            wait = self._told_at + TELL_SECONDS - time.monotonic()
            if wait <= 0:
                self._tell_now()
            elif was_told:
                self._tell_in(wait)

    @property
    def is_stop_asked(self) -> bool:
        """Whether the running job is to stop."""
        if not self._asked_to_stop and self._is_open:
            with self._termination, self._lock:
                self._look()
        return self._asked_to_stop

    def is_stop_asked_lately(self) -> bool:
        """Whether the running job is to stop, as of a hundredth of a second ago; costs little."""
        if not self._asked_to_stop and time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_SECONDS
            return self.is_stop_asked
        return self._asked_to_stop

    @property
    def shelter(self) -> Termination:
        """Inside it SIGTERM waits."""
        return self._termination

    def send(self, message: frames.FromChild) -> None:
        """Say a word that needs no answer."""
        with self._termination, self._lock:
            self._send(message)

    def ask(self, stored: frames.Stored) -> frames.Kept | None:
        """Let the worker store something, and wait for it. None: there is no worker any more.

        SIGTERM ends the waiting, and between two looks at the socket other threads may have theirs.
        """
        number = next(self._numbers)
        self.send(frames.KeepNow(number, stored))
        ready = select.poll()
        if self._is_open:
            ready.register(self._socket, select.POLLIN)
        while self._is_open:
            with self._termination, self._lock:
                answer = self._kept.pop(number, None) or self._heard(number)
            if answer is not None or self._is_closed_there:
                return answer
            ready.poll(_TURN_MILLISECONDS)
        return None

    def _heard(self, number: int) -> frames.Kept | None:
        self._look()
        return self._kept.pop(number, None)

    def _tell_in(self, seconds: float) -> None:
        """The word must be told though no further one may come for an hour."""
        later = threading.Timer(seconds, self._tell_late)
        later.name, later.daemon = "offload progress", True
        later.start()

    def _tell_late(self) -> None:
        with self._lock:
            self._tell_now()

    def _tell_now(self) -> None:
        board, self._untold = self._untold, None
        if board is not None:
            self._told_at = time.monotonic()
            self._send(frames.Told(board.take()))

    def _send(self, message: frames.FromChild) -> None:
        if self._is_open:
            with contextlib.suppress(OSError):  # the worker is gone, and this process soon is
                self._socket.sendall(frames.written(message))

    def _look(self) -> None:
        if not self._is_closed_there:
            self._receive(socket.MSG_DONTWAIT)
        for message in self._arrived:
            if isinstance(message, frames.Stop | frames.Close):
                self._asked_to_stop = True

    def _receive(self, flags: int) -> None:
        try:
            data = self._socket.recv(_PIECE, flags)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._reader.feed(data)
        for message in cast("list[frames.ToChild]", list(self._reader.frames())):
            if isinstance(message, frames.Kept):
                self._kept[message.number] = message
            else:
                self._arrived.append(message)
        if not data:
            self._is_closed_there = True
            self._arrived.append(frames.Close())

    def _let_go(self) -> None:
        """A process that the job's code forked has no part in this."""
        self._is_open = False
        self._lock = threading.RLock()
        self._socket.close()
