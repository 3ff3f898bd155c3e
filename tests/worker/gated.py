"""A coroutine behind a gate, for a test."""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from offload.worker.executors.gate import Gate, Gated
from offload.worker.executors.gated_loop import let_through_gates

Run = Callable[[Coroutine[Any, Any, Any]], Any]


def _on_asyncio(scenario: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner() as runner:
        return runner.run(_then_open_all(scenario))


def _on_uvloop(scenario: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_then_open_all(scenario))


async def _then_open_all(scenario: Coroutine[Any, Any, Any]) -> Any:
    """Leave no gate closed: a test that fails would never end."""
    try:
        return await scenario
    finally:
        while _gates:
            _gates.pop().leave_open()


on_both_loops = pytest.mark.parametrize(
    "run", [pytest.param(_on_asyncio, id="asyncio"), pytest.param(_on_uvloop, id="uvloop")]
)
"""For tests whose `run` runs a scenario to its end."""


_gates: list[Gate] = []


class Job:
    """A coroutine that runs behind a gate, with the tasks that it makes."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        loop = asyncio.get_running_loop()
        let_through_gates(loop)
        self.gate = Gate(loop)
        _gates.append(self.gate)
        surroundings = contextvars.copy_context()
        surroundings.run(self.gate.enter)
        self.task = loop.create_task(Gated(coroutine, self.gate), name="main", context=surroundings)


async def turns(count: int = 30) -> None:
    """Let the loop turn, and all that can go on go on."""
    for _ in range(count):
        await asyncio.sleep(0)


async def tick(ticks: list[str], name: str) -> None:
    while True:
        ticks.append(name)
        await asyncio.sleep(0)


async def stands_still(ticks: list[Any]) -> bool:
    await turns()
    before = len(ticks)
    await turns()
    return len(ticks) == before


async def end_all_others() -> None:
    """Cancel what a cancelled `asyncio.wait` has left alone, as it always does."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
