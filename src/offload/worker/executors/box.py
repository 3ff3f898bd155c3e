"""Run a black box: `run()`, and then `get_output()` once, or again and again until it has answered.

`run()` has a thread, of those that are used again, for as long as it takes. What waits has none:
the polling engine asks it, on few threads, and a question that hangs is in nobody's way.
"""

import asyncio
import contextvars
import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from offload import chance
from offload.boxes import Box, BoxTask, How
from offload.boxes.box import GUESS_SECONDS, handle_of
from offload.clock import Clock, SystemClock
from offload.errors import Fatal
from offload.model import Cause, Error, Failed, Outcome, Withheld, Yielded
from offload.polling import is_async
from offload.text import describe_error
from offload.worker import context as contexts
from offload.worker.executors.call import arguments, raised, returned
from offload.worker.executors.spare import SpareThreads
from offload.worker.polling.answer import Answer, NoAnswer, Raised, Returned
from offload.worker.polling.engine import CHECK_SECONDS, Engine
from offload.worker.polling.pace import Pace
from offload.worker.polling.vigil import Vigil, Watched
from offload.worker.work import Work

SETTLING_SECONDS = 5.0
"""How long a question that is being answered may take when the job is stopped."""

SEEN_SECONDS = 5.0
"""What is asked more often than this stores the time of its next question only so often: it is for
people, and a thousand boxes asked every second need no thousand writes a second."""

LONGEST_SECONDS = 10 * 365 * 24 * 3600.0
"""A coroutine may take as long as it likes: nothing but it waits for it."""

_LEAVING = frozenset({Cause.INTERRUPT, Cause.LOST})


class _Step(Struct, frozen=True):
    """One call of a box, and whether it gives a coroutine."""

    call: Callable[[], Any]
    is_async: bool


class _Tools(Struct, frozen=True):
    """What all boxes of one worker share."""

    engine: Engine
    threads: SpareThreads
    clock: Clock
    draw: Callable[[], float]


