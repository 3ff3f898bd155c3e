"""Tasks of every kind that write something."""

import asyncio
import logging
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from offload import Context, Done, Offload, Pending, current
from tests.support import eventually

app = Offload()
log = logging.getLogger("tests.writing")


def write() -> None:
    """Print, complain, log."""
    print("printed")
    print("complained", file=sys.stderr)
    log.warning("warned")
    current().log.info("noted")


@app.task
async def in_a_coroutine() -> None:
    write()


@app.task(executor="thread")
def in_a_thread() -> None:
    write()


@app.task
def in_a_process() -> None:
    write()


@app.task
def beneath() -> None:
    """Let others write."""
    subprocess.run([sys.executable, "-c", "print('by a program')"], check=True)
    os.write(2, b"by descriptor")


@app.task
def crash() -> None:
    """Write, and take the process down."""
    print("last words", end="", flush=True)
    os.abort()


@app.task(retries=1, backoff=0)
def stumble(ctx: Context) -> None:
    """Fail at first."""
    print("try", ctx.attempt)
    if ctx.attempt == 1:
        raise ValueError("not yet")


@app.task
async def chat(file: str) -> None:
    """Write, wait for a file, write again."""
    print("before")
    await asyncio.to_thread(eventually, Path(file).exists)
    print("after")


@app.task
async def say_and_stand() -> None:
    """Write, stand still at once, and write when it goes on."""
    print("before")
    await (await app.aget(current().job_id)).apause()
    await asyncio.sleep(0.01)
    print("after")


@app.task
def flood(megabytes: int) -> None:
    """Write a lot."""
    for _ in range(megabytes):
        os.write(1, (b"x" * 99 + b"\n") * 10_000)


@app.polling(interval=0.01)
def elsewhere() -> dict[str, float]:
    """Begin something elsewhere."""
    print("begun")
    return {"until": time.time() + 0.05}


@elsewhere.check
def check(handle: Mapping[str, float]) -> Pending | Done:
    """Look whether it is done."""
    if time.time() < handle["until"]:
        return Pending()
    print("done")
    return Done(1)
