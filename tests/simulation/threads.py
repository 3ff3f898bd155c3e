"""The thread executor on virtual time: a job's thread is a strand beside that of its loop."""

import asyncio
import contextvars

from offload.model import Outcome, Yielded
from offload.registry import RegisteredTask
from offload.testing import VirtualLoop
from offload.worker import context as contexts
from offload.worker.context import Context, Stop
from offload.worker.executors.call import arguments, raised, returned


class StrandExecutor:
    """As `ThreadExecutor`, for functions that return a coroutine to be run in place of blocking."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._running: set[asyncio.Task[None]] = set()

    async def run(
        self, task: RegisteredTask, params: bytes, context: Context, stop: Stop
    ) -> Outcome:
        """Run the function to its end; see `Executor.run`."""
        ended: asyncio.Future[Outcome] = self._loop.create_future()
        surroundings = contextvars.Context()
        surroundings.run(contexts.enter, context)

        async def body() -> None:
            outcome = await _outcome(task, params, context)
            self._loop.call_soon_threadsafe(_settle, ended, outcome)

        strand = self._loop.present.process.strand(f"job {context.job_id}")
        with self._loop.as_strand(strand):
            thread = self._loop.create_task(body(), context=surroundings)
        self._running.add(thread)
        thread.add_done_callback(self._running.discard)
        return await ended


async def _outcome(task: RegisteredTask, params: bytes, context: Context) -> Outcome:
    try:
        args, kwargs = arguments(task, params, context)
        value = await task.function(*args, **kwargs)
    except Exception as error:
        return raised(error)
    return Yielded() if value is None and context.saw_stop else returned(task, value)


def _settle(ended: "asyncio.Future[Outcome]", outcome: Outcome) -> None:
    if not ended.done():
        ended.set_result(outcome)
