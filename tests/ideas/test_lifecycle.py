"""Every state × move × request × outcome: the rules about states, against a table of their own.

Nothing here is drawn at random: the facts that a rule looks at are few, so all of them are tried.
"""

from itertools import product
from typing import Any

import msgspec
import pytest
from msgspec.structs import asdict

from offload.backoff import Backoff
from offload.errors import AlreadyFinished, BeingCancelled, NotCompletable, NotFinished
from offload.lifecycle import (
    CANCEL_REQUESTED,
    MAX_CRASHES,
    MOVES,
    Move,
    Shown,
    claim,
    conclude,
    expire,
    left_behind,
    lose,
    pause,
    refuse_pause,
    request,
    resume,
    retry,
    shown_state,
    wait,
)
from offload.model import (
    FINISHED,
    PLAIN,
    Cause,
    Change,
    Crashed,
    Failed,
    Job,
    JobOptions,
    Mode,
    OnCrash,
    Outcome,
    Snoozed,
    State,
    Succeeded,
    Wish,
    Yielded,
)
from tests.ideas.samples import (
    A_PAUSE,
    BY,
    SOME_ERROR,
    WISHES,
    a_job,
    a_paused_job,
    a_pausing_job,
)

NOW = 1005.0

OUTCOMES: tuple[Outcome, ...] = (Succeeded(b"16"), Failed(SOME_ERROR), Yielded(), Crashed())
"""The outcomes that a plain job may have: one attempt, no time of its own, nothing elsewhere."""

STOPS: tuple[Outcome, ...] = tuple(Yielded(cause) for cause in Cause)
AGAIN = JobOptions(retries=2, backoff=Backoff(first=10, factor=2, most=60, jitter=0))
ONCE = JobOptions(on_crash=OnCrash.FAIL)
HANDLE = b'{"remote":7}'
CRASHES = tuple(range(MAX_CRASHES + 2))
UNFINISHED = frozenset(State) - FINISHED

DIAGRAM = {
    ("queued", "claimed", "running"),
    ("queued", "cancelled", "cancelled"),
    ("queued", "failed", "failed"),
    ("queued", "held", "paused"),
    ("running", "waiting", "running"),
    ("running", "paused", "paused"),
    ("running", "held", "paused"),
    ("running", "succeeded", "succeeded"),
    ("running", "failed", "failed"),
    ("running", "stopped", "cancelled"),
    ("running", "attempt-failed", "queued"),
    ("running", "snoozed", "queued"),
    ("running", "interrupted", "queued"),
    ("running", "rescued", "queued"),
    ("paused", "resumed", "running"),
    ("paused", "released", "queued"),
    ("paused", "held", "paused"),
    ("paused", "cancelled", "cancelled"),
    ("paused", "succeeded", "succeeded"),
    ("paused", "failed", "failed"),
    ("paused", "stopped", "cancelled"),
    ("paused", "attempt-failed", "queued"),
    ("paused", "snoozed", "queued"),
    ("paused", "interrupted", "queued"),
    ("paused", "rescued", "queued"),
    ("failed", "retried", "queued"),
    ("cancelled", "retried", "queued"),
}
"""The published diagram of states, written a second time: from, move, to."""

WISHED = {
    ("queued", "cancel-requested", "queued"),
    ("queued", "completed", "queued"),
    ("running", "cancel-requested", "running"),
    ("running", "completed", "running"),
    ("running", "pause-requested", "running"),
    ("running", "pause-withdrawn", "running"),
    ("running", "pause-refused", "running"),
    ("paused", "cancel-requested", "paused"),
    ("paused", "cancel-requested", "queued"),
    ("paused", "completed", "paused"),
    ("paused", "completed", "queued"),
    ("paused", "resume-requested", "paused"),
    ("paused", "resume-withdrawn", "paused"),
}
"""The events of wishes: the state stays, but where a held job goes to whoever makes them true."""

