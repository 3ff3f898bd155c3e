"""A child process as its worker sees it."""

import asyncio
import socket
from typing import cast

from offload.worker.executors.process import frames
from offload.worker.executors.process.link import Link
from offload.worker.executors.process.orders import End, Ended, Signal, Watch
from offload.worker.executors.process.serving import ForkServer
from offload.worker.work import Work


class ServerLost(Exception):
    """The fork server has ended, and with it every child."""


class NoServer(Exception):
    """No fork server could be started."""


class Closed(Exception):
    """The worker ends; no job begins any more."""


class Child:
    """A child process as its worker sees it.

    Attributes:
        number: by which the fork server knows it.
        pid: its process, once it is known.
        modules: what it has imported for jobs.
        answer: how the present job ended, or how the child did.
    """

    def __init__(self, number: int, server: ForkServer, end: socket.socket) -> None:
        self.number = number
        self.pid: int | None = None
        self.modules: set[str] = set()
        self.ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        self.answer: asyncio.Future[frames.Answer | Ended] | None = None
        self._work: Work | None = None
        self._server = server
        self._reader = frames.Reader(frames.FromChild)
        self._link = Link(end, self._hear, lambda: None)

    @property
    def is_alive(self) -> bool:
        """Whether it can be given a job."""
        return not self.ended.done()

    def begin(self, run: frames.Run, work: Work) -> "asyncio.Future[frames.Answer | Ended]":
        """Give it a job; returns what will be its answer."""
        self.answer = asyncio.get_running_loop().create_future()
        self._work = work
        self.modules.add(run.place.module)
        self.say(run)
        return self.answer

    def say(self, message: frames.ToChild) -> None:
        """Send it a word."""
        self._link.send(frames.written(message))

    def signal(self, number: int) -> None:
        """Signal it and all its descendants."""
        self._server.order(Signal(self.number, number))

    def watch(self, limit: int | None) -> None:
        """Limit its memory, that of its descendants included."""
        self._server.order(Watch(self.number, limit))

    def kill(self) -> None:
        """Kill it and all its descendants."""
        self._server.order(End(self.number))

    def note_end(self, ended: Ended) -> None:
        """It is no more. An answer that it gave before stands."""
        self._link.drain()
        self._link.close()
        if not self.ended.done():
            self.ended.set_result(ended)
        self._settle(ended)

    def note_loss(self, loss: Exception) -> None:
        """Nobody will tell any more how it ended."""
        self._link.close()
        for future in (self.ended, self.answer):
            if future is not None and not future.done():
                future.set_exception(loss)
                future.exception()  # perhaps nobody awaits it

    def _hear(self, data: bytes) -> None:
        self._reader.feed(data)
        for message in self._reader.frames():
            match message:
                case frames.Told(progress=told) if self._work is not None:
                    context = self._work.context
                    context.progress(told.done, told.total, told.message, unit=told.unit)
                case frames.Begun() if self._work is not None:
                    self._work.begin()
                case _:
                    self._settle(cast("frames.Answer", message))

    def _settle(self, answer: frames.Answer | Ended) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(answer)
