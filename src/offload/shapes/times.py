"""Numbers and instants as JSON has them."""

from datetime import UTC, datetime

_LAST_INSTANT = datetime.max.replace(tzinfo=UTC)
_EXACT_FLOATS = 2.0**53


def number(value: float) -> float:
    """Return a whole number as an integer, so that it is shown as 3 and not as 3.0."""
    return int(value) if abs(value) < _EXACT_FLOATS and value == int(value) else value


def instant(seconds: float) -> str:
    """Write an instant as RFC 3339 in UTC with milliseconds; beyond the year 9999 as its end."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        moment = _LAST_INSTANT
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def maybe_instant(seconds: float | None) -> str | None:
    """The same for an instant that may not have come."""
    return None if seconds is None else instant(seconds)
