"""Run a polling task: start the work elsewhere once, keep its handle, ask until it has ended.

A job that waits costs a handle, a due time and no slot. Started once: the handle is stored before
the first check, and a job that comes with one is never started again.
"""

import asyncio
import contextvars
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from offload import chance
from offload.clock import Clock, SystemClock
from offload.model import Cause, Outcome, Succeeded, Yielded
from offload.polling import Hook, Pending, Polling, is_async
from offload.text import describe_error
from offload.values import decode
from offload.worker import context as contexts
from offload.worker.context import Stop
from offload.worker.executors.coroutine import CoroutineExecutor
from offload.worker.executors.thread import ThreadExecutor
from offload.worker.executors.verdict import Verdicts
from offload.worker.polling.answer import Answer
from offload.worker.polling.batches import Batches
from offload.worker.polling.engine import Engine, OnAnswer
from offload.worker.polling.hooks import tell
from offload.worker.polling.pace import JITTER, Pace
from offload.worker.polling.vigil import Vigil, Watched
from offload.worker.work import Work

log = logging.getLogger("offload.worker")

STARTING_SECONDS = 10.0
"""How long a start may take to end when the job is stopped: cut off in the middle, it may have
started work elsewhere that nobody knows of."""

LEAVING_SECONDS = 0.5
"""The same at a shutdown, where there is less time."""

ADOPTING_SECONDS = 5.0
"""Within this time a job that was adopted is asked for the first time."""

SETTLING_SECONDS = 5.0
"""How long a check that is running may take to end before hooks are called all the same."""


