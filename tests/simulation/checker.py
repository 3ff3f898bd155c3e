"""The invariants of PROMISES, each a function from a history to what is wrong with it.

A function goes through the history once and keeps only what its invariant is about; so each can be
read, and doubted, by itself. What they share is how code is excused: a worker that is taken for
dead while it lives goes on running code that nobody waits for any more.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

from offload.lifecycle import CANCEL_REQUESTED, MOVES, Move
from offload.model import FINISHED, Event, State
from tests.simulation.history import (
    Accepted,
    Begun,
    Broke,
    Calm,
    CancelAnswered,
    Committed,
    Ended,
    Ending,
    Entered,
    Entry,
    Fell,
    History,
    NewJobRow,
    Observed,
    Said,
    TakenForDead,
    ToldToEnd,
)

Violations = Iterator[str]
Check = Callable[[History], Violations]

CLAIM_SECONDS = 1.0
RESCUE_SECONDS = 2.0
CANCEL_SECONDS = 1.0
STOP_SECONDS = 1.0
MOST_CRASHES = 3
SLACK = 0.01
"""Virtual seconds that callbacks drawn one after the other may take."""


def violations(history: History) -> list[str]:
    """Return all that is wrong with a history, each as a sentence after an invariant's id."""
    return [f"{name}: {what}" for name, check in CHECKS for what in check(history)]


# --- the store's own history


def accepted_jobs_are_kept(history: History) -> Violations:
    """S1: what was acknowledged is there until retention removes it, finished."""
    ids: frozenset[int] = frozenset()
    seen: set[int] = set()
    for entry in history:
        if isinstance(entry, Committed):
            ids = entry.ids
            seen |= ids
        elif isinstance(entry, Accepted):
            for job in set(entry.ids) - seen:
                yield f"job {job} was acknowledged at {entry.at:.3f} and is not stored"


def only_finished_jobs_go(history: History) -> Violations:
    """S15: retention removes finished jobs only, and in the end no more than `keep` are left."""
    ids: frozenset[int] = frozenset()
    state: dict[int, State] = {}
    for entry in history.of(Committed):
        state |= {event.job_id: event.state for event in entry.events}
        unfinished = [job for job in ids - entry.ids if state.get(job) not in FINISHED]
        if len(unfinished) > entry.unseen:
            yield f"jobs {unfinished} were not finished and are gone at {entry.at:.3f}"
        ids = entry.ids
    for ending in history.of(Ending):
        left = Counter(job.queue for job in ending.jobs if job.is_finished)
        for queue, keep in ending.keep.items():
            if left[queue] > keep:
                yield f"queue {queue} keeps {left[queue]} finished jobs, and {keep} were asked for"


def attempts_count_up(history: History) -> Violations:
    """S3: a claim is one attempt more, what is given back one less; a token begins code once."""
    step = {Move.CLAIM.value: 1, Move.INTERRUPT.value: -1, Move.RESCUE.value: -1}
    attempt: dict[int, int] = defaultdict(int)
    for event in _events(history):
        expected = attempt[event.job_id] + step.get(event.kind, 0)
        if event.attempt != expected:
            yield f"job {event.job_id} was {event.kind} in attempt {event.attempt}, not {expected}"
        attempt[event.job_id] = event.attempt
    tokens = Counter((begun.job, begun.token) for begun in history.of(Begun))
    for (job, token), times in tokens.items():
        if times > 1:
            yield f"job {job} was begun {times} times with token {token}"


def only_the_owner_writes(history: History) -> Violations:
    """S4: whoever does not own a job changes nothing of it, its progress included."""
    owner: dict[int, int | None] = {}
    for event in _events(history):
        owns = f"worker {owner.get(event.job_id)}"
        if event.door == "worker" and event.kind != Move.CLAIM and event.actor != owns:
            yield f"{event.actor} wrote {event.kind} to job {event.job_id}, which {owns} owns"
        owner[event.job_id] = event.worker
    yield from _foreign_progress(history)


