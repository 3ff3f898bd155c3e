"""Rows of progress: what a word costs the code that says it, in a loop that does nothing else."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.harness import Size, row
from offload import Offload, current

WORDS = 1_000_000


def said(count: int) -> float:
    """Say so many words; returns seconds, less those of the loop itself."""
    say = current().progress
    began = time.perf_counter()
    for done in range(count):
        say(done, count, unit="word")
    return time.perf_counter() - began - looped(count)


async def said_async(count: int) -> float:
    """The same in a coroutine."""
    return said(count)


def looped(count: int) -> float:
    """Do as much without a word; returns seconds."""
    began = time.perf_counter()
    for _ in range(count):
        pass
    return time.perf_counter() - began


@row("a word of progress in an async job", "µs", "the same without a job")
def in_async(folder: Path, size: Size) -> Mapping[str, float]:
    """On the worker's loop, which stores nothing meanwhile."""
    return _row(folder, size, said_async, {})


@row("a word of progress in a thread", "µs", "the same without a job")
def in_thread(folder: Path, size: Size) -> Mapping[str, float]:
    """Beside the worker's loop, which takes a word four times a second."""
    return _row(folder, size, said, {"executor": "thread"})


@row("a word of progress in a process", "µs", "the same without a job")
def in_process(folder: Path, size: Size) -> Mapping[str, float]:
    """In a child, which sends a word twenty times a second."""
    return _row(folder, size, said, {"executor": "process"})


def _row(
    folder: Path, size: Size, function: Callable[..., Any], options: dict[str, Any]
) -> Mapping[str, float]:
    count = size.of(WORDS)
    raw = said(count)
    with Offload(folder / "offload.db") as app:
        task = app.task(function, **options)
        task.start(1).result(30)
        seconds = task.start(count).result(120)
    return {"offload": seconds / count * 1e6, "raw": raw / count * 1e6}
