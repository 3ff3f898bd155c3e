"""Tells which worker is silent: its process lives, and has given no sign of life for a lease.

A worker's sign of life is the renewal of its leases, by a thread that its jobs cannot block. One
that stays away means that the process is stopped, or that some code holds the interpreter's lock.

Whoever says so had better be awake itself. So only the time counts that this process has spent
watching: what lies between two looks that came one soon after the other. A machine that slept, or a
server that was stopped, has seen nothing and judges nobody; nor does one whose database does not
answer, because then no worker could have renewed anything.
"""

from collections.abc import Mapping

from msgspec import Struct

LOOKS_IN_A_LEASE = 30
MOST_SECONDS = 1.0
LATE = 2.0
"""A look that comes so many times later than it should counts as if it had come then."""


class _Watched(Struct):
    """One worker: its last sign of life, and for how long it has been watched without a new one."""

    sign: float
    silent_for: float = 0.0


class Silence:
    """For how long each of some workers has been silent.

    Args:
        lease: seconds after which somebody is called silent.

    Attributes:
        interval: seconds from one look to the next.
    """

    def __init__(self, lease: float) -> None:
        self.interval = min(MOST_SECONDS, lease / LOOKS_IN_A_LEASE)
        self._lease = lease
        self._looked_at: float | None = None
        self._watched: dict[int, _Watched] = {}

    def note(self, now: float, signs: Mapping[int, float]) -> None:
        """Take what was seen: each worker's last sign of life, by its process.

        Args:
            now: by the monotonic clock.
            signs: only compared with what was seen before, so no clock has to agree with another.
        """
        seconds = 0.0 if self._looked_at is None else now - self._looked_at
        seconds = min(seconds, LATE * self.interval)
        self._looked_at = now
        before = self._watched
        self._watched = {pid: _since(before.get(pid), sign, seconds) for pid, sign in signs.items()}

    def forget(self) -> None:
        """Begin anew: what was not seen meanwhile proves nothing."""
        self._looked_at = None
        self._watched = {}

    @property
    def suspects(self) -> bool:
        """Whether somebody has been silent for so long that a live worker would have renewed."""
        return any(each.silent_for > self._lease / 2 for each in self._watched.values())

    @property
    def silent(self) -> list[int]:
        """The processes that have been silent for a whole lease."""
        return [pid for pid, each in self._watched.items() if each.silent_for >= self._lease]


def _since(before: _Watched | None, sign: float, seconds: float) -> _Watched:
    if before is None or before.sign != sign:
        return _Watched(sign)
    return _Watched(sign, before.silent_for + seconds)
