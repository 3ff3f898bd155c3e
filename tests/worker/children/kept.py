"""Work that is cut off, and keeps where it was."""

import asyncio
import os
import random
import signal
import time
from pathlib import Path

from offload.errors import Stopped
from offload.worker.context import Context, current


def add_up(context: Context, most: int, seconds: float, witness: str) -> int:
    total: int = context.saved or 0
    for number in context.iterate(range(most), unit="number"):
        time.sleep(seconds)  # stands for a piece of work
        total += number
        _note(witness, number)
        context.checkpoint(total)
    return total


async def add_up_async(context: Context, most: int, seconds: float, witness: str) -> int:
    total: int = context.saved or 0
    for number in context.iterate(range(most), unit="number"):
        await asyncio.sleep(seconds)  # stands for a piece of work
        total += number
        _note(witness, number)
        await context.acheckpoint(total)
    return total


def is_killed_between_steps(context: Context, witness: str) -> list[int]:
    first = context.step("first", _drawn, witness)
    if context.attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    second = context.step("second", _drawn, witness)
    if context.attempt == 2:
        raise ConnectionError("the other side hung up")
    return [first, second]


async def fails_between_steps(witness: str) -> list[int]:
    context = current()
    first = await context.astep("first", _drawn, witness)
    if context.attempt == 1:
        raise ConnectionError("the other side hung up")
    return [first, await context.astep("second", _drawn, witness)]


def waits_until_stored(context: Context) -> list[object]:
    context.checkpoint("first", wait=True)
    context.checkpoint("second", wait=True)
    return [context.saved, context.attempt]


def fails_with_its_state_just_given(context: Context) -> object:
    if context.attempt == 2:
        return context.saved
    for n in range(1000):
        context.checkpoint(n)
    raise ConnectionError("the other side hung up")


def counts_and_hangs(context: Context, begun: str) -> None:
    for n in range(1000):
        context.checkpoint(n)
    Path(begun).touch()
    while True:
        time.sleep(10)


def resigns() -> None:
    raise Stopped


def _drawn(witness: str) -> int:
    drawn = random.randrange(10**9)
    _note(witness, drawn)
    return drawn


def _note(witness: str, number: int) -> None:
    with Path(witness).open("a") as file:
        file.write(f"{number}\n")
