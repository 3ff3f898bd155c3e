"""What every store promises about queues, workers, what comes due, and what is kept no longer."""

from typing import Any

import pytest
from msgspec.structs import replace

from offload.errors import StoreError
from offload.model import Error, Failed, Queue, QueueSettings, State, Succeeded
from offload.store.base import Counts, SetQueue
from tests.store.asking import A_WORKER, DAY, Asker, a_new_job
from tests.store.conftest import StoreFactory

PLAIN = Queue("default", None, None, 10_000, 7 * DAY, 1 << 30, paused=False)

# --- queues


def test_a_queue_begins_without_a_limit_or_a_capacity(ask: Asker) -> None:
    ask.start()

    assert ask.queues() == [PLAIN]


def test_a_queue_that_nobody_has_spoken_of_can_still_be_given_its_defaults(ask: Asker) -> None:
    """What a script has used before `offload serve` first comes is new to it all the same."""
    ask.start()
    ask.claim_one()
    ask.claim(queue="never used")

    listed = ask.queues()
    answer = ask.set_queue(defaults=QueueSettings(limit=3))

    assert listed == [PLAIN]
    assert answer == replace(PLAIN, limit=3)


def test_explicit_settings_are_written(ask: Asker) -> None:
    answer = ask.set_queue(limit=3, capacity=0, keep=5, keep_seconds=60.0, keep_bytes=1000)

    assert answer == Queue("default", 3, 0, 5, 60.0, 1000, paused=False)
    assert ask.queues() == [answer]


def test_what_is_not_said_stays(ask: Asker) -> None:
    ask.set_queue(limit=3, keep=5)

    ask.set_queue(capacity=10)
    answer = ask.set_queue(limit=None)

    assert answer == replace(PLAIN, limit=None, capacity=10, keep=5)


def test_defaults_create_a_queue_and_never_change_one(ask: Asker) -> None:
    defaults = QueueSettings(limit=3, capacity=10, keep=1000)

    created = ask.set_queue(defaults=defaults)
    kept = ask.set_queue(defaults=QueueSettings(limit=99, keep=1))

    assert created == replace(PLAIN, limit=3, capacity=10, keep=1000)
    assert kept == created


def test_an_explicit_setting_goes_before_a_default(ask: Asker) -> None:
    answer = ask.set_queue(defaults=QueueSettings(limit=3, capacity=10), limit=None)

    assert answer == replace(PLAIN, limit=None, capacity=10)


def test_settings_outlive_the_process(ask: Asker, open_store: StoreFactory) -> None:
    ask.set_queue(limit=3)
    ask.store.close()

    again = Asker(open_store())

    assert again.queues() == [replace(PLAIN, limit=3)]
    again.store.close()


def test_queues_are_listed_by_name(ask: Asker) -> None:
    for name in ("b", "ä", "a"):
        ask.set_queue(name)

    assert [queue.name for queue in ask.queues()] == ["a", "b", "ä"]


@pytest.mark.parametrize("setting", ["limit", "capacity"])
def test_a_setting_below_nothing_is_refused_and_leaves_the_queue_alone(
    ask: Asker, setting: str
) -> None:
    ask.set_queue(limit=3)
    wrong: dict[str, Any] = {setting: -1}

    with pytest.raises(StoreError):
        ask.do(SetQueue("default", QueueSettings(**wrong)))

    assert ask.queues() == [replace(PLAIN, limit=3)]


# --- workers


def test_a_worker_is_enrolled_as_it_says(ask: Asker) -> None:
    worker = ask.enter()

    assert ask.workers() == [replace(A_WORKER, id=worker)]


def test_worker_ids_are_never_used_again(ask: Asker) -> None:
    first = ask.enter()
    ask.leave(first)

    second = ask.enter()

    assert (first, second) == (1, 2)
    assert [worker.id for worker in ask.workers()] == [2]


