"""How long to wait before the next attempt: a number of attempts goes in, seconds come out.

A record that is kept with the job, so that a job waits as it was asked, whatever its task says by
then. Chance comes in as a number that the caller has drawn.
"""

import math
from datetime import timedelta

from msgspec import Struct

from offload.text import capped_repr
from offload.units import LONGEST, seconds

_ENOUGH = 1_000_000_000
"""Attempts after which growth counts no further: by then every factor but 1 is past its cap."""


class Backoff(Struct, frozen=True, omit_defaults=True):
    """Waits `first` seconds, then `factor` times as long each time, and never more than `most`.

    Attributes:
        first: seconds before the second attempt.
        factor: by how much each wait is longer than the one before; 1 keeps them equal.
        most: the cap, in seconds.
        jitter: the part of each wait that is left to chance, from 0 to 1, so that jobs that failed
            together do not come back together. It shortens a wait, and never lengthens it.
    """

    first: float = 1.0
    factor: float = 2.0
    most: float = 600.0
    jitter: float = 0.25

    def __post_init__(self) -> None:
        _check("first", self.first, 0, LONGEST)
        _check("factor", self.factor, 1, 1_000_000)
        _check("most", self.most, 0, LONGEST)
        _check("jitter", self.jitter, 0, 1)

    @classmethod
    def fixed(cls, wait: float | str | timedelta) -> "Backoff":
        """Wait equally long each time: seconds, a `timedelta`, or text such as ``"30s"``.

        Raises:
            ValueError: it is no duration.
        """
        length = seconds(wait)
        return cls(first=length, factor=1.0, most=length, jitter=0.0)

    @classmethod
    def exponential(
        cls,
        first: float | str | timedelta = 1,
        factor: float = 2,
        most: float | str | timedelta = "10m",
        jitter: float = 0.25,
    ) -> "Backoff":
        """Wait longer each time, up to `most`. Durations may be text such as ``"10m"``.

        Raises:
            ValueError: `first` or `most` is no duration, `factor` is below 1, or `jitter` is not
                from 0 to 1.
        """
        return cls(first=seconds(first), factor=factor, most=seconds(most), jitter=jitter)

    def delay(self, attempt: int, draw: float) -> float:
        """Return the seconds to wait after the attempt of that number (from 1) has failed.

        Args:
            attempt: the attempt that failed; any number gives a delay.
            draw: chance, from 0 to 1, drawn by the caller.
        """
        return self._whole(attempt) * (1 - self.jitter * (1 - draw))

    def _whole(self, attempt: int) -> float:
        """Return the wait before chance takes its part."""
        if self.first == 0:
            return 0.0
        try:
            grown = self.first * math.pow(self.factor, min(max(attempt - 1, 0), _ENOUGH))
        except OverflowError:
            return self.most
        return min(grown, self.most)


def backoff_of(given: float | str | timedelta | Backoff) -> Backoff:
    """Read what a task or a call says of its waits: a `Backoff`, or a duration to wait each time.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(given, Backoff):
        return given
    try:
        return Backoff.fixed(given)
    except ValueError as error:
        raise ValueError(
            f"{error}; for waits that grow, give Backoff.exponential(first=1, most='10m')"
        ) from None


def _check(name: str, value: object, least: float, most: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        hint = "; Backoff.exponential() takes text" if isinstance(value, str) else ""
        raise ValueError(
            f"Backoff({name}=) must be a number from {least:g} to {most:.15g}, "
            f"not {capped_repr(value, limit=80)}{hint}"
        )
