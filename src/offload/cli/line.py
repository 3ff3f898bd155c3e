"""A watched job in one line: what is said of it, each part in a few words."""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from offload.cli.pace import Pace
from offload.cli.telling import visible
from offload.cli.times import duration, seconds_of


class Line(Struct, frozen=True):
    """What a line says.

    Attributes:
        share: how much is done, from 0 to 1; None where the job does not say.
        count: how much is done, in its own units.
        rate: how fast it goes.
        time: what is left, or how long it took, or how long it runs.
        note: the job's own message, or why it waits, or how it failed.
        bars: what else it counts, each a line of its own under the name of the bar.
        is_bar: it is such a line.
    """

    id: int
    task: str
    state: str
    share: float | None
    count: str
    unit: str
    rate: str
    time: str
    note: str
    bars: tuple["Line", ...] = ()
    is_bar: bool = False

    def as_text(self) -> str:
        """Return the line for a log: `job 7 render running 12/20 frame, 0.5/s, 16 s left`."""
        count = f"{self.count} {self.unit}".strip()
        facts = [fact for fact in (count, self.rate, self.time) if fact]
        said = f"job {self.id} {self.task} {self.state}"
        said += f" {', '.join(facts)}" if facts else ""
        said += "".join(f"; {bar.task} {bar.count} {bar.unit}".rstrip() for bar in self.bars)
        return said + (f": {self.note}" if self.note else "")


class Track:
    """One job over time: it remembers the steps that were seen."""

    def __init__(self) -> None:
        self._pace = Pace()

    def line(self, job: Mapping[str, Any], now: float) -> Line:
        """Note how the job is now and return its line.

        Args:
            job: in the form of JSON.
            now: the instant, in seconds since the epoch.
        """
        progress = job["progress"]
        if progress is not None:
            self._pace.note(progress["done"], now)
        is_moving = progress is not None and job["state"] in _MOVING
        rate = self._rate(job, now) if is_moving else None
        return Line(
            id=job["id"],
            task=job["task"],
            state=job["state"],
            share=_share(job),
            count=_count(progress),
            unit=visible((progress or {}).get("unit") or ""),
            rate=rate_text(rate) if rate else "",
            time=self._time(job, now) if is_moving else _time(job, now),
            note=_note(job, now),
            bars=_bars(job) if is_moving else (),
        )

    def _rate(self, job: Mapping[str, Any], now: float) -> float | None:
        """What was seen here is the latest; the worker's word is there before two steps were."""
        seen = self._pace.rate(now)
        if seen is not None:
            return seen
        told: float | None = job["progress"].get("rate")
        return told or self._pace.rate(now, _begun_at(job))

    def _time(self, job: Mapping[str, Any], now: float) -> str:
        left = self._left(job, now)
        return _time(job, now) if left is None else f"{_about(left)} left"

    def _left(self, job: Mapping[str, Any], now: float) -> float | None:
        total, eta = job["progress"]["total"], job["progress"].get("eta")
        seen = None if total is None else self._pace.left(total, now)
        if seen is not None:
            return seen
        if eta is not None and seconds_of(eta) >= now:
            return seconds_of(eta) - now
        return None if total is None else self._pace.left(total, now, _begun_at(job))


_MOVING = frozenset({"running", "waiting"})
"""States in which progress tells something about the end."""


def rate_text(rate: float) -> str:
    """Return a rate in the unit in which it is no small fraction: `12/s`, `3.2/min`, `5/h`."""
    for unit, seconds in (("s", 1), ("min", 60), ("h", 3600)):
        if rate * seconds >= 1 or unit == "h":
            break
    number = rate * seconds
    return f"{number:.0f}/{unit}" if number >= 10 else f"{number:.1f}/{unit}"


def _about(seconds: float) -> str:
    """Say a time that is not known to the tenth of a second, which would only flicker."""
    return f"{seconds:.0f} s" if seconds < 10 else duration(seconds)


def _begun_at(job: Mapping[str, Any]) -> float | None:
    return seconds_of(job["started_at"]) if job["started_at"] else None


def _share(job: Mapping[str, Any]) -> float | None:
    if job["state"] == "succeeded":
        return 1.0
    progress = job["progress"]
    if progress is None or not progress["total"]:
        return None
    share: float = progress["done"] / progress["total"]
    return min(max(share, 0.0), 1.0)


def _bars(job: Mapping[str, Any]) -> tuple[Line, ...]:
    return tuple(
        Line(
            id=job["id"],
            task=visible(bar["name"]),
            state=job["state"],
            share=min(max(bar["done"] / bar["total"], 0.0), 1.0) if bar["total"] else None,
            count=_count(bar),
            unit=visible(bar["unit"] or ""),
            rate="",
            time="",
            note=visible(" ".join((bar["message"] or "").split())),
            is_bar=True,
        )
        for bar in job["progress"].get("bars", ())
    )


def _count(progress: Mapping[str, Any] | None) -> str:
    if progress is None:
        return ""
    return f"{progress['done']:g}" + (f"/{progress['total']:g}" if progress["total"] else "")


def _time(job: Mapping[str, Any], now: float) -> str:
    begun_at = _begun_at(job)
    if job["done"] and begun_at is not None:
        return f"took {duration(seconds_of(job['finished_at']) - begun_at)}"
    if job["run_at"] and seconds_of(job["run_at"]) > now:
        return f"in {_about(seconds_of(job['run_at']) - now)}"
    return "" if begun_at is None else f"for {duration(now - begun_at)}"


def _note(job: Mapping[str, Any], now: float) -> str:
    error = job.get("error")
    if error is not None:
        said = f"{error['type']}: {error['message']}" if error["type"] else error["message"]
    elif job["state"] == "succeeded":
        said = ""
    else:
        message = (job["progress"] or {}).get("message") if job["state"] in _MOVING else None
        said = message or _DUE.sub("", job["reason"] or "") or _next_look(job, now)
    return visible(" ".join(said.split()))


_DUE = re.compile(r"^it is due in \d+ s(; )?")
"""What a reason says of a scheduled job and `time` says already; why it waits again may follow."""


def _next_look(job: Mapping[str, Any], now: float) -> str:
    if job["state"] != "waiting" or not job.get("next_check_at"):
        return ""
    return f"looked at again in {_about(max(seconds_of(job['next_check_at']) - now, 0.0))}"
