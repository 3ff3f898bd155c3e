"""A child process: runs one job after the other, each in its main thread.

It was forked from the fork server, so all of offload is imported already. Modules of the user are
imported when the first job needs them, and stay.
"""

import contextvars
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, cast

import msgspec
from msgspec.structs import replace

from offload.errors import Stopped
from offload.importable import Place
from offload.model import Error, Failed, Outcome, Snoozed, Succeeded
from offload.registry import RegisteredTask
from offload.worker import context as contexts
from offload.worker.capture.child import Output
from offload.worker.context import Context, Stop
from offload.worker.executors.call import arguments, raised, returned
from offload.worker.executors.process import frames
from offload.worker.executors.process.channel import Channel, Terminated, Termination
from offload.worker.executors.process.finding import Finder, NotHere, find
from offload.worker.executors.process.keeping import ChildKeeper
from offload.worker.executors.process.leftovers import end_leftovers, kept_children
from offload.worker.progressing import Board


def serve(channel: Channel, termination: Termination, output: Output) -> None:
    """Run jobs until none comes any more, then tear down what was set up."""
    hello = channel.next()
    if not isinstance(hello, frames.Hello):
        return  # the worker was gone before it said a word
    sys.path[:] = hello.path
    sys.argv[:] = hello.argv
    with ExitStack() as hooks:
        child = _Child(channel, termination, output, hello.hooks, hooks)
        while not isinstance(message := channel.next(), frames.Close):
            if isinstance(message, frames.Run):
                child.work(message)


class _Child:
    """One process, and what is set up in it."""

    def __init__(
        self,
        channel: Channel,
        termination: Termination,
        output: Output,
        hooks: tuple[Place, ...],
        stack: ExitStack,
    ) -> None:
        self._channel = channel
        self._termination = termination
        self._output = output
        self._hooks = list(hooks)
        self._stack = stack
        self._finder = Finder()
        self._kept: frozenset[int] = frozenset()
        self._keeper: ChildKeeper | None = None
        self._board: Board | None = None

    def work(self, run: frames.Run) -> None:
        """Run a job, end what it has left behind, and answer."""
        self._termination.listen()
        self._termination.is_busy = True
        self._kept = kept_children()
        self._output.begin()
        answer = self._answer(run)
        self._termination.is_armed = False
        left = end_leftovers(self._kept)
        if left:
            self._channel.send(frames.Left(tuple(sorted(left))))
        if self._keeper is not None:
            self._keeper.end()
        if self._board is not None:
            self._board.tell_rest()
        self._output.end()  # all of it is on its way before the answer
        self._channel.answer(answer)
        self._termination.is_busy = False

    def _answer(self, run: frames.Run) -> frames.Answer:
        """Whatever the code does, there is an answer; SIGTERM may come at any instruction."""
        try:
            self._termination.is_armed = True
            failure = self._set_up()
            answer = failure or self._run(run)
            self._termination.is_armed = False
        except Terminated:
            return frames.Stopped()
        return answer

    def _set_up(self) -> frames.Failure | None:
        """Enter the hooks that have not been entered; done once."""
        while self._hooks:
            try:
                self._stack.enter_context(_hook(self._hooks[0]))
            except Terminated:
                raise
            except NotHere as error:
                message = f"the lifespan hook {self._hooks[0].qualname} is not to be had: {error}"
                return frames.Failure(Failed(Error(code="exception", message=message)), True)
            except BaseException as error:
                return frames.Failure(replace(raised(error), again=True), is_last=True)
            del self._hooks[0]
        return None

    def _run(self, run: frames.Run) -> frames.Answer:
        is_known = self._finder.knows(run)
        try:
            task = self._finder.task(run)
        except NotHere as error:
            return frames.Unfit(str(error))
        if not is_known:
            self._kept = kept_children()  # what hooks and modules have started is not the job's
        if run.is_timed or not is_known:
            self._channel.begin()
        self._keeper = ChildKeeper(self._channel, run.saved)
        context = Context(
            run.job_id,
            run.attempt,
            stop=_PolledStop(self._channel),
            tell=self._channel.tell,
            idempotency_key=run.idempotency_key,
            keeper=self._keeper,
        )
        self._board = contexts.board_of(context)
        contexts.halt_at_checkpoints(context, self._channel.is_stop_asked_lately)
        surroundings = contextvars.Context()
        surroundings.run(contexts.enter, context)
        return surroundings.run(_called, task, bytes(run.params), context)


def _called(task: RegisteredTask, params: bytes, context: Context) -> frames.Answer:
    try:
        args, kwargs = arguments(task, params, context)
        value = task.function(*args, **kwargs)
    except Terminated:
        raise
    except Stopped as stopped:
        is_asked = context.should_stop
        return frames.Stopped() if is_asked else frames.Failure(raised(stopped, task))
    except BaseException as error:
        return frames.Failure(raised(error, task))
    if value is None and context.saw_stop:
        return frames.Stopped()
    return _as_answer(returned(task, value))


def _as_answer(outcome: Outcome) -> frames.Answer:
    match outcome:
        case Succeeded(value):
            return frames.Value(msgspec.Raw(value))
        case Failed():
            return frames.Failure(outcome)
        case Snoozed():
            return frames.Rest(outcome)
        case _:
            return frames.Stopped()


def _hook(place: Place) -> AbstractContextManager[object]:
    """Return a lifespan hook as a context manager."""
    function = find(place)
    return contextmanager(cast("Callable[[], Iterator[Any]]", function))()


class _PolledStop(Stop):
    """Asks the worker when it is asked."""

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel

    @property
    def is_set(self) -> bool:
        """Whether the worker wants the job to stop."""
        return self._channel.is_stop_asked
