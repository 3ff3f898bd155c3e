"""How long to wait until the next check: an interval that may grow, and more after errors.

Pure: the random number is passed in.
"""

from msgspec import Struct

GROWTH = 1.5
"""By how much the interval grows with each check that found nothing new."""

MOST_ERROR_SECONDS = 300.0
"""No longer than this is waited after an error, unless the interval itself is longer."""

JITTER = 0.1
"""Checks are spread by a tenth of the interval, so that a thousand started at once do not stay
together for ever."""


class Pace(Struct, frozen=True):
    """How often something is checked.

    Attributes:
        interval: seconds between two checks.
        slowest: the interval grows up to this many seconds while nothing changes; None lets it
            stay as it is.
        jitter: the share of the interval by which it is drawn shorter or longer.
    """

    interval: float
    slowest: float | None = None
    jitter: float = JITTER

    def after(self, unchanged: int, draw: float) -> float:
        """Return the seconds until the next check.

        Args:
            unchanged: how many checks in a row have found nothing new.
            draw: a random number from 0 to 1.
        """
        if self.slowest is None:
            return self._spread(self.interval, draw)
        return self._spread(_grown(self.interval, GROWTH, unchanged, self.slowest), draw)

    def after_errors(self, errors: int, draw: float) -> float:
        """Return the seconds until the next check when the last `errors` checks have failed."""
        most = max(self.interval, self.slowest or 0.0, MOST_ERROR_SECONDS)
        return self._spread(_grown(self.interval, 2.0, errors - 1, most), draw)

    def _spread(self, seconds: float, draw: float) -> float:
        return seconds * (1 + self.jitter * (2 * draw - 1))


def _grown(seconds: float, factor: float, times: int, most: float) -> float:
    """Multiply so many times, with a ceiling; never shorter than it was."""
    grown = seconds * factor ** min(times, 64)
    return max(seconds, min(grown, most))
