"""The checks of what is stored: that it is whole, and that only the right hand changed it."""

from collections import Counter, defaultdict

from offload.lifecycle import (
    CANCEL_REQUESTED,
    MOVES,
    PAUSE_REFUSED,
    PAUSE_REQUESTED,
    PAUSE_WITHDRAWN,
    RESUME_REQUESTED,
    RESUME_WITHDRAWN,
    Move,
)
from offload.model import FINISHED, Event, OnCrash, State
from tests.simulation.checks.check import Violations, events_of, is_retry, last_runs_of
from tests.simulation.history import (
    Accepted,
    Begun,
    Committed,
    Ended,
    Ending,
    Entered,
    Fell,
    History,
    Jumped,
    Observed,
    TakenForDead,
)

MOST_CRASHES = 3

WISHED = {
    PAUSE_REQUESTED: State.RUNNING,
    PAUSE_WITHDRAWN: State.RUNNING,
    PAUSE_REFUSED: State.RUNNING,
    RESUME_REQUESTED: State.PAUSED,
    RESUME_WITHDRAWN: State.PAUSED,
}
"""In which state a job is of which something is wished, besides a cancel."""

EARLY_SECONDS = 0.01
"""A deadline is an instant, and is waited for as a number of seconds."""


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
    given_back = (Move.INTERRUPT, Move.RESCUE, Move.SNOOZE)
    step = {Move.CLAIM.value: 1} | {move.value: -1 for move in given_back}
    attempt: dict[int, int] = defaultdict(int)
    for event in events_of(history):
        expected = attempt[event.job_id] + step.get(event.kind, 0)
        gives_back = event.kind == Move.HOLD and event.door in {"worker", "care"}
        if event.attempt != expected and not (gives_back and event.attempt == expected - 1):
            yield f"job {event.job_id} was {event.kind} in attempt {event.attempt}, not {expected}"
        attempt[event.job_id] = event.attempt
    tokens = Counter((begun.job, begun.token) for begun in history.of(Begun))
    for (job, token), times in tokens.items():
        if times > 1:
            yield f"job {job} was begun {times} times with token {token}"


def only_the_owner_writes(history: History) -> Violations:
    """S4: whoever does not own a job changes nothing of it, its progress included."""
    owner: dict[int, int | None] = {}
    for event in events_of(history):
        owns = f"worker {owner.get(event.job_id)}"
        if event.door == "worker" and event.kind != Move.CLAIM and event.actor != owns:
            yield f"{event.actor} wrote {event.kind} to job {event.job_id}, which {owns} owns"
        owner[event.job_id] = event.worker
    yield from _foreign_progress(history)


def _foreign_progress(history: History) -> Violations:
    """The message of progress is the number of the run that told it; no code has told another."""
    runs = {(begun.job, begun.token): str(begun.run) for begun in history.of(Begun)}
    for entry in history.of(Committed):
        for key, told in entry.told.items():
            if told.isdecimal() and told != runs.get(key):
                yield f"job {key[0]} shows the progress of run {told}, it is in {runs.get(key)}"
    last = last_runs_of(history)
    for ending in history.of(Ending):
        for job in ending.jobs:
            said = "" if job.progress is None else str(job.progress.message)
            if said.isdecimal() and said != str(last.get(job.id)):
                yield f"job {job.id} shows in the end the progress of run {said}"


def terminal_is_final(history: History) -> Violations:
    """S5: nothing happens to a job after its outcome, unless it is tried anew."""
    finished: dict[int, State] = {}
    for event in events_of(history):
        if is_retry(event) and finished.get(event.job_id) is not State.SUCCEEDED:
            finished.pop(event.job_id, None)
        if event.job_id in finished:
            yield f"job {event.job_id} was {finished[event.job_id]} and then {event.kind}"
        if event.state in FINISHED:
            finished[event.job_id] = event.state


def moves_are_published(history: History) -> Violations:
    """S6: only the moves of the published diagram occur."""
    state: dict[int, State | None] = defaultdict(lambda: None)
    goes_on_elsewhere: set[int] = set()
    for event in events_of(history):
        before = state[event.job_id]
        waits_elsewhere = event.job_id in goes_on_elsewhere
        if not _is_published(before, event, goes_on_elsewhere=waits_elsewhere):
            yield f"job {event.job_id} went from {before} by {event.kind} to {event.state}"
        state[event.job_id] = event.state
        if event.kind == Move.WAIT:
            goes_on_elsewhere.add(event.job_id)
        elif event.kind in {Move.TRY_AGAIN, Move.RETRY}:
            goes_on_elsewhere.discard(event.job_id)


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
    last = last_runs_of(history)
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
    first: dict[str, tuple[tuple[int, ...], int | None]] = {}
    for accepted in history.of(Accepted):
        if accepted.key is not None and first.setdefault(
            accepted.key, (accepted.ids, accepted.group)
        ) != (accepted.ids, accepted.group):
            yield f"key {accepted.key} gave {first[accepted.key]} and then {accepted.ids}"
    yield from _groups_are_whole(history)


