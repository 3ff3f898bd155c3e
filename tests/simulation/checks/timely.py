"""The checks of what must happen in time, once the faults are over; and that nothing breaks."""

from collections import defaultdict

from offload.lifecycle import Move
from offload.model import State, Wish
from tests.simulation.checks.check import Violations
from tests.simulation.history import (
    Accepted,
    Begun,
    Broke,
    Calm,
    CancelAnswered,
    Committed,
    Ending,
    Entered,
    Entry,
    Fell,
    History,
    MustFail,
    NewJobRow,
    Said,
    ToldToEnd,
    WishAnswered,
)

CLAIM_SECONDS = 1.0
RESCUE_SECONDS = 2.0
CANCEL_SECONDS = 1.0
PAUSE_SECONDS = 1.0
STOP_SECONDS = 1.0
SLACK = 0.01
"""Virtual seconds that callbacks drawn one after the other may take."""


def claimable_jobs_begin(history: History) -> Violations:
    """L1: with a free slot, what can be claimed begins within a second, unless it is cancelled."""
    calm = history.calm_from()
    cancelled = {entry.job: entry.at for entry in history.of(CancelAnswered)}
    begun = {entry.job: entry.at for entry in reversed(list(history.of(Begun)))}
    rows = {row.id: row for entry in history.of(Committed) for row in entry.new}
    for accepted in history.of(Accepted):
        due = accepted.at + CLAIM_SECONDS + SLACK
        for job in accepted.ids:
            is_judged = accepted.at > calm and rows[job].queue.startswith(PROBE)
            began = min(begun.get(job, float("inf")), cancelled.get(job, float("inf")))
            if is_judged and began > due:
                yield f"job {job} was accepted at {accepted.at:.3f} and begun at {begun.get(job)}"


PROBE = "probe"
"""Queues of this name have no limit and are used only when slots are free."""


def orphans_are_rescued(history: History) -> Violations:
    """L2: what a dead worker owned is back within two seconds."""
    yield from _within(history, Fell, RESCUE_SECONDS, "was not rescued")


def cancels_take_effect(history: History) -> Violations:
    """L3: a cancelled job has stopped within a second; the probes' code obeys."""
    yield from _within(history, CancelAnswered, CANCEL_SECONDS, "did not stop")


def pauses_take_effect(history: History) -> Violations:
    """P5: a pause of code that obeys has come true within a second; the probes' code obeys."""
    yield from _answered(history, Wish.PAUSE, {Move.PAUSE, Move.HOLD}, PAUSE_SECONDS)


def resumed_jobs_go_on(history: History) -> Violations:
    """L1: what was resumed goes on within a second, in its owner's hands or in others."""
    yield from _answered(history, Wish.RESUME, {Move.RESUME, Move.CLAIM}, CLAIM_SECONDS)


def _answered(history: History, wish: Wish, moves: set[Move], seconds: float) -> Violations:
    """Find what was wished of a probe and not true so long after."""
    calm = history.calm_from()
    rows = {row.id: row for entry in history.of(Committed) for row in entry.new}
    true_at: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for entry in history.of(Committed):
        for event in entry.events:
            if event.kind in moves:
                true_at[event.job_id].append((event.version, entry.at))
    for asked in history.of(WishAnswered):
        is_judged = asked.at > calm and rows[asked.job].queue.startswith(PROBE)
        if not is_judged or asked.wish is not wish:
            continue
        due = asked.at + seconds + SLACK
        later = [at for version, at in true_at[asked.job] if version >= asked.version]
        if not later or later[0] > due:
            yield f"job {asked.job}: the {wish} of {asked.at:.3f} has not come true by {due:.3f}"


def _within(
    history: History, kind: type[Fell] | type[CancelAnswered], seconds: float, what: str
) -> Violations:
    """Find the jobs that still were with the same owner so long after the entry."""
    owner: dict[int, int | None] = {}
    processes: dict[int, str] = {}
    deadlines: dict[int, tuple[float, int | None]] = {}
    rows: dict[int, NewJobRow] = {}
    calm = history.calm_from()
    for entry in history:
        for job, (deadline, _) in list(deadlines.items()):
            if entry.at > deadline:
                del deadlines[job]
                yield f"job {job} {what} by {deadline:.3f}"
        if isinstance(entry, Entered):
            processes[entry.worker] = entry.process
        elif isinstance(entry, Committed):
            rows |= {row.id: row for row in entry.new}
            owner |= {event.job_id: event.worker for event in entry.events}
            owner = {job: worker for job, worker in owner.items() if job in entry.ids}
            deadlines = {job: due for job, due in deadlines.items() if owner.get(job) == due[1]}
        if isinstance(entry, kind) and entry.at > calm:
            due = entry.at + seconds + SLACK
            for job, worker in owner.items():
                if worker is not None and _concerns(entry, job, processes[worker], rows):
                    deadlines[job] = (due, worker)


def _concerns(entry: Entry, job: int, process: str, rows: dict[int, NewJobRow]) -> bool:
    if isinstance(entry, Fell):
        return entry.process == process
    is_asked = isinstance(entry, CancelAnswered) and entry.job == job
    return is_asked and rows[job].queue.startswith(PROBE)


def limits_of_time_are_kept(history: History) -> Violations:
    """L3: code that has had its time is stopped in time, and the job says of what it failed."""
    failed = {
        event.job_id: entry.at
        for entry in history.of(Committed)
        for event in entry.events
        if event.state is State.FAILED
    }
    codes = {
        job.id: job.error.code
        for ending in history.of(Ending)
        for job in ending.jobs
        if job.error is not None
    }
    for probe in history.of(MustFail):
        at, code = failed.get(probe.job, float("inf")), codes.get(probe.job)
        if at > probe.by + SLACK or code != probe.code:
            yield f"job {probe.job} failed at {at:.3f} ({code}), due: {probe.by:.3f} ({probe.code})"


def processes_end_in_time(history: History) -> Violations:
    """L6: a process that is told to end has ended after its grace and a second."""
    told: dict[str, float] = {}
    calm = history.calm_from()
    for entry in history:
        for process, deadline in list(told.items()):
            if entry.at > deadline:
                del told[process]
                yield f"{process} has not ended by {deadline:.3f}"
        if isinstance(entry, ToldToEnd) and entry.at > calm:
            told[entry.process] = entry.at + entry.grace + STOP_SECONDS + SLACK
        elif isinstance(entry, Fell):
            told.pop(entry.process, None)


def everything_finishes(history: History) -> Violations:
    """L7: once the faults are over, every job gets its outcome."""
    for ending in history.of(Ending):
        for job in ending.jobs:
            if not job.is_finished:
                yield f"job {job.id} still is {job.state} at {ending.at:.1f}"
    if not list(history.of(Calm)):
        yield "the faults were never over"


def logs_are_calm(history: History) -> Violations:
    """L5: of each cause a process says at most one line a second."""
    last: dict[tuple[str, str], float] = {}
    for said in history.of(Said):
        key = (said.process, said.text)
        if said.at < last.get(key, float("-inf")) + 1.0 - SLACK:
            yield f"{said.process} said twice within a second, at {said.at:.3f}: {said.text}"
        last[key] = said.at


def nothing_breaks(history: History) -> Violations:
    """No exception ends where nobody expects it."""
    for broke in history.of(Broke):
        yield f"{broke.process} at {broke.at:.3f}: {broke.what}"
