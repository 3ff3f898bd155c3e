"""Instants and durations as people read them."""

from datetime import UTC, datetime

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def seconds_of(instant: str) -> float:
    """Return an RFC 3339 instant as seconds since the epoch."""
    return datetime.fromisoformat(instant).timestamp()


def duration(seconds: float) -> str:
    """Return a duration in at most two units: `0.4 s`, `2 min 5 s`, `3 d 4 h`."""
    if seconds < 10:
        return f"{max(seconds, 0.0):.1f} s"
    left = round(seconds)
    words: list[str] = []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count or words:
            words.append(f"{count} {unit}")
    return " ".join(word for word in words[:2] if not word.startswith("0 "))


def moment(instant: str, now: float) -> str:
    """Return an instant in local time, and how far away it is."""
    distance = now - seconds_of(instant)
    relative = f"{duration(distance)} ago" if distance >= 0 else f"in {duration(-distance)}"
    return f"{local(instant)} ({relative})"


def local(instant: str) -> str:
    """Return an instant in local time."""
    moment = datetime.fromtimestamp(seconds_of(instant), UTC).astimezone()
    return f"{moment:%Y-%m-%d %H:%M:%S %z}"