def test_a_worker_that_was_told_to_end_is_known_as_such(ask: Asker) -> None:
    one, other = ask.enter(), ask.enter()

    ask.stopping(one)

    assert [(worker.id, worker.stopping) for worker in ask.workers()] == [
        (one, True),
        (other, False),
    ]


def test_what_a_worker_owns_is_listed(ask: Asker) -> None:
    one, other = ask.enter(), ask.enter()
    ask.start(4)
    ask.claim(2, worker=one)
    ask.claim(1, worker=other)
    ask.conclude(ask.job(1), Succeeded(b"1"))

    assert (ask.owned(one), ask.owned(other)) == ([2], [3])


def test_orphans_are_the_jobs_of_those_who_are_not_enrolled_any_more(ask: Asker) -> None:
    one, other = ask.enter(), ask.enter()
    ask.start(3)
    ask.claim(1, worker=one)
    ask.claim(1, worker=other)
    before = ask.orphans()

    ask.leave(one)

    assert before == []
    assert ask.orphans() == [1]


def test_leaving_twice_does_no_harm(ask: Asker) -> None:
    worker = ask.enter()

    ask.leave(worker)
    ask.leave(worker)

    assert ask.workers() == []


# --- what comes due


@pytest.mark.promise("S20")
def test_only_what_is_due_is_let_in(ask: Asker) -> None:
    for delay in (5, 10, 15):
        ask.start(run_at=ask.now + delay, queue="default" if delay < 15 else "other")
    ask.now += 10

    promoted = ask.promote()

    assert promoted == 2
    assert [job.claimable for job in ask.all_jobs()] == [True, True, False]
    assert ask.promote() == 0


def test_letting_in_is_no_change_of_the_job(ask: Asker) -> None:
    ask.start(run_at=ask.now + 5)
    before = ask.job(1)
    ask.now += 5

    ask.promote()

    assert ask.job(1) == replace(before, claimable=True)
    assert len(ask.history(1)) == 1


def test_a_cancelled_job_never_comes_due(ask: Asker) -> None:
    ask.start(run_at=ask.now + 5)
    ask.apply(ask.cancellation(ask.job(1)))
    ask.now += 5

    assert ask.promote() == 0
    assert ask.claim(1) == []


def test_a_decision_made_before_a_job_came_due_still_holds(ask: Asker) -> None:
    ask.start(run_at=ask.now + 5)
    cancellation = ask.cancellation(ask.job(1))
    ask.now += 5
    ask.promote()

    answer = ask.apply_one(cancellation)

    assert answer is None
    assert ask.claim(1) == []


# --- what is kept no longer


@pytest.mark.promise("S15")
@pytest.mark.promise("P9")
def test_only_finished_jobs_are_removed(ask: Asker) -> None:
    ask.set_queue(keep=0, keep_seconds=0.0, keep_bytes=0)
    ask.run_to_success(2)
    ask.run_to_failure()
    ask.start(4)
    ask.apply(ask.cancellation(ask.job(4)))
    ask.claim_one()
    ask.start(1, run_at=ask.now + 50)
    ask.now += 30 * DAY

    removed = ask.prune()

    assert removed == 4
    assert ask.ids() == [5, 6, 7, 8]
    assert ask.prune() == 0


@pytest.mark.promise("P9")
def test_those_that_finished_first_are_removed_first(ask: Asker) -> None:
    ask.set_queue(keep=2)
    ask.start(4)
    for job in (ask.claim(4))[::-1]:
        ask.now += 1
        ask.conclude(job, Succeeded(b"1"))

    removed = ask.prune()

    assert removed == 2
    assert ask.ids() == [1, 2]


def test_of_those_that_finished_together_the_lowest_ids_go_first(ask: Asker) -> None:
    ask.set_queue(keep=1)
    ask.run_to_success(3)

    ask.prune()

    assert ask.ids() == [3]


