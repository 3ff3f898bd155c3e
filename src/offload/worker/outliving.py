"""Runs a coroutine on a loop that no task beside it can end.

A coroutine of a job is caught whatever it raises. A task that the job's code makes by itself is
not: where it raises SystemExit or KeyboardInterrupt, asyncio lets that out of the loop, which
would end the worker and everybody's jobs with it.
"""

import asyncio
import logging
import signal
import threading
from collections.abc import Callable, Coroutine
from importlib import import_module
from typing import Any, TypeVar

T = TypeVar("T")

log = logging.getLogger("offload.worker")


def run_to_end(
    main: Coroutine[Any, Any, T],
    *,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> T:
    """Run a coroutine to its own end, as `asyncio.run` does.

    Raises:
        KeyboardInterrupt: somebody pressed Ctrl-C in a program that has no handler of its own.
    """
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        loop = runner.get_loop()
        work = loop.create_task(main)
        while True:
            try:
                return loop.run_until_complete(work)
            except (SystemExit, KeyboardInterrupt) as error:
                if work.done() or _is_ctrl_c(error):
                    raise
                log.warning(
                    "a task that a job's code made raised %r; it ends that task only", error
                )


def fastest_loop() -> asyncio.AbstractEventLoop:
    """Make the fastest event loop that is installed: uvloop's, or else asyncio's own."""
    try:
        loop: asyncio.AbstractEventLoop = import_module("uvloop").new_event_loop()
    except ImportError:
        return asyncio.new_event_loop()
    return loop


def _is_ctrl_c(error: BaseException) -> bool:
    """Only the main thread is interrupted by a signal, and only where nobody handles it."""
    return (
        isinstance(error, KeyboardInterrupt)
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