RUNNING_ENDS = {
    ("succeeded", None): ("succeeded", "succeeded"),
    ("succeeded", "cancel"): ("succeeded", "succeeded"),
    ("succeeded", "complete"): ("succeeded", "succeeded"),
    ("succeeded", "pause"): ("succeeded", "succeeded"),
    ("failed", None): ("failed", "failed"),
    ("failed", "cancel"): ("failed", "failed"),
    ("failed", "complete"): ("interrupted", "queued"),
    ("failed", "pause"): ("failed", "failed"),
    ("yielded", None): ("interrupted", "queued"),
    ("yielded", "cancel"): ("stopped", "cancelled"),
    ("yielded", "complete"): ("interrupted", "queued"),
    ("yielded", "pause"): ("held", "paused"),
    ("crashed", None): ("rescued", "queued"),
    ("crashed", "cancel"): ("stopped", "cancelled"),
    ("crashed", "complete"): ("rescued", "queued"),
    ("crashed", "pause"): ("held", "paused"),
    ("crashed too often", None): ("failed", "failed"),
    ("crashed too often", "cancel"): ("stopped", "cancelled"),
    ("crashed too often", "complete"): ("failed", "failed"),
    ("crashed too often", "pause"): ("failed", "failed"),
}
"""What an outcome and a wish make of a running job: the event, the state."""

PAUSED_ENDS = {
    ("succeeded", None): ("succeeded", "succeeded"),
    ("succeeded", "cancel"): ("succeeded", "succeeded"),
    ("succeeded", "complete"): ("succeeded", "succeeded"),
    ("succeeded", "resume"): ("succeeded", "succeeded"),
    ("failed", None): ("failed", "failed"),
    ("failed", "cancel"): ("failed", "failed"),
    ("failed", "complete"): ("interrupted", "queued"),
    ("failed", "resume"): ("failed", "failed"),
    ("yielded", None): ("held", "paused"),
    ("yielded", "cancel"): ("stopped", "cancelled"),
    ("yielded", "complete"): ("interrupted", "queued"),
    ("yielded", "resume"): ("interrupted", "queued"),
    ("crashed", None): ("held", "paused"),
    ("crashed", "cancel"): ("stopped", "cancelled"),
    ("crashed", "complete"): ("rescued", "queued"),
    ("crashed", "resume"): ("rescued", "queued"),
}
"""What an outcome and a wish make of a paused job that somebody has: no crash is its fault."""

WISHES_OF_RUNNING = (None, Wish.CANCEL, Wish.COMPLETE, Wish.PAUSE)
WISHES_OF_PAUSED = (None, Wish.CANCEL, Wish.COMPLETE, Wish.RESUME)
OWNED_MODES = (Mode.FROZEN, Mode.PARKED, Mode.NOT_CHECKING)

LEAVES_ITS_OWNER = {
    "succeeded", "failed", "stopped", "cancelled", "attempt-failed", "snoozed", "interrupted",
    "rescued", "held", "released",
}  # fmt: skip
"""The events after which nobody has the job."""

NEVER_TOUCHED = (
    "id", "task", "kind", "queue", "priority", "created_at", "owner", "tags", "params", "size",
)  # fmt: skip


def of_wish(wish: Wish | None, **fields: Any) -> Job:
    """Return a running job of which this is wished."""
    pause = A_PAUSE if wish is Wish.PAUSE else None
    return a_job(State.RUNNING, **({"requested": wish, "pause": pause} | fields))


def every_conclusion() -> list[tuple[Job, Outcome]]:
    """All jobs with an owner that `conclude` can tell apart, with each outcome."""
    counters = list(product(CRASHES, (0, 4), OUTCOMES))
    running = [
        (of_wish(wish, crashes=crashes, interrupts=interrupts), outcome)
        for wish, (crashes, interrupts, outcome) in product(WISHES_OF_RUNNING, counters)
    ]
    paused = [
        (a_paused_job(mode, requested=wish, crashes=crashes, interrupts=interrupts), outcome)
        for mode, wish, (crashes, interrupts, outcome) in product(
            (Mode.FROZEN, Mode.PARKED), WISHES_OF_PAUSED, counters
        )
    ]
    return running + paused


def every_special_conclusion() -> list[tuple[Job, Outcome]]:
    """Jobs with an owner and more to them than a plain one has, with every outcome there is."""
    outcomes = (*OUTCOMES, Failed(SOME_ERROR, again=False), Snoozed(5.0), Snoozed(0.0), *STOPS)
    kinds = product((PLAIN, AGAIN, ONCE), (None, HANDLE), (None, 77), (None, NOW + 15), outcomes)
    jobs = []
    for options, handle, bound_to, deadline_at, outcome in kinds:
        fields = {
            "options": options,
            "handle": handle,
            "bound_to": bound_to,
            "deadline_at": deadline_at,
        }
        waits = {"next_check_at": None if handle is None else NOW, "occupies_slot": handle is None}
        mode = Mode.FROZEN if handle is None else Mode.NOT_CHECKING
        jobs += [(of_wish(wish, **fields, **waits), outcome) for wish in WISHES_OF_RUNNING]
        jobs += [
            (a_paused_job(mode, requested=wish, **fields), outcome) for wish in WISHES_OF_PAUSED
        ]
    return jobs


