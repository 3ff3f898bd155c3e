"""Rows of a captured line: what a `print` in a job costs the code that prints."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.harness import Size, row
from offload import Offload

LINES = 200_000
LINE = "2026-01-31 step 17 of 4000: loss 0.12345, 31.2 samples a second, 2.1 GB held"


def printed(count: int) -> float:
    """Print so many lines; returns seconds."""
    began = time.perf_counter()
    for _ in range(count):
        print(LINE)
    sys.stdout.flush()
    return time.perf_counter() - began


async def printed_async(count: int) -> float:
    """The same in a coroutine."""
    return printed(count)


@row("a line printed in an async job", "µs", "print without a job, to /dev/null")
def in_async(folder: Path, size: Size) -> Mapping[str, float]:
    """On the worker's loop, which hands nothing over meanwhile."""
    return _row(folder, size, printed_async, {})


@row("a line printed in a thread", "µs", "print without a job, to /dev/null")
def in_thread(folder: Path, size: Size) -> Mapping[str, float]:
    """Beside the worker's loop, which hands lines over five times a second."""
    return _row(folder, size, printed, {"executor": "thread"})


@row("a line printed in a process", "µs", "print without a job, to /dev/null")
def in_process(folder: Path, size: Size) -> Mapping[str, float]:
    """Through a pipe, which the worker empties at the same time."""
    return _row(folder, size, printed, {"executor": "process"})


def _row(
    folder: Path, size: Size, function: Callable[..., Any], options: dict[str, Any]
) -> Mapping[str, float]:
    count = size.of(LINES)
    with _unseen():
        raw = printed(count)
        with Offload(folder / "offload.db") as app:
            task = app.task(function, **options)
            task.start(1).result(30)
            seconds = task.start(count).result(120)
    return {"offload": seconds / count * 1e6, "raw": raw / count * 1e6}


@contextmanager
def _unseen() -> Iterator[None]:
    """Let standard output lead nowhere, for this process and for those that it starts."""
    sys.stdout.flush()
    before, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(before, 1)
        os.close(before)
        os.close(nowhere)
