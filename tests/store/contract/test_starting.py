"""What every store promises about starting: ids, all or none, capacity, idempotency keys."""

import pytest
from msgspec import UNSET

from offload.model import NewJob, Succeeded, Yielded
from offload.store.base import Full, Inserted, KeyReused
from tests.store.asking import DAY, Asker, a_new_job
from tests.store.conftest import StoreFactory

# --- ids


@pytest.mark.promise("S16")
def test_ids_rise_from_one(ask: Asker) -> None:
    first = ask.start(3)
    second = ask.start(2, queue="other")

    assert (first, second) == ((1, 2, 3), (4, 5))


@pytest.mark.promise("S16")
def test_ids_rise_over_inserts_of_one_transaction(ask: Asker) -> None:
    inserts = [ask.an_insert(*[a_new_job()] * number) for number in (2, 1, 3)]

    answers, _ = ask.store.run(inserts)

    assert answers == [Inserted((1, 2)), Inserted((3,)), Inserted((4, 5, 6))]
    assert ask.ids() == [1, 2, 3, 4, 5, 6]


@pytest.mark.promise("S16")
def test_an_id_is_not_used_again_after_the_newest_job_was_removed(
    ask: Asker, open_store: StoreFactory
) -> None:
    ask.set_queue(keep=0)
    ask.run_to_success(2)

    removed = ask.prune()
    ask.store.close()
    reopened = Asker(open_store())
    next_id = reopened.start_one()
    reopened.store.close()

    assert removed == 2
    assert next_id == 3


@pytest.mark.promise("S16")
def test_a_refused_insert_issues_no_id(ask: Asker) -> None:
    ask.set_queue(capacity=1)
    ask.insert(a_new_job(), a_new_job())

    assert ask.get().issued == 0
    assert ask.start(1) == (1,)


def test_an_insert_of_nothing_starts_nothing(ask: Asker) -> None:
    assert ask.insert() == Inserted(())
    assert ask.get().issued == 0


# --- the row


def test_a_new_job_is_as_it_was_asked_for(ask: Asker) -> None:
    new = NewJob(
        task="fetch",
        kind="thread",
        params='{"url":"ä"}'.encode(),
        queue="other",
        priority=-3,
        owner="ada",
        tags=("a", "ü"),
    )

    ask.insert(new)
    job = ask.job(1)

    assert (job.task, job.kind, job.params, job.queue) == (new.task, new.kind, new.params, "other")
    assert (job.priority, job.owner, job.tags) == (-3, "ada", ("a", "ü"))
    assert (job.state, job.claimable, job.version, job.token) == ("queued", True, 1, 0)
    assert (job.attempt, job.crashes, job.interrupts) == (0, 0, 0)
    assert (job.created_at, job.size) == (ask.now, len(new.params))
    assert (job.worker, job.lease_until, job.occupies_slot) == (None, None, False)


@pytest.mark.promise("S20")
@pytest.mark.parametrize(("delay", "claimable"), [(None, True), (-1, True), (0, True), (1, False)])
def test_a_job_is_claimable_at_once_unless_it_is_due_later(
    ask: Asker, delay: float | None, claimable: bool
) -> None:
    run_at = None if delay is None else ask.now + delay

    job = ask.job(ask.start_one(run_at=run_at))

    assert job.claimable is claimable
    assert job.run_at == (None if claimable else run_at)


@pytest.mark.promise("S8")
@pytest.mark.parametrize("size", [0, 1, 2047, 2048, 2049, 1_000_000])
def test_parameters_of_every_size_come_back(ask: Asker, size: int) -> None:
    params = b"7" * size

    job_id = ask.start_one(params=params)

    assert ask.job(job_id).params == params
    assert ask.claim_one().params == params
    assert ask.all_jobs()[0].params == params
    assert ask.job(job_id).size == size


# --- capacity


@pytest.mark.promise("P7")
def test_a_queue_at_capacity_refuses(ask: Asker) -> None:
    ask.set_queue(capacity=3)
    ask.start(3)

    answer = ask.insert(a_new_job())

    assert answer == Full("default", 3)
    assert len(ask.all_jobs()) == 3


@pytest.mark.promise("P7")
def test_an_insert_that_does_not_fit_as_a_whole_stores_nothing(ask: Asker) -> None:
    ask.set_queue(capacity=3)
    ask.start(2)

    answer = ask.insert(a_new_job(), a_new_job())

    assert answer == Full("default", 3)
    assert ask.ids() == [1, 2]


def test_a_full_queue_refuses_what_goes_to_another_queue_with_it(ask: Asker) -> None:
    ask.set_queue("small", capacity=1)

    answer = ask.insert(a_new_job(), *[a_new_job(queue="small")] * 2)

    assert answer == Full("small", 1)
    assert ask.all_jobs() == []


def test_a_refused_insert_does_not_take_its_neighbours_room(ask: Asker) -> None:
    ask.set_queue(capacity=2)
    inserts = [ask.an_insert(*[a_new_job()] * number) for number in (1, 2, 1, 1)]

    answers, _ = ask.store.run(inserts)

    full = Full("default", 2)
    assert answers == [Inserted((1,)), full, Inserted((2,)), full]


