"""The rules of pausing, one by one: who may ask for what, when, and what comes of it."""

from typing import Any

import pytest
from msgspec.structs import asdict, replace

from offload.errors import AlreadyFinished, BeingCancelled, NotPausable
from offload.lifecycle import (
    MAX_CRASHES,
    PAUSE_REFUSED,
    PAUSE_WITHDRAWN,
    RESUME_REQUESTED,
    RESUME_WITHDRAWN,
    Shown,
    claim,
    conclude,
    expire,
    pause,
    paused_seconds,
    refuse_pause,
    request,
    resume,
    shown_state,
    wait,
)
from offload.model import (
    FINISHED,
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
from tests.ideas.samples import BY, SOME_ERROR, a_job, a_paused_job, a_pausing_job

NOW = 1010.0
HANDLE = b'{"remote":7}'
ONCE = JobOptions(on_crash=OnCrash.FAIL)
OWNED_MODES = (Mode.FROZEN, Mode.PARKED, Mode.NOT_CHECKING)


def asked(job: Job, wish: Wish, reason: str | None = None) -> Change:
    """Return what the wish makes of the job; there is something."""
    change = request(job, wish, NOW, BY, reason)
    assert change is not None
    return change


# --- a job that has not begun


def test_a_queued_job_is_held_at_once_and_keeps_its_place() -> None:
    job = a_job(run_at=NOW + 60, claimable=False)

    held = asked(job, Wish.PAUSE, "lunch")
    back = asked(held.after, Wish.RESUME).after

    assert (held.event, held.after.state, held.after.claimable) == ("held", State.PAUSED, False)
    assert held.after.pause is not None
    assert (held.after.pause.mode, held.after.pause.begun) == (Mode.HELD, False)
    assert (held.after.reason, held.after.pause.reason) == ("lunch", "lunch")
    assert (back.state, back.run_at, back.claimable) == (State.QUEUED, NOW + 60, False)
    assert not back.ahead
    assert back.pause is None


def test_what_came_due_while_it_was_held_can_be_claimed_when_it_goes_on() -> None:
    held = asked(a_job(run_at=NOW + 60, claimable=False), Wish.PAUSE).after

    back = request(held, Wish.RESUME, NOW + 61, BY)

    assert back is not None
    assert (back.after.run_at, back.after.claimable) == (None, True)


def test_a_job_that_went_ahead_goes_ahead_again_after_another_pause() -> None:
    held = asked(a_job(ahead=True), Wish.PAUSE).after

    assert asked(held, Wish.RESUME).after.ahead


@pytest.mark.promise("S9")
def test_a_held_job_obeys_a_cancel_at_once() -> None:
    held = asked(a_job(), Wish.PAUSE).after

    change = asked(held, Wish.CANCEL)

    assert (change.event, change.after.state) == ("cancelled", State.CANCELLED)
    assert change.after.pause is None


def test_a_held_job_fails_at_its_deadline() -> None:
    after = expire(asked(a_job(), Wish.PAUSE).after, NOW, BY).after

    assert (after.state, after.pause) == (State.FAILED, None)


# --- a job whose code runs


@pytest.mark.promise("P5")
@pytest.mark.promise("S10")
def test_a_running_job_is_pausing_until_its_holder_says_that_it_stands_still() -> None:
    pausing = asked(a_job(State.RUNNING), Wish.PAUSE, "lunch").after
    change = pause(pausing, Mode.FROZEN, NOW + 1, BY)

    assert (pausing.state, pausing.occupies_slot) == (State.RUNNING, True)
    assert shown_state(pausing, NOW) is Shown.PAUSING
    assert change is not None
    paused = change.after
    assert shown_state(paused, NOW) is Shown.PAUSED
    assert (paused.worker, paused.token, paused.attempt) == (3, 1, 1)
    assert (paused.occupies_slot, paused.lease_until, paused.reason) == (False, 1031.0, "lunch")
    assert paused.pause is not None
    assert (paused.pause.mode, paused.pause.since, paused.pause.begun) == (
        Mode.FROZEN, NOW + 1, True,
    )  # fmt: skip


@pytest.mark.parametrize("wish", [None, Wish.CANCEL, Wish.COMPLETE])
def test_a_holder_whose_code_stands_still_changes_nothing_when_nobody_wants_that(
    wish: Wish | None,
) -> None:
    assert pause(a_job(State.RUNNING, requested=wish), Mode.FROZEN, NOW, BY) is None


@pytest.mark.parametrize("mode", OWNED_MODES)
@pytest.mark.parametrize("wish", [None, Wish.CANCEL, Wish.COMPLETE, Wish.RESUME])
def test_what_stands_still_already_is_not_paused_again(mode: Mode, wish: Wish | None) -> None:
    assert pause(a_paused_job(mode, requested=wish), mode, NOW, BY) is None


def test_a_pause_is_withdrawn_before_it_came_true() -> None:
    change = asked(a_pausing_job(), Wish.RESUME)

    assert change.event == PAUSE_WITHDRAWN
    assert asdict(change.after) == asdict(a_job(State.RUNNING)) | {"version": 3}


def test_what_runs_in_a_thread_that_never_looks_is_not_paused() -> None:
    deaf = JobOptions(pausable=False)

    with pytest.raises(NotPausable, match="checkpoint"):
        request(a_job(State.RUNNING, options=deaf), Wish.PAUSE, NOW, BY)
    assert asked(a_job(options=deaf), Wish.PAUSE).after.state is State.PAUSED


def test_a_worker_that_holds_too_many_frozen_jobs_refuses_and_says_why() -> None:
    change = refuse_pause(a_pausing_job(), "worker 3 holds 1000 already", BY)

    assert change is not None
    assert (change.event, change.after.state) == (PAUSE_REFUSED, State.RUNNING)
    assert change.after.reason == "not paused: worker 3 holds 1000 already"
    assert (change.after.requested, change.after.pause) == (None, None)
    assert change.after.occupies_slot


@pytest.mark.parametrize("job", [a_job(State.RUNNING), a_paused_job(), a_job(State.PAUSED)])
def test_a_pause_that_nobody_wants_any_more_is_not_refused(job: Job) -> None:
    assert refuse_pause(job, "no", BY) is None


def test_a_waiting_job_that_is_not_looked_at_is_looked_at_when_it_goes_on() -> None:
    waiting = wait(a_job(State.RUNNING), HANDLE, NOW + 5, BY).after
    change = pause(asked(waiting, Wish.PAUSE).after, Mode.NOT_CHECKING, NOW, BY)
    assert change is not None

    back = resume(asked(change.after, Wish.RESUME).after, NOW + 9, BY).after

    assert (change.after.next_check_at, change.after.handle) == (None, HANDLE)
    assert (back.state, back.occupies_slot, back.next_check_at) == (State.RUNNING, False, NOW + 9)


def test_a_handle_that_is_stored_keeps_the_pause_that_is_wanted() -> None:
    waiting = wait(a_pausing_job(), HANDLE, NOW + 5, BY).after

    assert (waiting.requested, shown_state(waiting, NOW)) == (Wish.PAUSE, Shown.PAUSING)
    assert pause(waiting, Mode.NOT_CHECKING, NOW, BY) is not None


# --- going on


@pytest.mark.promise("S3")
def test_a_paused_job_goes_on_in_the_same_attempt_under_the_same_token() -> None:
    paused = a_paused_job()

    wished = asked(paused, Wish.RESUME)
    back = resume(wished.after, NOW, BY).after

    assert (wished.event, wished.after.state) == (RESUME_REQUESTED, State.PAUSED)
    assert shown_state(wished.after, NOW) is Shown.RESUMING
    assert (back.state, back.requested, back.pause) == (State.RUNNING, None, None)
    assert (back.token, back.attempt, back.worker, back.started_at) == (
        paused.token, paused.attempt, paused.worker, paused.started_at,
    )  # fmt: skip
    assert (back.occupies_slot, back.ahead) == (True, True)


def test_a_resume_is_withdrawn_before_it_came_true() -> None:
    resuming = asked(a_paused_job(), Wish.RESUME).after

    change = asked(resuming, Wish.PAUSE)

    assert change.event == RESUME_WITHDRAWN
    assert asdict(change.after) == asdict(a_paused_job()) | {"version": resuming.version + 1}


def test_the_time_that_an_attempt_stood_still_is_added_up() -> None:
    once = resume(a_paused_job(), 1013.0, BY).after
    twice = pause(asked(once, Wish.PAUSE).after, Mode.FROZEN, 1020.0, BY)

    assert once.paused_seconds == 10.0
    assert twice is not None
    assert paused_seconds(twice.after, 1025.0) == 15.0
    assert paused_seconds(twice.after, 1000.0) == 10.0  # the clock was set back


@pytest.mark.promise("P8")
def test_a_held_job_that_had_begun_goes_ahead_of_its_queue() -> None:
    held = conclude(a_paused_job(), Crashed(), NOW, BY).after

    back = asked(held, Wish.RESUME)

    assert (back.event, back.after.state) == ("released", State.QUEUED)
    assert back.after.ahead
    assert claim(back.after, 4, NOW + 30, NOW).attempt == 1


@pytest.mark.parametrize("outcome", [Crashed(), Yielded(), Yielded(Cause.LOST)])
def test_a_job_that_was_to_go_on_goes_to_the_front_of_the_queue(outcome: Outcome) -> None:
    resuming = a_paused_job(requested=Wish.RESUME)

    after = conclude(resuming, outcome, NOW, BY).after

    assert (after.state, after.ahead, after.claimable) == (State.QUEUED, True, True)
    assert (after.requested, after.pause) == (None, None)


@pytest.mark.parametrize(
    "job",
    [a_job(), a_job(State.RUNNING), a_job(State.RUNNING, requested=Wish.CANCEL)],
)
def test_a_job_that_nobody_paused_has_nothing_to_go_on_from(job: Job) -> None:
    assert request(job, Wish.RESUME, NOW, BY) is None


@pytest.mark.parametrize("job", [a_pausing_job(), a_paused_job(), a_job(State.PAUSED)])
def test_the_same_pause_again_changes_nothing(job: Job) -> None:
    assert request(job, Wish.PAUSE, NOW, BY) is None


# --- cancel outranks pause


@pytest.mark.parametrize("job", [a_pausing_job(), a_paused_job(), *map(a_paused_job, OWNED_MODES)])
def test_a_cancel_outranks_a_pause_and_waits_for_the_holder(job: Job) -> None:
    wished = asked(job, Wish.CANCEL).after
    stopped = conclude(wished, Yielded(Cause.CANCEL), NOW, BY)

    assert (wished.state, wished.requested) == (job.state, Wish.CANCEL)
    assert shown_state(wished, NOW) is Shown.CANCELLING
    assert (stopped.event, stopped.after.state) == ("stopped", State.CANCELLED)


def test_a_resume_that_is_wished_is_cancelled_too() -> None:
    resuming = a_paused_job(requested=Wish.RESUME)

    assert asked(resuming, Wish.CANCEL).after.requested is Wish.CANCEL


@pytest.mark.parametrize(
    "job",
    [
        a_job(State.RUNNING, requested=Wish.CANCEL),
        a_paused_job(requested=Wish.CANCEL),
        a_job(handle=HANDLE, requested=Wish.CANCEL),
    ],
)
def test_what_is_being_cancelled_is_not_paused(job: Job) -> None:
    with pytest.raises(BeingCancelled):
        request(job, Wish.PAUSE, NOW, BY)


@pytest.mark.parametrize("wish", [Wish.PAUSE, Wish.RESUME])
@pytest.mark.parametrize("state", sorted(FINISHED))
def test_what_has_ended_is_neither_paused_nor_resumed(state: State, wish: Wish) -> None:
    with pytest.raises(AlreadyFinished):
        request(a_job(state), wish, NOW, BY)


@pytest.mark.parametrize("wish", [Wish.PAUSE, Wish.CANCEL])
@pytest.mark.parametrize("paused", [False, True])
def test_what_was_completed_is_neither_paused_nor_cancelled(paused: bool, wish: Wish) -> None:
    job = a_paused_job(Mode.NOT_CHECKING) if paused else a_job(State.RUNNING, handle=HANDLE)

    with pytest.raises(AlreadyFinished):
        request(replace(job, requested=Wish.COMPLETE), wish, NOW, BY)


@pytest.mark.parametrize("wish", [Wish.CANCEL, Wish.COMPLETE])
def test_a_held_job_whose_work_goes_on_elsewhere_goes_to_who_tells_the_other_side(
    wish: Wish,
) -> None:
    held = a_paused_job(Mode.HELD, handle=HANDLE, kind="polling")

    after = asked(held, wish).after
    claimed = claim(after, 4, NOW + 30, NOW)

    assert (after.state, after.requested, after.ahead) == (State.QUEUED, wish, True)
    assert after.claimable
    assert (claimed.requested, claimed.handle) == (wish, HANDLE)


def test_whoever_takes_a_held_job_learns_that_the_other_side_has_heard_of_its_pause() -> None:
    held = a_paused_job(Mode.HELD, handle=HANDLE)

    claimed = claim(asked(held, Wish.RESUME).after, 4, NOW + 30, NOW)

    assert claimed.pause is not None
    assert (claimed.pause.mode, claimed.pause.since) == (None, None)
    assert (claimed.requested, shown_state(claimed, NOW)) == (None, Shown.RUNNING)


# --- crashes and ends of what stands still


@pytest.mark.parametrize("outcome", [Succeeded(b"16"), Failed(SOME_ERROR)])
@pytest.mark.parametrize("job", [a_pausing_job(), a_paused_job(), a_paused_job(Mode.PARKED)])
def test_finishing_first_wins_over_a_pause(job: Job, outcome: Outcome) -> None:
    after = conclude(job, outcome, NOW, BY).after

    assert after.state in {State.SUCCEEDED, State.FAILED}
    assert (after.requested, after.pause) == (None, None)


def test_the_crash_of_its_worker_is_no_fault_of_a_job_that_stood_still() -> None:
    frozen = a_paused_job(crashes=MAX_CRASHES - 1)

    after = conclude(frozen, Crashed(), NOW, BY).after

    assert (after.state, after.crashes, after.attempt) == (State.PAUSED, MAX_CRASHES - 1, 0)
    assert after.reason == "its worker died; it was paused and is held"


def test_a_crash_of_code_that_was_still_running_is_charged_and_the_job_is_held() -> None:
    after = conclude(a_pausing_job(crashes=1), Crashed(), NOW, BY).after

    assert (after.state, after.crashes) == (State.PAUSED, 2)
    assert after.pause is not None
    assert after.pause.since == NOW


@pytest.mark.parametrize("fields", [{"options": ONCE}, {"bound_to": 77}])
@pytest.mark.parametrize("outcome", [Crashed(), Yielded(Cause.INTERRUPT)])
def test_what_must_not_be_repeated_is_lost_with_its_worker_though_it_stood_still(
    fields: dict[str, Any], outcome: Outcome
) -> None:
    after = conclude(a_paused_job(**fields), outcome, NOW, BY).after

    assert after.state is State.FAILED
    assert after.error is not None
    assert after.error.code == "lost"


def test_work_elsewhere_is_not_lost_with_who_did_not_look_at_it() -> None:
    paused = a_paused_job(Mode.NOT_CHECKING, options=ONCE, handle=HANDLE)

    after = conclude(paused, Crashed(), NOW, BY).after

    assert (after.state, after.handle) == (State.PAUSED, HANDLE)


def test_a_pausing_job_that_asks_to_run_later_is_held_until_then() -> None:
    held = conclude(a_pausing_job(), Snoozed(60.0), NOW, BY).after

    back = asked(held, Wish.RESUME).after

    assert (held.state, held.run_at) == (State.PAUSED, NOW + 60)
    assert (back.state, back.run_at, back.claimable) == (State.QUEUED, NOW + 60, False)


def test_a_shutdown_of_a_paused_job_s_worker_is_counted_and_holds_it() -> None:
    after = conclude(a_paused_job(interrupts=1), Yielded(), NOW, BY).after

    assert (after.state, after.interrupts, after.attempt) == (State.PAUSED, 2, 0)


def test_a_checkpoint_s_time_outlives_every_change() -> None:
    held = conclude(a_paused_job(saved_at=1004.0), Crashed(), NOW, BY).after

    assert held.saved_at == 1004.0
