"""Starting prepared jobs: all or none, once, and with a worker to take them."""

import secrets
from collections.abc import Mapping
from typing import Any

from offload import verbs
from offload.clock import Clock
from offload.desk.asking import Asking
from offload.job import Job
from offload.model import By, NewJob, QueueSettings
from offload.options import DEFAULT_QUEUE
from offload.store.base import (
    Insert,
    Inserted,
    SetQueue,
)
from offload.verbs import Plan

Handles = list[Job[Any]]


class Starting(Asking):
    """Stores new jobs."""

    def __init__(self, arguments: Mapping[str, Any], queue: QueueSettings, clock: Clock) -> None:
        super().__init__(arguments, queue, clock)
        self._started_ids: list[int] | None = None

    def start_new(self, job: NewJob) -> Job[Any]:
        """Store a prepared job; returns its handle."""
        return self.start_all_new((job,))[0]

    async def astart_new(self, job: NewJob) -> Job[Any]:
        """The same without blocking the loop."""
        return (await self.astart_all_new((job,)))[0]

    def start_all_new(self, jobs: tuple[NewJob, ...]) -> Handles:
        """Store prepared jobs, all or none; returns their handles."""
        inserted = self.run(self.admitting(jobs))
        self.hire({(job.task, job.queue) for job in jobs})
        return self._handles(inserted.ids)

    async def astart_all_new(self, jobs: tuple[NewJob, ...]) -> Handles:
        """The same without blocking the loop."""
        inserted = await self.perform(self.admitting(jobs))
        await self.ahire({(job.task, job.queue) for job in jobs})
        return self._handles(inserted.ids)

    def admitting(
        self,
        jobs: tuple[NewJob, ...],
        by: By | None = None,
        key: str | None = None,
        digest: bytes = b"",
        *,
        grouped: bool = False,
    ) -> Plan[Inserted]:
        """Return the plan that stores prepared jobs, all or none.

        Args:
            jobs: from `Task.new_job`.
            by: who asks, and through which door.
            key: an idempotency key: with the same digest it gives the first answer again.
            digest: a digest of the request that came with the key.
            grouped: make a group of them.
        """
        yield from self._settling()
        token = secrets.randbits(62)
        insert = Insert(jobs, self.now(), by or self._by(), token, key, digest, grouped)
        return (yield from verbs.start(insert))

    def _settling(self) -> Plan[None]:
        """Write, before the first start, what was said explicitly about the queue."""
        house = self.open()
        if not house.settled:
            house.settled = True
            if self.queue_settings != QueueSettings():
                yield SetQueue(DEFAULT_QUEUE, self.queue_settings)

    def _handles(self, ids: tuple[int, ...]) -> Handles:
        if self._started_ids is not None:
            self._started_ids += ids
        return [Job(job_id, self) for job_id in ids]
