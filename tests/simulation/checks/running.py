"""The checks of the code that runs: in which order it begins, how often at once, and when not."""

from collections import defaultdict

from offload.lifecycle import Move
from offload.model import State
from tests.simulation.checks.check import Violations
from tests.simulation.history import (
    Begun,
    CancelAnswered,
    Committed,
    Ended,
    Entered,
    Entry,
    Fell,
    History,
    NewJobRow,
    TakenForDead,
)


def order_is_kept(history: History) -> Violations:
    """S13, S14: of what can be claimed the highest priority goes first, then the lowest id."""
    rows: dict[int, NewJobRow] = {}
    waiting: dict[str, set[int]] = defaultdict(set)
    tasks: dict[int, frozenset[str]] = {}
    for entry in history:
        if isinstance(entry, Entered):
            tasks[entry.worker] = entry.tasks
        elif isinstance(entry, Committed):
            rows |= {row.id: row for row in entry.new}
            for event in entry.events:
                row = rows[event.job_id]
                waiting[row.queue].discard(row.id)
                if event.kind == Move.CLAIM:
                    known = tasks.get(event.worker or 0, frozenset())
                    yield from _overtaken(row, [rows[i] for i in waiting[row.queue]], known)
                elif event.state is State.QUEUED and not (event.version == 1 and row.due):
                    waiting[row.queue].add(row.id)


def _overtaken(row: NewJobRow, waiting: list[NewJobRow], known: frozenset[str]) -> Violations:
    for other in waiting:
        if other.task in known and (-other.priority, other.id) < (-row.priority, row.id):
            yield (
                f"job {row.id} (priority {row.priority}) was claimed "
                f"before job {other.id} (priority {other.priority})"
            )


def nothing_starts_before_its_time(history: History) -> Violations:
    """S20: a job that is due later does not begin earlier, by any clock."""
    due = {row.id: row.due for entry in history.of(Committed) for row in entry.new}
    for begun in history.of(Begun):
        instant = due.get(begun.job)
        if instant is not None and begun.latest < instant:
            yield f"job {begun.job} began {instant - begun.latest:.3f} s before its time"


class Runs:
    """Which code runs at this point of a history, and whether it counts.

    A run counts unless its worker is taken for dead, or was enrolled anew since the job was
    claimed: then its lease is lost, and it may only stop.
    """

    def __init__(self) -> None:
        self.open: dict[int, Begun] = {}
        self.dead: set[int] = set()

    def take(self, entry: Entry) -> None:
        """Follow the history by one entry."""
        match entry:
            case Begun():
                self.open[entry.run] = entry
            case Ended():
                self.open.pop(entry.run, None)
            case Fell():
                self.open = {
                    run: begun for run, begun in self.open.items() if begun.process != entry.process
                }
            case TakenForDead():
                self.dead.add(entry.worker)

    def that_count(self, job: int) -> list[Begun]:
        """The open runs of a job whose worker is not taken for dead."""
        return [
            begun
            for begun in self.open.values()
            if begun.job == job and begun.worker not in self.dead
        ]


def one_run_at_a_time(history: History) -> Violations:
    """S2, S12: code of a job runs once at a time, and only while its worker owns the job."""
    runs = Runs()
    owner: dict[int, int | None] = {}
    for entry in history:
        runs.take(entry)
        if isinstance(entry, Committed):
            owner |= {event.job_id: event.worker for event in entry.events}
        elif isinstance(entry, Begun) and entry.worker not in runs.dead:
            if len(runs.that_count(entry.job)) > 1:
                yield f"job {entry.job} runs twice at {entry.at:.3f}"
            if owner.get(entry.job) != entry.worker:
                yield (
                    f"worker {entry.worker} began job {entry.job} at {entry.at:.3f}, "
                    f"which worker {owner.get(entry.job)} owns"
                )


def stopped_means_stopped(history: History) -> Violations:
    """S10: a job that is shown as anything but running has no code that runs."""
    runs = Runs()
    for entry in history:
        runs.take(entry)
        if isinstance(entry, Committed):
            for event in entry.events:
                if event.state is not State.RUNNING and runs.that_count(event.job_id):
                    yield f"job {event.job_id} was {event.kind} at {entry.at:.3f} and its code runs"


def cancelled_before_begun_never_begins(history: History) -> Violations:
    """S9: a job whose cancel was acknowledged as done never begins."""
    cancelled: set[int] = set()
    for entry in history:
        if isinstance(entry, CancelAnswered) and entry.state is State.CANCELLED:
            cancelled.add(entry.job)
        elif isinstance(entry, Begun) and entry.job in cancelled:
            yield f"job {entry.job} began at {entry.at:.3f} after it was cancelled"


def limits_hold(history: History) -> Violations:
    """S12: occupied places never exceed a limit; a lowered one is not gone beyond further."""
    before: dict[str, int] = {}
    limits: dict[str, int | None] = {}
    for entry in history.of(Committed):
        for queue, occupied in entry.occupied.items():
            allowed = [entry.limits.get(queue), limits.get(queue, entry.limits.get(queue))]
            most = max(float("inf") if limit is None else limit for limit in allowed)
            if occupied > max(most, before.get(queue, 0)):
                yield f"queue {queue} has {occupied} jobs at work at {entry.at:.3f}, limit {most}"
        before, limits = entry.occupied, entry.limits
