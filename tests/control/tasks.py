"""One task of every kind, each of the same temper, and processes that do not want to stop.

All of them write down what they do as they do it: one line, in one write, into the file `witness`.
"""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

from offload import Context, Done, Offload, current

app = Offload()

TICK = 0.02

BEGUN, GOES_ON, STANDS, ENDED = "begun", "goes-on", "stands", "ended"

VARIANTS: dict[str, dict[str, Any]] = {
    "": {},
    "_timed": {"timeout": 0.5},
    "_due": {"deadline": 2.5},
    "_once": {"on_crash": "fail"},
}
"""Each task is there as it is, with a timeout, with a deadline, and as one not to be repeated."""


def note(word: str) -> None:
    """Write a word, the job, the process and the time."""
    line = f"{word} {current().job_id} {os.getpid()} {time.monotonic():.6f}\n".encode()
    descriptor = os.open("witness", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, line)
    os.close(descriptor)


def is_over() -> bool:
    """Whether the job was told to end by itself."""
    return os.path.exists(f"end-{current().job_id}")


def is_held(holds: bool) -> bool:
    """Whether the code takes its time to stop, until it is let go."""
    return holds and not os.path.exists(f"let-go-{current().job_id}")


async def coroutine(holds: bool = False) -> str:
    """Go on until it is over, and stop at an await."""
    note(BEGUN)
    try:
        while not is_over():
            note(GOES_ON)
            await asyncio.sleep(TICK)
    except asyncio.CancelledError:
        while is_held(holds):
            note(GOES_ON)
            await asyncio.sleep(TICK)
        note(STANDS)
        raise
    note(ENDED)
    return "done"


def blocking(ctx: Context, holds: bool = False) -> str | None:
    """Go on until it is over, and stop when it is asked."""
    note(BEGUN)
    while not ctx.should_stop:
        if is_over():
            note(ENDED)
            return "done"
        note(GOES_ON)
        time.sleep(TICK)
    while is_held(holds):
        note(GOES_ON)
        time.sleep(TICK)
    note(STANDS)
    return None


async def order(holds: bool = False) -> dict[str, bool]:
    """Start work elsewhere, which is this file's business too."""
    note(BEGUN)
    return {"holds": holds}


def look(handle: dict[str, bool]) -> Done | None:
    """See how the work elsewhere is."""
    if is_over():
        note(ENDED)
        return Done("done")
    note(GOES_ON)
    return None


def stop(handle: dict[str, bool]) -> None:
    """Stop the work elsewhere."""
    while is_held(handle["holds"]):
        time.sleep(TICK)
    note(STANDS)


for suffix, options in VARIANTS.items():
    app.task(name=f"coroutine{suffix}", **options)(coroutine)
    app.task(name=f"thread{suffix}", executor="thread", **options)(blocking)
    app.task(name=f"process{suffix}", executor="process", **options)(blocking)
    polled = app.polling(name=f"poll{suffix}", interval=0.05, **options)(order)
    polled.check(look)
    polled.on_cancel(stop)


DEAF = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print(flush=True); time.sleep(3600)"
)
"""The program of a process that does not hear SIGTERM, and says when it has stopped hearing it."""


def spins() -> None:
    """Never end, and never look whether to stop."""
    note(BEGUN)
    while True:
        pass


def is_deaf() -> None:
    """Ignore SIGTERM, and what it becomes."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    spins()


def hides_others() -> None:
    """Have a child and a grandchild, deaf, each with a session of its own."""
    below = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {DEAF!r}, {TOLD!r}])"
    _start(below)
    _start(DEAF)
    spins()


def makes_a_daemon() -> None:
    """Leave a deaf process behind that has no parent, no session and no environment of ours."""
    if os.fork() == 0:
        os.setsid()
        _start(DEAF, env={})
        os._exit(0)
    os.wait()
    spins()


def holds_memory() -> None:
    """Hold more memory than it may, together with a process below it."""
    note(BEGUN)
    program = "held = bytearray(80 << 20); import time; time.sleep(3600)"
    subprocess.Popen([sys.executable, "-c", program, TOLD], start_new_session=True)
    held = bytearray(80 << 20)
    threading.Event().wait()
    del held


TOLD = f"--of={os.getcwd()}"
"""An argument that tells whose process it is, where its environment does not."""


def _start(program: str, **more: Any) -> None:
    begun = subprocess.Popen(
        [sys.executable, "-c", program, TOLD],
        stdout=subprocess.PIPE,
        start_new_session=True,
        **more,
    )
    assert begun.stdout is not None
    begun.stdout.readline()  # it is deaf now


for function in (spins, is_deaf, hides_others, makes_a_daemon):
    app.task(executor="process")(function)
    app.task(name=f"{function.__name__}_timed", executor="process", timeout=0.5)(function)
app.task(executor="process", memory="120M")(holds_memory)
