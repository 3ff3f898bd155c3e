"""Runs blocking tasks in child processes, which can be killed with all that they have started."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Iterable
from typing import Any

import msgspec

from offload.importable import Place
from offload.lifespan import Lifespan
from offload.model import Cause, Outcome, Yielded
from offload.registry import RegisteredTask
from offload.worker.executors.process import frames
from offload.worker.executors.process.endings import lost, not_started, outcome_of
from offload.worker.executors.process.handle import Child, Closed, NoServer, ServerLost
from offload.worker.executors.process.orders import Ended
from offload.worker.executors.process.pool import MOST_FAILED_STARTS, Pool
from offload.worker.executors.process.surroundings import Known, know, why_no_children
from offload.worker.executors.thread import ThreadExecutor
from offload.worker.work import Work

log = logging.getLogger("offload.worker")

MOST_ASKING_SECONDS = 1.0
"""How long code may take to see that it is to stop, before SIGTERM; at most a quarter of the
grace period."""

TEARING_DOWN_SECONDS = 0.4
"""How long a child may take to tear down what hooks have set up."""

HURRIED = frozenset({Cause.INTERRUPT, Cause.LOST})
"""The worker has waited for the grace period already, or must not wait: the job is not its own."""

HURRIED_GRACE_SECONDS = 0.4
"""What is left then; the worker waits for its jobs twice as long (`STOPPING_SECONDS`)."""

Answering = asyncio.Future[frames.Answer | Ended]


class ProcessExecutor:
    """Asked; then SIGTERM; then, when the grace period is over, SIGKILL.

    Each goes to all that the job has started, and the outcome is told when nothing of it is left.
    Belongs to one event loop, in a thread that stays.

    Args:
        processes: how many jobs it runs at once.
        grace: seconds from the request to stop until SIGKILL.
        mark: the name of the worker's lock file, by which all of its processes are found.
        lifespans: hooks; those for children are set up in each.
    """

    def __init__(
        self,
        processes: int,
        grace: float,
        mark: str,
        lifespans: Iterable[Lifespan] = (),
    ) -> None:
        hooks = tuple(hook.place for hook in lifespans if hook.scope == "child")
        self._grace = grace
        self._pool = Pool(processes, mark, hooks)
        self._threads = ThreadExecutor()
        self._known: dict[str, Known] = {}

    @property
    def server_pid(self) -> int | None:
        """The fork server's process, if there is one."""
        return self._pool.server_pid

    def warm(self) -> None:
        """Start the fork server and a first child ahead of the first job."""
        if why_no_children() is None:
            self._pool.warm()

    async def run(self, work: Work) -> Outcome:
        """Run the function to its end; see `Executor.run`."""
        known = self._know(work.task)
        if known.place is None:
            return await self._in_thread(work)
        run = _run_of(work, known.place, known.options)
        if work.stop.is_set:
            return Yielded()
        try:
            answer = await self._tried(work, run)
        except NoServer:
            return not_started("the fork server does not start; see what it has written to stderr")
        except Closed:
            return Yielded()
        except ServerLost:
            return lost(was_asked=_was_asked(work))
        if answer is None:  # asked to stop while it waited
            return Yielded()
        if isinstance(answer, frames.Unfit):
            self._note_unfit(work.task, answer.why)
            return await self._in_thread(work)
        limit = work.job.options.memory
        return outcome_of(answer, was_asked=_was_asked(work), limit=limit)

    async def close(self) -> None:
        """End every child and the fork server; see `Executor.close`."""
        await self._pool.close(min(self._grace, TEARING_DOWN_SECONDS))
        await self._threads.close()

    async def _tried(self, work: Work, run: frames.Run) -> frames.Answer | Ended | None:
        """Run the job in a child; again where the child was never there. None: it was to stop."""
        for _ in range(MOST_FAILED_STARTS - 1):
            with contextlib.suppress(NoServer):
                return await self._in_child(work, run)
        return await self._in_child(work, run)

    async def _in_child(self, work: Work, run: frames.Run) -> frames.Answer | Ended | None:
        child = self._pool.pick(run.place.module) or await self._wait(work, run)
        return None if child is None else await self._answer(child, work, run)

    async def _in_thread(self, work: Work) -> Outcome:
        return Yielded() if work.stop.is_set else await self._threads.run(work)

    async def _wait(self, work: Work, run: frames.Run) -> Child | None:
        """Wait for a free child; None when the job is to stop before there is one."""
        taking = asyncio.ensure_future(self._pool.take(run.place.module))
        work.stop.then(taking.cancel)
        try:
            child = await taking
        except asyncio.CancelledError:
            taking.cancel()
            if work.stop.is_set and taking.cancelled():
                return None
            raise
        if work.stop.is_set:
            self._pool.give_back(child)
            return None
        return child

    async def _answer(self, child: Child, work: Work, run: frames.Run) -> frames.Answer | Ended:
        """Let a child run the job. Afterwards the child is free, or gone."""
        limit = work.job.options.memory
        if limit is not None:
            child.watch(limit)
        answering = child.begin(run, work)
        stopping: list[asyncio.Task[None]] = []
        loop = asyncio.get_running_loop()

        def stop() -> None:
            stopping.append(loop.create_task(self._stop(child, answering, work.stop.cause)))

        work.stop.then(stop)
        is_free = False
        try:
            answer = await answering
            is_free = not stopping and child.is_alive and not _is_last(answer)
            if is_free:
                self._free(child, limit)
            elif child.is_alive:
                hurried = work.stop.cause in HURRIED
                await self._retire(child, 0.0 if hurried else TEARING_DOWN_SECONDS)
        finally:
            for task in stopping:
                task.cancel()
            if not is_free and child.is_alive:  # this attempt was itself given up
                child.kill()
        return answer

    def _free(self, child: Child, limit: int | None) -> None:
        if limit is not None:
            child.watch(None)
        self._pool.give_back(child)

    async def _stop(self, child: Child, answering: Answering, cause: Cause | None) -> None:
        """Ask; then SIGTERM; then SIGKILL."""
        grace = self._grace
        if cause in HURRIED:
            grace = min(grace, HURRIED_GRACE_SECONDS)
        asking = min(MOST_ASKING_SECONDS, grace / 4)
        child.say(frames.Stop())
        if await _has_come(answering, asking):
            return
        child.signal(signal.SIGTERM)
        if not await _has_come(answering, grace - asking):
            child.kill()

    async def _retire(self, child: Child, seconds: float) -> None:
        """Let a child tear down and end: what a stopped job has left in it must not go on."""
        child.say(frames.Close())
        with contextlib.suppress(ServerLost):  # then nothing is left either
            if not await _has_come(child.ended, seconds):
                child.kill()
            await child.ended

    def _know(self, task: RegisteredTask) -> Known:
        known = self._known.get(task.name)
        if known is None or known.task is not task:
            known = self._known[task.name] = know(task)
            if known.place is None:
                _tell_of_thread(task, known.why)
        return known

    def _note_unfit(self, task: RegisteredTask, why: str) -> None:
        if self._know(task).place is not None:
            self._known[task.name] = Known(task, None, why)
            _tell_of_thread(task, why)


def _run_of(work: Work, place: Place, options: frames.Carried) -> frames.Run:
    return frames.Run(
        job_id=work.job.id,
        attempt=work.job.attempt,
        idempotency_key=work.context.idempotency_key,
        task=work.task.name,
        place=place,
        options=options,
        params=msgspec.Raw(work.params),
        is_timed=work.job.options.timeout is not None,
    )


def _was_asked(work: Work) -> bool:
    """Whether the job was told to stop; that may come while it runs."""
    return work.stop.is_set


def _is_last(answer: frames.Answer | Ended) -> bool:
    """Whether the child must not be given another job: it was interrupted, or is not set up."""
    if isinstance(answer, frames.Failure):
        return answer.is_last
    return isinstance(answer, Ended | frames.Stopped)


async def _has_come(future: "asyncio.Future[Any]", seconds: float) -> bool:
    done, _ = await asyncio.wait([future], timeout=seconds)
    return bool(done)


def _tell_of_thread(task: RegisteredTask, why: str) -> None:
    log.warning(
        "the task %s runs in a thread, where it can be asked to stop and not be made to: %s",
        task.name,
        why,
    )
