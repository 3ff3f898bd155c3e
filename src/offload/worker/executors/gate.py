"""A gate round a job's coroutines: while it is closed none of them takes a step.

asyncio drives a coroutine in steps, each from one await to the next. A `Gated` coroutine asks the
gate before each step; closed, it waits on the gate instead, and keeps what the step was to bring: a
value, or an exception. A cancel, too, waits: it arrives when the gate is opened, once, and counted
as asyncio counts it, so that a timeout still becomes a `TimeoutError`.

What goes through the gate of a job: its coroutine and, by way of the loop (`gated_loop`), its tasks
and timers. What is neither is not held back: threads, processes, and callbacks of other kinds
(`call_soon`, `add_done_callback`, the methods of a protocol). A task of a job that others wait for
too, such as a look-up that is shared, stands still with that job.
"""

import asyncio
from collections.abc import Coroutine, Generator
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")


class Gate:
    """Open at first; opened and closed any number of times, on its loop only.

    Attributes:
        bar: what waits where the gate is closed; None while it is open.
    """

    __slots__ = ("_is_over", "_loop", "bar")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._is_over = False
        self.bar: _Bar | None = None

    def close(self) -> None:
        """Let nobody take a further step. A step that is being run is run to its next await."""
        if self.bar is None and not self._is_over:
            self.bar = _Bar(loop=self._loop)

    def open(self) -> None:
        """Let everybody go on, each in a turn of its own, in the order in which they came."""
        bar, self.bar = self.bar, None
        if bar is not None:
            bar.set_result(None)

    def leave_open(self) -> None:
        """Open it for good: what outlives the job is nobody's to hold back."""
        self._is_over = True
        self.open()

    def enter(self) -> None:
        """Be the gate of all tasks that are made in this context from here on."""
        _gate.set(self)

    def concerns(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether it holds back anything of this loop: a job may run others, and be outlived."""
        return self._loop is loop and not self._is_over


class Gated(Coroutine[Any, Any, T]):
    """A coroutine that asks a gate before each step; to be run by an asyncio task.

    It stands for the coroutine in every other way: its frames, its name, its state.
    """

    __slots__ = ("_coroutine", "_gate", "_held", "_send")

    def __init__(self, coroutine: Coroutine[Any, Any, T], gate: Gate) -> None:
        self._coroutine = coroutine
        self._send = coroutine.send
        self._gate = gate
        self._held: BaseException | None = None

    def send(self, value: Any) -> Any:
        """Take a step, or wait. A task sends None, so there is no value to be kept."""
        bar = self._gate.bar
        if bar is not None:
            return bar.wait()
        try:
            return self._send(value) if self._held is None else self._hand_over(self._held)
        except BaseException as error:
            _leave_out_our_frames(error)
            raise

    def throw(self, typ: Any, val: Any = None, tb: Any = None) -> Any:
        """Take a step that begins with an exception, or wait with it.

        Whoever waits and is cancelled loses what it waited for, and of two cancels one is
        delivered: as asyncio has it of a task whose step is due.
        """
        if not isinstance(self._held, asyncio.CancelledError):
            self._held = typ if val is None else val
        bar = self._gate.bar
        if bar is not None:
            return bar.wait()
        try:
            return self._hand_over(self._held)
        except BaseException as error:
            _leave_out_our_frames(error)
            raise

    def close(self) -> None:
        """End the coroutine; its loop is being closed."""
        self._held = None
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, T]:
        return self._coroutine.__await__()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._coroutine, name)

    def _hand_over(self, held: BaseException) -> Any:
        """Take the step that was held back."""
        self._held = None
        return self._coroutine.throw(held)


class _Bar(asyncio.Future[None]):
    """What tasks wait on at a closed gate. A cancel does not wake them: it waits with them.

    Task.cancel() that is refused by what the task waits on marks the task, and its next step
    begins with the CancelledError.
    """

    def cancel(self, msg: Any | None = None) -> bool:
        return False

    def wait(self) -> "asyncio.Future[None]":
        """Return what a coroutine gives its task when it waits on this."""
        return next(self.__await__())


def _leave_out_our_frames(error: BaseException) -> None:
    """Show people their own frames: without this each task would add one or two of the gate's."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    error.__traceback__ = frames


_gate: ContextVar[Gate | None] = ContextVar("offload_gate", default=None)

present_gate = _gate.get
"""The gate of the job whose code is being run; None outside a job."""