def every_job_that_is_asked() -> list[Job]:
    """All unfinished jobs that a request can tell apart."""
    queued = [
        a_job(ahead=ahead, run_at=run_at, handle=handle, requested=wish)
        for ahead, run_at, handle in product((False, True), (None, NOW + 60), (None, HANDLE))
        for wish in (None, Wish.CANCEL, Wish.COMPLETE)
        if wish is None or handle is not None
    ]
    owned = [
        of_wish(wish, handle=handle) for wish in WISHES_OF_RUNNING for handle in (None, HANDLE)
    ]
    owned += [
        a_paused_job(mode, requested=wish, handle=handle)
        for mode, wish, handle in product(OWNED_MODES, WISHES_OF_PAUSED, (None, HANDLE))
    ]
    held = [
        a_paused_job(Mode.HELD, run_at=run_at, handle=handle)
        for run_at, handle in product((None, NOW + 60), (None, HANDLE))
    ]
    return [*queued, *owned, *held, a_job(State.PAUSED)]


def every_request() -> list[tuple[Job, Change]]:
    """What each wish makes of each unfinished job, where it is not refused or so already."""
    asked = []
    jobs = [msgspec.structs.replace(job, kind="polling") for job in every_job_that_is_asked()]
    for job, wish in product(jobs, Wish):
        try:
            change = request(job, wish, NOW, BY)
        except (AlreadyFinished, BeingCancelled, NotCompletable):
            continue
        asked += [] if change is None else [(job, change)]
    return asked


def every_change() -> list[tuple[Job, Change]]:
    """Every change that can be decided, with the job from which it was decided."""
    concluded = every_conclusion() + every_special_conclusion()
    changes: list[tuple[Job, Change | None]] = [
        (job, conclude(job, outcome, NOW, BY)) for job, outcome in concluded
    ]
    for job in {job for job, _ in concluded}:
        if job.state is State.RUNNING:
            changes += [(job, wait(job, HANDLE, NOW + 5, BY))]
            changes += [(job, refuse_pause(job, "no", BY))]
            changes += [(job, pause(job, mode, NOW, BY)) for mode in OWNED_MODES]
        else:
            changes += [(job, resume(job, NOW, BY))]
    for state in (State.QUEUED, State.PAUSED):
        changes += [(a_job(state), expire(a_job(state), NOW, BY))]
        changes += [(a_job(state), lose(a_job(state), NOW, BY))]
    for state in (State.FAILED, State.CANCELLED):
        changes += [(a_job(state), retry(a_job(state), NOW, BY))]
    changes += every_request()
    return [(job, change) for job, change in changes if change is not None]


def kind_of(job: Job, outcome: Outcome) -> str:
    if isinstance(outcome, Crashed) and job.crashes + 1 >= MAX_CRASHES:
        return "crashed too often"
    return type(outcome).__name__.lower()


# --- the table


@pytest.mark.promise("S6")
def test_the_table_of_moves_is_the_published_diagram() -> None:
    table = {
        (state.value, move.value, to.value)
        for state, moves in MOVES.items()
        if state is not None
        for move, to in moves.items()
    }

    assert table == DIAGRAM
    assert MOVES[None] == {Move.START: State.QUEUED}
    assert set(MOVES) == {None, *State}


@pytest.mark.promise("S5")
def test_only_a_retry_leads_out_of_an_end_and_nothing_out_of_success() -> None:
    assert MOVES[State.SUCCEEDED] == {}
    assert MOVES[State.FAILED] == {Move.RETRY: State.QUEUED}
    assert MOVES[State.CANCELLED] == {Move.RETRY: State.QUEUED}


@pytest.mark.promise("S6")
def test_every_decided_change_is_a_move_of_the_diagram() -> None:
    steps = {
        (change.before.value, change.event, change.after.state.value)
        for _, change in every_change()
    }
    claims = {("queued", "claimed", "running")}

    assert steps == (DIAGRAM - claims) | WISHED


# --- concluding


