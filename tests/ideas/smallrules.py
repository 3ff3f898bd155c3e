"""What a small world decides by: the real rules of `lifecycle`, numbered rows, and what must hold.

What can be changed by a fault is gathered in `Rules`. Records are numbered by a `Catalogue`, so
that a state of the world is a tuple of small numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from msgspec.structs import replace

from offload import lifecycle
from offload.errors import AlreadyFinished, BeingCancelled
from offload.lifecycle import Move
from offload.model import (
    FINISHED,
    By,
    Cause,
    Change,
    Crashed,
    Error,
    Failed,
    Job,
    Mode,
    Outcome,
    Snoozed,
    State,
    Succeeded,
    Wish,
    Yielded,
)
from tests.ideas.samples import a_job
from tests.ideas.searching import Violation

NOW = 1000.0
BY = By(actor="the search", door="care")
OUTCOMES: tuple[Outcome, ...] = (
    Succeeded(b"1"),
    Failed(Error("exception", "no")),
    Yielded(),
    Crashed(),
    Yielded(Cause.CANCEL),
    Yielded(Cause.LOST),
    Snoozed(5.0),
)
SUCCEEDED, FAILED, YIELDED, CRASHED, STOPPED, LOST, SNOOZED = range(7)

LEFT = 7
"""The code may have begun under a worker that is taken for dead; see `lifecycle.left_behind`."""

CANCELS, TRIES_ANEW, WAITS_ELSEWHERE = -1, -2, -3
PAUSES, RESUMES, STANDS_STILL, GOES_ON = -11, -12, -13, -14
"""In place of an outcome's number: what others want of a job, and what its holder says."""

STEPS = {
    ("queued", "queued"),
    ("queued", "running"),
    ("queued", "cancelled"),
    ("queued", "paused"),
    ("running", "paused"),
    ("paused", "paused"),
    ("paused", "running"),
    ("paused", "queued"),
    ("paused", "succeeded"),
    ("paused", "failed"),
    ("paused", "cancelled"),
    ("running", "running"),
    ("running", "queued"),
    ("running", "succeeded"),
    ("running", "failed"),
    ("running", "cancelled"),
}
"""From which stored state to which a step may lead, written out once more."""

GIVEN_BACK = {Move.INTERRUPT.value, Move.RESCUE.value, Move.SNOOZE.value}
"""After these the attempt was none."""


def compare_and_set(row: Job, change: Change) -> bool:
    """Say whether the store applies the change: the row is the one it was decided from."""
    return row.version == change.after.version - 1 and row.token == change.after.token


def is_ours(held: Job, row: Job) -> bool:
    """Say whether a worker whose change was refused still owns the job (`settling.store`)."""
    is_held = row.state is State.RUNNING or (row.state is State.PAUSED and row.is_owned)
    return is_held and row.token == held.token


def may_keep(held: Job, row: Job) -> bool:
    """Say whether the store keeps the checkpoint of who believes to have a job (`mark_saved`)."""
    return row.token == held.token and row.is_owned


def has_room(occupied: int, limit: int | None) -> bool:
    return limit is None or occupied < limit


def conclude(job: Job, outcome: Outcome) -> Change:
    return lifecycle.conclude(job, outcome, NOW, BY)


def claim(job: Job, worker: int) -> Job:
    return lifecycle.claim(job, worker, NOW + 30, NOW)


def request(job: Job) -> Change | None:
    return ask(job, Wish.CANCEL)


def ask(job: Job, wish: Wish) -> Change | None:
    try:
        return lifecycle.request(job, wish, NOW, BY)
    except (AlreadyFinished, BeingCancelled):
        return None


def stand_still(job: Job) -> Change | None:
    mode = Mode.FROZEN if job.handle is None else Mode.NOT_CHECKING
    return lifecycle.pause(job, mode, NOW, BY)


def go_on(job: Job) -> Change:
    return lifecycle.resume(job, NOW, BY)


def retry(job: Job) -> Change:
    return lifecycle.retry(job, NOW, BY)


def wait(job: Job) -> Change:
    return lifecycle.wait(job, b"1", NOW + 5, BY)


