"""The fork server: a small process with one thread, from which all children are forked.

It is a fresh Python that has imported offload and nothing else, so a child costs a fork: a few
milliseconds and a megabyte. A process with threads must never fork.

It is the parent of every child, so it alone signals them and their descendants: a pid cannot have
been given to somebody else before it has reaped it. It is a subreaper (prctl(2)): orphans of a
child that has died come to it, and are killed at once. It ends, and takes all below with it, when
its worker ends: that closes the socket between them, and brings a SIGTERM.
"""

import contextlib
import ctypes
import gc
import importlib
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from functools import partial

import msgspec

from offload.worker import family
from offload.worker.executors.process.channel import Channel, Termination
from offload.worker.executors.process.child import serve
from offload.worker.executors.process.orders import (
    End,
    Ended,
    Fork,
    Forked,
    Order,
    Ready,
    Report,
    Signal,
    Watch,
)
from offload.worker.family import Kin

PRELOADED = ("offload.app", "offload.task")
"""What nearly every module with tasks imports; by a name, since they stand above this room."""

SAMPLE_SECONDS = 0.1
"""How often the memory of a job that has a limit is looked at."""

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


_read = msgspec.json.Decoder(Order).decode
_write = msgspec.json.Encoder().encode


class _Child:
    """What the server knows of a child."""

    def __init__(self, number: int, pid: int) -> None:
        self.number = number
        self.pid = pid
        self.limit: int | None = None
        self.peak = 0
        self.over_limit = False


def main(control: int) -> None:
    """Serve until the worker is gone. Returns in the server, and once in each of its children."""
    with socket.socket(fileno=control) as connection:
        die_with_parent(signal.SIGTERM)
        _adopt_orphans()
        for name in PRELOADED:
            with contextlib.suppress(ImportError):  # a child that needs it says what is wrong
                importlib.import_module(name)
        gc.collect()
        gc.freeze()  # a collection in a child would copy the pages that it shares with the others
        act = _Server(connection).run()
    if act is not None:
        act()


class _Server:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._children: dict[int, _Child] = {}  # by pid
        self._is_told_to_end = False
        self._woken, self._wakes = socket.socketpair()
        self._woken.setblocking(False)
        self._wakes.setblocking(False)

    def run(self) -> Callable[[], None] | None:
        """Obey until the end; in a forked child, return what it is to do."""
        self._listen()
        poll = select.poll()
        poll.register(self._connection, select.POLLIN)
        poll.register(self._woken, select.POLLIN)
        self._tell(Ready())
        sampled_at = 0.0
        while not self._is_told_to_end:
            is_watching = any(child.limit is not None for child in self._children.values())
            ready = {fd for fd, _ in poll.poll(SAMPLE_SECONDS * 1000 if is_watching else None)}
            if self._woken.fileno() in ready:
                self._calm()
            self._reap()
            if self._connection.fileno() in ready:
                act = self._obey()
                if act is not None:
                    return act
            if is_watching and time.monotonic() >= sampled_at + SAMPLE_SECONDS:
                self._sample()
                sampled_at = time.monotonic()
        family.end(lambda: family.descendants(os.getpid()))
        self._let_go()
        return None

    def _listen(self) -> None:
        signal.set_wakeup_fd(self._wakes.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.signal(signal.SIGTERM, lambda number, frame: self._end_soon())
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def _end_soon(self) -> None:
        self._is_told_to_end = True

    def _calm(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._woken.recv(4096):
                continue

    def _obey(self) -> Callable[[], None] | None:
        data, descriptors, _, _ = socket.recv_fds(
            self._connection, 1 << 16, 1, socket.MSG_CMSG_CLOEXEC
        )
        if not data:
            self._end_soon()
            return None
        order = _read(data)
        if isinstance(order, Fork):
            return self._fork(order.child, descriptors[0])
        numbered = (each for each in self._children.values() if each.number == order.child)
        child = next(numbered, None)
        if child is None:
            return None  # it has ended by itself; that has been told
        match order:
            case Signal(number=number):
                found = _with_descendants(child.pid)
                family.send(found, number)
                if number == signal.SIGTERM:
                    family.send(found, signal.SIGCONT)  # a stopped process takes no SIGTERM
            case End():
                _end(child.pid)
            case Watch(limit=limit):
                child.limit, child.peak = limit, 0
        return None

    def _fork(self, number: int, end: int) -> Callable[[], None] | None:
        server = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            os.close(end)
            self._tell(Ended(number, error.errno or 1))
            return None
        if pid:
            os.close(end)
            self._children[pid] = _Child(number, pid)
            self._tell(Forked(number, pid))
            return None
        self._let_go()
        return partial(_be_a_child, server, number, end)

    def _let_go(self) -> None:
        """Be no server any more: in a child nothing of it is its own."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._woken.close()
        self._wakes.close()

    def _reap(self) -> None:
        """Tell of the children that have ended, when their orphans have been ended too."""
        ended: list[tuple[_Child, int]] = []
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                child = self._children.pop(found[0], None)
                if child is not None:
                    ended.append((child, os.waitstatus_to_exitcode(found[1])))
        if ended or self._strangers():
            family.end(self._strangers)
        for child, code in ended:
            self._tell(Ended(child.number, code, child.peak or None, child.over_limit))

    def _strangers(self) -> set[Kin]:
        """Orphans of children that have died, and what descends from them."""
        own = set(family.children(os.getpid())) - self._children.keys()
        for pid in own:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        if not own:
            return set()
        everyone = family.everyone()
        return {everyone[pid] for pid in own if pid in everyone} | family.descendants(*own)

    def _sample(self) -> None:
        for child in self._children.values():
            if child.limit is None:
                continue
            held = family.memory(child.pid)
            if held > child.limit:  # perhaps they share much of it
                held = family.fair_memory(child.pid)
            child.peak = max(child.peak, held)
            if held > child.limit:
                child.over_limit = True
                _end(child.pid)

    def _tell(self, report: Report) -> None:
        with contextlib.suppress(OSError):  # the worker is gone; the next thing to be read says so
            self._connection.send(_write(report))


def _be_a_child(server: int, number: int, end: int) -> None:
    os.setsid()
    die_with_parent(signal.SIGKILL)
    _adopt_orphans()
    if os.getppid() != server:
        os._exit(1)  # it died before we could ask to be told
    os.environ[family.MARK] = f"{os.environ.get(family.MARK, '')}:{number}"
    termination = Termination()
    termination.listen()
    with contextlib.closing(Channel(socket.socket(fileno=end), termination)) as channel:
        serve(channel, termination)


def _with_descendants(pid: int) -> set[Kin]:
    found = family.descendants(pid)
    itself = family.everyone().get(pid)
    return found if itself is None else found | {itself}


def _end(pid: int) -> None:
    """Kill the descendants first: as long as the child is there, it adopts their orphans."""
    itself = family.everyone().get(pid)
    if itself is not None:
        family.send([itself], signal.SIGSTOP)
        family.end(lambda: family.descendants(pid))
        family.send([itself], signal.SIGKILL)


def die_with_parent(number: int) -> None:
    """Ask for a signal at the end of the thread that has started this process."""
    _prctl(_PR_SET_PDEATHSIG, number)


def _adopt_orphans() -> None:
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, argument: int) -> None:
    if _libc.prctl(option, argument, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl was refused")


_libc = ctypes.CDLL(None, use_errno=True)
