"""Tasks with bars of `tqdm`: their code says nothing to us."""

import asyncio
from importlib import import_module
from pathlib import Path

from offload import Offload
from tests.support import eventually

std, auto, with_await = (import_module(f"tqdm.{name}") for name in ("std", "auto", "asyncio"))
"""It says nothing of its types."""

app = Offload()

ALWAYS = {"mininterval": 0, "miniters": 1}


def loops(gate: str) -> None:
    """One loop in another; it stands still in the midst of both until the gate is there."""
    for epoch in std.trange(3, desc="epochs", unit="epoch", **ALWAYS):
        for batch in auto.tqdm(range(4), desc="batches", **ALWAYS):
            if (epoch, batch) == (1, 2):
                eventually(Path(gate).exists)


app.task(name="in_a_thread", executor="thread")(loops)


@app.task
def in_a_process(gate: str) -> None:
    """The same in a child."""
    loops(gate)


@app.task
async def in_a_coroutine(gate: str) -> None:
    """The same in a coroutine."""
    for epoch in std.trange(3, desc="epochs", unit="epoch", **ALWAYS):
        async for batch in with_await.tqdm(range(4), desc="batches", **ALWAYS):
            if (epoch, batch) == (1, 2):
                await asyncio.to_thread(eventually, Path(gate).exists)


@app.task
def with_a_late_import(gate: str) -> None:
    """It imports what it needs in its code."""
    bars = import_module("tqdm")
    with bars.tqdm(total=5, unit_scale=True, mininterval=0) as bar:
        bar.update(2)
        eventually(Path(gate).exists)
        bar.update(3)