def starts_elsewhere(job: Job) -> bool:
    """Say whether whoever has claimed a job starts its work (`PollExecutor.run`)."""
    return job.handle is None


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that decides; a test of the search puts a fault in the place of one of them."""

    compare_and_set: Callable[[Job, Change], bool] = compare_and_set
    is_ours: Callable[[Job, Job], bool] = is_ours
    has_room: Callable[[int, int | None], bool] = has_room
    conclude: Callable[[Job, Outcome], Change] = conclude
    claim: Callable[[Job, int], Job] = claim
    request: Callable[[Job], Change | None] = request
    ask: Callable[[Job, Wish], Change | None] = ask
    stand_still: Callable[[Job], Change | None] = stand_still
    go_on: Callable[[Job], Change] = go_on
    may_keep: Callable[[Job, Job], bool] = may_keep
    may_resume: Callable[[int, int | None], bool] = has_room
    retry: Callable[[Job], Change] = retry
    wait: Callable[[Job], Change] = wait
    left_behind: Callable[[Job], Outcome] = lifecycle.left_behind
    starts_elsewhere: Callable[[Job], bool] = starts_elsewhere


class Catalogue:
    """Gives each record a number, and each question about records one answer."""

    def __init__(self, rules: Rules) -> None:
        self.rows: list[Job] = [a_job(state=State.CANCELLED, id=0)]
        self._numbers: dict[Job, int] = {}
        self.conclude = cache(self._conclude)
        self.request = cache(self._request)
        self.claim = cache(self._claim)
        self.applied = cache(self._applied)
        self.seen_anew = cache(self._seen_anew)
        self.promoted = cache(self._promoted)
        self._rules = rules

    def number(self, row: Job) -> int:
        if row not in self._numbers:
            self._numbers[row] = len(self.rows)
            self.rows.append(row)
        return self._numbers[row]

    def _conclude(self, copy: int, outcome: int) -> Change:
        row = self.rows[copy]
        if outcome == WAITS_ELSEWHERE:
            return self._rules.wait(row)
        if outcome == TRIES_ANEW:
            return self._rules.retry(row)
        if outcome == GOES_ON:
            return self._rules.go_on(row)
        ended = self._rules.left_behind(row) if outcome == LEFT else OUTCOMES[outcome]
        return self._rules.conclude(row, ended)

    def _promoted(self, row: int) -> int:
        """Return the row once it has come due."""
        return self.number(replace(self.rows[row], claimable=True))

    def _request(self, copy: int, wish: int = CANCELS) -> Change | None:
        """Return what is asked of a job, or what its holder says of it; None: it is so already."""
        row = self.rows[copy]
        if wish == CANCELS:
            return self._rules.request(row)
        if wish == STANDS_STILL:
            return self._rules.stand_still(row)
        return self._rules.ask(row, Wish.PAUSE if wish == PAUSES else Wish.RESUME)

    def _claim(self, row: int, worker: int) -> int:
        return self.number(self._rules.claim(self.rows[row], worker))

    def _applied(self, row: int, copy: int, outcome: int) -> int | None:
        """Return the row as the change leaves it, None where the change is refused.

        The outcome may be CANCELS, TRIES_ANEW or WAITS_ELSEWHERE.
        """
        is_asked = outcome in {CANCELS, PAUSES, RESUMES, STANDS_STILL}
        change = self.request(copy, outcome) if is_asked else self.conclude(copy, outcome)
        assert change is not None
        if not self._rules.compare_and_set(self.rows[row], change):
            return None
        check_step(self.rows[row], change.after, change.event)
        return self.number(change.after)

    def _seen_anew(self, copy: int, row: int, outcome: int) -> int | None:
        """Return what a refused worker goes on with, None where the job is not its own any more."""
        held, current = self.rows[copy], self.rows[row]
        after = self.conclude(copy, outcome).after
        stood_already = (current.token, current.version, current.state) == (
            after.token,
            after.version,
            after.state,
        )
        if stood_already or not self._rules.is_ours(held, current):
            return None
        return self.number(current)


def check_row(row: Job) -> None:
    """Hold the row against itself: counters agree, and what does not run holds nothing."""
    runs = row.state is State.RUNNING
    takes_slot = runs and not row.is_waiting
    is_held = row.pause is not None and row.pause.mode is Mode.HELD
    has_owner = runs or (row.state is State.PAUSED and not is_held)
    if row.occupies_slot is not takes_slot or row.is_owned is not has_owner:
        raise Violation("S12", f"job {row.id} is {row.state} with the wrong owner or slot")
    if row.attempt - row.forgiven > row.options.retries + 1:
        raise Violation("S19", f"job {row.id} is at attempt {row.attempt}")
    if row.crashes > lifecycle.MAX_CRASHES or (
        row.crashes == lifecycle.MAX_CRASHES and row.state is not State.FAILED
    ):
        raise Violation("S19", f"job {row.id} crashed {row.crashes} times and is {row.state}")


def check_plain_row(row: Job) -> None:
    """Hold the attempt against the counters, where nothing else gives one back."""
    ended_by_crash = row.error is not None and row.error.code == "crash-loop"
    expected = row.token - row.interrupts - row.crashes + ended_by_crash
    if row.attempt != expected:
        raise Violation("S3", f"job {row.id} is at attempt {row.attempt}, not {expected}")


def check_step(row: Job, after: Job, event: str) -> None:
    """Hold a step of one job against the diagram, and its counters against those before."""
    is_anew = event == Move.RETRY and row.state in {State.FAILED, State.CANCELLED}
    if row.state in FINISHED and not is_anew:
        raise Violation("S5", f"job {row.id} was {row.state} and changed")
    if (row.state.value, after.state.value) not in STEPS and not is_anew:
        raise Violation("S6", f"job {row.id} went from {row.state} to {after.state}")
    if after.version != row.version + 1:
        raise Violation("S22", f"job {row.id} went from version {row.version} to {after.version}")
    if (row.state, after.state) == (State.QUEUED, State.RUNNING):
        if after.token != row.token + 1:
            raise Violation("S3", f"job {row.id} is claimed again under token {after.token}")
    elif after.token != row.token:
        raise Violation("S4", f"a holder of token {after.token} changed job {row.id}")
    _check_pause(row, after, event)
    given_back = event in GIVEN_BACK or (event == Move.HOLD and after.attempt < row.attempt)
    if not event == Move.CLAIM and after.attempt != row.attempt - given_back:
        raise Violation("S3", f"job {row.id} was {event} and is at attempt {after.attempt}")


def _check_pause(row: Job, after: Job, event: str) -> None:
    """What is to stand still goes nowhere else by itself; what had begun goes ahead when it may."""
    is_still = row.state is State.PAUSED and row.requested is None
    is_wanted_still = is_still or row.requested is Wish.PAUSE
    if after.state is not State.QUEUED or row.pause is None:
        return
    if is_wanted_still and event not in {Move.RELEASE, lifecycle.CANCEL_REQUESTED}:
        raise Violation("P5", f"job {row.id} was to stand still and was {event}")
    if row.requested in {None, Wish.RESUME} and row.pause.begun and not after.ahead:
        raise Violation("P8", f"job {row.id} was to go on and waits behind others")
