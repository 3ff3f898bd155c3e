"""The ways to run a task's code, behind one Protocol with one method."""

from typing import Protocol

from offload.model import Outcome
from offload.worker.executors.coroutine import CoroutineExecutor
from offload.worker.executors.thread import ThreadExecutor
from offload.worker.work import Work


class Executor(Protocol):
    """A way to run a task's code. It does not touch the store."""

    async def run(self, work: Work) -> Outcome:
        """Run the code to its end and say how it ended; never raises what the code raised."""
        ...

    async def close(self) -> None:
        """Let go of all that it holds: its worker ends, and runs nothing any more."""
        ...


EXECUTORS: dict[str, Executor] = {"async": CoroutineExecutor(), "thread": ThreadExecutor()}
"""Every executor by the name that a task gives."""
