"""A child process as its worker sees it."""

import asyncio
import signal
import socket
from collections.abc import Callable
from functools import partial
from typing import cast

from offload.worker.capture import recorder_of
from offload.worker.capture.pipe import Pipes
from offload.worker.context import board_of
from offload.worker.executors.process import frames
from offload.worker.executors.process.endings import signal_name
from offload.worker.executors.process.keeping import heard
from offload.worker.executors.process.link import Link
from offload.worker.executors.process.orders import (
    Done,
    End,
    Ended,
    Freeze,
    Frozen,
    Signal,
    Stirring,
    Thaw,
    Watch,
    Weigh,
)
from offload.worker.executors.process.serving import ForkServer
from offload.worker.executors.process.using import Meter
from offload.worker.work import Work

FIRST_WEIGHING_SECONDS = 0.5
"""Into a job, when what it holds with all that it started is looked at; later ever more rarely."""

LAST_WEIGHING_SECONDS = 10.0
"""It takes the kernel 10 ms a gigabyte."""


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
        is_frozen: it was told to stand still, and not to go on again.
    """

    def __init__(self, number: int, server: ForkServer, end: socket.socket, pipes: Pipes) -> None:
        self.number = number
        self.pid: int | None = None
        self.modules: set[str] = set()
        self.ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        self.answer: asyncio.Future[frames.Answer | Ended] | None = None
        self.is_frozen = False
        self._turn = 0
        self._stood_still: Callable[[], object] = _nothing
        self._work: Work | None = None
        self._early: frames.Answer | None = None
        self._meter = Meter()
        self._weighing: asyncio.TimerHandle | None = None
        self._server = server
        self._pipes = pipes
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
        self._pipes.attend(partial(recorder_of, work.context))
        self.modules.add(run.place.module)
        self._meter.begin(self.pid)
        self._weigh_in(FIRST_WEIGHING_SECONDS)
        self.say(run)
        return self.answer

    def rest(self) -> None:
        """Its job has ended, and it waits for the next one: that must not find it standing still.

        The job may have ended in the moment in which it was told to.
        """
        self.thaw()
        self._work = self.answer = None

    def say(self, message: frames.ToChild) -> None:
        """Send it a word."""
        self._link.send(frames.written(message))

    def terminate(self) -> None:
        """Send SIGTERM to it and all its descendants; those that stand still go on with that."""
        self.is_frozen = False
        self._server.order(Signal(self.number, signal.SIGTERM))

    def freeze(self, then: Callable[[], object]) -> None:
        """Make it and all its descendants stand still.

        Args:
            then: called when they do and the job has not ended before.
        """
        if not self.is_frozen:
            self.is_frozen = True
            self._turn += 1
            self._stood_still = then
            self._server.order(Freeze(self.number, self._turn))

    def thaw(self) -> None:
        """Let them go on."""
        if self.is_frozen:
            self.is_frozen = False
            self._stood_still = _nothing
            self._server.order(Thaw(self.number))

    def watch(self, limit: int | None) -> None:
        """Limit its memory, that of its descendants included."""
        self._server.order(Watch(self.number, limit))

    def kill(self) -> None:
        """Kill it and all its descendants."""
        self._server.order(End(self.number))

    def note_forked(self, pid: int) -> None:
        """It is this process."""
        self.pid = pid
        early, self._early = self._early, None
        if early is not None:
            self._take(early)

    def note_weight(self, held: int) -> None:
        """It holds so many bytes of memory, with all its descendants."""
        self._meter.weigh(held)

    def note_done(self, done: Done) -> None:
        """A signal has been sent to it and its descendants."""
        self._note(f"{signal_name(done.number)} sent to {_processes(done.count)}", done.pids)

    def note_frozen(self, frozen: Frozen) -> None:
        """It stands still, and all its descendants. An answer that it gave before stands."""
        if not self.is_frozen or frozen.turn != self._turn:
            return
        self._link.drain()
        if self.answer is not None and not self.answer.done():
            self._note(f"SIGSTOP sent to {_processes(frozen.count)}: all stand still", frozen.pids)
            self._stood_still()

    def note_stirring(self, stirring: Stirring) -> None:
        """It was told to stand still, and something of it does not yet."""
        if self.is_frozen and stirring.turn == self._turn:
            does = "does" if stirring.count == 1 else "do"
            self._note(
                f"{_processes(stirring.count)} {does} not stand still yet, though told to",
                stirring.pids,
            )

    def note_end(self, ended: Ended) -> None:
        """It is no more. An answer that it gave before stands."""
        self._link.drain()
        self._link.close()
        self._pipes.close()
        self._tell_end(ended)
        if not self.ended.done():
            self.ended.set_result(ended)
        self._settle(ended)

    def note_loss(self, loss: Exception) -> None:
        """Nobody will tell any more how it ended."""
        self._link.close()
        self._pipes.close()
        self._weigh_no_more()
        if self._early is not None:
            self._settle(self._early)
        for future in (self.ended, self.answer):
            if future is not None and not future.done():
                future.set_exception(loss)
                future.exception()  # perhaps nobody awaits it

    def _hear(self, data: bytes) -> None:
        self._reader.feed(data)
        for message in self._reader.frames():
            match message:
                case frames.Told(progress=told) if self._work is not None:
                    board_of(self._work.context).pass_on(told)
                case frames.Keep() | frames.KeepNow() if self._work is not None:
                    heard(message, self._work, self.say)
                case frames.Left(pids=pids) if self._work is not None:
                    self._work.note(f"ended {_processes(len(pids))} that the job had left", pids)
                case frames.Begun() if self._work is not None:
                    self._work.begin()
                case _:
                    self._pipes.leave()
                    self._take(cast("frames.Answer", message))

    def _take(self, answer: frames.Answer) -> None:
        """Measure what the job has used, and settle it.

        A quick first job answers before the fork server has told which process it runs in.
        """
        if self.pid is None:
            self._early = answer
            return
        if self._work is not None:
            self._work.used(self._meter.end(self.pid))
        self._settle(answer)

    def _weigh_in(self, seconds: float) -> None:
        self._weighing = asyncio.get_running_loop().call_later(seconds, self._weigh, seconds)

    def _weigh(self, seconds: float) -> None:
        if not self.is_frozen:  # then it takes no more
            self._server.order(Weigh(self.number))
        self._weigh_in(min(2 * seconds, LAST_WEIGHING_SECONDS))

    def _weigh_no_more(self) -> None:
        if self._weighing is not None:
            self._weighing.cancel()
            self._weighing = None

    def _tell_end(self, ended: Ended) -> None:
        """Say for the receipt how the child ended, if a job runs in it or was stopped."""
        if self._work is None:
            return
        if self.answer is not None and not self.answer.done():
            self._work.used(self._meter.die(self.pid, ended))
        if ended.killed:
            self._note(f"SIGKILL sent to {_processes(ended.killed)}", ended.pids)
        pids = () if self.pid is None else (self.pid,)
        self._note("none of its processes is left", pids)

    def _note(self, what: str, pids: tuple[int, ...]) -> None:
        if self._work is not None:
            self._work.note(what, pids)

    def _settle(self, answer: frames.Answer | Ended) -> None:
        self._weigh_no_more()
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(answer)


def _processes(count: int) -> str:
    return "1 process" if count == 1 else f"{count} processes"


def _nothing() -> None:
    """What is to be done while nobody waits for it to stand still."""