@pytest.mark.parametrize("keep", [0, 1, 3, 4])
def test_as_many_are_kept_as_the_queue_says(ask: Asker, keep: int) -> None:
    ask.set_queue(keep=keep)
    ask.run_to_success(3)

    ask.prune()

    assert len(ask.all_jobs()) == min(keep, 3)


def test_jobs_are_kept_as_long_as_the_queue_says(ask: Asker) -> None:
    ask.set_queue(keep_seconds=60.0)
    ask.run_to_success()
    ask.now += 30
    ask.run_to_success()
    ask.now += 30
    at_the_limit = ask.prune()
    ask.now += 1

    beyond = ask.prune()

    assert (at_the_limit, beyond) == (0, 1)
    assert ask.ids() == [2]


def test_as_many_bytes_are_kept_as_the_queue_says(ask: Asker) -> None:
    ask.set_queue(keep_bytes=10_000)
    for _ in range(4):
        ask.run_to_success(value=b"7" * 3998)  # and two bytes of parameters

    removed = ask.prune()

    assert removed == 2
    assert ask.ids() == [3, 4]


def test_a_result_larger_than_what_is_kept_goes_too(ask: Asker) -> None:
    ask.set_queue(keep_bytes=10)
    ask.run_to_success(value=b"7" * 100)

    assert ask.prune() == 1


def test_parameters_and_errors_count_as_bytes(ask: Asker) -> None:
    ask.set_queue(keep_bytes=5000)
    ask.start(params=b"7" * 3000)
    ask.conclude(ask.claim_one(), Failed(Error("exception", "m" * 3000)))

    assert ask.prune() == 1


def test_bytes_of_unfinished_jobs_do_not_count(ask: Asker) -> None:
    ask.set_queue(keep_bytes=100)
    ask.run_to_success()
    ask.start(3, params=b"7" * 3000)
    ask.claim_one()

    assert ask.prune() == 0


@pytest.mark.parametrize("batch", [0, 1, 3])
def test_no_more_are_removed_at_once_than_asked_for(ask: Asker, batch: int) -> None:
    ask.set_queue(keep=0)
    ask.set_queue("other", keep=0)
    ask.run_to_success(2)
    ask.run_to_success(2, queue="other")

    assert ask.prune(batch) == batch
    assert len(ask.all_jobs()) == 4 - batch


def test_each_queue_keeps_its_own(ask: Asker) -> None:
    ask.set_queue(keep=0)
    ask.set_queue("other", keep=1)
    ask.run_to_success(2)
    ask.run_to_success(2, queue="other")

    assert ask.prune() == 3
    assert ask.ids() == [4]


@pytest.mark.promise("S7")
def test_a_removed_job_is_known_to_have_been(ask: Asker) -> None:
    ask.set_queue(keep=0)
    ask.run_to_success()
    ask.prune()

    found = ask.get(1, 2)

    assert (found.jobs, found.issued) == ({}, 1)


def test_with_a_job_goes_all_that_was_written_of_it(ask: Asker) -> None:
    ask.set_queue(keep=0)
    ask.start(params=b"7" * 3000)
    ask.conclude(ask.claim_one(), Succeeded(b"8" * 3000))

    ask.prune()

    assert ask.history(1) == []
    assert ask.counts() == {}


@pytest.mark.promise("S23")
def test_the_counts_are_right_after_removal_in_the_same_transaction(ask: Asker) -> None:
    ask.set_queue(keep=1)
    ask.run_to_success(2)
    ask.start(1)
    job = ask.claim_one()
    conclusion = ask.an_apply(ask.conclusion(job, Succeeded(b"1")))

    answers, _ = ask.store.run(
        [conclusion, ask.a_prune(), ask.an_insert(a_new_job()), ask.a_prune()]
    )

    assert answers[1] == 2
    assert answers[3] == 0
    assert ask.read(Counts()) == {("default", State.SUCCEEDED): 1, ("default", State.QUEUED): 1}
