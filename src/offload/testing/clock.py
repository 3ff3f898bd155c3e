"""A clock that stands still until it is moved."""

START = 1_700_000_000.0
"""Where clocks in tests begin: an instant in November 2023, in seconds since the epoch."""


class FakeClock:
    """Both readings of `offload.clock.Clock`, moved by hand.

    Args:
        now: the instant at which it stands, in seconds since the epoch.
    """

    def __init__(self, now: float = START) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> float:
        """Return the instant at which the wall clock stands."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds that have passed since the clock was made."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass, on both readings.

        Raises:
            ValueError: time does not run backwards; to set the wall clock back, `jump`.
        """
        if seconds < 0:
            raise ValueError(f"time cannot advance by {seconds} s; jump() sets the wall clock back")
        self._now += seconds
        self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock on or back, as an operator or NTP does; no time passes."""
        self._now += seconds
