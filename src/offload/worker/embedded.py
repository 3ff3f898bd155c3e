"""A worker inside the program, on an event loop of its own in a background thread."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable

from offload.worker.outliving import fastest_loop, run_to_end
from offload.worker.worker import Worker

log = logging.getLogger("offload.worker")


class EmbeddedWorker:
    """A worker on a loop of its own, in a daemon thread.

    Args:
        make: makes the worker; called on that loop.
    """

    def __init__(self, make: Callable[[], Worker]) -> None:
        self._make = make
        self._loop: asyncio.AbstractEventLoop | None = None
        self._worker: Worker | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._started_at = 0.0
        self._ended_at = 0.0
        self._thread = threading.Thread(target=self._main, name="offload-worker", daemon=True)

    def start(self) -> None:
        """Start the thread; returns at once."""
        self._started_at = time.monotonic()
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the worker still works."""
        return self._thread.is_alive()

    @property
    def seconds(self) -> float:
        """How long it has worked, or had when it ended."""
        return (self._ended_at or time.monotonic()) - self._started_at

    @property
    def failure(self) -> BaseException | None:
        """What ended the worker, if it did not end by itself."""
        return self._failure

    def stop(self, patience: float, timeout: float) -> int:
        """Drain the worker; returns how many jobs it had to interrupt or to leave.

        Args:
            patience: seconds given to running jobs to end by themselves.
            timeout: seconds after which nobody waits for it any more.
        """
        self._ready.wait(timeout)
        loop, worker = self._loop, self._worker
        if loop is None or worker is None or not self.is_alive:
            return 0
        unfinished = worker.running
        asyncio.run_coroutine_threadsafe(worker.drain(patience), loop)
        self._thread.join(timeout)
        return unfinished

    def _main(self) -> None:
        try:
            run_to_end(self._work(), loop_factory=fastest_loop)
        except BaseException as error:
            log.error("the worker in this program has failed: %r", error)
            self._failure = error
        finally:
            self._ended_at = time.monotonic()
            self._ready.set()

    async def _work(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._worker = self._make()
        self._ready.set()
        await self._worker.run()
