"""The children of a worker: some at work, one or more warm and waiting, never more than allowed.

A frozen job holds its child and none of the worker's places. Its child is set aside: another one
may be made in its stead, and one that waits is let go when the job goes on.
"""

import asyncio
import logging
import socket
import sys
from collections import deque

from offload.importable import Place
from offload.worker import family
from offload.worker.capture.echo import Echo
from offload.worker.capture.pipe import Pipes
from offload.worker.executors.process import frames
from offload.worker.executors.process.handle import Child, Closed, NoServer, ServerLost
from offload.worker.executors.process.orders import (
    Done,
    Ended,
    Fork,
    Forked,
    Frozen,
    OfChild,
    Stirring,
    Weighed,
)
from offload.worker.executors.process.serving import ForkServer
from offload.worker.presence import boot_id

log = logging.getLogger("offload.worker")

MOST_FAILED_STARTS = 3
"""Fork servers in a row that ended before they were ready; then jobs are told so."""

SHORT_SECONDS = 1.0
"""After a child could not be made, for want of open files: then it is tried again."""

TEARING_DOWN_SECONDS = 0.4
"""How long a child may take to tear down what hooks have set up."""

START_AGAIN_SECONDS = 0.1
"""After a fork server that ended before it was ready; twice as long after each further one."""


