"""The worker processes of a server: started, started again when one dies, stopped in order.

Each has a session of its own, so that Ctrl-C in a terminal reaches the server alone, which then
tells its workers once. Each has a pipe as its standard input that ends with the server (`parent`).
"""

import asyncio
import contextlib
import logging
import signal
import threading
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence

from offload.cli.parent import RETIRE
from offload.worker import family
from offload.worker.family import Kin

log = logging.getLogger("offload.serve")

DELAYS = (0.1, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds before a worker is started again, after its first death in a row, its second, …"""

HEALTHY_SECONDS = 10.0
"""A worker that has lived so long did not die of its start: its death is the first of a row."""

LOG_SECONDS = 1.0
"""Of deaths that follow each other faster only the number is told."""

KILLED_SECONDS = 0.1
"""How long a killed process may take to be gone; the kernel needs it to free a lot of memory."""


class Supervisor:
    """Keeps a number of worker processes alive.

    Args:
        command: starts one.
        count: how many there are to be.
    """

    def __init__(self, command: Sequence[str], count: int) -> None:
        self._command = command
        self._count = count
        self._processes: dict[Process, float] = {}
        self._stopping = asyncio.Event()
        self._killing = threading.Lock()
        self._keepers: list[asyncio.Task[None]] = []
        self._last_line_at = float("-inf")
        self._untold = 0

    def start(self) -> None:
        """Start the workers; returns at once."""
        loop = asyncio.get_running_loop()
        self._keepers = [loop.create_task(self._keep_one()) for _ in range(self._count)]

    async def stop(self, patience: float) -> None:
        """Tell the workers to end, and kill those that have not within `patience` seconds."""
        self._stopping.set()
        self.signal(signal.SIGTERM)
        await self._wait(patience)
        for process in list(self._processes):
            await asyncio.to_thread(self._kill, process.pid)
        await self._wait(KILLED_SECONDS)
        for keeper in self._keepers:
            keeper.cancel()

    def await_killing(self) -> None:
        """Return when those that are being killed are: left in the midst, they were all frozen."""
        if self._killing.acquire(timeout=family.ENDING_SECONDS):
            self._killing.release()

    def _kill(self, pid: int) -> None:
        with self._killing:
            kill_with_all_below(pid, seconds=KILLED_SECONDS)

    async def retire(self) -> None:
        """Have the workers take nothing more, and wait until all of them have ended by themselves.

        None is started again meanwhile.
        """
        self._stopping.set()
        for process in list(self._processes):
            self._say_retire(process)
        await self._wait(None)

    @property
    def started_at(self) -> dict[int, float]:
        """The workers' processes, and the instant at which each was started, by the wall clock."""
        return {process.pid: at for process, at in self._processes.items()}

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all workers, without waiting."""
        for process in list(self._processes):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)

    @staticmethod
    def _say_retire(process: Process) -> None:
        assert process.stdin is not None
        with contextlib.suppress(OSError, RuntimeError):  # it has ended already
            process.stdin.write(RETIRE)

    async def _wait(self, seconds: float | None) -> None:
        if self._keepers:
            await asyncio.wait(self._keepers, timeout=seconds)

    async def _keep_one(self) -> None:
        deaths = 0
        while not self._stopping.is_set():
            started_at = time.monotonic()
            how = await self._run_one()
            if self._stopping.is_set():
                return
            lived = time.monotonic() - started_at
            deaths = 1 if lived > HEALTHY_SECONDS else deaths + 1
            delay = DELAYS[min(deaths, len(DELAYS)) - 1]
            self._tell(f"{how}; starting another one in {delay:g} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)

    async def _run_one(self) -> str:
        """Run one worker to its end; returns how that was, in words."""
        started_at = time.time()
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, start_new_session=True
            )
        except OSError as error:
            return f"a worker could not be started ({error})"
        self._processes[process] = started_at
        if self._stopping.is_set():
            process.terminate()
        try:
            return f"worker process {process.pid} {how_it_ended(await process.wait())}"
        finally:
            del self._processes[process]

    def _tell(self, line: str) -> None:
        now = time.monotonic()
        if now - self._last_line_at < LOG_SECONDS:
            self._untold += 1
            return
        more = f" ({self._untold} more deaths before this one)" if self._untold else ""
        log.warning("%s%s", line, more)
        self._last_line_at, self._untold = now, 0


def kill_with_all_below(pid: int, mark: str = "", seconds: float = family.ENDING_SECONDS) -> int:
    """Kill a process and what descends from it; returns how many there were.

    Args:
        pid: a child of this process that was not waited for yet, so the number is still its own.
        mark: what else descends from it has this mark; see `family.marked`.
        seconds: after which nobody waits any more for what was killed.
    """

    def find() -> set[Kin]:
        found = family.descendants(pid)
        itself = family.everyone().get(pid)
        return found | ({itself} if itself else set()) | (family.marked(mark) if mark else set())

    return family.end(find, seconds)


def how_it_ended(code: int) -> str:
    """Say in words what an exit code means."""
    if code < 0:
        return f"was ended by signal {-code} ({signal.strsignal(-code)})"
    return f"ended with exit code {code}"