def _foreign_progress(history: History) -> Violations:
    """The message of progress is the number of the run that told it."""
    runs = {(begun.job, begun.token): str(begun.run) for begun in history.of(Begun)}
    for entry in history.of(Committed):
        for key, told in entry.told.items():
            if told != runs.get(key):
                yield f"job {key[0]} shows the progress of run {told}, it is in {runs.get(key)}"
    last = _last_runs(history)
    for ending in history.of(Ending):
        for job in ending.jobs:
            if job.progress is not None and job.progress.message != str(last.get(job.id)):
                yield f"job {job.id} shows in the end the progress of run {job.progress.message}"


def terminal_is_final(history: History) -> Violations:
    """S5: nothing happens to a job after its outcome."""
    finished: dict[int, State] = {}
    for event in _events(history):
        if event.job_id in finished:
            yield f"job {event.job_id} was {finished[event.job_id]} and then {event.kind}"
        if event.state in FINISHED:
            finished[event.job_id] = event.state


def moves_are_published(history: History) -> Violations:
    """S6: only the moves of the published diagram occur."""
    state: dict[int, State | None] = defaultdict(lambda: None)
    for event in _events(history):
        before = state[event.job_id]
        if not _is_published(before, event):
            yield f"job {event.job_id} went from {before} by {event.kind} to {event.state}"
        state[event.job_id] = event.state


def results_belong_to_success(history: History) -> Violations:
    """S7: a result is there exactly when the job has succeeded."""
    for ending in history.of(Ending):
        for job in ending.jobs:
            if (job.result is not None) != (job.state is State.SUCCEEDED):
                yield f"job {job.id} is {job.state} and its result is {job.result!r}"
    for seen in history.of(Observed):
        if seen.has_result != (seen.state is State.SUCCEEDED):
            yield f"{seen.client} saw job {seen.job} {seen.state}, result: {seen.has_result}"


def values_come_back(history: History) -> Violations:
    """S8: the value that is kept is the one that the run returned which owns the outcome."""
    last = _last_runs(history)
    ended = {entry.run: entry for entry in history.of(Ended)}
    for ending in history.of(Ending):
        for job in ending.jobs:
            if job.state is not State.SUCCEEDED:
                continue
            run = ended.get(last.get(job.id, -1))
            if run is None or run.value != job.result:
                yield f"job {job.id} keeps {job.result!r}, and its last run was {run}"


def ids_rise(history: History) -> Violations:
    """S16: ids rise and are never used again."""
    highest = 0
    for entry in history.of(Committed):
        for row in entry.new:
            if row.id <= highest:
                yield f"id {row.id} was given after {highest}"
            highest = max(highest, row.id)


def starts_are_stored_once(history: History) -> Violations:
    """S17: one start is stored once, and the same idempotency key gives the same ids."""
    stored: set[int] = set()
    for entry in history.of(Committed):
        tokens = {row.token for row in entry.new if row.token}
        for token in tokens & stored:
            yield f"the start {token} was stored again at {entry.at:.3f}"
        stored |= tokens
    first: dict[str, tuple[int, ...]] = {}
    for accepted in history.of(Accepted):
        if (
            accepted.key is not None
            and first.setdefault(accepted.key, accepted.ids) != accepted.ids
        ):
            yield f"key {accepted.key} gave {first[accepted.key]} and then {accepted.ids}"


def crashes_are_counted_truly(history: History) -> Violations:
    """S19: a crash loop ends, and nobody is charged with a crash while its worker lives."""
    crashes: Counter[int] = Counter()
    owner: dict[int, int | None] = {}
    processes: dict[int, str] = {}
    gone: set[int] = set()
    for entry in history:
        if isinstance(entry, Entered):
            processes[entry.worker] = entry.process
        elif isinstance(entry, Fell):
            gone |= {worker for worker, name in processes.items() if name == entry.process}
        elif isinstance(entry, TakenForDead):
            gone.add(entry.worker)
        elif isinstance(entry, Committed):
            for event in entry.events:
                if event.door == "care" and event.kind in {Move.RESCUE, Move.FAIL}:
                    crashes[event.job_id] += 1
                    yield from _charge(event, crashes[event.job_id], owner.get(event.job_id), gone)
                owner[event.job_id] = event.worker