class BoxExecutor:
    """Runs black boxes: those that were handed in here, and those made of a registered class.

    Args:
        clock: tells the instants that people are shown.
        draw: a random number from 0 to 1, to spread questions.
        engine: asks; one of its own by default.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        draw: Callable[[], float] = chance.draw,
        engine: Engine | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._draw = draw
        self._engine = engine
        self._tools: _Tools | None = None

    async def run(self, work: Work) -> Outcome:
        """Run the box to its end; see `Executor.run`."""
        task = work.task
        assert isinstance(task, BoxTask), f"{task.name} is no black box"
        if self._tools is None:
            threads = SpareThreads(asyncio.get_running_loop())
            self._tools = _Tools(self._engine or Engine(), threads, self._clock, self._draw)
        return await _Course(self._tools, work, task).run()

    async def close(self) -> None:
        """Ask nobody any more. A thread that hangs in a box is left behind; it is a daemon."""
        if self._tools is not None:
            await self._tools.engine.close()
            self._tools.threads.close()


class _Course:
    """One attempt at one box, from `run()` to its output."""

    def __init__(self, tools: "_Tools", work: Work, task: BoxTask) -> None:
        self._engine = tools.engine
        self._threads = tools.threads
        self._clock = tools.clock
        self._draw = tools.draw
        self._work = work
        self._task = task
        self._how: How = task.how
        self._box = task.box or Box(0, None, task.how)
        self._pace = Pace(self._how.interval, self._how.slowest)
        self._vigil: Vigil | None = None
        self._coroutine: asyncio.Task[Answer] | None = None
        self._was_told = False
        self._errors = 0
        self._unchanged = 0
        self._seen_at = float("-inf")

    async def run(self) -> Outcome:
        """Two parts: the call of `run()`, and the questions, unless the first part has answered.

        A box that waited already when its worker was taken for dead has only the second part.
        """
        if self._work.stop.cause is not None:
            return Yielded(self._work.stop.cause)
        if self._work.job.handle is not None and self._box.object is not None:
            return await self._ask(guessed=self._how.kind is None)
        answer = await self._begun()
        if not isinstance(answer, Raised | Returned):
            return answer
        return await self._after_run(answer)

    # --- run()

    async def _begun(self) -> Answer | Outcome:
        """Call `run()`, or join a call that an attempt before this one has left behind."""
        box, stop = self._box, self._work.stop
        if box.begun is not None and box.begun.get_loop() is not self._engine.loop:
            return Failed(Error(code="lost", message="the worker that ran it has failed"))
        if box.begun is None:
            box.begun = self._engine.loop.create_task(self._in_turn(self._steps()))
        stopped = asyncio.Event()

        def on_stop() -> None:
            if stop.cause in _LEAVING:
                stopped.set()
            elif self._coroutine is not None:
                self._coroutine.cancel()
            else:
                self._tell_to_cancel()

        stop.then(on_stop)
        leaving = self._engine.loop.create_task(stopped.wait())
        await asyncio.wait({box.begun, leaving}, return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        if not box.begun.done():
            return Yielded(_cause(self._work))
        answer: Answer = box.begun.result()
        box.begun = None
        return answer

    def _steps(self) -> list[_Step]:
        """What is called one after the other: a polling one answers later, in its own time."""
        steps = [_Step(self._run, self._how.runs_on_loop)]
        if self._box.object is None:
            steps.insert(0, _Step(self._make, False))
        if self._how.kind != "polling":
            steps.append(_Step(self._get_output, self._how.answers_on_loop))
        return steps

    def _make(self) -> None:
        args, kwargs = arguments(self._task, self._work.params, self._work.context)
        self._box.object = self._task.function(*args, **kwargs)

    def _run(self) -> Any:
        return self._box.object.run()

    def _get_output(self) -> Any:
        return self._box.object.get_output()

    async def _in_turn(self, steps: Sequence[_Step]) -> Answer:
        """Take the steps; blocking ones that follow each other in one thread."""
        answer: Answer = Returned(None)
        for on_loop, some in itertools.groupby(steps, key=lambda step: step.is_async):
            calls = [step.call for step in some]
            if on_loop:
                self._coroutine = self._engine.loop.create_task(
                    _awaited(calls), context=self._surroundings()
                )
                answer = await self._coroutine
                self._coroutine = None
            else:
                answer = await self._threads.call(
                    functools.partial(self._surroundings().run, _called, calls)
                )
            if isinstance(answer, Raised):
                break
        return answer

    async def _after_run(self, answer: Answer) -> Outcome:
        """Five cases: it stopped as it was told; it raised; it polls; it is guessed to; it ended.

        An output that came although a stop was asked stands, as everywhere.
        """
        cause = self._work.stop.cause
        if isinstance(answer, Raised):
            is_told = self._was_told or isinstance(answer.error, asyncio.CancelledError)
            if cause is not None and is_told:
                return Yielded(cause)
            return raised(answer.error, self._task)
        if cause is not None and self._was_told:
            return Yielded(cause)
        if self._how.kind == "polling":
            return await self._ask(guessed=False)
        if self._how.kind is None and self._how.is_pending(answer.value):
            return await self._ask(guessed=True)
        return self._output(answer.value)

    # --- get_output(), again and again

    async def _ask(self, *, guessed: bool) -> Outcome:
        """Give the place back and ask until there is an output, or the job is to stop."""
        work, loop = self._work, self._engine.loop
        if work.stop.cause is not None:
            return Yielded(work.stop.cause)
        first_after = self._pace.after(0, self._draw()) if guessed else 0.0
        handle = handle_of(self._box, guessed=guessed)
        if not await work.wait(handle, self._clock.now() + first_after):
            return Yielded(Cause.LOST)
        vigil = Vigil(work, self._watch, settling=SETTLING_SECONDS)
        self._vigil = vigil
        has_deadline = work.job.deadline_at is not None
        at_last = loop.call_later(GUESS_SECONDS, vigil.end, _WRONG_GUESS)
        if has_deadline or not guessed:
            at_last.cancel()
        try:
            outcome, watched = await vigil.keep(first_after, lambda: 0.0)
        finally:
            at_last.cancel()
        if outcome is not None:
            return outcome
        if work.stop.cause not in _LEAVING:
            self._tell_to_cancel()
            await watched.settle(SETTLING_SECONDS)
        return Yielded(_cause(work))

    def _watch(self, first_after: float) -> Watched:
        return self._engine.watch(
            self._get_output,
            self._heard,
            first_after=first_after,
            timeout=LONGEST_SECONDS if self._how.answers_on_loop else CHECK_SECONDS,
            is_async=self._how.answers_on_loop,
            surroundings=self._surroundings(),
            kind=type(self._box.object),
        )

    def _heard(self, answer: Answer) -> float | None:
        """Say when to ask again; None when the job has ended."""
        match answer:
            case Raised(NoAnswer()):
                self._say(f"get_output() has not returned for {CHECK_SECONDS:g} s")
                return self._pace.interval
            case Raised(error):
                after = self._after_error(error)
            case Returned(value) if self._how.is_pending(value):
                after = self._pace.after(self._unchanged, self._draw())
                self._unchanged += 1
                self._errors = 0
            case Returned(value):
                self._end(self._output(value))
                return None
        if isinstance(after, float):
            self._note_next(after)
            return after
        self._end(after)
        return None

    def _end(self, outcome: Outcome) -> None:
        if self._vigil is not None:
            self._vigil.end(outcome)

    def _after_error(self, error: BaseException) -> float | Outcome:
        self._errors += 1
        if isinstance(error, Fatal) or self._errors >= self._how.error_budget:
            return raised(error, self._task)
        said = describe_error(error, limit=200)
        budget = self._how.error_budget
        self._say(f"get_output() failed ({self._errors} of {budget} in a row): {said}")
        return self._pace.after_errors(self._errors, self._draw())

    def _note_next(self, after: float) -> None:
        now = self._clock.now()
        if after >= SEEN_SECONDS or now - self._seen_at >= SEEN_SECONDS:
            self._seen_at = now
            self._work.check_again(now + after)

    def _say(self, message: str) -> None:
        self._work.context.progress(0, None, message)

    # --- what both parts need

    def _output(self, value: Any) -> Outcome:
        """The output itself stays here; what JSON can carry of it is stored for everybody."""
        self._box.output = value
        outcome = returned(self._task, value)
        is_ours = self._work.job.bound_to is not None
        if is_ours and isinstance(outcome, Failed) and outcome.error.code == "not-serializable":
            return Withheld(f"its output is kept only in the program that ran it: {_why(outcome)}")
        return outcome

    def _tell_to_cancel(self) -> None:
        """Call the box's own `cancel()`, if it has one: once, and whatever comes of it."""
        cancel = getattr(self._box.object, "cancel", None)
        if self._was_told or not callable(cancel):
            return
        self._was_told = True
        if is_async(cancel):
            telling = self._engine.loop.create_task(
                _awaited([cancel]), context=self._surroundings()
            )
            _kept.add(telling)
            telling.add_done_callback(_kept.discard)
        else:
            self._threads.call(functools.partial(self._surroundings().run, cancel))

    def _surroundings(self) -> contextvars.Context:
        surroundings = contextvars.Context()
        surroundings.run(contexts.enter, self._work.context)
        return surroundings


_kept: "set[asyncio.Task[Answer]]" = set()
"""A loop holds its tasks weakly; these are of nobody else."""

_WRONG_GUESS = Failed(
    Error(
        code="deadline",
        message="get_output() has said for 24 h that there is no output yet. That it would ever "
        "come was guessed; say kind='polling' and a deadline, or kind='blocking'",
    ),
    again=False,
)


def _cause(work: Work) -> Cause:
    """Why it was asked to stop."""
    return work.stop.cause or Cause.INTERRUPT


def _called(calls: Sequence[Callable[[], Any]]) -> Any:
    """Call one after the other; returns what the last one does."""
    value = None
    for call in calls:
        value = call()
    return value


async def _awaited(calls: Sequence[Callable[[], Any]]) -> Answer:
    """Await one after the other. No exception leaves: a SystemExit would end the loop."""
    value = None
    try:
        for call in calls:
            value = await call()
    except BaseException as error:
        return Raised(error)
    return Returned(value)


def _why(failed: Failed) -> str:
    return failed.error.message.removeprefix("the result cannot be kept exactly: ")
