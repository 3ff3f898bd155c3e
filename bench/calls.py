"""Rows of what a job's code calls in its innermost loop: a word of progress, a checkpoint, a print.

Each is called many times in a job of each kind, and beside it as many times without a job.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench.harness import Measure, Size, row
from offload import Offload, current

LINE = "2026-01-31 step 17 of 4000: loss 0.12345, 31.2 samples a second, 2.1 GB held"

Loop = Callable[[int], None]


def say(count: int) -> None:
    """Say how far the work is."""
    word = current().progress
    for done in range(count):
        word(done, count, unit="word")


def keep(count: int) -> None:
    """Keep a small state, from which the next attempt goes on."""
    checkpoint = current().checkpoint
    for done in range(count):
        checkpoint({"done": done, "loss": 0.12345})


def keep_made(count: int) -> None:
    """Keep a state that is only made when it is to be stored."""
    checkpoint = current().checkpoint
    for _ in range(count):
        checkpoint(made)


def made() -> dict[str, float]:
    """Make a small state."""
    return {"done": 17, "loss": 0.12345}


def go_through(count: int) -> None:
    """Go through items, and keep the place."""
    for _ in current().iterate(range(count)):
        pass


def write(count: int) -> None:
    """Print a line."""
    for _ in range(count):
        print(LINE)
    sys.stdout.flush()


CALLS: dict[str, tuple[Loop, int]] = {
    "a word of progress": (say, 1_000_000),
    "a checkpoint": (keep, 300_000),
    "a checkpoint with a function": (keep_made, 1_000_000),
    "an item of iterate": (go_through, 1_000_000),
    "a printed line": (write, 200_000),
}

KINDS: dict[str, dict[str, Any]] = {
    "an async job": {},
    "a thread": {"executor": "thread"},
    "a process": {"executor": "process"},
}


def timed(loop: Loop, count: int) -> float:
    """Call so often, with standard output leading nowhere; returns seconds."""
    began = time.perf_counter()
    loop(count)
    return time.perf_counter() - began


def in_turn(call: str, count: int) -> float:
    """The same as a job in a thread or a process."""
    return timed(CALLS[call][0], count)


async def on_the_loop(call: str, count: int) -> float:
    """The same as a coroutine."""
    return timed(CALLS[call][0], count)


def measure(call: str, kind: str, folder: Path, size: Size) -> Mapping[str, float]:
    """Microseconds of one call in a job of a kind, and without a job."""
    loop, count = CALLS[call][0], size.of(CALLS[call][1])
    options = KINDS[kind]
    with _unseen():
        raw = timed(loop, count)
        with Offload(folder / "offload.db") as app:
            function: Callable[..., Any] = in_turn if options else on_the_loop
            task = app.task(function, **options)
            task.start(call, 1).result(30)
            seconds = task.start(call, count).result(120)
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


for _call in CALLS:
    for _kind in KINDS:
        _measure: Measure = partial(measure, _call, _kind)
        row(f"{_call} in {_kind}", "µs", "the same without a job")(_measure)
