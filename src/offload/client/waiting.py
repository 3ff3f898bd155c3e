"""Waiting for jobs of a server: a few ask it to answer at the end, more share one stream."""

import asyncio
import time
from collections.abc import Callable

from offload import lifecycle, model
from offload.client.house import FarHouse
from offload.client.opening import Opening
from offload.client.records import FarJob, job_of
from offload.lifecycle import Shown

LOOK_AGAIN_SECONDS = 30.0
"""Whoever waits is woken by the stream; a look in between is for what nobody foresaw."""

POLL_SECONDS = 2.0
"""Whoever waits looks so often while there is no stream."""


class Waiting(Opening):
    """Waits for what becomes of jobs."""

    def shown(self, job: model.Job) -> Shown:
        """Return what people are shown as the job's state, as the server said it."""
        return job.told if isinstance(job, FarJob) else lifecycle.shown_state(job, self.now())

    def wait_until(
        self, job_id: int, until: Callable[[model.Job], bool] | None, timeout: float | None
    ) -> model.Job:
        """Wait until something is true of a job; see `Desk.wait_until`.

        A few waits have a request of their own, that the server answers at the job's end; where
        there are more they share one stream.
        """
        house: FarHouse = self.open()
        if until is None and house.polls.acquire(blocking=False):
            try:
                return job_of(house.client.wait(job_id, timeout))
            finally:
                house.polls.release()
        give_up_at = None if timeout is None else time.monotonic() + timeout
        with house.ear.listening(), house.watch.blocking(job_id, only_end=False) as (_, changed):
            while True:
                changed.clear()
                job = self.read_job(job_id)
                seconds = _seconds(give_up_at, hears=house.ear.hears)
                if (until or _is_finished)(job) or seconds <= 0:
                    return job
                changed.wait(seconds)

    async def await_until(
        self, job_id: int, until: Callable[[model.Job], bool] | None, timeout: float | None
    ) -> model.Job:
        """The same without blocking the loop: all share one stream."""
        house: FarHouse = self.open()
        give_up_at = None if timeout is None else time.monotonic() + timeout
        with house.ear.listening(), house.watch.on_loop(job_id, only_end=False) as (_, changed):
            while True:
                changed.clear()
                job = await self.aread_job(job_id)
                seconds = _seconds(give_up_at, hears=house.ear.hears)
                if (until or _is_finished)(job) or seconds <= 0:
                    return job
                try:
                    await asyncio.wait_for(changed.wait(), seconds)
                except TimeoutError:
                    continue


def _is_finished(job: model.Job) -> bool:
    return job.is_finished


def _seconds(give_up_at: float | None, *, hears: bool) -> float:
    """Seconds until somebody who waits should look again; 0 or less when the time is over."""
    again = LOOK_AGAIN_SECONDS if hears else POLL_SECONDS
    return again if give_up_at is None else min(again, give_up_at - time.monotonic())
