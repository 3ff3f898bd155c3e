"""Tasks whose jobs the tests of the terminal run."""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

from offload import Offload, current

app = Offload()


def note(word: str) -> None:
    """Write a word and the process into the witness file, in one write."""
    line = f"{word} {current().job_id} {os.getpid()}\n".encode()
    descriptor = os.open("witness", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, line)
    os.close(descriptor)


@app.task
async def echo(value: object = None) -> object:
    """Return the value."""
    return value


@app.task(queue="aside")
async def elsewhere() -> None:
    """Wait in another queue; so there is one."""


@app.task
async def double(n: int) -> int:
    """Return twice the number."""
    return 2 * n


@app.task
async def fail(message: str = "no luck") -> None:
    """Raise."""
    raise ValueError(message)


@app.task
async def rest(seconds: float = 3600) -> str:
    """Sleep, and write down when it begins and ends."""
    note("S")
    current().progress(1, 4, "resting", unit="nap")
    await asyncio.sleep(seconds)
    note("E")
    return "rested"


@app.task(executor="thread")
def hang() -> None:
    """Never end, and never look whether to stop."""
    note("S")
    threading.Event().wait()


@app.task(executor="process")
def grind() -> None:
    """Never end, in a process that does not hear SIGTERM, and with one below it that hides."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen(["sleep", "3600"], start_new_session=True)
    note("S")
    while True:
        pass


@app.task
async def hog() -> None:
    """Block the worker's own loop."""
    note("S")
    time.sleep(3600)  # noqa: ASYNC251


@app.task
async def hang_elsewhere() -> None:
    """Leave a thread behind that the loop waits for."""
    note("S")
    await asyncio.to_thread(threading.Event().wait)


@app.task
async def until(file: str) -> str:
    """End when there is a file."""
    note("S")
    while not os.path.exists(file):  # noqa: ASYNC110, ASYNC240
        await asyncio.sleep(0.01)
    note("E")
    return file


@app.task(on_crash="fail")
async def not_again(file: str) -> str:
    """End when there is a file; never run twice."""
    note("S")
    while not os.path.exists(file):  # noqa: ASYNC110, ASYNC240
        await asyncio.sleep(0.01)
    return file


@app.task
def read_input() -> str:
    """Return all that the standard input holds."""
    return sys.stdin.read() + os.read(0, 10).decode()


@app.task(executor="thread")
def seize() -> None:
    """Hold the interpreter's lock, as an extension that computes may do."""
    note("S")
    ctypes.PyDLL(None).sleep(3600)


@app.task
async def beget() -> None:
    """Start a process that does not end with its parent, and wait."""
    note("S")
    child = await asyncio.create_subprocess_exec("sleep", "3600", start_new_session=True)
    with open("child.new", "w") as file:  # noqa: ASYNC230
        file.write(str(child.pid))
    os.rename("child.new", "child")
    await child.wait()
