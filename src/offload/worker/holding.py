"""The jobs that a worker holds, and how many of its places are free.

Holding is not occupying: a job that waits for work elsewhere has an owner and no place, and one
whose code has ended gives its place back before its outcome is stored.
"""

from collections import Counter
from collections.abc import Iterator, KeysView, Mapping, ValuesView

from offload.model import Cause
from offload.worker.attempt import Attempt

Key = tuple[int, int]
"""A job's id and the token of a claim: a job that was lost and claimed again is held twice."""


class Holding:
    """Attempts by their key.

    Args:
        places: how many a worker has, by the name of their pool.
    """

    def __init__(self, places: Mapping[str, int]) -> None:
        self._places = dict(places)
        self._taken: Counter[str] = Counter()
        self._attempts: dict[Key, Attempt] = {}

    def __len__(self) -> int:
        return len(self._attempts)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._attempts)

    def __contains__(self, key: Key) -> bool:
        return key in self._attempts

    def keys(self) -> KeysView[Key]:
        """The keys of all that are held."""
        return self._attempts.keys()

    def values(self) -> ValuesView[Attempt]:
        """All that are held."""
        return self._attempts.values()

    @property
    def free(self) -> dict[str, int]:
        """The pools that have free places, and how many."""
        free = {pool: places - self._taken[pool] for pool, places in self._places.items()}
        return {pool: count for pool, count in free.items() if count > 0}

    def add(self, attempt: Attempt) -> None:
        """Hold a job that takes a place."""
        self._attempts[_key(attempt)] = attempt
        self._taken[attempt.pool] += 1

    def get(self, key: Key) -> Attempt | None:
        """Return the attempt at a job, if it is held."""
        return self._attempts.get(key)

    @property
    def frozen(self) -> int:
        """How many stand still, or are to, with all that they hold in memory."""
        return sum(attempt.is_freezing for attempt in self._attempts.values())

    def retake(self, attempt: Attempt) -> None:
        """Give a place to a job that goes on."""
        if not attempt.holds_place:
            attempt.holds_place = True
            self._taken[attempt.pool] += 1

    def release(self, attempt: Attempt) -> None:
        """Free the place of a job that is still held; free already, it stays so."""
        if attempt.holds_place:
            attempt.holds_place = False
            self._taken[attempt.pool] -= 1

    def remove(self, attempt: Attempt) -> None:
        """Hold a job no longer, and nothing of it: there is no code to stop any more.

        Otherwise the signal, the code's task and the context of both keep each other alive until
        the garbage collector finds them, which took a quarter of the loop's time.
        """
        self.release(attempt)
        attempt.stop.then(_nothing)
        del self._attempts[_key(attempt)]

    def stop(self, key: Key, cause: Cause) -> None:
        """Ask the code of a job to stop, if it is held."""
        if key in self._attempts:
            self._attempts[key].stop.set(cause)

    def stop_all(self, cause: Cause) -> None:
        """Ask the code of every job to stop."""
        for attempt in list(self._attempts.values()):
            attempt.stop.set(cause)

    def stop_waiting(self, cause: Cause) -> None:
        """Ask those to stop that hold no place: they wait for work that goes on elsewhere.

        What only this process can go on with is given its time.
        """
        for attempt in list(self._attempts.values()):
            if not attempt.holds_place and attempt.job.bound_to is None:
                attempt.stop.set(cause)


def _key(attempt: Attempt) -> Key:
    return attempt.job.id, attempt.job.token


def _nothing() -> None:
    """What is left to do when code that has ended is asked to stop."""
