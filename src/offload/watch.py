"""Waiting for jobs to change: woken by commits, and looking again now and then all the same."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from offload.store.base import Effects

LOOK_AGAIN_SECONDS = 0.5
"""A wake-up may be lost; whoever waits looks again after this long without one."""


class Watch:
    """Who waits for which job of this process. Its `note` is a listener of the bell."""

    def __init__(self) -> None:
        self._waiting: dict[int, dict[object, Callable[[], None]]] = {}
        self._lock = threading.Lock()

    def note(self, effects: Effects | None) -> None:
        """A commit changed these jobs; None: it is not known which, so everybody looks."""
        with self._lock:
            ids = self._waiting.keys() if effects is None else effects.changed + effects.wished
            wakes = [wake for job_id in ids for wake in self._waiting.get(job_id, {}).values()]
        for wake in wakes:
            wake()

    @contextmanager
    def blocking(self, job_id: int) -> Iterator[threading.Event]:
        """Hold an event that is set whenever the job may have changed."""
        event = threading.Event()
        with self._registered(job_id, event.set):
            yield event

    @contextmanager
    def on_loop(self, job_id: int) -> Iterator[asyncio.Event]:
        """The same for the running loop."""
        event = asyncio.Event()
        loop = asyncio.get_running_loop()

        def wake() -> None:
            try:
                loop.call_soon_threadsafe(event.set)
            except RuntimeError:
                return  # the loop was closed: nobody waits there any more

        with self._registered(job_id, wake):
            yield event

    @contextmanager
    def _registered(self, job_id: int, wake: Callable[[], None]) -> Iterator[None]:
        key = object()
        with self._lock:
            self._waiting.setdefault(job_id, {})[key] = wake
        try:
            yield
        finally:
            with self._lock:
                waiting = self._waiting[job_id]
                del waiting[key]
                if not waiting:
                    del self._waiting[job_id]
