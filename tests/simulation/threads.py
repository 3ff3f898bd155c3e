"""The thread executor on virtual time: a job's thread is a strand beside that of its loop."""

import asyncio
import contextvars

from offload.model import Outcome, Yielded
from offload.testing import VirtualLoop
from offload.worker import context as contexts
from offload.worker.executors.call import arguments, raised, returned
from offload.worker.work import Work


class StrandExecutor:
    """As `ThreadExecutor`, for functions that return a coroutine to be run in place of blocking."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._running: set[asyncio.Task[None]] = set()

    async def run(self, work: Work) -> Outcome:
        """Run the function to its end; see `Executor.run`."""
        ended: asyncio.Future[Outcome] = self._loop.create_future()
        surroundings = contextvars.Context()
        surroundings.run(contexts.enter, work.context)

        async def body() -> None:
            outcome = await _outcome(work)
            self._loop.call_soon_threadsafe(_settle, ended, outcome)

        work.begin()
        work.begin()
        strand = self._loop.present.process.strand(f"job {work.job.id}")
        with self._loop.as_strand(strand):
            thread = self._loop.create_task(body(), context=surroundings)
        self._running.add(thread)
        thread.add_done_callback(self._running.discard)
        return await ended

    async def close(self) -> None:
        """Nothing is held between two jobs."""


async def _outcome(work: Work) -> Outcome:
    try:
        args, kwargs = arguments(work.task, work.params, work.context)
        value = await work.task.function(*args, **kwargs)
    except Exception as error:
        return raised(error, work.task)
    return Yielded() if value is None and work.context.saw_stop else returned(work.task, value)


def _settle(ended: "asyncio.Future[Outcome]", outcome: Outcome) -> None:
    if not ended.done():
        ended.set_result(outcome)
