"""The rule of altering a job: who may be altered, and what that makes of it."""

import pytest
from msgspec.structs import replace

from offload.errors import AlreadyFinished, NotAmendable
from offload.lifecycle import Amendment, amend, amended_in_words
from offload.model import Job, State, Wish
from tests.ideas.samples import BY, a_job

NOW = 2000.0


def amended(job: Job, wanted: Amendment) -> Job:
    change = amend(job, wanted, NOW, BY)
    assert change is not None
    assert (change.before, change.event, change.by) == (job.state, "amended", BY)
    assert change.after.version == job.version + 1
    return change.after


def test_only_what_is_said_becomes_otherwise() -> None:
    job = a_job()

    after = amended(job, Amendment(priority=job.priority + 1))

    assert after == replace(job, priority=job.priority + 1, version=job.version + 1)


def test_what_is_so_already_is_no_change() -> None:
    job = a_job()
    same = Amendment(priority=job.priority, queue=job.queue, tags=job.tags, run_at=job.run_at)

    assert amend(job, Amendment(), NOW, BY) is None
    assert amend(job, same, NOW, BY) is None


def test_an_instant_to_come_puts_it_off_and_one_that_has_passed_does_not() -> None:
    later = amended(a_job(), Amendment(run_at=NOW + 5))
    at_once = amended(later, Amendment(run_at=NOW - 5))

    assert (later.run_at, later.claimable) == (NOW + 5, False)
    assert (at_once.run_at, at_once.claimable) == (None, True)


def test_a_held_one_is_not_made_claimable() -> None:
    held = a_job(state=State.PAUSED, claimable=False, run_at=NOW + 5)

    after = amended(held, Amendment(run_at=None))

    assert (after.state, after.run_at, after.claimable) == (State.PAUSED, None, False)


@pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED])
def test_what_a_worker_has_is_left_alone(state: State) -> None:
    job = a_job(state=state, worker=1, lease_until=NOW + 30, claimable=False)

    with pytest.raises(NotAmendable, match="a worker has taken it"):
        amend(job, Amendment(priority=1), NOW, BY)


def test_what_is_wanted_back_is_left_alone() -> None:
    job = a_job(handle=b"1", requested=Wish.CANCEL)

    with pytest.raises(NotAmendable, match="cancel"):
        amend(job, Amendment(priority=1), NOW, BY)


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED, State.CANCELLED])
def test_what_has_ended_stays_as_it_is(state: State) -> None:
    job = a_job(state=state, claimable=False, finished_at=NOW)

    with pytest.raises(AlreadyFinished):
        amend(job, Amendment(priority=1), NOW, BY)


def test_words_say_what_was_altered() -> None:
    before = a_job(tags=("x",), run_at=NOW + 5)
    after = replace(before, priority=9, queue="slow", tags=(), run_at=None)

    assert amended_in_words(before, after) == (
        f"queue {before.queue} → slow; priority {before.priority} → 9; due at once; tags taken away"
    )
