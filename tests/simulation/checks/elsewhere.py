"""The checks of what goes on elsewhere, and of what the clock starts."""

from collections import Counter, defaultdict
from itertools import pairwise

from offload.lifecycle import Move
from offload.model import State
from tests.simulation.checks.check import Failing, Violations, is_retry
from tests.simulation.history import (
    Committed,
    Ending,
    History,
    Jumped,
    StartedElsewhere,
    ToldElsewhere,
)

LONG_BACK = -3000.0
"""Once the clock was set back so far, what was started before it may be started again."""


def work_is_started_once(history: History) -> Violations:
    """S3: no work is started elsewhere beside work of the same job that is known or that goes on.

    A job's next attempt starts anew; one that was adopted never does.
    """
    attempts: dict[int, int] = defaultdict(lambda: 1)
    started: Counter[int] = Counter()
    failing = Failing()
    for entry in history:
        if isinstance(entry, Committed):
            for event in entry.events:
                attempts[event.job_id] += failing.has_failed(event) or is_retry(event)
        elif isinstance(entry, StartedElsewhere) and entry.is_new:
            started[entry.job] += 1
            if started[entry.job] > attempts[entry.job]:
                yield f"work of job {entry.job} was started again at {entry.at:.3f}"


def the_other_side_is_told(history: History) -> Violations:
    """P4: work that went on when its job was cancelled was told so, and none else was.

    Work that nobody knows of, since its start was cut off, cannot be told.
    """
    works: dict[int, StartedElsewhere] = {}
    latest: dict[int, StartedElsewhere] = {}
    told: set[int] = set()
    known: set[int] = set()
    wished: set[int] = set()
    failing = Failing()
    for entry in history:
        if isinstance(entry, StartedElsewhere) and entry.is_new:
            works[entry.handle] = latest[entry.job] = entry
        elif isinstance(entry, ToldElsewhere):
            told.add(entry.handle)
            if works[entry.handle].job not in wished:
                yield f"work {entry.handle} was stopped at {entry.at:.3f}, and nobody wanted that"
        elif isinstance(entry, Committed):
            for event in entry.events:
                job = event.job_id
                if event.kind == Move.WAIT:
                    known.add(job)
                if failing.has_failed(event) or is_retry(event):
                    known.discard(job)
                if event.kind == "cancel-requested":
                    wished.add(job)
                if event.state is State.CANCELLED and job in known:
                    work = latest[job]
                    if not (work.handle in told or work.is_sick or work.ends_at <= entry.at):
                        yield f"job {job} was cancelled at {entry.at:.3f} and its work goes on"


def each_due_time_is_started_once(history: History) -> Violations:
    """S20: the clock starts one job for each due time, and in calm it leaves none out."""
    if any(entry.seconds < LONG_BACK for entry in history.of(Jumped)):
        return
    started = [
        (entry.at, row.due_at)
        for entry in history.of(Committed)
        for row in entry.new
        if row.due_at is not None
    ]
    for due_at, times in Counter(due_at for _, due_at in started).items():
        if times > 1:
            yield f"{times} jobs were started for {due_at}"
    yield from _left_out(history, [at for at, _ in started])


def _left_out(history: History, started: list[float]) -> Violations:
    calm = history.calm_from()
    over = max((ending.at for ending in history.of(Ending)), default=0.0)
    times = [at for at in started if at > calm]
    if started and times:
        marks = [calm, *times, over]
        for before, after in pairwise(marks):
            if after - before > TICK_SECONDS + LATE_SECONDS:
                yield f"the clock started nothing from {before:.3f} to {after:.3f}"


TICK_SECONDS = 5.0
LATE_SECONDS = 2.0
"""A worker looks about once a second."""
