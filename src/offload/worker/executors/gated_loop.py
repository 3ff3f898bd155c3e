"""What a loop makes for a job goes through the job's gate: its tasks and its timers.

The loop finds the gate in the context in which it is asked, so libraries need not know of it.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from offload.worker.executors.gate import Gate, Gated, present_gate

MakeTask = Callable[..., "asyncio.Future[Any]"]
SetTimer = Callable[..., asyncio.TimerHandle]


def let_through_gates(loop: asyncio.AbstractEventLoop) -> None:
    """Have the loop do so from now on; a task factory that it has still makes the tasks.

    Timers are held back because some would never give up: anyio's cancel scopes (and with them
    the time limits of httpx) try anew in each turn of the loop until the code has heard them, and
    one job that stood still would take a whole core.
    """
    make = loop.get_task_factory()
    if isinstance(make, _TaskFactory):
        return
    loop.set_task_factory(_TaskFactory(make))
    for name in ("call_at", "call_later"):
        set_timer = getattr(loop, name)
        if not isinstance(set_timer, _TimerSetter):  # no method can be replaced but by its name
            setattr(loop, name, _TimerSetter(loop, set_timer))


class _TaskFactory:
    """Makes a task whose coroutine goes through the gate of the job that asks for it.

    Args:
        make: the factory that was set before, if there was one.
    """

    def __init__(self, make: MakeTask | None) -> None:
        self._make = make

    def __call__(
        self, loop: asyncio.AbstractEventLoop, coroutine: Any, /, **options: Any
    ) -> "asyncio.Future[Any]":
        gate = present_gate()
        if gate is not None and type(coroutine) is not Gated and gate.concerns(loop):
            coroutine = Gated(coroutine, gate)
        if self._make is None:
            return asyncio.Task(coroutine, loop=loop, **options)
        return self._make(loop, coroutine, **options)


class _TimerSetter:
    """Sets a timer of a job: due at a closed gate, its callback is called when that opens."""

    def __init__(self, loop: asyncio.AbstractEventLoop, set_timer: SetTimer) -> None:
        self._loop = loop
        self._set = set_timer

    def __call__(
        self, when: float, callback: Callable[..., object], *args: Any, **options: Any
    ) -> asyncio.TimerHandle:
        gate = present_gate()
        # `call_later` may set it by way of `call_at`: then it is a `_Due` already.
        if gate is None or type(callback) is _Due or not gate.concerns(self._loop):
            return self._set(when, callback, *args, **options)
        due = _Due(callback, gate)
        due.timer = self._set(when, due, *args, **options)
        return due.timer


class _Due:
    """What a job's timer calls, now or when the gate is opened.

    Attributes:
        timer: its handle; whoever cancels that while this waits at the gate is in time.
    """

    __slots__ = ("_callback", "_gate", "timer")

    def __init__(self, callback: Callable[..., object], gate: Gate) -> None:
        self._callback = callback
        self._gate = gate
        self.timer: asyncio.TimerHandle

    def __call__(self, *args: Any) -> None:
        bar = self._gate.bar
        if bar is None:
            self._callback(*args)
        else:
            bar.add_done_callback(lambda _: None if self.timer.cancelled() else self(*args))
