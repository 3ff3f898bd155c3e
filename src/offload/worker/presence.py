"""Who is alive: a worker keeps a file locked for as long as it lives.

The kernel releases the lock (flock(2)) at the very moment the process ends, however it ends; so on
one machine nobody has to guess from the age of a lease, and a worker that is merely slow is never
taken for dead.
"""

import asyncio
import contextlib
import fcntl
import os
import secrets
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from offload.model import WorkerInfo


class Presence(Protocol):
    """A worker's proof of life, and the way to ask for that of another."""

    def enter(self) -> str:
        """Begin to be alive; returns the name under which others can ask."""
        ...

    def leave(self) -> None:
        """End being alive."""
        ...

    def is_alive(self, info: WorkerInfo) -> bool:
        """Say whether that worker's process still runs."""
        ...

    async def clear(self, info: WorkerInfo) -> None:
        """End the processes that a dead worker has left: its jobs may run again afterwards."""
        ...

    def forget(self, info: WorkerInfo) -> None:
        """Clean up after a worker that is dead."""
        ...


class LockFile:
    """Presence by a locked file in the folder beside the database.

    Args:
        folder: where the files are.
        sweep: ends the processes that bear a file's name as their mark, in a given boot of this
            machine; returns how many there were.
    """

    def __init__(
        self, folder: Path, sweep: Callable[[str, str], int] = lambda mark, boot: 0
    ) -> None:
        self._folder = folder
        self._sweep = sweep
        self._name = ""
        self._descriptor = -1

    def enter(self) -> str:
        """Create and lock a file of a new name; see `Presence.enter`."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._name = f"worker-{os.getpid()}-{secrets.token_hex(4)}.lock"
        flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC
        self._descriptor = os.open(self._folder / self._name, flags, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # A forked child shares the lock; without this it would outlive its owner in the child.
        os.register_at_fork(after_in_child=self._let_go)
        return self._name

    def leave(self) -> None:
        """Remove the file and release the lock; see `Presence.leave`."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._folder / self._name)
        self._let_go()

    def is_alive(self, info: WorkerInfo) -> bool:
        """Try the lock: it is refused exactly as long as the process lives.

        A lock that cannot be tried (no descriptors are left, say) is no proof of death.
        """
        try:
            descriptor = os.open(self._folder / info.lock_file, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        try:
            # Shared, so that two who ask at once do not take each other for the owner.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(descriptor)
        return False

    async def clear(self, info: WorkerInfo) -> None:
        """End what bears the mark of a dead worker of this machine; see `Presence.clear`."""
        if info.host == host_name():
            await asyncio.to_thread(self._sweep, info.lock_file, info.boot_id)

    def forget(self, info: WorkerInfo) -> None:
        """Remove a dead worker's file."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._folder / info.lock_file)

    def _let_go(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def boot_id() -> str:
    """Return what tells this boot of the machine from all others; "" where it is not told."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def host_name() -> str:
    """Return the machine's name."""
    return socket.gethostname()