def _groups_are_whole(history: History) -> Violations:
    """The jobs of a group are those that were started with it, but for those known before."""
    rows = {row.id: row for entry in history.of(Committed) for row in entry.new}
    members: dict[int, set[int]] = defaultdict(set)
    for row in rows.values():
        if row.group is not None:
            members[row.group].add(row.id)
    for accepted in history.of(Accepted):
        if accepted.group is not None:
            known = {job for job in accepted.ids if job in rows and rows[job].key is not None}
            unlike = members[accepted.group] ^ set(accepted.ids)
            if unlike - known:
                yield f"group {accepted.group} has other jobs than it was started with: {unlike}"


def attempts_are_bounded(history: History) -> Violations:
    """S19: a job has no more attempts than it was given, counted from its last manual retry."""
    options = {row.id: row.options for entry in history.of(Committed) for row in entry.new}
    forgiven: Counter[int] = Counter()
    for event in events_of(history):
        if is_retry(event):
            forgiven[event.job_id] = event.attempt
        tries = event.attempt - forgiven[event.job_id]
        if tries > options[event.job_id].retries + 1:
            yield f"job {event.job_id} was {event.kind} in its attempt {tries}"


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
                if is_retry(event):
                    crashes[event.job_id] = 0
                charged = entry.crashes.get(event.job_id, 0) > crashes[event.job_id]
                if charged and event.door == "care":
                    crashes[event.job_id] += 1
                    yield from _charge(event, crashes[event.job_id], owner.get(event.job_id), gone)
                owner[event.job_id] = event.worker
            for job, charged_with in entry.crashes.items():
                if charged_with != crashes[job]:
                    yield f"job {job} is charged with {charged_with} crashes, of {crashes[job]}"


def _charge(event: Event, crashes: int, owner: int | None, gone: set[int]) -> Violations:
    if owner not in gone:
        yield f"job {event.job_id} was charged with a crash of worker {owner}, which lives"
    if event.kind != Move.FAIL and crashes >= MOST_CRASHES:
        yield f"job {event.job_id} was {event.kind} after {crashes} crashes"


def failures_say_why(history: History) -> Violations:
    """S19, S20: who failed of time had a limit of time; by an honest clock it had passed."""
    is_honest = not list(history.of(Jumped))
    for ending in history.of(Ending):
        for job in ending.jobs:
            code = None if job.error is None else job.error.code
            if code == "timeout" and job.options.timeout is None:
                yield f"job {job.id} timed out and had all the time"
            if code == "deadline" and job.deadline_at is None:
                yield f"job {job.id} missed a deadline that it had not"
            elif code == "deadline" and is_honest:
                early = (job.deadline_at or 0.0) - (job.finished_at or 0.0)
                if early > EARLY_SECONDS:
                    yield f"job {job.id} missed its deadline {early:.3f} s before"
            if code == "crash-loop" and job.crashes < MOST_CRASHES:
                yield f"job {job.id} ended after {job.crashes} crashes"
            if code == "lost" and job.bound_to is None and job.options.on_crash is OnCrash.AGAIN:
                yield f"job {job.id} is lost, and could have been run again"


def events_are_whole(history: History) -> Violations:
    """S22: a job's events have no gap, and the last one says what is stored."""
    last: dict[int, Event] = {}
    for event in events_of(history):
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


def _is_published(before: State | None, event: Event, *, goes_on_elsewhere: bool) -> bool:
    if event.kind == CANCEL_REQUESTED and goes_on_elsewhere and event.worker is None:
        return before in {State.QUEUED, State.PAUSED} and event.state is State.QUEUED
    if event.kind in WISHED:
        return before is WISHED[event.kind] and event.state is before
    if event.kind == CANCEL_REQUESTED:
        return before in {State.RUNNING, State.PAUSED} and event.state is before
    moves = MOVES.get(before, {})
    return event.kind in set(Move) and moves.get(Move(event.kind)) is event.state