def test_a_capacity_of_zero_takes_nothing(ask: Asker) -> None:
    ask.set_queue(capacity=0)

    assert ask.insert(a_new_job()) == Full("default", 0)


def test_jobs_that_wait_for_their_time_count_as_admitted(ask: Asker) -> None:
    ask.set_queue(capacity=2)
    ask.start(1, run_at=ask.now + 60)
    ask.start(1)

    assert ask.insert(a_new_job()) == Full("default", 2)


def test_running_and_finished_jobs_leave_room(ask: Asker) -> None:
    ask.set_queue(capacity=1)
    ask.run_to_success()
    ask.start()
    ask.claim_one()

    assert ask.start() == (3,)


@pytest.mark.promise("P7")
def test_a_job_that_comes_back_always_fits(ask: Asker) -> None:
    ask.set_queue(capacity=1)
    ask.start()
    job = ask.claim_one()
    ask.start()

    answer = ask.conclude(job, Yielded())

    assert answer is None
    assert ask.counts() == {("default", "queued"): 2}
    assert ask.insert(a_new_job()) == Full("default", 1)


def test_each_queue_has_its_own_capacity(ask: Asker) -> None:
    ask.set_queue(capacity=1)
    ask.start()

    assert ask.start(5, queue="other") == (2, 3, 4, 5, 6)


# --- idempotency keys


@pytest.mark.promise("S17")
def test_the_same_request_under_the_same_key_gives_the_same_ids(ask: Asker) -> None:
    first = ask.insert(a_new_job(), a_new_job(), key="k", digest=b"d")
    again = ask.insert(a_new_job(), a_new_job(), key="k", digest=b"d")

    assert first == Inserted((1, 2))
    assert again == Inserted((1, 2), repeated=True)
    assert ask.ids() == [1, 2]


@pytest.mark.promise("S17")
def test_another_request_under_the_same_key_is_refused(ask: Asker) -> None:
    ask.insert(a_new_job(), key="k", digest=b"d")

    answer = ask.insert(a_new_job(), key="k", digest=b"other")

    assert answer == KeyReused("k", 1)
    assert ask.ids() == [1]


@pytest.mark.promise("S17")
def test_a_key_answers_within_one_transaction_too(ask: Asker) -> None:
    inserts = [
        ask.an_insert(a_new_job(), key="k", digest=b"d"),
        ask.an_insert(a_new_job()),
        ask.an_insert(a_new_job(), key="k", digest=b"d"),
        ask.an_insert(a_new_job(), key="k", digest=b"other"),
    ]

    answers, _ = ask.store.run(inserts)

    assert answers == [
        Inserted((1,)),
        Inserted((2,)),
        Inserted((1,), repeated=True),
        KeyReused("k", 1),
    ]
    assert ask.ids() == [1, 2]


@pytest.mark.promise("S17")
def test_a_key_goes_on_answering_after_its_job_is_gone(ask: Asker) -> None:
    ask.set_queue(keep=0)
    ask.insert(a_new_job(), key="k", digest=b"d")
    ask.conclude(ask.claim_one(), Succeeded(b"1"))
    ask.prune()

    again = ask.insert(a_new_job(), key="k", digest=b"d")

    assert again == Inserted((1,), repeated=True)
    assert ask.all_jobs() == []


def test_a_key_is_forgotten_after_a_day(ask: Asker) -> None:
    ask.insert(a_new_job(), key="k", digest=b"d")
    ask.now += DAY
    ask.prune()
    within = ask.insert(a_new_job(), key="k", digest=b"other")
    ask.now += 1
    ask.prune()

    after = ask.insert(a_new_job(), key="k", digest=b"other")

    assert within == KeyReused("k", 1)
    assert after == Inserted((2,))


def test_a_key_repeats_its_answer_even_where_the_queue_is_full(ask: Asker) -> None:
    ask.set_queue(capacity=1)
    ask.insert(a_new_job(), key="k", digest=b"d")

    again = ask.insert(a_new_job(), key="k", digest=b"d")

    assert again == Inserted((1,), repeated=True)


def test_a_refused_request_does_not_use_up_its_key(ask: Asker) -> None:
    ask.set_queue(capacity=0)
    refused = ask.insert(a_new_job(), key="k", digest=b"d")
    ask.set_queue(capacity=1)

    accepted = ask.insert(a_new_job(), key="k", digest=b"d")

    assert refused == Full("default", 0)
    assert accepted == Inserted((1,))


# --- looking an insert up


@pytest.mark.promise("S1")
def test_an_insert_is_found_again_by_its_token(ask: Asker) -> None:
    ask.start(2)
    stored, lost = ask.an_insert(a_new_job(), a_new_job()), ask.an_insert(a_new_job())
    ask.store.run([ask.an_insert(a_new_job()), stored])

    assert ask.store.recover(stored) == Inserted((4, 5))
    assert ask.store.recover(lost) is UNSET


def test_any_other_operation_may_be_run_again(ask: Asker) -> None:
    ask.start()
    claim = ask.a_claim()
    ask.do(claim)

    assert ask.store.recover(claim) is UNSET
