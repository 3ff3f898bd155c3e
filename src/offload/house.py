"""Everything that an opened Offload holds: the database, who listens to it, the embedded worker."""

import secrets
import time
from collections.abc import Callable
from pathlib import Path

from offload.clock import Clock
from offload.ends import Ends
from offload.errors import OffloadError
from offload.model import WorkerInfo
from offload.store.base import Effects
from offload.store.mailbox import ThreadMailbox
from offload.store.sqlite import SQLiteStore
from offload.store.wake import Bell
from offload.watch import Watch
from offload.worker import family
from offload.worker.embedded import EmbeddedWorker
from offload.worker.presence import LockFile

LOOK_FOR_WORKERS_SECONDS = 1.0
"""How often a program that relies on a worker elsewhere looks whether it still lives."""

LONGEST_PAUSE_SECONDS = 60.0
"""A worker that fails at once is hired again ever more rarely, and at least so often."""

CLOSE_SECONDS = 5.0


class House:
    """Opened by the first verb of an Offload, closed with it.

    Attributes:
        settled: what was said explicitly about the queue has been written.
        token: tells this process from all others: what is held here only it can run.
        is_staffed: a worker was made for it that is not embedded: this process is a worker.
        is_ending: nobody is hired for black boxes any more.
        hears_of_boxes: somebody lets go of black boxes whose jobs have ended.
    """

    def __init__(self, database: Path, clock: Clock) -> None:
        folder = database.with_name(database.name + "-run")
        self.bell = Bell(folder)
        self._watch = Watch()
        self._ends = Ends()
        self._listens = False
        self._listens_for_ends = False
        self.presence = LockFile(folder, family.sweep)
        self.store = SQLiteStore(database)
        self.mailbox = ThreadMailbox(self.store, clock, self._committed)
        self.settled = False
        self.is_staffed = False
        self.hears_of_boxes = False
        self.is_ending = False
        self.token = secrets.randbits(62)
        self._embedded: EmbeddedWorker | None = None
        self._looked_at = float("-inf")
        self._failures = 0
        self._pause_until = float("-inf")

    @property
    def watch(self) -> Watch:
        """Who waits for which job. Listens from now on: merely looking at jobs needs no ear."""
        if not self._listens:
            self._listens = True
            self.bell.listen_to_others(self._watch.heard)
        return self._watch

    @property
    def ends(self) -> Ends:
        """Who is told of jobs that have ended. Listens from now on, as `watch` does."""
        if not self._listens_for_ends:
            self._listens_for_ends = True
            self.bell.listen_to_others(self._ends.heard)
        return self._ends

    @property
    def embeds(self) -> bool:
        """Whether a worker is at work in this program."""
        return self._embedded is not None and self._embedded.is_alive

    def needs_a_look(self) -> bool:
        """Whether it is time to see who serves the tasks; never while a worker is embedded."""
        now = time.monotonic()
        if self.embeds or now < self._pause_until:
            return False
        return now - self._looked_at >= LOOK_FOR_WORKERS_SECONDS

    def raise_failure(self) -> None:
        """Say what ended the embedded worker, if it failed: once. After a pause another is hired.

        Raises:
            OffloadError: it failed.
        """
        failed = self._embedded
        if failed is None or failed.failure is None:
            return
        self._embedded = None
        if failed.seconds > LONGEST_PAUSE_SECONDS:
            self._failures = 0
        pause = min(LONGEST_PAUSE_SECONDS, 2.0**self._failures)
        self._failures += 1
        self._pause_until = time.monotonic() + pause
        raise OffloadError(
            f"the worker in this program has failed: {failed.failure!r}. Its jobs are kept; "
            f"another one is hired in {pause:g} s, or run `offload worker`"
        ) from failed.failure

    def hire_unless_served(
        self,
        workers: list[WorkerInfo],
        wanted: set[tuple[str, str]],
        embed: Callable[[], EmbeddedWorker],
    ) -> None:
        """Embed a worker, unless one that lives takes all of these: pairs of a task and a queue."""
        self._looked_at = time.monotonic()
        served = any(
            all(worker.takes(*pair) for pair in wanted) and self.presence.is_alive(worker)
            for worker in workers
        )
        if not served and not self.embeds:
            self._embedded = embed()
            self._embedded.start()

    def hire_here(self, embed: Callable[[], EmbeddedWorker]) -> None:
        """Embed a worker for what only this process can run; without a look at anybody else."""
        if self.is_ending or self.is_staffed or self.embeds:
            return
        if time.monotonic() >= self._pause_until:
            self._embedded = embed()
            self._embedded.start()

    def _committed(self, effects: Effects) -> None:
        self._watch.committed(effects)
        self._ends.committed(effects)
        self.bell.ring(effects)

    def stop_worker(self, patience: float, timeout: float) -> int:
        """Stop the embedded worker; see `EmbeddedWorker.stop`."""
        embedded, self._embedded = self._embedded, None
        return 0 if embedded is None else embedded.stop(patience, patience + timeout)

    def close(self, patience: float, timeout: float) -> int:
        """Stop the embedded worker, then close the database; returns how many jobs were running."""
        unfinished = self.stop_worker(patience, timeout)
        self.mailbox.close(CLOSE_SECONDS)
        self.bell.close()
        return unfinished
