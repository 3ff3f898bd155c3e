"""Waiting for jobs to change: woken by commits, and looking again now and then all the same."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from offload.model import Job
from offload.store.base import Effects

LOOK_AGAIN_SECONDS = 0.5
"""A wake-up may be lost; whoever waits looks again after this long without one."""


class Waiter:
    """Somebody who waits for a job.

    Attributes:
        wake: called, on any thread, when there is something to see.
        only_end: nothing but the job's end is to be seen.
        ended: the job as it ended, if it ended in this process: then nobody need read it.
    """

    __slots__ = ("ended", "only_end", "wake")

    def __init__(self, wake: Callable[[], object], only_end: bool) -> None:
        self.wake = wake
        self.only_end = only_end
        self.ended: Job | None = None


class Watch:
    """Who waits for which job of this process."""

    def __init__(self) -> None:
        self._waiting: dict[int, list[Waiter]] = {}
        self._lock = threading.Lock()

    def committed(self, effects: Effects) -> None:
        """This process changed these jobs; those that ended are at hand."""
        if not self._waiting:
            return
        ended = {job.id: job for job in effects.finished}
        for job_id, waiter in self._of(effects.changed + effects.wished):
            if waiter.only_end:
                waiter.ended = ended.get(job_id)
            if waiter.ended is not None or not waiter.only_end:
                waiter.wake()

    def heard(self, effects: Effects | None) -> None:
        """Another process changed these jobs; None: it is not known which, so everybody looks."""
        for _, waiter in self._of(None if effects is None else effects.changed + effects.wished):
            waiter.wake()

    @contextmanager
    def blocking(self, job_id: int, *, only_end: bool) -> Iterator[tuple[Waiter, threading.Event]]:
        """Hold a waiter, and an event that is set whenever the job may have changed."""
        event = threading.Event()
        with self._registered(job_id, Waiter(event.set, only_end)) as waiter:
            yield waiter, event

    @contextmanager
    def on_loop(self, job_id: int, *, only_end: bool) -> Iterator[tuple[Waiter, asyncio.Event]]:
        """The same for the running loop."""
        event = asyncio.Event()
        loop = asyncio.get_running_loop()

        def wake() -> None:
            try:
                loop.call_soon_threadsafe(event.set)
            except RuntimeError:
                return  # the loop was closed: nobody waits there any more

        with self._registered(job_id, Waiter(wake, only_end)) as waiter:
            yield waiter, event

    def _of(self, ids: Iterable[int] | None) -> list[tuple[int, Waiter]]:
        """Return who waits for one of these jobs, and for which; None: for any."""
        with self._lock:
            known = self._waiting.keys() if ids is None else self._waiting.keys() & ids
            return [(job_id, waiter) for job_id in known for waiter in self._waiting[job_id]]

    @contextmanager
    def _registered(self, job_id: int, waiter: Waiter) -> Iterator[Waiter]:
        with self._lock:
            self._waiting.setdefault(job_id, []).append(waiter)
        try:
            yield waiter
        finally:
            with self._lock:
                self._waiting[job_id].remove(waiter)
                if not self._waiting[job_id]:
                    del self._waiting[job_id]
