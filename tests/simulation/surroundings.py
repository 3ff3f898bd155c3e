"""What surrounds a simulated process: its connection to the file, its lock, its bell.

Each stands in for the real one's promise and for the ways in which that can go wrong; the store,
the worker and everything between them are the real ones.
"""

import sqlite3
from collections.abc import Callable
from typing import Any, Literal, Protocol

from offload.model import WorkerInfo
from offload.store.base import Effects
from offload.store.wake import Bell, Listener
from offload.testing import Process, connect_without_fsync

Fate = Literal["stored", "stored, unseen", "lost, unseen", "refused"]


class Weather(Protocol):
    """Decides what goes wrong with the database, and is told what was stored."""

    def is_out(self) -> bool:
        """Whether the database cannot be reached now."""
        ...

    def fate(self, process: Process) -> Fate:
        """What becomes of the commit that this process sends now."""
        ...

    def committed(self, process: Process) -> None:
        """A transaction of this process has just been stored."""
        ...


class Connection:
    """A process's connection to the file, with the weather between the two."""

    def __init__(self, real: sqlite3.Connection, process: Process, weather: Weather) -> None:
        self._real = real
        self._process = process
        self._weather = weather
        self._changes = 0

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Execute a statement; beginning and committing are where the weather strikes."""
        if sql.startswith("begin") and self._weather.is_out():
            raise sqlite3.OperationalError("disk I/O error")
        if sql == "commit":
            return self._commit()
        return self._real.execute(sql, parameters)

    def _commit(self) -> sqlite3.Cursor:
        fate = self._weather.fate(self._process)
        if fate == "refused":
            raise sqlite3.OperationalError("database or disk is full")
        if fate == "lost, unseen":
            self._real.execute("rollback")
        else:
            cursor = self._real.execute("commit")
            if self._real.total_changes > self._changes:
                self._changes = self._real.total_changes
                self._weather.committed(self._process)
        if fate != "stored":
            raise sqlite3.OperationalError("disk I/O error")
        return cursor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def connector(process: Process, weather: Weather) -> Callable[..., Connection]:
    """Return what opens connections for a process; for the argument `connect` of `SQLiteStore`."""
    return lambda *args, **options: Connection(
        connect_without_fsync(*args, **options), process, weather
    )


class Locks:
    """The lock files of all processes: who is seen alive.

    Attributes:
        held: the locks by name.
        trouble: what looking at a lock raises, if it does.
    """

    def __init__(self) -> None:
        self.held: dict[str, Process] = {}
        self.trouble: Exception | None = None
        self._made = 0

    def take(self, process: Process) -> str:
        """Create and lock a file of a new name."""
        self._made += 1
        name = f"{process.name} {self._made}"
        self.held[name] = process
        return name

    def release(self, process: Process) -> None:
        """Release whatever a process holds, as the kernel does when it ends."""
        self.held = {name: holder for name, holder in self.held.items() if holder is not process}


class LockPresence:
    """A process's presence, as `LockFile` with the kernel simulated."""

    def __init__(self, locks: Locks, process: Process) -> None:
        self._locks = locks
        self._process = process

    def enter(self) -> str:
        """Begin to be alive; see `Presence.enter`."""
        return self._locks.take(self._process)

    def leave(self) -> None:
        """End being alive; see `Presence.leave`."""
        self._locks.release(self._process)

    def is_alive(self, info: WorkerInfo) -> bool:
        """Say whether that worker's lock is held; see `Presence.is_alive`."""
        if self._locks.trouble is not None:
            raise self._locks.trouble
        return info.lock_file in self._locks.held

    async def clear(self, info: WorkerInfo) -> None:
        """A simulated worker has no processes; see `Presence.clear`."""

    def forget(self, info: WorkerInfo) -> None:
        """Clean up after a dead worker; see `Presence.forget`."""
        self._locks.held.pop(info.lock_file, None)


class Wire:
    """What passes wake-ups between processes: late, or never."""

    def __init__(self, delay: Callable[[], float | None]) -> None:
        self._bells: list[WiredBell] = []
        self._delay = delay

    def join(self, bell: "WiredBell") -> None:
        """Let a bell hear what the others ring."""
        self._bells.append(bell)

    def pass_on(self, effects: Effects, sender: "WiredBell") -> None:
        """Pass a wake-up on to every other process; each copy has its own fate."""
        self._bells = [bell for bell in self._bells if bell.process.is_alive]
        for bell in self._bells:
            delay = None if bell is sender else self._delay()
            wake = bell.process.strand("wake")
            if delay == 0.0:
                wake.call_soon(bell.hear, effects)
            elif delay is not None:
                wake.call_later(delay, bell.hear, effects)


class WiredBell(Bell):
    """A process's bell: its own listeners hear it at once, those of others through the wire."""

    def __init__(self, wire: Wire, process: Process) -> None:
        super().__init__(None)
        self.process = process
        self._wire = wire
        self._heard_by: list[Listener] = []
        wire.join(self)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; see `Bell.listen`."""
        self._heard_by.append(listener)
        return lambda: self._heard_by.remove(listener)

    def ring(self, effects: Effects) -> None:
        """Tell everybody; see `Bell.ring`."""
        if effects and self.process.is_alive:
            self.hear(effects)
            self._wire.pass_on(effects, self)

    def hear(self, effects: Effects) -> None:
        """Tell this process's listeners."""
        for listener in list(self._heard_by):
            listener(effects)
