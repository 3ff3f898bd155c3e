"""What every store promises about jobs that are kept for a time of their own at their end."""

from typing import Any

import pytest
from msgspec.structs import replace

from offload import lifecycle
from offload.model import Failed, Job, JobOptions, State, Succeeded
from offload.store.base import Remove, Retry
from tests.store.asking import BY, DAY, SOME_ERROR, Asker

A_WEEK = JobOptions(retain=7 * DAY)
AN_HOUR = JobOptions(retain=3600.0)
NOT_AT_ALL = JobOptions(retain=0.0)


def retried(ask: Asker, job_id: int) -> Job:
    """Try a job anew that has failed or was cancelled."""
    assert ask.do(Retry(lifecycle.retry(ask.job(job_id), ask.now, BY), ask.now)) is None
    return ask.job(job_id)


@pytest.mark.promise("P9")
@pytest.mark.parametrize("keep", [{"keep": 0}, {"keep_seconds": 0.0}, {"keep_bytes": 0}])
def test_it_is_kept_until_its_time_is_over_whatever_its_queue_keeps(
    ask: Asker, keep: dict[str, Any]
) -> None:
    ask.set_queue(**keep)
    ask.run_to_success(options=AN_HOUR)
    kept_until = ask.job(1).kept_until
    ask.now += 3599
    before = ask.prune()
    ask.now += 1

    assert kept_until == 1000.0 + 3600
    assert before == 0
    assert ask.prune() == 1
    assert ask.ids() == []
    assert ask.prune() == 0


def test_it_goes_when_its_time_is_over_though_its_queue_keeps_many(ask: Asker) -> None:
    ask.run_to_success(2)
    ask.run_to_success(options=NOT_AT_ALL)

    assert ask.prune() == 1
    assert ask.ids() == [1, 2]
    assert ask.counts() == {("default", State.SUCCEEDED): 2}


@pytest.mark.promise("P9")
def test_it_is_none_of_those_that_its_queue_keeps(ask: Asker) -> None:
    ask.set_queue(keep=2, keep_bytes=10_000)
    ask.run_to_success(options=A_WEEK, value=b"7" * 9000)
    ask.run_to_success(3)
    ask.run_to_success(2, options=A_WEEK, value=b"7" * 9000)

    assert ask.prune() == 1
    assert ask.ids() == [1, 3, 4, 5, 6]
    assert ask.prune() == 0


@pytest.mark.promise("S23")
def test_failed_and_cancelled_ones_are_kept_too_and_all_are_counted_by_state(ask: Asker) -> None:
    ask.set_queue(keep=0)
    ask.start(3, options=A_WEEK)
    ask.conclude(ask.claim_one(), Failed(SOME_ERROR))
    ask.conclude(ask.claim_one(), Succeeded(b"1"))
    ask.apply(ask.cancellation(ask.job(3)))
    ask.now += 6 * DAY

    assert ask.prune() == 0
    assert ask.counts() == {
        ("default", State.FAILED): 1,
        ("default", State.SUCCEEDED): 1,
        ("default", State.CANCELLED): 1,
    }
    ask.now += DAY
    assert ask.prune() == 3
    assert ask.counts() == {}


def test_one_that_is_tried_anew_is_kept_from_its_new_end_on(ask: Asker) -> None:
    ask.set_queue(keep=0)
    ask.start(options=AN_HOUR)
    ask.conclude(ask.claim_one(), Failed(SOME_ERROR))
    ask.now += 3000

    anew = retried(ask, 1)
    ask.now += 3000
    while_it_waits = ask.prune()
    ask.conclude(ask.claim_one(), Succeeded(b"1"))

    assert anew.kept_until is None
    assert while_it_waits == 0
    assert ask.job(1).kept_until == ask.now + 3600
    ask.now += 3600
    assert ask.prune() == 1


@pytest.mark.promise("S23")
def test_one_that_was_tried_anew_or_removed_by_hand_does_not_count_any_more(ask: Asker) -> None:
    ask.set_queue(keep=1)
    ask.start(2, options=A_WEEK)
    for job in ask.claim(2):
        ask.conclude(job, Failed(SOME_ERROR))

    retried(ask, 1)
    removed = ask.do(Remove(2))
    ask.apply(ask.cancellation(ask.job(1)))
    ask.do(Remove(1))
    ask.run_to_success(2)

    assert removed is None
    assert ask.prune() == 1
    assert ask.ids() == [4]


def test_no_more_are_removed_at_once_than_asked_for(ask: Asker) -> None:
    ask.set_queue(keep=0)
    ask.set_queue("other", keep=0)
    ask.run_to_success(2, options=NOT_AT_ALL)
    ask.run_to_success(2, options=NOT_AT_ALL, queue="other")
    ask.run_to_success(2)

    assert [ask.prune(3), ask.ids()] == [3, [4, 5, 6]]
    assert [ask.prune(2), ask.ids()] == [2, [6]]
    assert [ask.prune(2), ask.ids()] == [1, []]


def test_a_job_in_hand_is_not_kept_until_anything(ask: Asker) -> None:
    ask.start(options=A_WEEK)
    job = ask.claim_one()

    assert (job.options, job.kept_until) == (A_WEEK, None)
    assert ask.conclude(replace(job, version=job.version - 1), Succeeded(b"1")) is not None
    assert ask.job(1).kept_until is None
