"""One stream of events for all who wait, on a thread of its own, for as long as somebody does.

A thousand waits cost the server one stream. What was read of a job while the ear hears is so until
something is heard of it; so those who look again need not ask again.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

from offload.client.following import Following, Told
from offload.errors import OffloadError
from offload.model import Job
from offload.store.base import Effects

LINGER_SECONDS = 10.0
"""So long it listens on when nobody waits any more: somebody may again."""

PAUSE_SECONDS = 1.0
"""Before it is tried again where the server has no stream for it."""


NEVER = 1 << 62


class Known:
    """Jobs as they were read, of which nothing was heard since. For any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[int, Job] = {}
        self._heard_at: dict[int, int] = {}
        self._count = 0
        self._is_live = False

    def ticket(self, ids: Iterable[int]) -> int:
        """Return what `put` wants, before these jobs are read."""
        with self._lock:
            if self._is_live:
                for job_id in ids:
                    self._heard_at.setdefault(job_id, 0)
            return self._count

    def put(self, jobs: Iterable[Job], ticket: int) -> None:
        """Keep what was read, unless something was heard of it meanwhile."""
        with self._lock:
            if not self._is_live:
                return
            for job in jobs:
                if self._heard_at.get(job.id, NEVER) <= ticket:
                    self._jobs[job.id] = job

    def among(self, ids: Iterable[int]) -> dict[int, Job]:
        """Return those of these jobs that are known."""
        with self._lock:
            return {job_id: self._jobs[job_id] for job_id in ids if job_id in self._jobs}

    def heard(self, job_id: int) -> None:
        """Something has happened to a job."""
        with self._lock:
            self._count += 1
            if job_id in self._heard_at:
                self._heard_at[job_id] = self._count
                self._jobs.pop(job_id, None)

    def forget(self, *, is_live: bool | None = None) -> None:
        """Know nothing any more; `is_live`: whether all that happens is heard from now on."""
        with self._lock:
            self._count += 1
            self._jobs.clear()
            self._heard_at = dict.fromkeys(self._heard_at, self._count)
            if is_live is not None:
                self._is_live = is_live
            if is_live is False:
                self._heard_at.clear()


class Ear:
    """Listens while somebody wants it to.

    Args:
        follow: opens the stream of all events, from now on.
        tell: given what was heard; None where it is not known what was missed.

    Attributes:
        known: what need not be read again.
    """

    def __init__(
        self, follow: Callable[[], Following], tell: Callable[[Effects | None], None]
    ) -> None:
        self.known = Known()
        self._follow = follow
        self._tell = tell
        self._lock = threading.Lock()
        self._wanted = 0
        self._free_since = time.monotonic()
        self._thread: threading.Thread | None = None
        self._stream: Following | None = None
        self._closed = threading.Event()

    @property
    def hears(self) -> bool:
        """Whether whoever waits is woken; else they look by themselves."""
        stream = self._stream
        return stream is not None and stream.is_connected

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen while this is held."""
        self.want()
        try:
            yield
        finally:
            self.release()

    def want(self) -> None:
        """Listen from now on; `release` says that it is enough."""
        with self._lock:
            self._wanted += 1
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(
                    target=self._listen, name="offload-client-ear", daemon=True
                )
                self._thread.start()

    def release(self) -> None:
        """Whoever wanted it needs it no more."""
        with self._lock:
            self._wanted -= 1
            self._free_since = time.monotonic()

    def close(self) -> None:
        """End it."""
        self._closed.set()
        stream = self._stream
        if stream is not None:
            stream.close()

    def _listen(self) -> None:
        while not self._is_free():
            stream = self._stream = self._follow()
            if self._closed.is_set():
                stream.close()
            with suppress(OffloadError):
                self._hear(stream)
            self._stream = None
            self.known.forget(is_live=False)
            self._tell(None)
            self._closed.wait(PAUSE_SECONDS)

    def _hear(self, stream: Following) -> None:
        was_connected = False
        for told in stream.parts():
            if not was_connected or (told is not None and told.get("kind") == "reset"):
                was_connected = True
                self.known.forget(is_live=True)
                self._tell(None)
            elif told is not None and "id" in told:
                self._take(told)
            if self._is_free(ends=False):
                stream.close()

    def _take(self, told: Told) -> None:
        job_id = told["job_id"]
        self.known.heard(job_id)
        self._tell(Effects(changed=(job_id,)))

    def _is_free(self, *, ends: bool = True) -> bool:
        """Whether nobody wants it; then its thread `ends`, and another one begins when it must."""
        with self._lock:
            is_free = self._closed.is_set() or (
                not self._wanted and time.monotonic() - self._free_since > LINGER_SECONDS
            )
            if is_free and ends:
                self._thread = None
            return is_free