@pytest.mark.promise("P3")
@pytest.mark.parametrize(("job", "outcome"), every_conclusion())
def test_an_outcome_and_a_wish_decide_the_end(job: Job, outcome: Outcome) -> None:
    wish = None if job.requested is None else job.requested.value

    change = conclude(job, outcome, NOW, BY)

    if job.state is State.RUNNING:
        expected = RUNNING_ENDS[kind_of(job, outcome), wish]
    else:
        expected = PAUSED_ENDS[type(outcome).__name__.lower(), wish]
    assert (change.event, change.after.state.value) == expected
    assert change.before is job.state
    assert change.by == BY


@pytest.mark.parametrize("crashes", CRASHES)
def test_finishing_first_wins_over_a_cancel(crashes: int) -> None:
    job = a_job(State.RUNNING, requested=Wish.CANCEL, crashes=crashes)

    succeeded = conclude(job, Succeeded(b"16"), NOW, BY).after
    failed = conclude(job, Failed(SOME_ERROR), NOW, BY).after

    assert (succeeded.state, succeeded.result) == (State.SUCCEEDED, b"16")
    assert (failed.state, failed.error) == (State.FAILED, SOME_ERROR)


@pytest.mark.parametrize("outcome", [Yielded(), Crashed()])
def test_a_cancel_redirects_what_would_go_back_to_the_queue(outcome: Outcome) -> None:
    wished = conclude(a_job(State.RUNNING, requested=Wish.CANCEL), outcome, NOW, BY).after
    unwished = conclude(a_job(State.RUNNING), outcome, NOW, BY).after

    assert (wished.state, wished.finished_at) == (State.CANCELLED, NOW)
    assert (unwished.state, unwished.finished_at) == (State.QUEUED, None)


@pytest.mark.promise("S5")
@pytest.mark.parametrize(
    ("state", "outcome"), list(product(sorted({State.QUEUED, *FINISHED}), OUTCOMES))
)
def test_only_a_job_in_somebody_s_hands_can_be_concluded(state: State, outcome: Outcome) -> None:
    with pytest.raises(AssertionError, match=f"job 7 is {state}"):
        conclude(a_job(state), outcome, NOW, BY)


@pytest.mark.promise("S19")
def test_the_third_crash_is_the_last() -> None:
    job = a_job()
    states = []

    for worker in range(1, MAX_CRASHES + 1):
        running = claim(job, worker, NOW + 30, NOW)
        job = conclude(running, Crashed(), NOW, BY).after
        states.append(job.state)

    assert states == [State.QUEUED, State.QUEUED, State.FAILED]
    assert job.crashes == MAX_CRASHES
    assert job.error is not None
    assert job.error.code == "crash-loop"
    assert "3 times" in job.error.message


def test_a_crash_says_how_many_are_left() -> None:
    change = conclude(a_job(State.RUNNING, crashes=1), Crashed(), NOW, BY)

    assert change.after.reason == "its worker died (2 of 3)"


@pytest.mark.promise("S3")
@pytest.mark.parametrize("outcome", [Yielded(), Crashed()])
def test_what_goes_back_uses_up_no_attempt_but_a_token(outcome: Outcome) -> None:
    first = claim(a_job(), 3, NOW + 30, NOW)

    back = conclude(first, outcome, NOW, BY).after
    second = claim(back, 4, NOW + 60, NOW + 1)

    assert (first.attempt, back.attempt, second.attempt) == (1, 0, 1)
    assert (first.token, back.token, second.token) == (1, 1, 2)


def test_an_interrupt_is_counted_and_is_no_crash() -> None:
    job = a_job(State.RUNNING, crashes=1, interrupts=1)

    after = conclude(job, Yielded(), NOW, BY).after

    assert (after.interrupts, after.crashes) == (2, 1)
    assert after.reason == "interrupted by a shutdown"


def test_a_value_and_an_error_are_kept_as_they_came() -> None:
    succeeded = conclude(a_job(State.RUNNING), Succeeded(b"null"), NOW, BY).after
    failed = conclude(a_job(State.RUNNING), Failed(SOME_ERROR), NOW, BY).after

    assert (succeeded.result, succeeded.error) == (b"null", None)
    assert (failed.result, failed.error) == (None, SOME_ERROR)


# --- what holds for every change


