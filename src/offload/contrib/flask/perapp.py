"""An Offload whose verbs ask another one: that of the app at hand.

All verbs are made of the few steps that stand here; they go on to the app's own desk, which has the
database and the worker. Handles of jobs stay with that desk, whatever app is at hand later.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, TypeVar, Unpack

from offload import model
from offload.app import Offload
from offload.config import Config
from offload.desk.desk import Until
from offload.desk.looking import Narrowing
from offload.group import Group
from offload.house import House
from offload.job import Job
from offload.jobs import Jobs
from offload.model import NewJob, QueueSettings
from offload.submitted import BoxGroup, BoxJob
from offload.submitting import SubmitOptions
from offload.verbs import Plan
from offload.worker.worker import Worker, WorkerSettings

T = TypeVar("T")


class PerApp(Offload, ABC):
    """Has tasks, and no database of its own."""

    @property
    @abstractmethod
    def at_hand(self) -> Offload:
        """The Offload that is asked now."""

    @property
    def config(self) -> Config:
        """The settings in force."""
        return self.at_hand.config

    def configure(self, config: Config) -> None:
        """Use these settings instead of the app's own. Before the first verb only."""
        self.at_hand.configure(config)

    @property
    def queue_settings(self) -> QueueSettings:
        """What was said explicitly about the queue."""
        return self.at_hand.queue_settings

    def start_all_new(self, jobs: tuple[NewJob, ...]) -> list[Job[Any]]:
        """Store prepared jobs, all or none; the handles stay with the app."""
        return self.at_hand.start_all_new(jobs)

    async def astart_all_new(self, jobs: tuple[NewJob, ...]) -> list[Job[Any]]:
        """The same without blocking the loop."""
        return await self.at_hand.astart_all_new(jobs)

    def start_group_of(self, jobs: tuple[NewJob, ...]) -> Group[Any]:
        """Store prepared jobs as a group, all or none; the handle stays with the app."""
        return self.at_hand.start_group_of(jobs)

    async def astart_group_of(self, jobs: tuple[NewJob, ...]) -> Group[Any]:
        """The same without blocking the loop."""
        return await self.at_hand.astart_group_of(jobs)

    def get_group(self, group_id: int) -> Group[Any]:
        """Return the handle of a group; see `Offload.get_group`. It stays with the app."""
        return self.at_hand.get_group(group_id)

    async def aget_group(self, group_id: int) -> Group[Any]:
        """The same without blocking the loop."""
        return await self.at_hand.aget_group(group_id)

    def submit(self, box: object, /, **options: Unpack[SubmitOptions]) -> BoxJob[Any]:
        """Run an object with `run()` and `get_output()`; see `Offload.submit`."""
        return self.at_hand.submit(box, **options)

    def submit_many(
        self, boxes: Iterable[object], /, **options: Unpack[SubmitOptions]
    ) -> BoxGroup[Any]:
        """Run several black boxes as one group; see `Offload.submit_many`."""
        return self.at_hand.submit_many(boxes, **options)

    def get(self, job_id: int) -> Job[Any]:
        """Return the handle of a job; see `Offload.get`. It stays with the app."""
        return self.at_hand.get(job_id)

    async def aget(self, job_id: int) -> Job[Any]:
        """The same without blocking the loop."""
        return await self.at_hand.aget(job_id)

    def jobs(self, *, ids: Iterable[int] | None = None, **narrowed: Unpack[Narrowing]) -> Jobs:
        """Return a handle of many jobs; see `Offload.jobs`. It stays with the app."""
        return self.at_hand.jobs(ids=ids, **narrowed)

    def run(self, plan: Plan[T]) -> T:
        """Carry a plan out, waiting for each answer."""
        return self.at_hand.run(plan)

    async def perform(self, plan: Plan[T]) -> T:
        """Carry a plan out, awaiting each answer."""
        return await self.at_hand.perform(plan)

    def wait_until(self, job_id: int, until: Until, timeout: float | None) -> model.Job:
        """Wait until something is true of a job."""
        return self.at_hand.wait_until(job_id, until, timeout)

    async def await_until(self, job_id: int, until: Until, timeout: float | None) -> model.Job:
        """The same without blocking the loop."""
        return await self.at_hand.await_until(job_id, until, timeout)

    def make_worker(self, settings: WorkerSettings) -> Worker:
        """Return a worker for these tasks."""
        return self.at_hand.make_worker(settings)

    def hire(self, wanted: set[tuple[str, str]]) -> None:
        """Embed a worker in this process if nobody else takes these."""
        self.at_hand.hire(wanted)

    async def ahire(self, wanted: set[tuple[str, str]]) -> None:
        """The same without blocking the loop."""
        await self.at_hand.ahire(wanted)

    def open(self) -> House:
        """Return what is open."""
        return self.at_hand.open()

    def close(self, patience: float = 0.0) -> int:
        """Stop the app's worker and let go of its database; see `Offload.close`."""
        return self.at_hand.close(patience)
