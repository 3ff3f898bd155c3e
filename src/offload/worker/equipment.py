"""The executors of a worker: those that need nothing of it, and those that are made for its mark.

The mark is how others find what a dead worker has left, so what bears it ends with it.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping

from offload.worker.executors import Executor

CLOSING_SECONDS = 0.8
"""How long executors may take to let go of what they hold."""


class Equipment:
    """Made for one worker.

    Args:
        plain: executors by the names that tasks give.
        make: makes further ones, given the worker's mark.
    """

    def __init__(
        self, plain: Mapping[str, Executor], make: Callable[[str], Mapping[str, Executor]]
    ) -> None:
        self._plain = plain
        self._make = make
        self._marked: Mapping[str, Executor] = {}

    def prepare(self, mark: str) -> Mapping[str, Executor]:
        """Make what is to bear the mark; returns all executors."""
        self._marked = self._make(mark)
        return {**self._plain, **self._marked}

    async def drop_marked(self) -> None:
        """Let go of what bears the mark: the worker is to have another one."""
        await _close(self._marked.values())
        self._marked = {}

    async def close(self) -> None:
        """Let go of everything, in bounded time."""
        await _close([*self._plain.values(), *self._marked.values()])


async def _close(executors: Iterable[Executor]) -> None:
    closing = [asyncio.ensure_future(executor.close()) for executor in executors]
    if closing:
        _, late = await asyncio.wait(closing, timeout=CLOSING_SECONDS)
        for task in late:
            task.cancel()
