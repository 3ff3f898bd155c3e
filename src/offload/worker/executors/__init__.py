"""The ways to run a task's code, behind one Protocol with one method."""

from typing import Protocol

from offload.model import Outcome
from offload.registry import RegisteredTask
from offload.worker.context import Context, Stop
from offload.worker.executors.coroutine import CoroutineExecutor
from offload.worker.executors.thread import ThreadExecutor


class Executor(Protocol):
    """A way to run a task's code. It does not touch the store."""

    async def run(
        self, task: RegisteredTask, params: bytes, context: Context, stop: Stop
    ) -> Outcome:
        """Run the code to its end and say how it ended; never raises what the code raised."""
        ...


EXECUTORS: dict[str, Executor] = {"async": CoroutineExecutor(), "thread": ThreadExecutor()}
"""Every executor by the name that a task gives."""
