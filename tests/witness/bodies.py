"""Tasks whose bodies say to a file, and to nobody else, when they begin and end.

A line is one write to a file that is only ever appended to, so it is whole and in its place
whatever becomes of the writer: `begin JOB ATTEMPT PID START INSTANT`, or `end` and the same with
how it ended. Whoever begins looks for earlier bodies of its job that have not ended and whose
process still lives; it says so with a line `beside`. Those that keep where they are say what they
have found (`found`), which item they begin (`item`), and what they were told is stored (`kept`).
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

from offload import Context, Offload, current

WITNESS = os.environ.get("WITNESS", "witness")

app = Offload()


class OnPurpose(Exception):
    """What a body raises that was asked to."""


def write(*words: object) -> None:
    """Append a line to the witness, in one write."""
    line = " ".join(map(str, words)) + "\n"
    descriptor = os.open(WITNESS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, line.encode())
    os.close(descriptor)


def read() -> list[list[str]]:
    """Return what was witnessed so far."""
    with open(WITNESS) as file:
        return [line.split() for line in file]


def start_of(pid: int) -> str | None:
    """Return the start time of a living process; None if it lives no more."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in (b"Z", b"X") else fields[19].decode()


def still_open(job: int) -> set[tuple[int, str]]:
    """Return the processes in which the job has begun, has not ended, and could go on."""
    found: dict[tuple[int, str], int] = {}
    for word, number, _, pid, start, *_ in read():
        if number == str(job):
            key = (int(pid), start)
            found[key] = found.get(key, 0) + {"begin": 1, "end": -1}.get(word, 0)
    return {key for key, count in found.items() if count > 0 and start_of(key[0]) == key[1]}


def look_beside(job: int) -> set[tuple[int, str]]:
    """Return who runs the job besides; a process that was just killed has a moment to vanish."""
    give_up_at = time.monotonic() + 0.3
    while beside := still_open(job):
        if time.monotonic() > give_up_at:
            break
        time.sleep(0.01)
    return beside


class Word:
    """How a body ends, if it does not end by an exception."""

    how = "done"


@contextlib.contextmanager
def witnessed() -> Iterator[Word]:
    """Say that a body begins, and how it ends."""
    context, pid, word = current(), os.getpid(), Word()
    beside = look_beside(context.job_id) if os.path.exists(WITNESS) else set()
    words = (context.job_id, context.attempt, pid, start_of(pid))
    write("begin", *words, time.monotonic_ns())
    for other, since in beside:
        write("beside", *words, time.monotonic_ns(), f"{other}/{since}")
    try:
        yield word
    except OnPurpose:
        word.how = "raised"
        raise
    except BaseException:
        word.how = "stopped"
        raise
    finally:
        write("end", *words, time.monotonic_ns(), word.how)


@app.task
async def awaiting(number: int, seconds: float) -> int:
    """Wait on the worker's loop."""
    with witnessed():
        await asyncio.sleep(seconds)
        return number


@app.task(executor="thread")
def looking(number: int, seconds: float) -> int | None:
    """Work in a thread that looks whether to stop."""
    with witnessed() as word:
        return worked(number, seconds, word)


@app.task(executor="process")
def working(number: int, seconds: float) -> int | None:
    """Work in a process of its own that looks whether to stop."""
    with witnessed() as word:
        return worked(number, seconds, word)


def worked(number: int, seconds: float, word: Word) -> int | None:
    """Work for a time; None where it was stopped."""
    context, until = current(), time.monotonic() + seconds
    while time.monotonic() < until:
        if context.should_stop:
            word.how = "stopped"
            return None
        time.sleep(0.01)
    return number


@app.task(executor="process")
def deaf(number: int, seconds: float) -> int:
    """Work in a process that hears neither a request nor SIGTERM, and begets one that hides."""
    with witnessed():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        hidden = [sys.executable, "-c", f"import time; time.sleep({seconds + 30})"]
        subprocess.Popen(hidden, start_new_session=True)
        time.sleep(seconds)
        return number


@app.task(retries=2, backoff=0.05)
async def flaky(number: int, seconds: float) -> int:
    """Raise in the first attempt, and succeed in the second one."""
    with witnessed():
        await asyncio.sleep(seconds)
        if current().attempt == 1:
            raise OnPurpose
        return number


@app.task(executor="process", retries=1, backoff=0.05)
def failing(number: int, seconds: float) -> int:
    """Raise in every attempt."""
    with witnessed():
        time.sleep(seconds)
        raise OnPurpose(number)


@app.task(on_crash="fail")
async def once(number: int, seconds: float) -> int:
    """Never run a second time after a crash."""
    with witnessed():
        await asyncio.sleep(seconds)
        return number


ITEMS = 8


class Items:
    """What a body that keeps where it is writes down as it goes on."""

    def __init__(self, context: Context) -> None:
        pid = os.getpid()
        self._words = (context.job_id, context.attempt, pid, start_of(pid))
        self.done: int = context.saved or 0
        self.say("found", self.done)

    def say(self, word: str, number: int = 0) -> None:
        """Write a line about an item."""
        write(word, *self._words, time.monotonic_ns(), number)

    def step(self) -> None:
        """Do what is done once."""
        self.say("step")


@app.task
async def keeping(context: Context, number: int, seconds: float) -> int:
    """Keep each item on the worker's loop, and wait until that is stored."""
    with witnessed():
        items = Items(context)
        await context.astep("step", items.step)
        for item in range(items.done + 1, ITEMS + 1):
            items.say("item", item)
            await asyncio.sleep(seconds / ITEMS)
            await context.acheckpoint(item, wait=True)
            items.say("kept", item)
        return number


def kept(context: Context, number: int, seconds: float) -> int:
    """Keep each item, and wait until that is stored."""
    with witnessed():
        items = Items(context)
        context.step("step", items.step)
        for item in range(items.done + 1, ITEMS + 1):
            items.say("item", item)
            time.sleep(seconds / ITEMS)
            context.checkpoint(item, wait=True)
            items.say("kept", item)
        return number


app.task(name="keeping_in_thread", executor="thread")(kept)
app.task(name="keeping_in_process", executor="process")(kept)

KEEPING = ("keeping", "keeping_in_thread", "keeping_in_process")

TASKS = ("awaiting", "looking", "working", "deaf", "flaky", "failing", "once", *KEEPING)
