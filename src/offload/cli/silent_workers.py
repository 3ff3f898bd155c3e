"""Kills the worker processes of a server that have fallen silent, with all that descends from them.

The kernel's lock says that such a worker lives, so nobody else touches its jobs; they would stand
still for ever. Once it is dead they are rescued as after any other crash, and the supervisor starts
another worker.
"""

import asyncio
import contextlib
import logging
import threading
import time

from offload.app import Offload
from offload.cli.silence import Silence
from offload.cli.supervisor import Supervisor, kill_with_all_below
from offload.errors import OffloadError
from offload.model import QueueSettings, WorkerInfo
from offload.worker import family
from offload.worker.presence import boot_id, host_name

log = logging.getLogger("offload.serve")

CLOCK_SLACK_SECONDS = 1.0
"""A worker enrols after it was started; a row from long before is of an earlier process."""

ANSWER_PART = 1 / 6
"""Of a lease: within this the database has to take a write, or nobody is judged."""


class SilentWorkers:
    """Looks at the server's own workers, as the database shows them.

    Args:
        offload: where workers give their signs of life.
        workers: the processes to watch.
        lease: seconds after which a worker is called silent.
    """

    def __init__(self, offload: Offload, workers: Supervisor, lease: float) -> None:
        self._offload = offload
        self._workers = workers
        self._lease = lease
        self._silence = Silence(lease)
        self._here = (host_name(), boot_id())

    async def run(self) -> None:
        """Watch, until cancelled."""
        while True:
            await asyncio.sleep(self._silence.interval)
            try:
                await self._look()
            except OffloadError:  # it is the workers' affair to complain of the database
                self._silence.forget()
            except Exception:
                log.exception("the workers could not be looked at; going on")
                await asyncio.sleep(1.0)

    async def _look(self) -> None:
        rows = self._rows_of_ours(await self._offload.aworkers())
        self._silence.note(time.monotonic(), {pid: row.seen_at for pid, row in rows.items()})
        if not self._silence.suspects:
            return
        if not await self._takes_writes(self._lease * ANSWER_PART):
            self._silence.forget()
            return
        for pid in self._silence.silent:
            await asyncio.to_thread(self._kill, rows[pid])

    def _rows_of_ours(self, rows: list[WorkerInfo]) -> dict[int, WorkerInfo]:
        """Return what is stored of each of the processes; nothing of one that has not enrolled.

        A worker that was taken for dead has enrolled again: the newest row counts.
        """
        started_at = self._workers.started_at
        found: dict[int, WorkerInfo] = {}
        for row in sorted(rows, key=lambda row: row.id):
            begun = started_at.get(row.pid)
            is_ours = begun is not None and (row.host, row.boot_id) == self._here
            if is_ours and begun is not None and row.started_at >= begun - CLOCK_SLACK_SECONDS:
                found[row.pid] = row
        return found

    async def _takes_writes(self, seconds: float) -> bool:
        """Say whether the database takes a write: where it takes none, nobody can renew a lease."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bool] = loop.create_future()

        def settle(taken: bool) -> None:
            if not answer.done():
                answer.set_result(taken)

        def write() -> None:
            taken = False
            with contextlib.suppress(OffloadError):
                self._offload.set_queue(QueueSettings(), QueueSettings())  # changes nothing
                taken = True
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(settle, taken)

        # A thread that nobody waits for: a locked database may hold it for half a minute.
        threading.Thread(target=write, name="offload probe", daemon=True).start()
        try:
            return await asyncio.wait_for(answer, seconds)
        except TimeoutError:
            return False

    def _kill(self, row: WorkerInfo) -> None:
        if row.pid not in self._workers.started_at:
            return  # it has ended meanwhile, and its number may be another's
        log.warning(
            "worker %d (pid %d) has been silent for %g s (stopped, or its code holds the "
            "interpreter's lock): killing it%s; its jobs go back",
            *(row.id, row.pid, self._lease, _below(len(family.descendants(row.pid)))),
        )
        kill_with_all_below(row.pid, row.lock_file)


def _below(count: int) -> str:
    if count == 0:
        return ""
    return f", with {count} process{'es' if count > 1 else ''} below it"
