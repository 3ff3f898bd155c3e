"""What is done to the processes of a server: the kills, the stops and the storms, each drawn."""

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.cli.running import Running, marked

Wait = Callable[[float], None]


class Nemesis:
    """Does one thing after the other to a server and all that is below it.

    Args:
        draw: every choice comes from it.
        start: starts another server.
        lease: of the workers.
        wait: waits some seconds.
    """

    def __init__(
        self, draw: random.Random, start: Callable[[], Running], lease: float, wait: Wait
    ) -> None:
        self._draw = draw
        self._start = start
        self._lease = lease
        self._wait = wait
        self.running = start()
        self.past: list[Running] = []
        self.deeds: list[str] = []

    def strike(self) -> None:
        """Do what comes next."""
        deeds: list[tuple[Callable[[], None], int]] = [
            (self._kill_worker, 6),
            (self._kill_child, 6),
            (self._kill_fork_server, 3),
            (self._kill_server, 3),
            (self._stop_shortly, 3),
            (self._stop_long, 1),
            (self._restart, 3),
            (self._storm, 2),
        ]
        act = self._draw.choices([each for each, _ in deeds], [weight for _, weight in deeds])[0]
        self.deeds.append(act.__name__.strip("_"))
        act()

    def calm(self) -> None:
        """Let everything go on that was stopped."""
        for pid in marked(self.running.mark):
            _send(pid, signal.SIGCONT)

    def _kill_worker(self) -> None:
        self._kill_one(is_worker)

    def _kill_child(self) -> None:
        self._kill_one(is_below_fork_server)

    def _kill_fork_server(self) -> None:
        self._kill_one(is_fork_server)

    def _kill_one(self, kind: Callable[[int], bool]) -> None:
        found = sorted(filter(kind, marked(self.running.mark)))
        if found:
            _send(self._draw.choice(found), signal.SIGKILL)

    def _kill_server(self) -> None:
        """Its workers end by themselves; the next server does not wait for that."""
        self.running.end(signal.SIGKILL)
        self._begin_anew()

    def _stop_shortly(self) -> None:
        for pid in self._some_worker():
            _send(pid, signal.SIGSTOP)
            self._wait(self._draw.uniform(0.05, self._lease / 3))
            _send(pid, signal.SIGCONT)

    def _stop_long(self) -> None:
        for pid in self._some_worker():
            _send(pid, signal.SIGSTOP)
            self._wait(1.4 * self._lease)
            _send(pid, signal.SIGCONT)  # it is dead by now, or about to be killed

    def _restart(self) -> None:
        """As a service manager does it."""
        self.running.end(signal.SIGTERM)
        self._begin_anew()

    def _storm(self) -> None:
        """Signals upon signals, to the server and to a worker."""
        for pid in (*self._some_worker(), self.running.pid, self.running.pid):
            _send(pid, self._draw.choice([signal.SIGTERM, signal.SIGINT]))
            self._wait(self._draw.uniform(0.0, 0.05))
        self.running.process.wait(20)
        self._begin_anew()

    def _begin_anew(self) -> None:
        self.past.append(self.running)
        self.running = self._start()

    def _some_worker(self) -> Iterator[int]:
        found = sorted(filter(is_worker, marked(self.running.mark)))
        if found:
            yield self._draw.choice(found)


def words(pid: int) -> list[bytes]:
    """Return a process's command line."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def is_worker(pid: int) -> bool:
    """Whether it is `offload worker`."""
    return b"worker" in words(pid)


def parent_of(pid: int) -> int:
    """Return a process's parent; 0 when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(stat.rpartition(b")")[2].split()[1])


def is_fork_server(pid: int) -> bool:
    """Whether it is a process that a worker has started."""
    return not is_worker(pid) and is_worker(parent_of(pid))


def is_below_fork_server(pid: int) -> bool:
    """Whether it is a child that runs jobs."""
    return is_fork_server(parent_of(pid))


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def pause(seconds: float) -> None:
    """Let time pass: that is what a torture is made of."""
    time.sleep(seconds)
