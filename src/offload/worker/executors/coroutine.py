"""Run a coroutine function on the worker's loop, in an asyncio task of its own, behind a gate."""

import asyncio
import contextvars

from offload.model import Mode, Outcome, Yielded
from offload.worker import context as contexts
from offload.worker.executors.call import arguments, raised, returned
from offload.worker.executors.gate import Gate, Gated
from offload.worker.executors.gated_loop import let_through_gates
from offload.worker.work import Work


class CoroutineExecutor:
    """Cancelled by `CancelledError` at its next await; code that swallows it goes on.

    Frozen at its next await, with the tasks that it has made; it stands still at once, for a pause
    is heard between two steps. Not covered are threads and processes that it has started, and
    callbacks that it has given to the loop. Tasks of its own that live longer than its coroutine
    are left to the loop, as they always were, and no pause holds them back any more.
    """

    async def run(self, work: Work) -> Outcome:
        """Run the coroutine to its end; see `Executor.run`."""
        course = _Course(work, asyncio.get_running_loop())
        work.begin()
        work.stop.then(course.stop)
        work.pause.then(course.freeze, course.thaw)
        try:
            return await course.running
        except asyncio.CancelledError:
            # Cancelled before its first step; or this worker's own task was, and then it is gone.
            if course.running.done():
                return Yielded()
            raise
        finally:
            course.end()

    async def close(self) -> None:
        """Nothing is held between two jobs."""


class _Course:
    """A job's coroutine on its way, and what stops it, freezes it and lets it go on.

    Attributes:
        running: the asyncio task in which it runs.
    """

    __slots__ = ("_gate", "_holding", "_loop", "_work", "running")

    def __init__(self, work: Work, loop: asyncio.AbstractEventLoop) -> None:
        self._work = work
        self._loop = loop
        self._gate = Gate(loop)
        self._holding: asyncio.Task[None] | None = None
        if work.pause.is_set:
            self._gate.close()  # now: a loop with an eager task factory begins it right here
        let_through_gates(loop)
        surroundings = contextvars.Context()
        surroundings.run(contexts.enter, work.context)
        surroundings.run(self._gate.enter)
        self.running = loop.create_task(
            Gated(_outcome(work), self._gate),
            name=f"offload job {work.job.id}",
            context=surroundings,
        )

    def stop(self) -> None:
        """Cancel it. It must be able to tidy up: from now on nothing holds it back."""
        self._gate.leave_open()
        if self.running.cancel():
            self._work.note("CancelledError raised at its await")

    def freeze(self) -> None:
        """Let it take no further step, and say that it stands still.

        It is said in the loop's next turn, when the step that is being run now is over: perhaps
        that is one of the job itself. It is said in a context of its own: in the job's, the gate
        would hold back the tasks that store it.
        """
        self._gate.close()
        self._holding = contextvars.Context().run(self._loop.create_task, self._hold())

    def thaw(self) -> None:
        """Let it go on."""
        self._gate.open()
        if self._holding is not None:
            self._holding.cancel()
            self._holding = None

    def end(self) -> None:
        """Hold back nothing that lives on, and let go of the work."""
        self._gate.leave_open()
        if self._holding is not None:
            self._holding.cancel()
        self._work.stop.then(_nothing)
        self._work.pause.forget()

    async def _hold(self) -> None:
        """Say that it stands still, and go when it goes on.

        A loop that ends cancels all tasks, this one too, and waits for them: then it is let go on.
        """
        bar = self._gate.bar
        if bar is None or self.running.done():
            return
        self._work.note("frozen at its await; threads and processes that it started go on")
        self._work.stands_still(Mode.FROZEN)
        try:
            await self._loop.create_future()  # not the bar, which no cancel can wake
        finally:
            if self._gate.bar is bar:
                self._gate.open()


def _nothing() -> None:
    """What stops code that has ended."""


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