class PollExecutor:
    """Waits for work elsewhere, for thousands of jobs at once on a flat number of threads.

    Args:
        clock: tells the instants that people are shown.
        draw: a random number from 0 to 1, to spread checks.
        engine: makes the checks; one of its own by default.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        draw: Callable[[], float] = chance.draw,
        engine: Engine | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._draw = draw
        self._made_engine = engine
        self._batches: dict[Polling, Batches] = {}
        self._on_loop = CoroutineExecutor()
        self._in_thread = ThreadExecutor()

    @property
    def _engine(self) -> Engine:
        if self._made_engine is None:
            self._made_engine = Engine()
        return self._made_engine

    async def run(self, work: Work) -> Outcome:
        """Start, unless it was started before; then wait for the end. See `Executor.run`."""
        polling = _polling(work)
        handle = work.job.handle
        if handle is None:
            started = await self._start(work)
            if not isinstance(started, Succeeded):
                return started
            handle = started.value
        if work.job.handle is not None and work.job.pause is not None:  # it was held meanwhile
            await self._tell(work, "on_resume", polling.on_resume, handle)
        first_after = self._first_after(polling, is_adopted=work.job.handle is not None)
        if not await work.wait(handle, self._clock.now() + first_after):
            return Yielded(Cause.LOST)
        outcome = await self._waited(work, polling, handle, first_after)
        if outcome is None:
            return await self._stopped(work, polling, handle)
        await self._tell(work, "on_cleanup", polling.on_cleanup, handle)
        return outcome

    async def close(self) -> None:
        """Ask nobody any more. A thread that hangs in a check is left behind; it is a daemon."""
        if self._made_engine is not None:
            await self._made_engine.close()

    # --- its steps

    async def _start(self, work: Work) -> Outcome:
        """Run the start function; what it returns is the handle.

        A stop reaches it late, so that its handle is known when the other side is told.
        """
        if work.stop.cause is not None:
            return Yielded(work.stop.cause)
        stop = Stop()
        loop = asyncio.get_running_loop()

        def stop_later() -> None:
            cause = work.stop.cause or Cause.INTERRUPT
            seconds = LEAVING_SECONDS if cause in _LEAVING else STARTING_SECONDS
            loop.call_later(seconds, stop.set, cause)

        work.stop.then(stop_later)
        starting = Work(work.task, work.job, work.context, stop, work)
        if is_async(work.task.function):
            return await self._on_loop.run(starting)
        return await self._in_thread.run(starting)

    def _first_after(self, polling: Polling, *, is_adopted: bool) -> float:
        if is_adopted:  # nobody has looked for a while, and thousands may come at once
            return self._draw() * min(polling.interval, ADOPTING_SECONDS)
        return _pace(polling).after(0, self._draw())

    async def _waited(
        self, work: Work, polling: Polling, handle: bytes, first_after: float
    ) -> Outcome | None:
        """Ask until the job has ended; None when it is to stop."""
        verdicts = Verdicts(
            work.task,
            _pace(polling),
            budget=polling.error_budget,
            show=lambda pending: _show(work, pending),
            draw=self._draw,
        )

        def on_answer(answer: Answer) -> float | None:
            verdict = verdicts.read(answer)
            if isinstance(verdict, float):
                work.check_again(self._clock.now() + verdict)
                return verdict
            vigil.end(verdict)
            return None

        vigil = Vigil(
            work,
            lambda after: self._ask(work, polling, handle, on_answer, after),
            settling=SETTLING_SECONDS,
            on_pause=lambda: self._tell(work, "on_pause", polling.on_pause, handle),
            on_resume=lambda: self._tell(work, "on_resume", polling.on_resume, handle),
        )
        again_after = partial(self._first_after, polling, is_adopted=True)
        outcome, asked = await vigil.keep(first_after, again_after)
        if outcome is None and work.stop.cause not in _LEAVING:
            await asked.settle(SETTLING_SECONDS)
        return outcome

    def _ask(
        self,
        work: Work,
        polling: Polling,
        handle: bytes,
        on_answer: OnAnswer,
        first_after: float,
    ) -> Watched:
        if polling.check_many is not None:
            batches = self._batches_of(work, polling, polling.check_many)
            return batches.watch(handle, on_answer, first_after=first_after)
        check: Any = polling.check
        return self._engine.watch(
            lambda: check.function(decode(handle)),
            on_answer,
            first_after=first_after,
            timeout=polling.check_timeout,
            is_async=check.is_async,
            surroundings=_surroundings(work),
            kind=work.task.name,
        )

    def _batches_of(self, work: Work, polling: Polling, check_many: Hook) -> Batches:
        if polling not in self._batches:
            self._batches[polling] = Batches(
                self._engine,
                lambda handles: check_many.function([decode(handle) for handle in handles]),
                limit=polling.limit,
                interval=polling.interval,
                timeout=polling.check_timeout,
                is_async=check_many.is_async,
                kind=work.task.name,
            )
        return self._batches[polling]

    async def _stopped(self, work: Work, polling: Polling, handle: bytes) -> Outcome:
        """Tell the other side, if the job ends here and is not just left to another worker."""
        cause = work.stop.cause or Cause.INTERRUPT
        if cause in _LEAVING:
            return Yielded(cause)
        if cause is Cause.CANCEL:
            await self._tell(work, "on_cancel", polling.on_cancel, handle)
        await self._tell(work, "on_cleanup", polling.on_cleanup, handle)
        return Yielded(cause)

    async def _tell(self, work: Work, role: str, hook: Hook | None, handle: bytes) -> None:
        """Call a hook. Its failure changes no outcome: it is logged and shown with the job."""
        if hook is None:
            return
        error = await tell(
            self._engine,
            hook.function,
            handle,
            is_async=hook.is_async,
            surroundings=_surroundings(work),
        )
        if error is not None:
            said = describe_error(error, limit=200)
            log.warning("job %d (%s): %s failed: %s", work.job.id, work.task.name, role, said)
            _show(work, Pending(message=f"{role} failed: {said}"))


_LEAVING = frozenset({Cause.INTERRUPT, Cause.LOST})
"""The job goes on, in other hands: nobody elsewhere is told of anything."""


def _polling(work: Work) -> Polling:
    polling = work.task.polling
    assert polling is not None, f"{work.task.name} is no polling task"
    polling.require_check(work.task.name)
    return polling


def _pace(polling: Polling) -> Pace:
    """Handles that are asked about together have no times of their own: nothing to spread."""
    return Pace(polling.interval, polling.slowest, 0.0 if polling.check_many else JITTER)


def _surroundings(work: Work) -> contextvars.Context:
    surroundings = contextvars.Context()
    surroundings.run(contexts.enter, work.context)
    return surroundings


def _show(work: Work, pending: Pending) -> None:
    work.context.progress(pending.done or 0, pending.total, pending.message, unit=pending.unit)