class Pool:
    """Hands out children, and makes new ones.

    Args:
        most: how many there are at most, at work and waiting; those set aside do not count.
        mark: see `family`.
        hooks: what each child sets up before its first job.
    """

    def __init__(self, most: int, mark: str, hooks: tuple[Place, ...]) -> None:
        self._most = most
        self._mark = mark
        self._hooks = hooks
        self._children: dict[int, Child] = {}
        self._idle: list[Child] = []
        self._aside: set[int] = set()
        self._leaving: set[int] = set()
        self._waiting: deque[asyncio.Future[Child]] = deque()
        self._server: ForkServer | None = None
        self._recovering: asyncio.Task[None] | None = None
        self._failed_starts = 0
        self._last_number = 0
        self._is_closed = False
        self._echo = Echo()
        self._is_short = False

    @property
    def server_pid(self) -> int | None:
        """The fork server's process, if there is one."""
        return None if self._server is None else self._server.pid

    def warm(self) -> None:
        """Start the fork server and a child, so that the first job does not wait for them."""
        if self._recovering is None and not self._is_closed:
            self._provide()

    def pick(self, module: str) -> Child | None:
        """Return a child that has nothing to do, if there is one; best one that knows the module.

        Of several the one that was at work last: what it has in memory is still warm.
        """
        if self._waiting or not self._idle:
            return None
        found = len(self._idle) - 1
        for place in reversed(range(len(self._idle))):
            if module in self._idle[place].modules:
                found = place
                break
        child = self._idle.pop(found)
        self._provide()
        return child

    async def take(self, module: str) -> Child:
        """Wait for a child that has nothing to do.

        Raises:
            NoServer: the fork server does not start.
            Closed: no job begins any more.
        """
        while True:
            if self._is_closed:
                raise Closed
            idle = self.pick(module)  # somebody else may have had it made meanwhile
            if idle is not None:
                return idle
            waiting: asyncio.Future[Child] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            self._provide()
            try:
                child = await waiting
            except asyncio.CancelledError:
                self._forgo(waiting)
                raise
            if child.is_alive:
                return child

    def give_back(self, child: Child) -> None:
        """The child has nothing to do any more."""
        self._aside.discard(child.number)  # somebody else may have let it go on, and it has ended
        if not child.is_alive or self._is_closed:
            return
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(child)
                return
        self._idle.append(child)
        self._shrink()

    def set_aside(self, child: Child) -> None:
        """A child's job is frozen: another child may work in its stead."""
        if self._children.get(child.number) is child:
            self._aside.add(child.number)
            self._provide()

    def take_in(self, child: Child) -> None:
        """A child's job goes on, or has ended: it counts again."""
        if child.number in self._aside:
            self._aside.discard(child.number)
            self._shrink()

    async def close(self, seconds: float) -> None:
        """Let the children that wait tear down, then end whatever is left."""
        self._is_closed = True
        self._give_up_waiting(Closed())
        idle, self._idle = self._idle, []
        for child in idle:
            child.say(frames.Close())
        try:
            if idle:
                await asyncio.wait([child.ended for child in idle], timeout=seconds)
        finally:
            await self._close_server()
            for child in list(self._children.values()):
                child.note_loss(ServerLost())
            self._children.clear()
            self._echo.close()

    async def _close_server(self) -> None:
        if self._recovering is not None:
            await self._recovering
        if self._server is not None:
            server, self._server = self._server, None
            await server.close(family.ENDING_SECONDS + 1.0)

    def _provide(self) -> None:
        """Make as many children as are waited for, and one ahead."""
        if self._is_closed or self._recovering is not None or self._is_short:
            return
        wanted = sum(not waiting.done() for waiting in self._waiting) + 1 - len(self._idle)
        try:
            for _ in range(min(wanted, self._room)):
                self.give_back(self._make())
        except OSError as error:  # each frozen job holds a socket, and there are no more to be had
            if self._server is None:
                raise
            log.warning("no further child process can be made yet: %s", error)
            self._is_short = True
            asyncio.get_running_loop().call_later(SHORT_SECONDS, self._provide_again)

    def _provide_again(self) -> None:
        self._is_short = False
        self._provide()

    @property
    def _room(self) -> int:
        """How many children may be made; it is less than none when there are too many."""
        return self._most + len(self._aside) + len(self._leaving) - len(self._children)

    def _shrink(self) -> None:
        """Let go of children that wait and are too many; first of those that were made first."""
        while self._room < 0 and self._idle:
            child = self._idle.pop(0)
            self._leaving.add(child.number)
            child.say(frames.Close())
            asyncio.get_running_loop().call_later(TEARING_DOWN_SECONDS, child.kill)

    def _make(self) -> Child:
        if self._server is None:
            self._server = ForkServer(self._mark, self._hear, self._lost)
        self._last_number += 1
        ours, its = socket.socketpair()
        pipes = Pipes(self._echo)
        child = Child(self._last_number, self._server, ours, pipes)
        self._children[child.number] = child
        self._server.order(Fork(child.number), its, *pipes.ends)
        child.say(frames.Hello(list(sys.path), list(sys.argv), self._hooks))
        return child

    def _forgo(self, waiting: "asyncio.Future[Child]") -> None:
        """Who waited does not want it any more; a child that it was given meanwhile goes on."""
        if waiting in self._waiting:
            self._waiting.remove(waiting)
        elif waiting.done() and not waiting.cancelled():
            self.give_back(waiting.result())

    def _hear(self, report: OfChild) -> None:
        child = self._children.get(report.child)
        if child is None:
            return
        match report:
            case Forked(pid=pid):
                self._failed_starts = 0
                child.note_forked(pid)
            case Weighed(held=held):
                child.note_weight(held)
            case Done():
                child.note_done(report)
            case Frozen():
                child.note_frozen(report)
            case Stirring():
                child.note_stirring(report)
            case Ended():
                self._bury(child, report)

    def _bury(self, child: Child, ended: Ended) -> None:
        del self._children[child.number]
        self._aside.discard(child.number)
        self._leaving.discard(child.number)
        if child in self._idle:
            self._idle.remove(child)
        child.note_end(ended)
        self._provide()

    def _lost(self, how: str) -> None:
        """The fork server is dead. Its children died with it, and the rest is ended by mark."""
        server, self._server = self._server, None
        self._idle.clear()
        was_ready = server is not None and server.is_ready
        self._failed_starts = 0 if was_ready else self._failed_starts + 1
        log.warning("the fork server has ended (%s)", how)
        self._recovering = asyncio.get_running_loop().create_task(self._recover(was_ready))

    async def _recover(self, was_ready: bool) -> None:
        """End what is left by its mark, tell the jobs, and go on with a new server."""
        try:
            await asyncio.to_thread(family.sweep, self._mark, boot_id())
        except RuntimeError:  # the program ends: it has no threads any more
            family.sweep(self._mark, boot_id())
        lost, self._children = list(self._children.values()), {}
        self._idle.clear()
        self._aside.clear()
        self._leaving.clear()
        for child in lost:
            child.note_loss(ServerLost() if was_ready else NoServer())
        if not was_ready and not self._is_closed:
            if self._failed_starts >= MOST_FAILED_STARTS:
                self._give_up_waiting(NoServer())
            await asyncio.sleep(START_AGAIN_SECONDS * 2 ** min(self._failed_starts, 6))
        self._recovering = None
        if self._waiting:
            self._provide()

    def _give_up_waiting(self, why: Exception) -> None:
        """Tell those who wait that there will be no child."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_exception(why)
