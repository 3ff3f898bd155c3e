"""Run a coroutine function on the worker's loop, in an asyncio task of its own."""

import asyncio
import contextvars

from offload.model import Outcome, Yielded
from offload.worker import context as contexts
from offload.worker.executors.call import arguments, raised, returned
from offload.worker.work import Work


class CoroutineExecutor:
    """Cancelled by `CancelledError` at its next await; code that swallows it goes on."""

    async def run(self, work: Work) -> Outcome:
        """Run the coroutine to its end; see `Executor.run`."""
        surroundings = contextvars.Context()
        surroundings.run(contexts.enter, work.context)
        running = asyncio.get_running_loop().create_task(
            _outcome(work), name=f"offload job {work.job.id}", context=surroundings
        )
        work.begin()
        work.stop.then(running.cancel)
        try:
            return await running
        except asyncio.CancelledError:
            # Cancelled before its first step; or this worker's own task was, and then it is gone.
            if running.done():
                return Yielded()
            raise

    async def close(self) -> None:
        """Nothing is held between two jobs."""


async def _outcome(work: Work) -> Outcome:
    """Await the user's coroutine. No exception leaves: a SystemExit would end the loop."""
    try:
        args, kwargs = arguments(work.task, work.params, work.context)
        value = await work.task.function(*args, **kwargs)
    except asyncio.CancelledError as error:
        return Yielded() if work.stop.is_set else raised(error, work.task)
    except BaseException as error:
        return raised(error, work.task)
    return Yielded() if value is None and work.context.saw_stop else returned(work.task, value)
