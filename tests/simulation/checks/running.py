"""The checks of the code that runs: in which order it begins, how often at once, and when not."""

from collections import defaultdict

from offload.lanes import lane_of
from offload.lifecycle import Move
from offload.model import FINISHED, Event, OnCrash, State
from tests.simulation.checks.check import Violations, events_of, is_retry
from tests.simulation.clients import MAIL, MOST
from tests.simulation.history import (
    Begun,
    CancelAnswered,
    Committed,
    Ended,
    Entered,
    Entry,
    Fell,
    History,
    Jumped,
    NewJobRow,
    TakenForDead,
)


def order_is_kept(history: History) -> Violations:
    """S13, S14: of what can be claimed what was resumed goes first, then priority, then the id.

    Held against those of the same queue that compete for the same; another lane may be blocked.
    """
    rows: dict[int, NewJobRow] = {}
    waiting: dict[tuple[str, str], set[int]] = defaultdict(set)
    ahead: set[int] = set()
    tasks: dict[int, frozenset[str]] = {}
    for entry in history:
        if isinstance(entry, Entered):
            tasks[entry.worker] = entry.tasks
        elif isinstance(entry, Committed):
            rows |= {row.id: row for row in entry.new}
            came: set[int] = set()  # in this very transaction; whether ahead nobody can tell
            for event in entry.events:
                row = rows[event.job_id]
                lane = (row.queue, row.lane)
                is_known = row.id in waiting[lane]
                waiting[lane].discard(row.id)
                if event.kind == Move.CLAIM:
                    known = tasks.get(event.worker or 0, frozenset())
                    others = [rows[i] for i in waiting[lane]]
                    if is_known or row.id not in came:
                        yield from _overtaken(row, others, known, ahead)
                elif event.state is State.QUEUED:
                    came.add(row.id)
                    if not _is_put_off(event, row) and entry.due.get(row.id) is None:
                        waiting[lane].add(row.id)
            ahead -= entry.ahead.keys()
            ahead |= {job for job, goes_ahead in entry.ahead.items() if goes_ahead}


def _is_put_off(event: Event, row: NewJobRow) -> bool:
    """Whether it cannot be claimed at once; when it can, nobody has told."""
    put_off = event.kind in {Move.TRY_AGAIN, Move.SNOOZE}
    return put_off or row.bound_to is not None or (event.version == 1 and row.due is not None)


def _overtaken(
    row: NewJobRow, waiting: list[NewJobRow], known: frozenset[str], ahead: set[int]
) -> Violations:
    def rank(one: NewJobRow) -> tuple[bool, int, int]:
        return one.id not in ahead, -one.priority, one.id

    for other in waiting:
        if other.task in known and rank(other) < rank(row):
            yield (
                f"job {row.id} (priority {row.priority}) was claimed "
                f"before job {other.id} (priority {other.priority})"
            )


def nothing_starts_before_its_time(history: History) -> Violations:
    """S20: a job that is due later does not begin earlier, by any clock, nor does a later try.

    Who tries a job anew by hand wants that now.
    """
    due: dict[int, float | None] = {}
    for entry in history:
        if isinstance(entry, Committed):
            due |= {row.id: row.due for row in entry.new}
            due |= {event.job_id: None for event in entry.events if is_retry(event)}
            due |= {job: instant for job, instant in entry.due.items() if instant is not None}
        elif isinstance(entry, Begun):
            instant = due.get(entry.job)
            if instant is not None and entry.latest < instant:
                yield f"job {entry.job} began {instant - entry.latest:.3f} s before its time"


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
    """S10: what is neither running nor paused in its owner's hands has no code that runs."""
    runs = Runs()
    for entry in history:
        runs.take(entry)
        if isinstance(entry, Committed):
            for event in entry.events:
                if event.worker is None and runs.that_count(event.job_id):
                    yield f"job {event.job_id} was {event.kind} at {entry.at:.3f} and its code runs"


def cancelled_before_begun_never_begins(history: History) -> Violations:
    """S9: a job whose cancel was acknowledged as done never begins, unless it is tried anew."""
    cancelled: set[int] = set()
    retried: dict[int, int] = {}
    for entry in history:
        if isinstance(entry, Committed):
            anew = {event.job_id: event.version for event in entry.events if is_retry(event)}
            retried |= anew
            cancelled -= anew.keys()
        elif isinstance(entry, CancelAnswered) and entry.state is State.CANCELLED:
            if entry.version >= retried.get(entry.job, 0):
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
        yield from _named_limits(entry)


def _named_limits(entry: Committed) -> Violations:
    for name, holders in entry.holding.items():
        if holders > MOST[name]:
            yield f"{holders} jobs hold the limit {name} at {entry.at:.3f}, of {MOST[name]}"


def rates_hold(history: History) -> Violations:
    """S12: in any stretch of a rate's time no more jobs begin than it lets, by an honest clock."""
    if list(history.of(Jumped)):
        return
    lanes = {row.id: row.lane for entry in history.of(Committed) for row in entry.new}
    begun: list[float] = []
    for event in events_of(history):
        if event.kind != Move.CLAIM or "mail" not in lane_of(lanes[event.job_id]).rates:
            continue
        begun = [at for at in begun if at > event.at - MAIL.seconds] + [event.at]
        if len(begun) > MAIL.count:
            yield f"{len(begun)} jobs of a rate began within its time, at {event.at:.3f}"


def keys_are_unique(history: History) -> Violations:
    """S21: of a task and a key there is one unfinished job at most."""
    rows: dict[int, NewJobRow] = {}
    holders: dict[tuple[str, str], set[int]] = defaultdict(set)
    for entry in history.of(Committed):
        rows |= {row.id: row for row in entry.new}
        touched = set()
        for event in entry.events:
            row = rows[event.job_id]
            if row.key is None:
                continue
            touched.add((row.task, row.key))
            if event.state in FINISHED:
                holders[row.task, row.key].discard(row.id)
            else:
                holders[row.task, row.key].add(row.id)
        for key in touched:
            if len(holders[key]) > 1:
                yield f"jobs {sorted(holders[key])} have the same key {key} at {entry.at:.3f}"


def bound_jobs_stay_at_home(history: History) -> Violations:
    """S2: what a process holds runs in that process alone."""
    rows = {row.id: row for entry in history.of(Committed) for row in entry.new}
    houses = {entry.worker: entry.house for entry in history.of(Entered)}
    for begun in history.of(Begun):
        home = rows[begun.job].bound_to if begun.job in rows else None
        if home is not None and houses[begun.worker] != home:
            yield f"job {begun.job} began away from the process that holds it"


def what_must_not_be_repeated_is_not(history: History) -> Violations:
    """S3: with `on_crash="fail"` code begins once in each attempt that its options give it."""
    options = {row.id: row.options for entry in history.of(Committed) for row in entry.new}
    allowed: dict[int, int] = defaultdict(lambda: 1)
    begun: dict[int, int] = defaultdict(int)
    for entry in history:
        if isinstance(entry, Committed):
            for event in entry.events:
                allowed[event.job_id] += event.kind in {Move.TRY_AGAIN, Move.SNOOZE, Move.RETRY}
                allowed[event.job_id] += event.kind == Move.HOLD and event.door == "worker"
        elif isinstance(entry, Begun) and options[entry.job].on_crash is OnCrash.FAIL:
            begun[entry.job] += 1
            if begun[entry.job] > allowed[entry.job]:
                yield f"job {entry.job} is not to be repeated and began again at {entry.at:.3f}"
