"""Run a coroutine function on the worker's loop, in an asyncio task of its own."""

import asyncio
import contextvars

from offload.model import Outcome, Yielded
from offload.registry import RegisteredTask
from offload.worker import context as contexts
from offload.worker.context import Context, Stop
from offload.worker.executors.call import arguments, raised, returned


class CoroutineExecutor:
    """Cancelled by `CancelledError` at its next await; code that swallows it goes on."""

    async def run(
        self, task: RegisteredTask, params: bytes, context: Context, stop: Stop
    ) -> Outcome:
        """Run the coroutine to its end; see `Executor.run`."""
        surroundings = contextvars.Context()
        surroundings.run(contexts.enter, context)
        work = asyncio.get_running_loop().create_task(
            _outcome(task, params, context, stop),
            name=f"offload job {context.job_id}",
            context=surroundings,
        )
        stop.then(work.cancel)
        try:
            return await work
        except asyncio.CancelledError:
            # Cancelled before its first step; or this worker's own task was, and then it is gone.
            if work.done():
                return Yielded()
            raise


async def _outcome(task: RegisteredTask, params: bytes, context: Context, stop: Stop) -> Outcome:
    """Await the user's coroutine. No exception leaves: a SystemExit would end the loop."""
    try:
        args, kwargs = arguments(task, params, context)
        value = await task.function(*args, **kwargs)
    except asyncio.CancelledError as error:
        return Yielded() if stop.is_set else raised(error)
    except BaseException as error:
        return raised(error)
    return Yielded() if value is None and context.saw_stop else returned(task, value)