def test_every_change_raises_the_version_by_one_and_leaves_the_token() -> None:
    for job, change in every_change():
        assert change.after.version == job.version + 1
        assert change.after.token == job.token


def test_no_change_touches_what_a_job_is() -> None:
    for job, change in every_change():
        before, after = asdict(job), asdict(change.after)

        assert [name for name in NEVER_TOUCHED if before[name] != after[name]] == []


@pytest.mark.promise("S12")
def test_a_released_job_holds_nothing() -> None:
    for job, change in every_change():
        after = change.after
        if after.is_owned:
            continue

        assert (after.lease_until, after.occupies_slot) == (None, False)
        assert after.next_check_at is None
        if job.state is not State.QUEUED:
            assert after.claimable is (after.state is State.QUEUED and after.run_at is None)
        assert after.run_at is None or after.state in {State.QUEUED, State.PAUSED}


@pytest.mark.promise("S12")
def test_only_running_code_takes_a_slot_and_only_what_an_owner_has_has_a_lease() -> None:
    for job, change in every_change():
        after = change.after
        takes_slot = after.state is State.RUNNING and not after.is_waiting

        assert not after.occupies_slot or takes_slot
        assert after.is_owned is (after.lease_until is not None)
        assert after.is_owned is (job.is_owned and change.event not in LEAVES_ITS_OWNER)


def test_an_end_has_its_instant_and_nothing_else_has() -> None:
    for _, change in every_change():
        assert change.after.finished_at == (NOW if change.after.is_finished else None)
        assert change.after.kept_until is None


@pytest.mark.parametrize("retain", [0.0, 60.0])
def test_an_end_says_until_when_a_job_with_a_time_of_its_own_is_kept(retain: float) -> None:
    options = JobOptions(retain=retain)
    running, queued = (a_job(state, options=options) for state in (State.RUNNING, State.QUEUED))
    cancelled = request(queued, Wish.CANCEL, NOW, BY)
    assert cancelled is not None

    ends = [
        conclude(running, Succeeded(b"1"), NOW, BY).after,
        conclude(running, Failed(SOME_ERROR), NOW, BY).after,
        cancelled.after,
    ]
    goes_on = [conclude(running, Snoozed(5), NOW, BY).after, retry(ends[1], NOW, BY).after]

    assert [job.kept_until for job in ends] == [NOW + retain] * 3
    assert [job.kept_until for job in goes_on] == [None, None]


def test_only_a_job_that_is_owned_or_ran_to_its_end_says_when_it_began() -> None:
    for job, change in every_change():
        is_kept = change.after.is_owned or change.after.is_finished

        assert change.after.started_at == (job.started_at if is_kept else None)


def test_a_pause_is_told_of_exactly_while_there_is_one_or_the_other_side_must_hear() -> None:
    for _, change in every_change():
        after = change.after
        is_wanted = after.state is State.PAUSED or after.requested is Wish.PAUSE
        must_be_told = after.state is State.QUEUED and after.handle is not None

        assert after.pause is not None if is_wanted else (after.pause is None or must_be_told)
        if after.pause is not None and after.state is State.PAUSED:
            assert after.pause.since is not None
            assert (after.pause.mode is Mode.HELD) is not after.is_owned


@pytest.mark.parametrize("wish", [Wish.PAUSE, None])
def test_what_is_to_stand_still_never_goes_silently_back_to_the_queue(wish: Wish | None) -> None:
    job = a_pausing_job() if wish is Wish.PAUSE else a_paused_job()
    outcomes = (Yielded(), Crashed(), Snoozed(0.0), Snoozed(5.0), Failed(SOME_ERROR))

    for outcome in outcomes:
        after = conclude(msgspec.structs.replace(job, options=AGAIN), outcome, NOW, BY).after

        assert (after.state, after.claimable, after.worker) == (State.PAUSED, False, None)
        assert after.pause is not None
        assert (after.pause.mode, after.pause.begun, after.pause.reason) == (
            Mode.HELD, True, "lunch",
        )  # fmt: skip


@pytest.mark.promise("S7")
def test_a_result_is_there_exactly_after_success_and_an_error_exactly_after_failure() -> None:
    for _, change in every_change():
        after = change.after

        assert (after.result is not None) is (after.state is State.SUCCEEDED)
        assert (after.error is not None) is (after.state is State.FAILED)


# --- trying again


