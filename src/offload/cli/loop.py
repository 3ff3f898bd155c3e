"""Runs a coroutine on the fastest event loop that is installed: uvloop, or else asyncio's own."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from offload.worker.outliving import fastest_loop, run_to_end

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, on a loop of its own; no task of a job's code ends it."""
    return run_to_end(main, loop_factory=fastest_loop)
