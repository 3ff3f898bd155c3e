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
import resource
import select
import signal
import socket
import time
from collections.abc import Callable, Collection
from functools import partial

import msgspec

from offload.worker import family
from offload.worker.capture.child import Output
from offload.worker.executors.process.channel import Channel, Termination
from offload.worker.executors.process.child import serve
from offload.worker.executors.process.freezing import Freezing
from offload.worker.executors.process.orders import (
    Done,
    End,
    Ended,
    Fork,
    Forked,
    Freeze,
    Frozen,
    Order,
    Ready,
    Report,
    Signal,
    Stirring,
    Thaw,
    Watch,
    Weigh,
    Weighed,
    named,
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
        self.killed: set[int] = set()
        self.freezing: Freezing | None = None
        self.turn = 0


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
            ready = {fd for fd, _ in poll.poll(self._patience(sampled_at))}
            if self._woken.fileno() in ready:
                self._calm()
            self._reap()
            if self._connection.fileno() in ready:
                act = self._obey()
                if act is not None:
                    return act
            self._go_rounds()
            if self._is_watching and time.monotonic() >= sampled_at + SAMPLE_SECONDS:
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

    @property
    def _is_watching(self) -> bool:
        return any(each.limit is not None and _moves(each) for each in self._children.values())

    def _patience(self, sampled_at: float) -> float | None:
        """Milliseconds until something is to be done that nobody asks for; None is for ever."""
        due = [each.freezing.due_at for each in self._children.values() if each.freezing]
        if self._is_watching:
            due.append(sampled_at + SAMPLE_SECONDS)
        return max(0.0, min(due) - time.monotonic()) * 1000 if due else None

    def _calm(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._woken.recv(4096):
                continue

    def _obey(self) -> Callable[[], None] | None:
        data, descriptors = self._receive()
        if not data:
            self._end_soon()
            return None
        order = _read(data)
        if isinstance(order, Fork):
            return self._fork(order.child, *descriptors)
        numbered = (each for each in self._children.values() if each.number == order.child)
        child = next(numbered, None)
        if child is None:
            return None  # it has ended by itself; that has been told
        match order:
            case Signal(number=number):
                self._signal(child, number)
            case End():
                _end(child)
            case Watch(limit=limit):
                child.limit, child.peak = limit, 0
            case Weigh() if family.children(child.pid):
                self._tell(Weighed(child.number, family.fair_memory(child.pid)))
            case Freeze(turn=turn):
                child.freezing, child.turn = Freezing(child.pid), turn
            case Thaw():
                self._thaw(child)
        return None

    def _receive(self) -> tuple[bytes, list[int]]:
        """Read an order and what comes with it; b"" when the worker is gone, however it went."""
        try:
            received = socket.recv_fds(self._connection, 1 << 16, 4, socket.MSG_CMSG_CLOEXEC)
        except ConnectionError:  # it died with words of ours unread
            return b"", []
        return received[0], received[1]

    def _signal(self, child: _Child, number: int) -> None:
        """Signal a child and all below it; who stands still takes no SIGTERM and is let go on."""
        line = family.line(child.pid)
        self._tell_done(child, number, family.send(line, number))
        if number == signal.SIGTERM:
            if child.freezing is not None:
                self._thaw(child)
            family.send(reversed(line), signal.SIGCONT)

    def _thaw(self, child: _Child) -> None:
        """Let a child and all below it go on, if they were told to stand still."""
        freezing, child.freezing = child.freezing, None
        if freezing is not None:
            self._tell_done(child, signal.SIGCONT, freezing.thaw())

    def _go_rounds(self) -> None:
        """Look at those children that are to stand still, as often as each needs it."""
        now = time.monotonic()
        freezing = [each for each in self._children.values() if each.freezing is not None]
        due = [each for each in freezing if each.freezing and each.freezing.due_at <= now]
        everyone = family.everyone() if due else {}
        for child in due:
            if child.freezing is not None:
                child.freezing.go_round(everyone)
                self._tell_freezing(child, child.freezing)

    def _tell_freezing(self, child: _Child, freezing: Freezing) -> None:
        if freezing.takes_news():
            pids = {kin.pid for kin in freezing.stopped.values()}
            self._tell(Frozen(child.number, child.turn, len(pids), named(pids)))
        elif late := freezing.take_late():
            self._tell(Stirring(child.number, child.turn, len(late), _pids(late)))

    def _tell_done(self, child: _Child, number: int, sent: Collection[Kin]) -> None:
        self._tell(Done(child.number, number, len(sent), _pids(sent)))

    def _fork(self, number: int, end: int, *pipes: int) -> Callable[[], None] | None:
        server = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            _close(end, *pipes)
            self._tell(Ended(number, error.errno or 1))
            return None
        if pid:
            _close(end, *pipes)
            self._children[pid] = _Child(number, pid)
            self._tell(Forked(number, pid))
            return None
        self._let_go()
        return partial(_be_a_child, server, number, end, *pipes)

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
        ended: list[tuple[_Child, int, resource.struct_rusage]] = []
        with contextlib.suppress(ChildProcessError):
            while (found := os.wait4(-1, os.WNOHANG))[0]:
                child = self._children.pop(found[0], None)
                if child is not None:
                    ended.append((child, os.waitstatus_to_exitcode(found[1]), found[2]))
        if ended or self._strangers():
            killed = family.kill(self._strangers)
            if len(ended) == 1:  # of several nobody knows whose they were
                ended[0][0].killed |= killed
        for child, code, usage in ended:
            self._tell(_end_of(child, code, usage))

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
            if child.limit is None or not _moves(child):
                continue
            held = family.memory(child.pid)
            if held > child.limit:  # perhaps they share much of it
                held = family.fair_memory(child.pid)
            child.peak = max(child.peak, held)
            if held > child.limit:
                child.over_limit = True
                _end(child)

    def _tell(self, report: Report) -> None:
        with contextlib.suppress(OSError):  # the worker is gone; the next thing to be read says so
            self._connection.send(_write(report))


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _be_a_child(server: int, number: int, end: int, *pipes: int) -> None:
    os.setsid()
    die_with_parent(signal.SIGKILL)
    _adopt_orphans()
    if os.getppid() != server:
        os._exit(1)  # it died before we could ask to be told
    os.environ[family.MARK] = f"{os.environ.get(family.MARK, '')}:{number}"
    termination = Termination()
    termination.listen()
    with contextlib.closing(Channel(socket.socket(fileno=end), termination)) as channel:
        serve(channel, termination, Output(*pipes))


def _end(child: _Child) -> None:
    """Kill the descendants first: as long as the child is there, it adopts their orphans."""
    child.freezing = None
    itself = family.everyone().get(child.pid)
    if itself is not None:
        family.send([itself], signal.SIGSTOP)
        child.killed |= family.kill(lambda: family.descendants(child.pid))
        child.killed |= {kin.pid for kin in family.send([itself], signal.SIGKILL)}


def _end_of(child: _Child, code: int, usage: resource.struct_rusage) -> Ended:
    return Ended(
        child.number,
        code,
        child.peak or None,
        child.over_limit,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss << 10,
        len(child.killed),
        named(child.killed),
    )


def _moves(child: _Child) -> bool:
    """Whether it may take more memory: who stands still does not."""
    return child.freezing is None or not child.freezing.is_still


def _pids(found: Collection[Kin]) -> tuple[int, ...]:
    return named(kin.pid for kin in found)


def die_with_parent(number: int) -> None:
    """Ask for a signal at the end of the thread that has started this process."""
    _prctl(_PR_SET_PDEATHSIG, number)


def _adopt_orphans() -> None:
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, argument: int) -> None:
    if _libc.prctl(option, argument, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl was refused")


_libc = ctypes.CDLL(None, use_errno=True)
