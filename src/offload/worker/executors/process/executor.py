"""Runs blocking tasks in child processes, which can be killed with all that they have started."""

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from typing import Any

import msgspec

from offload.importable import Place
from offload.lifespan import Lifespan
from offload.model import Cause, Mode, Outcome, Yielded
from offload.registry import RegisteredTask
from offload.worker.executors.process import frames
from offload.worker.executors.process.endings import lost, not_started, outcome_of
from offload.worker.executors.process.handle import Child, Closed, NoServer, ServerLost
from offload.worker.executors.process.keeping import stored_of
from offload.worker.executors.process.orders import Ended
from offload.worker.executors.process.pool import MOST_FAILED_STARTS, TEARING_DOWN_SECONDS, Pool
from offload.worker.executors.process.surroundings import Known, know, why_no_children
from offload.worker.executors.thread import ThreadExecutor
from offload.worker.work import Work

log = logging.getLogger("offload.worker")

MOST_ASKING_SECONDS = 1.0
"""How long code may take to see that it is to stop, before SIGTERM; at most a quarter of the
grace period."""

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
        while not work.stop.is_set:
            if work.pause.is_set:
                await _stand_still(work)
                continue
            child = self._pool.pick(run.place.module) or await self._wait(work, run)
            if child is not None:
                return await self._answer(child, work, run)
        return None

    async def _in_thread(self, work: Work) -> Outcome:
        return Yielded() if work.stop.is_set else await self._threads.run(work)

    async def _wait(self, work: Work, run: frames.Run) -> Child | None:
        """Wait for a free child; None when the job is to stop or to pause before there is one."""
        taking = asyncio.ensure_future(self._pool.take(run.place.module))
        work.stop.then(taking.cancel)
        work.pause.then(taking.cancel, _nothing)
        try:
            child = await taking
        except asyncio.CancelledError:
            taking.cancel()
            if taking.cancelled() and not _is_given_up():
                return None
            raise
        if work.stop.is_set or work.pause.is_set:
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
            stopping.append(loop.create_task(self._stop(child, answering, work)))

        work.stop.then(stop)
        work.pause.then(
            lambda: self._freeze(child, answering, work), lambda: self._thaw(child, answering)
        )
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

    def _freeze(self, child: Child, answering: Answering, work: Work) -> None:
        """Make the job's processes stand still. One that has ended meanwhile has ended."""
        if answering.done() or work.stop.is_set:
            return

        def stands_still() -> None:
            if not work.stop.is_set:
                self._pool.set_aside(child)
                work.stands_still(Mode.FROZEN)

        child.freeze(stands_still)

    def _thaw(self, child: Child, answering: Answering) -> None:
        """Let the job's processes go on: its place is its own again."""
        if not answering.done():
            self._pool.take_in(child)
            child.thaw()

    def _free(self, child: Child, limit: int | None) -> None:
        child.rest()
        if limit is not None:
            child.watch(None)
        self._pool.give_back(child)

    async def _stop(self, child: Child, answering: Answering, work: Work) -> None:
        """Ask; then SIGTERM; then SIGKILL.

        A frozen job cannot be asked, since it must not go on before it knows: it gets SIGTERM, and
        is let go on with that.
        """
        grace = self._grace
        if work.stop.cause in HURRIED:
            grace = min(grace, HURRIED_GRACE_SECONDS)
        asking = 0.0 if child.is_frozen else min(MOST_ASKING_SECONDS, grace / 4)
        child.say(frames.Stop())
        if asking:
            work.note("asked to stop")
            if await _has_come(answering, asking):
                return
        child.terminate()
        if not await _has_come(answering, grace - asking):
            child.kill()

    async def _retire(self, child: Child, seconds: float) -> None:
        """Let a child tear down and end: what a stopped job has left in it must not go on."""
        child.thaw()
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
        saved=stored_of(work),
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


async def _stand_still(work: Work) -> None:
    """Wait, with nothing begun, until the job is to go on or to stop."""
    gate = asyncio.Event()

    def wait() -> None:
        gate.clear()
        work.stands_still(Mode.FROZEN)

    work.stop.then(gate.set)
    work.pause.then(wait, gate.set)
    while work.pause.is_set and not work.stop.is_set:
        await gate.wait()


def _is_given_up() -> bool:
    """Whether the attempt itself was cancelled, and not what it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _nothing() -> None:
    """What is to be done to go on where nothing has begun."""