def _charge(event: Event, crashes: int, owner: int | None, gone: set[int]) -> Violations:
    if owner not in gone:
        yield f"job {event.job_id} was charged with a crash of worker {owner}, which lives"
    if (event.kind == Move.FAIL) != (crashes >= MOST_CRASHES):
        yield f"job {event.job_id} was {event.kind} after {crashes} crashes"


def events_are_whole(history: History) -> Violations:
    """S22: a job's events have no gap, and the last one says what is stored."""
    last: dict[int, Event] = {}
    for event in _events(history):
        before = last[event.job_id].version if event.job_id in last else 0
        if event.version != before + 1:
            yield f"job {event.job_id} has event {event.version} after {before}"
        last[event.job_id] = event
    for ending in history.of(Ending):
        for job in ending.jobs:
            event = last[job.id]
            if (event.version, event.state) != (job.version, job.state):
                yield (
                    f"job {job.id} is {job.state} ({job.version}), "
                    f"its last event says {event.state} ({event.version})"
                )


def counts_add_up(history: History) -> Violations:
    """S23: the kept counts are those of the rows, after every transaction."""
    for entry in history.of(Committed):
        if entry.counted != entry.tallied:
            yield f"at {entry.at:.3f} there are {entry.counted} and the tally says {entry.tallied}"


def reads_go_forward(history: History) -> Violations:
    """S24: no client reads backwards."""
    newest: dict[tuple[str, int], int] = defaultdict(int)
    for seen in history.of(Observed):
        key = (seen.client, seen.job)
        if seen.version < newest[key]:
            yield f"{seen.client} saw job {seen.job} at version {newest[key]}, then {seen.version}"
        newest[key] = max(newest[key], seen.version)


def the_file_is_sound(history: History) -> Violations:
    """D1: the database is whole after every run."""
    for ending in history.of(Ending):
        if ending.integrity != "ok":
            yield f"integrity_check says {ending.integrity}"


# --- order


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


# --- the code that runs


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


# --- in time, once the faults are over


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
            deadlines = {job: due for job, due in deadlines.items() if owner[job] == due[1]}
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


def _last_runs(history: History) -> dict[int, int]:
    """The run of each job that has the newest token; a zombie may begin an older one later."""
    newest = sorted(history.of(Begun), key=lambda begun: begun.token)
    return {begun.job: begun.run for begun in newest}


def _events(history: History) -> Iterator[Event]:
    return (event for entry in history.of(Committed) for event in entry.events)


def _is_published(before: State | None, event: Event) -> bool:
    if event.kind == CANCEL_REQUESTED:
        return before is State.RUNNING and event.state is State.RUNNING
    moves = MOVES.get(before, {})
    return event.kind in set(Move) and moves.get(Move(event.kind)) is event.state


CHECKS: list[tuple[str, Check]] = [
    ("S1", accepted_jobs_are_kept),
    ("S2", one_run_at_a_time),
    ("S3", attempts_count_up),
    ("S4", only_the_owner_writes),
    ("S5", terminal_is_final),
    ("S6", moves_are_published),
    ("S7", results_belong_to_success),
    ("S8", values_come_back),
    ("S9", cancelled_before_begun_never_begins),
    ("S10", stopped_means_stopped),
    ("S12", limits_hold),
    ("S13", order_is_kept),
    ("S15", only_finished_jobs_go),
    ("S16", ids_rise),
    ("S17", starts_are_stored_once),
    ("S19", crashes_are_counted_truly),
    ("S20", nothing_starts_before_its_time),
    ("S22", events_are_whole),
    ("S23", counts_add_up),
    ("S24", reads_go_forward),
    ("L1", claimable_jobs_begin),
    ("L2", orphans_are_rescued),
    ("L3", cancels_take_effect),
    ("L5", logs_are_calm),
    ("L6", processes_end_in_time),
    ("L7", everything_finishes),
    ("D1", the_file_is_sound),
    ("broken", nothing_breaks),
]