def test_a_failed_attempt_is_tried_again_after_its_backoff() -> None:
    job = a_job(State.RUNNING, options=AGAIN, attempt=2)

    change = conclude(job, Failed(SOME_ERROR), NOW, BY)

    assert (change.event, change.after.state) == ("attempt-failed", State.QUEUED)
    assert (change.after.run_at, change.after.claimable) == (NOW + 20, False)
    assert change.after.reason == "attempt 2 of 3 failed: ValueError: no"
    assert change.after.attempt == 2


@pytest.mark.promise("S19")
def test_there_are_as_many_attempts_as_were_allowed_and_no_more() -> None:
    job = a_job(options=AGAIN)
    states = []

    for _ in range(3):
        running = claim(job, 1, NOW + 30, NOW)
        job = conclude(running, Failed(SOME_ERROR), NOW, BY).after
        states.append(job.state)

    assert states == [State.QUEUED, State.QUEUED, State.FAILED]
    assert (job.attempt, job.error) == (3, SOME_ERROR)


@pytest.mark.parametrize(
    ("outcome", "fields"),
    [
        (Failed(SOME_ERROR, again=False), {}),
        (Failed(SOME_ERROR), {"deadline_at": NOW + 10}),
        (Failed(SOME_ERROR), {"options": PLAIN}),
    ],
)
def test_what_is_not_worth_it_or_has_no_time_left_is_not_tried_again(
    outcome: Outcome, fields: dict[str, Any]
) -> None:
    job = a_job(State.RUNNING, **{"options": AGAIN, **fields})

    assert conclude(job, outcome, NOW, BY).after.state is State.FAILED


def test_a_cancel_redirects_the_next_attempt_and_not_the_last_one_s_error() -> None:
    first = a_job(State.RUNNING, options=AGAIN, requested=Wish.CANCEL)
    last = a_job(State.RUNNING, options=AGAIN, requested=Wish.CANCEL, attempt=3)

    assert conclude(first, Failed(SOME_ERROR), NOW, BY).after.state is State.CANCELLED
    assert conclude(last, Failed(SOME_ERROR), NOW, BY).after.state is State.FAILED


@pytest.mark.parametrize(("options", "state"), [(PLAIN, State.FAILED), (AGAIN, State.QUEUED)])
def test_a_timeout_is_a_failure_that_may_be_tried_again(options: JobOptions, state: State) -> None:
    job = a_job(State.RUNNING, options=msgspec.structs.replace(options, timeout=60.0))

    after = conclude(job, Yielded(Cause.TIMEOUT), NOW, BY).after

    assert after.state is state
    if after.error is not None:
        assert (after.error.code, after.error.message) == ("timeout", "it ran longer than 60 s")


def test_a_deadline_is_the_end() -> None:
    job = a_job(State.RUNNING, options=AGAIN)

    after = conclude(job, Yielded(Cause.DEADLINE), NOW, BY).after

    assert after.state is State.FAILED
    assert after.error is not None
    assert after.error.code == "deadline"


@pytest.mark.parametrize(("seconds", "run_at"), [(5.0, NOW + 5), (0.0, None)])
def test_a_snooze_uses_up_no_attempt(seconds: float, run_at: float | None) -> None:
    job = a_job(State.RUNNING, options=AGAIN, attempt=2)

    change = conclude(job, Snoozed(seconds), NOW, BY)

    assert (change.event, change.after.attempt) == ("snoozed", 1)
    assert (change.after.run_at, change.after.claimable) == (run_at, run_at is None)


def test_a_manual_retry_gives_all_attempts_anew_and_goes_on_counting() -> None:
    failed = a_job(State.FAILED, options=AGAIN, attempt=3, crashes=2)

    change = retry(failed, NOW, BY)
    again = conclude(claim(change.after, 1, NOW + 30, NOW), Failed(SOME_ERROR), NOW, BY)

    assert (change.event, change.after.state) == ("retried", State.QUEUED)
    assert (change.after.error, change.after.finished_at, change.after.crashes) == (None, None, 0)
    assert (again.after.state, again.after.attempt) == (State.QUEUED, 4)
    assert again.after.reason == "attempt 1 of 3 failed: ValueError: no"


@pytest.mark.parametrize(
    ("options", "before", "after"),
    [
        (JobOptions(deadline=60.0), NOW - 5, NOW + 60),
        (PLAIN, NOW - 5, None),
        (PLAIN, NOW + 5, NOW + 5),
        (PLAIN, None, None),
    ],
)
def test_a_manual_retry_has_time_again(
    options: JobOptions, before: float | None, after: float | None
) -> None:
    job = a_job(State.FAILED, options=options, deadline_at=before)

    assert retry(job, NOW, BY).after.deadline_at == after


