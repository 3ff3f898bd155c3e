"""The HTTP door of an Offload: what both faces, the brief's routes and v1, do in the same way."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import TypeVar

from msgspec import Struct
from starlette.requests import ClientDisconnect, Request

from offload.app import Offload
from offload.errors import Draining, Evicted, StoreError
from offload.http.permits import visitor_of
from offload.lifecycle import Shown, shown_state
from offload.model import By, Job, NewJob
from offload.wire.problems import Problem, log
from offload.wire.query import job_id_of
from offload.wire.wishes import digest, idempotency_key, preferences

T = TypeVar("T")


class Accepted(Struct, frozen=True):
    """A start that was answered with an id.

    Attributes:
        job_id: the job, started now or by an earlier request with the same key.
        task: the task's own name.
        job: the job, if its end came within the time that the client would wait, or if it was
            there before.
        waited: seconds that the client would wait; None if it said nothing.
        is_known: nothing was started: the job, which has not ended, has the unique key.
    """

    job_id: int
    task: str
    job: Job | None
    waited: int | None
    is_known: bool = False


class Door:
    """One Offload, as HTTP sees it.

    Args:
        app: the Offload.
        served: what is served, for people: the module or file of the tasks.

    Attributes:
        draining: the server stops; nothing new is started, and nobody is kept waiting.
    """

    def __init__(self, app: Offload, served: str = "") -> None:
        self.app = app
        self.served = served
        self.draining = False

    async def start(
        self, request: Request, face: str, job: NewJob, options: bytes = b""
    ) -> Accepted:
        """Store a new job and, if the client prefers it, wait for its end.

        Args:
            request: for its Idempotency-Key and its preferences.
            face: the route that was used: another one makes another request of it.
            job: from `Task.new_job`.
            options: what else the client said about it, as JSON.

        Raises:
            Draining: the server stops and starts nothing new.
            QueueFull, IdempotencyKeyReused: nothing was stored.
        """
        if self.draining:
            raise Draining("the server is stopping and starts nothing new; try again soon")
        key = idempotency_key(request.headers)
        sum_of_it = b"" if key is None else digest(face, job, options)
        by, asked_at = asker(request), self.app.now()
        inserted = await self.app.perform(self.app.admitting((job,), by, key, sum_of_it))
        await self.hire(job)
        job_id = inserted.ids[0]
        known = None if inserted.repeated else await self.known(job, job_id, asked_at)
        wait = preferences(request.headers).wait
        ended = None if wait is None else await self._finished(request, job_id, wait)
        return Accepted(job_id, job.task, ended or known, wait, is_known=known is not None)

    async def hire(self, *jobs: NewJob | Job) -> None:
        """See to it that somebody runs the jobs. They were accepted: no failure may hide that."""
        await self.hire_of({(job.task, job.queue) for job in jobs})

    async def hire_of(self, wanted: Collection[tuple[str, str]]) -> None:
        """The same for pairs of task and queue."""
        try:
            await self.app.ahire(set(wanted))
        except Exception:
            log.exception("no worker could be embedded")

    async def known(self, job: NewJob, job_id: int, asked_at: float) -> Job | None:
        """Return the job that has the unique key, if it was there before this one was asked for."""
        if job.key is None:
            return None
        try:
            found = await self.app.aread_job(job_id)
        except (Evicted, StoreError):
            return None
        return found if found.created_at < asked_at else None

    async def _finished(self, request: Request, job_id: int, seconds: float) -> Job | None:
        """Return the job if it ends in time. No failure may hide that it was accepted."""
        try:
            job = await self.wait(request, job_id, lambda job: job.is_finished, seconds)
        except (Evicted, StoreError):
            return None
        return job if job.is_finished else None

    async def wait(
        self, request: Request, job_id: int, until: Callable[[Job], bool], seconds: float
    ) -> Job:
        """Wait for something to become true of a job; ends early when the server stops.

        Raises:
            UnknownJob, Evicted: there is no such job.
            ClientDisconnect: the client went away.
        """
        waiting = self.app.await_until(job_id, lambda job: self.draining or until(job), seconds)
        return await _unless_gone(request, waiting)

    async def reasons(self, jobs: Iterable[Job]) -> Sequence[str | None]:
        """Say of each job of a list why it is as it is.

        Jobs of one task that wait in one queue wait for the same, so it is asked once for them, and
        once for all that one worker runs of it.
        Of one that is due later its state and `run_at` say enough.
        """
        now = self.app.now()
        known: dict[tuple[str, str, str | None, int | None], str | None] = {}
        reasons: list[str | None] = []
        for job in jobs:
            alike = (job.task, job.queue, job.reason, job.worker)
            if shown_state(job, now) not in (Shown.QUEUED, Shown.RUNNING):
                reasons.append(job.reason)
                continue
            if alike not in known:
                known[alike] = await self.app.areason(job)
            reasons.append(known[alike])
        return reasons

    async def retry(self, request: Request, job_id: int) -> Job:
        """Try a failed or cancelled job anew; returns it as it became.

        Raises:
            NotFinished, AlreadyFinished: it has not ended, or has succeeded.
            QueueFull, KeyTaken: its queue has no room, or another job has its unique key.
            UnknownJob, Evicted: there is no such job.
        """
        job = await self.app.perform(self.app.retrying(job_id, asker(request)))
        await self.hire(job)
        return job


def asker(request: Request) -> By:
    """Say who asks: the name of the token that was shown, else the address."""
    visitor = visitor_of(request.scope)
    if visitor is not None:
        return By(actor=visitor.name, door="http")
    host = request.scope["client"][0] if request.scope.get("client") else "unknown"
    return By(actor=f"http {host}", door="http")


def path_id(request: Request) -> int:
    """Return the job id of a path.

    Raises:
        Problem: invalid-id, as 404: there is nothing at such an address.
    """
    text = request.path_params["id"]
    job_id = job_id_of(text)
    if job_id is None:
        raise Problem("invalid-id", f"no job has an id like {text!r}", status=404)
    return job_id


async def _unless_gone(request: Request, waiting: Awaitable[T]) -> T:
    """Await something for as long as the client is there.

    Raises:
        ClientDisconnect: it went away first.
    """
    work = asyncio.ensure_future(waiting)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise ClientDisconnect
        return await work
    finally:
        work.cancel()
        gone.cancel()
        await asyncio.wait((work, gone))


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
