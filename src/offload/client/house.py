"""Everything that an opened `Remote` holds: the client, who listens for it, and who waits."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from offload.client.answering import FarMailbox
from offload.client.ear import Ear
from offload.client.verbs import Client
from offload.ends import Ends, Listener
from offload.store.base import Effects
from offload.watch import Watch

THREADS = 16
"""So many requests of callers on a loop are under way at once."""

MOST_POLLS = 8
"""So many threads wait each with a request of its own; more share a stream."""


class FarEnds(Ends):
    """Passes on what the ear hears, while somebody wants to know."""

    def __init__(self, ear: Ear) -> None:
        super().__init__()
        self._ear = ear

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; returns what removes it."""
        self._ear.want()
        remove = super().listen(listener)

        def no_more() -> None:
            remove()
            self._ear.release()

        return no_more


class FarHouse:
    """Opened by the first verb of a `Remote`, closed with it.

    Attributes:
        client: asks the server.
        mailbox: answers queries.
        ear: hears what happens.
        watch: who waits for which job.
        ends: who is told of jobs that have ended.
        polls: a place for each wait that has a request of its own.
        threads: where requests of callers on a loop are made.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.watch = Watch()
        self.ear = Ear(client.follow, self._heard)
        self.ends = FarEnds(self.ear)
        self.polls = threading.BoundedSemaphore(MOST_POLLS)
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="offload-client")
        self.mailbox = FarMailbox(client, self.ear.known, self.threads)

    def _heard(self, effects: Effects | None) -> None:
        self.watch.heard(effects)
        self.ends.heard(effects)

    def close(self) -> None:
        """Let go of everything; whoever still waits looks once more, and is told what it finds."""
        self.ear.close()
        self.client.close()
        self.threads.shutdown(wait=False, cancel_futures=False)