def test_what_has_not_failed_cannot_be_retried() -> None:
    with pytest.raises(AlreadyFinished):
        retry(a_job(State.SUCCEEDED), NOW, BY)
    for state in sorted(UNFINISHED):
        with pytest.raises(NotFinished):
            retry(a_job(state), NOW, BY)


# --- crashes of what must not or cannot be repeated


@pytest.mark.parametrize("fields", [{"options": ONCE}, {"bound_to": 77}])
@pytest.mark.parametrize("outcome", [Crashed(), Yielded(Cause.INTERRUPT)])
def test_what_cannot_be_repeated_is_lost(outcome: Outcome, fields: dict[str, Any]) -> None:
    after = conclude(a_job(State.RUNNING, **fields), outcome, NOW, BY).after

    assert after.state is State.FAILED
    assert after.error is not None
    assert after.error.code == "lost"


def test_what_was_claimed_and_never_begun_is_not_lost() -> None:
    job = a_job(State.RUNNING, options=ONCE)

    assert conclude(job, Yielded(Cause.LOST), NOW, BY).after.state is State.QUEUED


# --- work elsewhere


def a_waiting_job(**fields: Any) -> Job:
    job = wait(a_job(State.RUNNING), HANDLE, NOW + 5, BY).after
    return msgspec.structs.replace(job, **fields)


def test_a_waiting_job_is_owned_and_holds_no_place() -> None:
    job = a_waiting_job()

    assert (job.state, job.worker, job.occupies_slot) == (State.RUNNING, 3, False)
    assert (job.handle, job.next_check_at) == (HANDLE, NOW + 5)
    assert shown_state(job, NOW) is Shown.WAITING


def test_a_waiting_job_is_adopted_after_a_crash_and_charged_with_none() -> None:
    back = conclude(a_waiting_job(crashes=MAX_CRASHES - 1), Crashed(), NOW, BY).after

    adopted = claim(back, 4, NOW + 30, NOW)

    assert (back.state, back.crashes) == (State.QUEUED, MAX_CRASHES - 1)
    assert (adopted.handle, adopted.attempt) == (HANDLE, 1)


def test_a_cancel_waits_for_somebody_who_tells_the_other_side() -> None:
    wished = a_waiting_job(requested=Wish.CANCEL)

    crashed = conclude(wished, Crashed(), NOW, BY).after
    drained = conclude(wished, Yielded(Cause.INTERRUPT), NOW, BY).after
    told = conclude(claim(crashed, 4, NOW + 30, NOW), Yielded(Cause.CANCEL), NOW, BY).after

    assert (crashed.state, crashed.requested) == (State.QUEUED, Wish.CANCEL)
    assert shown_state(crashed, NOW) is Shown.CANCELLING
    assert (drained.state, drained.requested) == (State.QUEUED, Wish.CANCEL)
    assert told.state is State.CANCELLED


def test_work_elsewhere_that_failed_is_started_anew() -> None:
    job = a_waiting_job(options=AGAIN)

    assert conclude(job, Failed(SOME_ERROR), NOW, BY).after.handle is None


# --- asking


def test_a_job_that_goes_on_elsewhere_keeps_the_wish_while_nobody_holds_it() -> None:
    change = request(a_job(handle=HANDLE), Wish.CANCEL, NOW, BY)

    assert change is not None
    assert (change.after.state, change.after.requested) == (State.QUEUED, Wish.CANCEL)


@pytest.mark.promise("S9")
@pytest.mark.parametrize("state", [State.QUEUED, State.PAUSED])
def test_a_job_that_does_not_run_obeys_a_cancel_at_once(state: State) -> None:
    change = request(a_job(state), Wish.CANCEL, NOW, BY)

    assert change is not None
    assert (change.event, change.before) == ("cancelled", state)
    assert change.after.state is State.CANCELLED
    assert not change.after.claimable


@pytest.mark.promise("S10")
def test_a_running_job_keeps_the_wish_and_everything_else() -> None:
    job = a_job(State.RUNNING)

    change = request(job, Wish.CANCEL, NOW, BY)

    assert change is not None
    assert change.event == CANCEL_REQUESTED
    assert asdict(change.after) == asdict(job) | {
        "requested": Wish.CANCEL,
        "version": job.version + 1,
    }


