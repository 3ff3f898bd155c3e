"""A server and its workers, from the first request to the end of the last process."""

import asyncio
import signal
from collections.abc import Callable
from functools import partial

from offload.cli.ending import Ending
from offload.cli.handover import SuccessiveServer
from offload.cli.parent import Parent
from offload.cli.silent_workers import SilentWorkers
from offload.cli.supervisor import Supervisor

WORKERS_TOO_LATE_SECONDS = 0.7
"""After the grace period: code that has not stopped by now will not, and its worker is killed."""

TOO_LATE_SECONDS = 0.85
"""After the grace period: the server ends, whatever it still does."""


class Tree:
    """One server process with its worker processes.

    Args:
        server: bound already.
        workers: not started yet.
        silent: kills the silent ones among them.
        parent: the process above, where this tree ends with it: it is one generation of several,
            or the demo's.
    """

    def __init__(
        self,
        server: SuccessiveServer,
        workers: Supervisor,
        silent: SilentWorkers,
        parent: Parent | None,
    ) -> None:
        self._server = server
        self._workers = workers
        self._silent = silent
        self._parent = parent

    async def run(self, grace: float, introduce: Callable[[], None]) -> None:
        """Serve until told to end; what is printed first means that it can be told.

        Args:
            grace: seconds that running jobs are given at the end.
            introduce: prints it.
        """
        loop = asyncio.get_running_loop()
        kill = partial(self._workers.signal, signal.SIGKILL)
        ending = Ending(grace + TOO_LATE_SECONDS, kill, self._workers.await_killing)
        ending.listen()
        retired = asyncio.Event()
        if self._parent is not None:
            self._parent.then(ending.begin)
            self._parent.when_retired(lambda: loop.call_soon_threadsafe(retired.set))
        introduce()
        self._workers.start()
        watch = loop.create_task(self._silent.run())
        over = loop.create_task(self._until_over(retired))
        asked = loop.create_task(ending.asked.wait())
        await asyncio.wait({over, asked}, return_when=asyncio.FIRST_COMPLETED)
        watch.cancel()
        asked.cancel()
        await self._stop(grace)
        await over

    async def _stop(self, grace: float) -> None:
        self._server.draining = True
        await self._workers.stop(grace + WORKERS_TOO_LATE_SECONDS)
        self._server.stop()

    async def _until_over(self, retired: asyncio.Event) -> None:
        """Serve until stopped; where it is retired, until the workers have ended their jobs."""
        serving = asyncio.create_task(self._server.run())
        told = asyncio.create_task(retired.wait())
        await asyncio.wait({serving, told}, return_when=asyncio.FIRST_COMPLETED)
        if told.done():
            await asyncio.gather(self._workers.retire(), self._server.retire())
        told.cancel()
        await serving
