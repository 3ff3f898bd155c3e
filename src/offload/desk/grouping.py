"""Groups: jobs that are started, watched, collected and stopped together."""

import time
from typing import Any

from offload import model, verbs
from offload.desk.starting import Starting
from offload.errors import JobError
from offload.group import Group
from offload.job import Job
from offload.model import By, NewJob, State, Wish
from offload.store.base import Inserted, MemberJobs
from offload.verbs import Plan, ask, checked_reason

Handles = list[Job[Any]]
Records = list[model.Job]
Values = list[Any]


class Grouping(Starting):
    """Does what a `Group` is asked."""

    def start_group_of(self, jobs: tuple[NewJob, ...]) -> Group[Any]:
        """Store prepared jobs as a group, all or none; returns its handle."""
        inserted = self.run(self.admitting(jobs, grouped=True))
        self.hire({(job.task, job.queue) for job in jobs})
        return self._group(inserted, len(jobs))

    async def astart_group_of(self, jobs: tuple[NewJob, ...]) -> Group[Any]:
        """The same without blocking the loop."""
        inserted = await self.perform(self.admitting(jobs, grouped=True))
        await self.ahire({(job.task, job.queue) for job in jobs})
        return self._group(inserted, len(jobs))

    def _group(self, inserted: Inserted, size: int) -> Group[Any]:
        self._handles(inserted.ids)
        assert inserted.group is not None
        return Group(inserted.group, size, self)

    def get_group(self, group_id: int) -> Group[Any]:
        """Return the handle of a group, whoever started it, in whatever process.

        Raises:
            UnknownGroup: there is none.
        """
        return Group(group_id, self.run(verbs.group(group_id)).jobs, self)

    async def aget_group(self, group_id: int) -> Group[Any]:
        """The same without blocking the loop."""
        return Group(group_id, (await self.perform(verbs.group(group_id))).jobs, self)

    def group_counts(self, group_id: int) -> dict[State, int]:
        """Return how many jobs of a group are in each stored state; see `Group.counts`."""
        return self.run(verbs.group(group_id)).counts

    async def agroup_counts(self, group_id: int) -> dict[State, int]:
        """The same without blocking the loop."""
        return (await self.perform(verbs.group(group_id))).counts

    def group_jobs(self, group_id: int) -> Handles:
        """Return the handles of a group's jobs; see `Group.jobs`."""
        return [Job(job.id, self) for job in self.run(ask(MemberJobs(group_id)))]

    async def agroup_jobs(self, group_id: int) -> Handles:
        """The same without blocking the loop."""
        return [Job(job.id, self) for job in await self.perform(ask(MemberJobs(group_id)))]

    def wait_for_group(self, group_id: int, timeout: float | None) -> bool:
        """Wait for the end of all jobs of a group; see `Group.wait`.

        The last one that has not ended is waited for, then it is looked whether others have not.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while (job_id := _last_unfinished(self.run(ask(MemberJobs(group_id))))) is not None:
            left = None if deadline is None else deadline - time.monotonic()
            if not self.wait_for(job_id, left):
                return False
        return True

    async def await_for_group(self, group_id: int, timeout: float | None) -> bool:
        """The same without blocking the loop."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (
            job_id := _last_unfinished(await self.perform(ask(MemberJobs(group_id))))
        ) is not None:
            left = None if deadline is None else deadline - time.monotonic()
            if not await self.await_for(job_id, left):
                return False
        return True

    def outcomes_of_group(self, group_id: int) -> Values:
        """Return the value of each of a group's jobs, or the error that stands for it."""
        return self._outcomes(self.run(ask(MemberJobs(group_id, bodies=True))))

    async def aoutcomes_of_group(self, group_id: int) -> Values:
        """The same without blocking the loop."""
        return self._outcomes(await self.perform(ask(MemberJobs(group_id, bodies=True))))

    def _outcomes(self, jobs: Records) -> Values:
        return [self._outcome(job) for job in jobs]

    def _outcome(self, job: model.Job) -> Any:
        try:
            return self._value_of(job)
        except JobError as error:
            return error

    def ask_group(self, group_id: int, wish: Wish, reason: str | None = None) -> int:
        """Ask something of all jobs of a group; see `Group.cancel`, `Group.pause`."""
        return self.run(self.asking_group(group_id, wish, reason=reason))

    async def aask_group(self, group_id: int, wish: Wish, reason: str | None = None) -> int:
        """The same without blocking the loop."""
        return await self.perform(self.asking_group(group_id, wish, reason=reason))

    def asking_group(
        self, group_id: int, wish: Wish, by: By | None = None, reason: str | None = None
    ) -> Plan[int]:
        """Return the plan that asks something of all jobs of a group."""
        said = checked_reason(reason)
        return verbs.request_of_group(group_id, wish, self.now, by or self._by(), said)

    def retry_failed_of(self, group_id: int) -> int:
        """Try all failed jobs of a group anew; see `Group.retry_failed`."""
        return self.run(verbs.retry_failed(group_id, self.now, self._by()))

    async def aretry_failed_of(self, group_id: int) -> int:
        """The same without blocking the loop."""
        return await self.perform(verbs.retry_failed(group_id, self.now, self._by()))


def _last_unfinished(jobs: list[model.Job]) -> int | None:
    return next((job.id for job in reversed(jobs) if not job.is_finished), None)