def test_the_same_wish_again_changes_nothing() -> None:
    asked = a_job(State.RUNNING, requested=Wish.CANCEL)
    cancelled = a_job(State.CANCELLED)

    assert request(asked, Wish.CANCEL, NOW, BY) is None
    assert request(cancelled, Wish.CANCEL, NOW, BY) is None


@pytest.mark.promise("S5")
@pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED])
def test_a_cancel_after_the_end_is_refused(state: State) -> None:
    with pytest.raises(AlreadyFinished, match=f"job 7 has already {state}"):
        request(a_job(state), Wish.CANCEL, NOW, BY)


# --- claiming


@pytest.mark.parametrize("crashes", CRASHES)
def test_a_claim_takes_hold_of_all_there_is_to_hold(crashes: int) -> None:
    waiting = a_job(crashes=crashes, ahead=True, run_at=NOW - 1, reason="its worker died (1 of 3)")

    job = claim(waiting, 3, NOW + 30, NOW)

    assert (job.state, job.worker, job.lease_until) == (State.RUNNING, 3, NOW + 30)
    assert (job.occupies_slot, job.claimable, job.ahead) == (True, False, False)
    assert (job.version, job.token, job.attempt) == (2, 1, 1)
    assert (job.started_at, job.run_at, job.reason) == (NOW, None, None)
    assert (job.crashes, job.interrupts) == (waiting.crashes, waiting.interrupts)


def test_a_new_attempt_begins_without_the_last_one_s_progress() -> None:
    interrupted = conclude(a_job(State.RUNNING), Yielded(), NOW, BY).after

    job = claim(interrupted, 3, NOW + 30, NOW)

    assert job.progress is None


@pytest.mark.promise("S2")
@pytest.mark.parametrize("state", sorted(set(State) - {State.QUEUED}))
def test_only_a_queued_job_can_be_claimed(state: State) -> None:
    with pytest.raises(AssertionError, match=f"job 7 is {state}: it cannot be claimed"):
        claim(a_job(state), 3, NOW + 30, NOW)


# --- what people are shown


WISHED_SHOWN = {
    Wish.CANCEL: Shown.CANCELLING,
    Wish.PAUSE: Shown.PAUSING,
    Wish.RESUME: Shown.RESUMING,
}


@pytest.mark.promise("S10")
@pytest.mark.parametrize(
    ("state", "wish", "run_at"), list(product(State, WISHES, (None, NOW - 1, NOW, NOW + 1)))
)
def test_a_shown_state_is_never_ahead_of_the_truth(
    state: State, wish: Wish | None, run_at: float | None
) -> None:
    shown = shown_state(a_job(state, requested=wish, run_at=run_at), NOW)

    if state not in FINISHED and wish in WISHED_SHOWN:
        assert shown is WISHED_SHOWN[wish]
    elif state is State.QUEUED and run_at == NOW + 1:
        assert shown is Shown.SCHEDULED
    else:
        assert shown.value == state.value


def test_a_job_that_is_due_now_is_not_scheduled_any_more() -> None:
    job = a_job(run_at=NOW)

    assert shown_state(job, NOW) is Shown.QUEUED


# --- what nobody may repeat, or start beside what goes on


def test_a_timeout_with_a_handle_is_final_for_its_work_goes_on_elsewhere() -> None:
    job = a_waiting_job(options=AGAIN)

    after = conclude(job, Yielded(Cause.TIMEOUT), NOW, BY).after

    assert after.state is State.FAILED
    assert after.error is not None
    assert after.error.code == "timeout"


def test_a_snooze_keeps_the_wish_of_which_the_other_side_must_hear() -> None:
    job = a_waiting_job(requested=Wish.CANCEL)

    after = conclude(job, Snoozed(5.0), NOW, BY).after

    assert (after.state, after.requested) == (State.QUEUED, Wish.CANCEL)


@pytest.mark.parametrize(("options", "state"), [(PLAIN, State.QUEUED), (ONCE, State.FAILED)])
def test_what_a_worker_taken_for_dead_left_behind_is_repeated_unless_it_must_not_be(
    options: JobOptions, state: State
) -> None:
    job = a_job(State.RUNNING, options=options)

    assert conclude(job, left_behind(job), NOW, BY).after.state is state
