"""Everything that an opened Offload holds: the database, who listens to it, the embedded worker."""

import time
from collections.abc import Callable
from pathlib import Path

from offload.clock import Clock
from offload.model import WorkerInfo
from offload.store.mailbox import ThreadMailbox
from offload.store.sqlite import SQLiteStore
from offload.store.wake import Bell
from offload.watch import Watch
from offload.worker.embedded import EmbeddedWorker
from offload.worker.presence import LockFile

LOOK_FOR_WORKERS_SECONDS = 1.0
"""How often a program that relies on a worker elsewhere looks whether it still lives."""

CLOSE_SECONDS = 5.0


class House:
    """Opened by the first verb of an Offload, closed with it.

    Attributes:
        settled: what was said explicitly about the queue has been written.
    """

    def __init__(self, database: Path, clock: Clock) -> None:
        folder = database.with_name(database.name + "-run")
        self.bell = Bell(folder)
        self._watch = Watch()
        self._listens = False
        self.presence = LockFile(folder)
        self.store = SQLiteStore(database)
        self.mailbox = ThreadMailbox(self.store, clock, self.bell.ring)
        self.settled = False
        self._embedded: EmbeddedWorker | None = None
        self._looked_at = float("-inf")

    @property
    def watch(self) -> Watch:
        """Who waits for which job. Listens from now on: merely looking at jobs needs no ear."""
        if not self._listens:
            self._listens = True
            self.bell.listen(self._watch.note)
        return self._watch

    @property
    def embeds(self) -> bool:
        """Whether a worker is at work in this program."""
        return self._embedded is not None and self._embedded.is_alive

    def needs_a_look(self) -> bool:
        """Whether it is time to see who serves the tasks; never while a worker is embedded."""
        if self.embeds:
            return False
        return time.monotonic() - self._looked_at >= LOOK_FOR_WORKERS_SECONDS

    def hire_unless_served(
        self,
        workers: list[WorkerInfo],
        wanted: set[tuple[str, str]],
        embed: Callable[[], EmbeddedWorker],
    ) -> None:
        """Embed a worker, unless one that lives takes all of these: pairs of a task and a queue.

        Raises:
            BaseException: what ended the embedded worker that there was before.
        """
        self._looked_at = time.monotonic()
        if self._embedded is not None and self._embedded.failure is not None:
            raise self._embedded.failure
        served = any(
            all(worker.takes(*pair) for pair in wanted) and self.presence.is_alive(worker)
            for worker in workers
        )
        if not served and not self.embeds:
            self._embedded = embed()
            self._embedded.start()

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
