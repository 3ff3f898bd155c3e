"""Watched jobs as lines, for logs and pipes: one for each change, at most one a second and job.

For programs each line is the job as JSON; for people it is a sentence. A change of state is told at
once; of progress that comes faster the latest is told.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from offload.cli.line import Track
from offload.cli.telling import print_json
from offload.cli.verbs import JobView

SECONDS = 1.0
"""Between two lines of a job that tell of progress only."""


class Lines:
    """A line for each change.

    Args:
        write: writes the line of a job.
        clock: the time in seconds.
    """

    def __init__(
        self, write: Callable[[JobView], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._clock = clock
        self._told: dict[int, tuple[JobView, float]] = {}

    def show(self, jobs: Sequence[JobView]) -> None:
        """Write a line for each job that has changed; see `Display.show`."""
        now = self._clock()
        for job in jobs:
            if self._is_news(job, now):
                self._told[job["id"]] = job, now
                self._write(job)

    def _is_news(self, job: JobView, now: float) -> bool:
        if job["id"] not in self._told:
            return True
        before, told_at = self._told[job["id"]]
        if _fate(job) != _fate(before):
            return True
        return _news(job) != _news(before) and now - told_at >= SECONDS

    def close(self) -> None:
        """Do nothing; see `Display.close`."""


def _fate(job: Mapping[str, Any]) -> object:
    return job["state"], job["attempt"]


def _news(job: Mapping[str, Any]) -> object:
    return job["progress"], job["version"]


def for_people(*, err: bool = False) -> Lines:
    """Return lines that are sentences."""
    tracks: dict[int, Track] = {}

    def write(job: JobView) -> None:
        track = tracks.setdefault(job["id"], Track())
        said = track.line(job, time.time()).as_text()
        click.echo(f"offload: {said}" if err else said, err=err)

    return Lines(write)


def for_programs() -> Lines:
    """Return lines that are JSON."""
    return Lines(print_json)
