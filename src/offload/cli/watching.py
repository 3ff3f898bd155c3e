"""Looking at jobs again and again until they have ended, and showing what became of them.

How it is shown is a `Display`: bars on a terminal, else a line per change, or JSON.
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

import click

from offload.cli import exits
from offload.cli.telling import tell
from offload.cli.verbs import JobView, Verbs
from offload.errors import Evicted

PAUSE_SECONDS = 0.2
"""Between two looks, unless one takes so long that it would be half of all the work."""

MOST_JOBS = 200
"""So many are watched at once where none was named."""

UNFINISHED = ("running", "paused", "queued")
"""The stored states of jobs that have not ended, in the order in which they are shown."""

Look = Callable[[], Sequence[JobView]]
"""Reads the watched jobs as they are now."""


class Display(Protocol):
    """Where the watched jobs are shown."""

    def show(self, jobs: Sequence[JobView]) -> None:
        """Show the jobs as they are now."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was found; what was shown last stays."""
        ...


class Named:
    """The jobs of some ids. One that is no longer kept stays as it was seen last.

    Args:
        verbs: read them.
        ids: whose jobs these are.
        are_asked_for: somebody wants to know of each; else one that is gone is left out.
    """

    def __init__(self, verbs: Verbs, ids: Sequence[int], *, are_asked_for: bool = True) -> None:
        self._verbs = verbs
        self._are_asked_for = are_asked_for
        self._ids = tuple(dict.fromkeys(ids))
        self._seen: dict[int, JobView] = {}

    def __call__(self) -> Sequence[JobView]:
        """Read them.

        Raises:
            UnknownJob, Evicted: one of them is not there, and was never seen.
        """
        for job_id in self._ids:
            if not self._is_over(job_id):
                self._read(job_id)
        return [self._seen[job_id] for job_id in self._ids if job_id in self._seen]

    def follow(self, ids: Iterable[int]) -> None:
        """Read these, too, from now on."""
        self._ids = tuple(dict.fromkeys([*self._ids, *ids]))

    def _is_over(self, job_id: int) -> bool:
        return job_id in self._seen and self._seen[job_id]["done"]

    def _read(self, job_id: int) -> None:
        try:
            self._seen[job_id] = self._verbs.status(job_id)
        except Evicted:
            if job_id in self._seen:
                self._seen[job_id] = _gone(self._seen[job_id])
            elif self._are_asked_for:
                raise


def _gone(job: JobView) -> JobView:
    """Return what is known of a job that ended between two looks and was not kept."""
    known = {"done": True, "state": "evicted", "reason": "it has ended, and is no longer kept"}
    return job | known | {"started_at": None, "progress": None}


class Unfinished:
    """Every job that has not ended, those too that are started meanwhile."""

    def __init__(self, verbs: Verbs) -> None:
        self._verbs = verbs
        self._known: dict[int, JobView] = {}
        self._named = Named(verbs, (), are_asked_for=False)

    def __call__(self) -> Sequence[JobView]:
        """Read them; those that ended while they were watched stay."""
        room = MOST_JOBS - sum(1 for job in self._known.values() if not job["done"])
        new = [job_id for job_id in self._unfinished() if job_id not in self._known]
        self._named.follow(new[: max(room, 0)])
        jobs = self._named()
        self._known = {job["id"]: job for job in jobs}
        return jobs

    def _unfinished(self) -> Iterator[int]:
        """The ids, those first that run; of the others the oldest."""
        for state in UNFINISHED:
            found = self._verbs.listed({"state": state}, limit=MOST_JOBS)
            yield from (job["id"] for job in reversed(found))


def follow(
    verbs: Verbs,
    look: Look,
    display: Display,
    *,
    timeout: float | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Sequence[JobView]:
    """Show the jobs until all have ended, or the time is over; returns them as they are then."""
    give_up_at = float("inf") if timeout is None else monotonic() + timeout
    try:
        while True:
            began_at = monotonic()
            jobs = look()
            display.show(jobs)
            now = monotonic()
            unfinished = [job for job in jobs if not job["done"]]
            if not unfinished or now >= give_up_at:
                return jobs
            pause = min(max(PAUSE_SECONDS, now - began_at), give_up_at - now)
            _wait(verbs, unfinished[0], pause)
    finally:
        display.close()


@contextlib.contextmanager
def leaving(sentence: str) -> Iterator[None]:
    """Let Ctrl-C end the watching, and say what that does not end."""
    try:
        yield
    except KeyboardInterrupt:
        tell(sentence)
        click.get_current_context().exit(exits.INTERRUPTED)


def _wait(verbs: Verbs, job: Mapping[str, object], seconds: float) -> None:
    """Let time go by; the end of a job, mostly the only one, ends the waiting too."""
    job_id = job["id"]
    assert isinstance(job_id, int)
    try:
        verbs.wait(job_id, seconds)
    except Evicted:
        return  # the next look shows it
