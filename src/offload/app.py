"""Class `Offload`: the tasks, and one method per verb, each with its async twin."""

import asyncio
import os
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from msgspec import UNSET, UnsetType

from offload.clock import Clock, SystemClock
from offload.desk import Boxing
from offload.errors import ConfigError, Evicted
from offload.model import QueueSettings
from offload.submitted import Accepted, ids_of

Ids = list[int]
Submissions = list[Accepted]


class Offload(Boxing):
    """A set of tasks, and the database in which their jobs are kept, or the server that has it.

    Args:
        db: the database file; `OFFLOAD_DB`, or `offload.db` in the working directory.
        server: the address of a server whose jobs these are, instead of a database
            (`OFFLOAD_SERVER`): the same verbs go there, and no job runs in this program.
        token: what that server wants to see (`OFFLOAD_TOKEN`).
        concurrency: jobs of the queue running at once, over all workers; None is no limit.
        capacity: jobs admitted and not yet begun, beyond which a start is refused; None is no
            capacity.
        keep: finished jobs retained.
        slots: jobs that a worker embedded in this program runs at once.
        max_frozen: paused jobs that it holds with all their memory.
        worker: "auto" embeds a worker in this program from the first start on, unless one at work
            elsewhere serves the task; "off" never does (`OFFLOAD_WORKER`).
        grace: seconds that running jobs are given when the program ends.
        lease: seconds for which a worker owns a job without a sign of life.
        clock: another clock, for tests.

    Raises:
        ConfigError: a setting does not fit.
    """

    def __new__(cls, *given: Any, **said: Any) -> Self:
        """Make one that asks a server, where one is named: by an argument, else by the variable."""
        db = given[0] if given else said.get("db")
        if cls is not Offload or not _asks_server(db, said.get("server")):
            return super().__new__(cls)
        far: type[Self] = import_module("offload.client.remote").Remote
        return super().__new__(far)  # HTTP is imported by those who use it

    def __init__(
        self,
        db: str | Path | None = None,
        *,
        server: str | None = None,
        token: str | None = None,
        concurrency: int | None | UnsetType = UNSET,
        capacity: int | None | UnsetType = UNSET,
        keep: int | None = None,
        slots: int | None = None,
        max_frozen: int | None = None,
        worker: Literal["auto", "off"] | None = None,
        grace: float | None = None,
        lease: float | None = None,
        clock: Clock | None = None,
    ) -> None:
        arguments = {
            "db": None if db is None else str(db),
            "server": server,
            "token": token,
            "keep": keep,
            "slots": slots,
            "max_frozen": max_frozen,
            "worker": worker,
            "grace": grace,
            "lease": lease,
        }
        queue = QueueSettings(limit=concurrency, capacity=capacity)
        super().__init__(arguments, queue, clock or SystemClock())

    def __enter__(self) -> "Offload":
        self._started_ids = []
        self._started_boxes = []
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for the jobs that were started in the block, then close; on an error just close."""
        started, self._started_ids = self._started_ids or [], None
        boxes, self._started_boxes = self._started_boxes or [], None
        if kind is None:
            started += ids_of(boxes)
            for job_id in started:
                with suppress(Evicted):  # it has ended
                    self.wait_until(job_id, None, None)
        self.close()

    async def __aenter__(self) -> "Offload":
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        started, self._started_ids = self._started_ids or [], None
        boxes, self._started_boxes = self._started_boxes or [], None
        if kind is None:
            started += await asyncio.to_thread(ids_of, boxes)
            for job_id in started:
                with suppress(Evicted):  # it has ended
                    await self.await_until(job_id, None, None)
        await asyncio.to_thread(self.close)


def _asks_server(db: str | Path | None, server: str | None) -> bool:
    """Say which way the jobs are: the arguments decide, else the variables.

    Raises:
        ConfigError: both ways are named in the same place.
    """
    by_variable = (os.environ.get("OFFLOAD_DB"), os.environ.get("OFFLOAD_SERVER"))
    for way, far, names in (
        (db, server, "Offload(db=…) and Offload(server=…)"),
        (*by_variable, "OFFLOAD_DB and OFFLOAD_SERVER"),
    ):
        if way and far:
            raise ConfigError(f"{names} are two ways to the jobs; give one of them")
        if way or far:
            return bool(far)
    return False
