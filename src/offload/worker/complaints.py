"""What a worker says when something is not as it should be: at most a line a second."""

import logging
from collections import Counter

from offload.clock import Clock
from offload.errors import StoreError

log = logging.getLogger("offload.worker")


class Complaints:
    """Counts what is odd, and says once what the store could not do until it answers again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._oddities: Counter[str] = Counter()
        self._said_of_store = False
        self._said_at = float("-inf")

    def note(self, oddity: str) -> None:
        """Something odd happened to a job."""
        self._oddities[oddity] += 1

    def tell(self) -> None:
        """Say what happened to how many jobs: a line for each kind, however many they were."""
        oddities, self._oddities = self._oddities, Counter()
        for oddity, jobs in oddities.items():
            log.warning("%d jobs were %s", jobs, oddity)

    def store_failed(self, error: StoreError) -> None:
        """Say what the store could not do, once until it has answered."""
        now = self._clock.monotonic()
        if not self._said_of_store and now >= self._said_at + 1.0:
            self._said_of_store, self._said_at = True, now
            log.warning("the store does not answer; going on trying: %s", error)

    def store_answers(self) -> None:
        """The store has answered: its next failure is news."""
        self._said_of_store = False
