"""One task of every kind that goes through items, keeps where it is, and can be paused anywhere.

Whatever code of a job runs, in whichever process, writes a line into the file `witness` as it does.
"""

import asyncio
import os
import signal
import subprocess
import time
from typing import Any

from offload import Context, Done, Offload, current

app = Offload()

ITEMS = 1_000
TICK = 0.02
RESULT = sum(range(ITEMS)) + 1_000
"""The sum of all items, and what the one step comes to."""

ORDERED, ITEM, BEATS, LOOKS, STANDS = "ordered", "item", "beats", "looks", "stands"
TOLD_PAUSE, TOLD_RESUME, CLEANED = "told-pause", "told-resume", "cleaned"

VARIANTS: dict[str, dict[str, Any]] = {
    "": {},
    "_once": {"on_crash": "fail"},
    "_timed": {"timeout": 1.5},
    "_due": {"deadline": 2.5},
}


def note(word: str, number: int = -1) -> None:
    """Write a word, the job, the process, the time and the number of an item."""
    job_id = current().job_id
    line = f"{word} {job_id} {os.getpid()} {time.monotonic():.6f} {number}\n".encode()
    descriptor = os.open("witness", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, line)
    os.close(descriptor)


def is_over() -> bool:
    """Whether the job was told to be quick."""
    return os.path.exists(f"end-{current().job_id}")


def ordered() -> int:
    """Do what is to be done once."""
    note(ORDERED)
    return 1_000


async def beats() -> None:
    """Take steps beside the job, in a task of its own."""
    while True:
        note(BEATS)
        await asyncio.sleep(TICK)


async def coroutine(ctx: Context) -> int:
    """Go through the items, with a child task beside it."""
    total: int = ctx.saved or 0
    more = await ctx.astep("order", ordered)
    try:
        async with asyncio.TaskGroup() as group:
            child = group.create_task(beats())
            for number in ctx.iterate(range(ITEMS)):
                note(ITEM, number)
                if not is_over():
                    async with asyncio.timeout(100 * TICK):
                        await asyncio.sleep(TICK)
                total += number
                ctx.checkpoint(total)
            child.cancel()
    except asyncio.CancelledError:
        note(STANDS)
        raise
    return total + more


def blocking(ctx: Context) -> int:
    """Go through the items."""
    total: int = ctx.saved or 0
    more = ctx.step("order", ordered)
    try:
        for number in ctx.iterate(range(ITEMS)):
            note(ITEM, number)
            if not is_over():
                time.sleep(TICK)
            total += number
            ctx.checkpoint(total)
    except BaseException:
        note(STANDS)
        raise
    return total + more


BEATING = (
    'while :; do read -r up rest < /proc/uptime; echo "beats $0 $$ $up" >> witness; '
    "sleep 0.02; done"
)
"""A program of another language that a job may start: it takes its steps beside the job."""


def with_another_process(ctx: Context) -> int:
    """Go through the items, with a process beside it that has a session of its own."""
    words = ["/bin/sh", "-c", BEATING, str(ctx.job_id), TOLD]
    with subprocess.Popen(words, start_new_session=True) as other:
        try:
            return blocking(ctx)
        finally:
            other.kill()


async def order() -> dict[str, int]:
    """Start work elsewhere."""
    note(ORDERED)
    return {"of": current().job_id}


def look(handle: dict[str, int]) -> Done | None:
    """See how the work elsewhere is."""
    note(LOOKS)
    return Done(RESULT) if is_over() else None


class Box:
    """A black box that has to be asked."""

    def run(self) -> None:
        """Begin."""
        note(ORDERED)

    def get_output(self) -> int | None:
        """Say what it came to, once it has."""
        note(LOOKS)
        return RESULT if is_over() else None

    def cancel(self) -> None:
        """Stop."""
        note(STANDS)


for suffix, options in VARIANTS.items():
    app.task(name=f"async{suffix}", **options)(coroutine)
    app.task(name=f"thread{suffix}", executor="thread", **options)(blocking)
    app.task(name=f"process{suffix}", executor="process", **options)(with_another_process)
    polled = app.polling(name=f"poll{suffix}", interval=0.05, **options)(order)
    polled.check(look)
    polled.on_cancel(lambda handle: note(STANDS))
    polled.on_cleanup(lambda handle: note(CLEANED))
    polled.on_pause(lambda handle: note(TOLD_PAUSE))
    polled.on_resume(lambda handle: note(TOLD_RESUME))
app.register(Box, name="box", kind="polling", interval=0.05)

TOLD = f"--of={os.getcwd()}"
"""An argument that tells whose process it is, where its environment does not."""


@app.task(executor="process")
def spins() -> None:
    """Use a processor, never look whether to stop, and have a child that does the same."""
    words = ["/bin/sh", "-c", "while :; do :; done", "spins", TOLD]
    subprocess.Popen(words, start_new_session=True)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note(ITEM, 0)
    while True:
        pass


@app.task
async def loop_of_the_worker() -> str:
    """Say on which kind of event loop async jobs run."""
    return type(asyncio.get_running_loop()).__module__.partition(".")[0]


@app.task(executor="thread")
def deaf(seconds: float = 0.0) -> str:
    """Run in a thread that cannot be told anything."""
    while not is_over():
        time.sleep(TICK)
    return "done"


@app.task(executor="thread")
def far_from_a_checkpoint(ctx: Context) -> str:
    """Come to a checkpoint only when it is let go."""
    note(ITEM, 0)
    while not os.path.exists(f"let-go-{ctx.job_id}"):
        time.sleep(TICK)
    while not is_over():
        ctx.checkpoint()
        note(ITEM, 1)
        time.sleep(TICK)
    return "done"


@app.task
async def brief(seconds: float = 0.0) -> str:
    """Take a moment."""
    await asyncio.sleep(seconds)
    return "done"
