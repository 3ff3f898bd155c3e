"""Asking something of a job that there is: cancel, pause, resume, retry, amend, complete."""

import os
from typing import Any

from offload import model, verbs
from offload.desk.looking import Looking
from offload.job import Job
from offload.lifecycle import Amendment
from offload.model import By, QueueSettings, Wish
from offload.options import DEFAULT_QUEUE
from offload.store.base import SetQueue
from offload.values import encode
from offload.verbs import Plan, ask, checked_reason


class Asking(Looking):
    """Gives handles, and does what they are asked."""

    def get(self, job_id: int) -> Job[Any]:
        """Return the handle of a job, whoever started it, in whatever process.

        Raises:
            UnknownJob: the id was never issued.
            Evicted: the job was finished and is no longer kept.
        """
        return Job(self.read_job(job_id).id, self)

    async def aget(self, job_id: int) -> Job[Any]:
        """The same without blocking the loop."""
        return Job((await self.aread_job(job_id)).id, self)

    def cancel(self, job_id: int) -> bool:
        """Ask for a job to be cancelled; see `Job.cancel`."""
        return self.run(self.asking(job_id, Wish.CANCEL))[1]

    async def acancel(self, job_id: int) -> bool:
        """The same without blocking the loop."""
        return (await self.perform(self.asking(job_id, Wish.CANCEL)))[1]

    def pause_job(self, job_id: int, reason: str | None) -> bool:
        """Ask for a job to stand still; see `Job.pause`."""
        return self.run(self.asking(job_id, Wish.PAUSE, reason=reason))[1]

    async def apause_job(self, job_id: int, reason: str | None) -> bool:
        """The same without blocking the loop."""
        return (await self.perform(self.asking(job_id, Wish.PAUSE, reason=reason)))[1]

    def resume_job(self, job_id: int) -> bool:
        """Let a job go on; see `Job.resume`."""
        job, changed = self.run(self.asking(job_id, Wish.RESUME))
        self.hire({(job.task, job.queue)})
        return changed

    async def aresume_job(self, job_id: int) -> bool:
        """The same without blocking the loop."""
        job, changed = await self.perform(self.asking(job_id, Wish.RESUME))
        await self.ahire({(job.task, job.queue)})
        return changed

    def retry(self, job_id: int) -> None:
        """Try a failed or cancelled job anew; see `Job.retry`."""
        job = self.run(self.retrying(job_id))
        self.hire({(job.task, job.queue)})

    async def aretry(self, job_id: int) -> None:
        """The same without blocking the loop."""
        job = await self.perform(self.retrying(job_id))
        await self.ahire({(job.task, job.queue)})

    def retrying(self, job_id: int, by: By | None = None) -> Plan[model.Job]:
        """Return the plan that tries a job anew."""
        return verbs.retry(job_id, self.now, by or self._by())

    def amend_job(self, job_id: int, wanted: Amendment) -> bool:
        """Alter a job that waits; see `Job.amend`."""
        job, changed = self.run(self.amending(job_id, wanted))
        self.hire({(job.task, job.queue)})
        return changed

    async def aamend_job(self, job_id: int, wanted: Amendment) -> bool:
        """The same without blocking the loop."""
        job, changed = await self.perform(self.amending(job_id, wanted))
        await self.ahire({(job.task, job.queue)})
        return changed

    def amending(
        self, job_id: int, wanted: Amendment, by: By | None = None
    ) -> Plan[tuple[model.Job, bool]]:
        """Return the plan that alters a job that waits."""
        return verbs.amend(job_id, wanted, self.now, by or self._by())

    def asking(
        self, job_id: int, wish: Wish, by: By | None = None, reason: str | None = None
    ) -> Plan[tuple[model.Job, bool]]:
        """Return the plan that asks something of a job."""
        return verbs.request(job_id, wish, self.now, by or self._by(), checked_reason(reason))

    def complete(self, job_id: int, token: str, value: Any = None) -> bool:
        """End a polling job early: the other side says that its work is done, and gives the value.

        For webhooks: the start function gives `current().completion_token` to the other side, which
        sends it back. The job's `on_cleanup` runs, then it has succeeded.

        Args:
            job_id: the job.
            token: its completion token; a secret of this job, the same for as long as it is kept.
            value: the job's result.

        Returns:
            Whether this changed anything: False for one that was completed, or succeeded, before.

        Raises:
            NotCompletable: the token is not the job's; it is no polling job, has not been begun or
                is being cancelled.
            AlreadyFinished: the job has failed or was cancelled.
            NotSerializable: JSON cannot carry the value.
            UnknownJob, Evicted: there is no such job.
        """
        return self.run(self.completing(job_id, token, value))

    async def acomplete(self, job_id: int, token: str, value: Any = None) -> bool:
        """The same without blocking the loop."""
        return await self.perform(self.completing(job_id, token, value))

    def completing(self, job_id: int, token: str, value: Any, by: By | None = None) -> Plan[bool]:
        """Return the plan that completes a job from outside."""
        return verbs.complete(job_id, token, encode(value), self.now, by or self._by())

    def set_queue(
        self, explicit: QueueSettings, defaults: QueueSettings, name: str = DEFAULT_QUEUE
    ) -> model.Queue:
        """Write a queue's explicit settings; create it with the defaults if it is new."""
        queue: model.Queue = self.run(ask(SetQueue(name, explicit, defaults)))
        return queue

    def _by(self) -> By:
        return By(actor=f"python {os.getpid()}", door="python")
