"""Unique keys, groups, and jobs that are tried anew."""

import pytest
from msgspec.structs import replace

from offload import lifecycle
from offload.model import Failed, Job, NewJob, Progress, State, Succeeded
from offload.store.base import (
    Abandoned,
    Checked,
    Full,
    Gone,
    Group,
    Inserted,
    KeyTaken,
    MemberJobs,
    Members,
    Overdue,
    Retry,
)
from tests.store.asking import BY, SOME_ERROR, Asker, a_new_job
from tests.store.conftest import StoreFactory

LONG = b'"' + b"x" * 3000 + b'"'


def ids_of(answer: object) -> tuple[int, ...]:
    assert isinstance(answer, Inserted), answer
    return answer.ids


def a_group(ask: Asker, *jobs: NewJob) -> int:
    insert = ask.an_insert(*jobs)
    answer = ask.do(type(insert)(insert.jobs, insert.now, insert.by, insert.token, grouped=True))
    assert isinstance(answer, Inserted)
    assert answer.group is not None
    return answer.group


# --- unique keys


@pytest.mark.promise("S21")
def test_a_second_start_of_the_same_key_is_the_first_job(ask: Asker) -> None:
    first = ids_of(ask.insert(a_new_job(key="movie-7")))

    second = ids_of(ask.insert(a_new_job(key="movie-7"), a_new_job()))

    assert (first, second) == ((1,), (1, 2))
    assert len(ask.all_jobs()) == 2


@pytest.mark.promise("S21")
def test_a_key_is_known_within_the_same_insert_and_the_same_transaction(ask: Asker) -> None:
    inserts = [
        ask.an_insert(a_new_job(key="a"), a_new_job(key="a")),
        ask.an_insert(a_new_job(key="a")),
    ]

    answers, _ = ask.store.run(inserts)

    assert [ids_of(answer) for answer in answers] == [(1, 1), (1,)]


@pytest.mark.promise("S21")
def test_a_key_may_refuse_the_whole_start(ask: Asker) -> None:
    ask.insert(a_new_job(key="a"))

    answer = ask.insert(a_new_job(), a_new_job(key="a", refuse_known=True))

    assert answer == KeyTaken("a", 1)
    assert len(ask.all_jobs()) == 1


def test_a_key_is_of_its_task_alone(ask: Asker) -> None:
    ask.insert(a_new_job(key="a"))

    assert ids_of(ask.insert(a_new_job(task="fetch", key="a"))) == (2,)


@pytest.mark.promise("S21")
def test_a_key_is_free_again_when_its_job_has_ended(ask: Asker) -> None:
    ask.insert(a_new_job(key="a"))
    ask.conclude(ask.claim_one(), Succeeded(b"1"))

    assert ids_of(ask.insert(a_new_job(key="a"))) == (2,)


def test_a_known_job_takes_no_room(ask: Asker) -> None:
    ask.set_queue(capacity=1)
    ask.insert(a_new_job(key="a"))

    assert ids_of(ask.insert(a_new_job(key="a"))) == (1,)
    assert ask.insert(a_new_job(key="b")) == Full("default", 1)


@pytest.mark.promise("S17")
def test_a_repeated_request_gives_the_same_ids_though_they_are_not_in_a_row(ask: Asker) -> None:
    ask.start(2)
    ask.insert(a_new_job(key="a"))
    jobs = (a_new_job(), a_new_job(key="a"), a_new_job())
    first = ids_of(ask.insert(*jobs, key="k", digest=b"d"))
    ask.conclude(ask.claim(3)[-1], Succeeded(b"1"))

    again = ask.insert(*jobs, key="k", digest=b"d")

    assert first == (4, 3, 5)
    assert again == Inserted((4, 3, 5), repeated=True)


def test_a_key_that_comes_twice_in_a_start_takes_one_place(ask: Asker) -> None:
    ask.set_queue(capacity=2)

    inserts = [
        ask.an_insert(a_new_job(key="a"), a_new_job(key="a")),
        ask.an_insert(a_new_job()),
    ]
    answers, _ = ask.store.run(inserts)

    assert [ids_of(answer) for answer in answers] == [(1, 1), (2,)]


@pytest.mark.promise("S17")
def test_a_repeated_request_for_a_group_gives_the_same_group(ask: Asker) -> None:
    """Also where its first job is an older one, and where its jobs are no longer kept."""
    ask.insert(a_new_job(key="a"))
    insert = ask.an_insert(a_new_job(key="a"), a_new_job(), key="k", digest=b"d")
    grouped = replace(insert, grouped=True)
    first = ask.do(grouped)

    again = ask.do(grouped)
    for job in ask.claim(2):
        ask.conclude(job, Succeeded(b"1"))
    ask.set_queue(keep=0)
    ask.prune()
    late = ask.do(grouped)

    assert first == Inserted((1, 2), group=1)
    assert again == late == Inserted((1, 2), repeated=True, group=1)


@pytest.mark.promise("S17")
def test_an_insert_is_found_again_though_its_keys_are_those_of_other_jobs_too(
    ask: Asker, open_store: StoreFactory
) -> None:
    """Two tasks have the same key, one of the keys was known, one has had a new job since."""
    ask.insert(a_new_job(key="known"))
    insert = ask.an_insert(
        a_new_job(key="a"), a_new_job(task="fetch", key="a"), a_new_job(key="known"), a_new_job()
    )
    stored = ask.do(replace(insert, grouped=True))
    other = Asker(open_store())
    other.apply(*(other.cancellation(other.job(job_id)) for job_id in (1, 2)))
    other.insert(a_new_job(key="a"), a_new_job(key="known"))
    other.store.close()

    found = ask.store.recover(replace(insert, grouped=True))

    assert stored == Inserted((2, 3, 1, 4), group=1)
    assert found == stored


# --- groups


def test_a_group_is_counted_by_state(ask: Asker) -> None:
    ask.start()
    group = a_group(ask, a_new_job(), a_new_job(), a_new_job())
    ask.conclude(ask.claim(2)[1], Succeeded(b"1"))

    found = ask.read(Members(group))

    assert found == Group(group, 3, ask.now, {State.QUEUED: 2, State.SUCCEEDED: 1})


def test_a_group_gives_its_jobs_in_order_and_whole_where_it_is_asked(ask: Asker) -> None:
    group = a_group(ask, a_new_job(params=LONG), a_new_job())
    ask.conclude(ask.claim_one(), Succeeded(LONG))

    narrow = ask.read(MemberJobs(group))
    whole = ask.read(MemberJobs(group, bodies=True))

    assert ask.ids(narrow) == ask.ids(whole) == [1, 2]
    assert narrow[0].result is None
    assert whole[0].result == LONG


def test_a_group_counts_what_was_new_in_it(ask: Asker) -> None:
    ask.insert(a_new_job(key="a"))

    group = a_group(ask, a_new_job(key="a"), a_new_job(key="b"), a_new_job(key="b"), a_new_job())

    found = ask.read(Members(group))
    assert found is not None
    assert (found.jobs, found.counts) == (2, {State.QUEUED: 2})


def test_there_is_no_group_that_was_never_started(ask: Asker) -> None:
    ask.start()

    assert ask.read(Members(5)) is None


def test_a_group_is_forgotten_some_time_after_its_last_job(ask: Asker) -> None:
    ask.set_queue(keep=0)
    group = a_group(ask, a_new_job())
    ask.conclude(ask.claim_one(), Succeeded(b"1"))
    ask.prune()
    soon = ask.read(Members(group))

    ask.now += 2 * 86_400
    ask.prune()

    assert soon is not None
    assert ask.read(Members(group)) is None


# --- trying anew


def a_retry(ask: Asker, job_id: int) -> Retry:
    return Retry(lifecycle.retry(ask.job(job_id), ask.now, BY), ask.now)


def test_a_job_that_is_tried_anew_keeps_nothing_of_its_end(ask: Asker) -> None:
    job_id = ask.run_to_failure()
    size = ask.job(job_id).size

    answer = ask.do(a_retry(ask, job_id))
    job = ask.job(job_id)

    assert answer is None
    assert (job.state, job.error, job.finished_at) == (State.QUEUED, None, None)
    assert job.size == len(b"{}") < size
    assert ask.counts() == {("default", State.QUEUED): 1}


def test_a_job_that_is_tried_anew_can_be_claimed_and_can_succeed(ask: Asker) -> None:
    job_id = ask.run_to_failure()
    ask.do(a_retry(ask, job_id))

    ask.conclude(ask.claim_one(), Succeeded(LONG))

    assert (ask.job(job_id).result, ask.job(job_id).attempt) == (LONG, 2)


@pytest.mark.promise("P7")
def test_a_retry_needs_room_in_its_queue(ask: Asker) -> None:
    job_id = ask.run_to_failure()
    ask.set_queue(capacity=1)
    ask.start()

    assert ask.do(a_retry(ask, job_id)) == Full("default", 1)
    assert ask.job(job_id).state is State.FAILED


@pytest.mark.promise("S21")
def test_a_retry_needs_its_key(ask: Asker) -> None:
    ask.insert(a_new_job(key="a"))
    ask.conclude(ask.claim_one(), Failed(SOME_ERROR))
    retry = a_retry(ask, 1)
    ask.insert(a_new_job(key="a"))

    assert ask.do(retry) == KeyTaken("a", 2)


def test_a_retry_that_comes_second_is_shown_the_job_as_it_is(ask: Asker) -> None:
    job_id = ask.run_to_failure()
    retry = a_retry(ask, job_id)
    ask.do(retry)
    ask.claim_one()

    answer = ask.do(retry)

    assert isinstance(answer, Job)
    assert answer.state is State.RUNNING


def test_a_retry_of_what_is_no_longer_kept_says_so(ask: Asker) -> None:
    retry = a_retry(ask, ask.run_to_failure())
    ask.set_queue(keep=0)
    ask.prune()

    assert ask.do(retry) == Gone()


# --- what waits, what is too late, what is bound


def test_a_check_is_noted_and_a_stale_one_is_ignored(ask: Asker) -> None:
    ask.start()
    job = ask.claim_one()
    ask.apply(lifecycle.wait(job, b"7", ask.now + 5, BY))

    ask.do(Checked(((1, job.token, ask.now + 9, Progress(3.0)), (1, job.token + 1, 1.0, None))))

    assert (ask.job(1).next_check_at, ask.job(1).progress) == (ask.now + 9, Progress(3.0))


def test_a_check_of_what_does_not_wait_is_ignored(ask: Asker) -> None:
    ask.start()
    job = ask.claim_one()

    ask.do(Checked(((1, job.token, ask.now + 9, None),)))

    assert ask.job(1).next_check_at is None


def test_what_is_past_its_deadline_and_has_not_begun_is_found(ask: Asker) -> None:
    ask.start(deadline_at=ask.now + 5)
    ask.start(deadline_at=ask.now + 5)
    ask.start(deadline_at=ask.now + 50)
    ask.start()
    ask.claim_one()

    early = ask.read(Overdue(ask.now + 4))
    late = ask.read(Overdue(ask.now + 6))

    assert (ask.ids(early), ask.ids(late)) == ([], [2])


def test_what_is_bound_to_a_process_that_is_gone_is_found(ask: Asker) -> None:
    worker = ask.enter(house=77)
    ask.start(bound_to=77)
    ask.start(bound_to=78)
    ask.start()

    before = ask.read(Abandoned(ask.now + 1))
    ask.leave(worker)
    after = ask.read(Abandoned(ask.now + 1))
    young = ask.read(Abandoned(ask.now))

    assert (ask.ids(before), ask.ids(after), ask.ids(young)) == ([2], [1, 2], [])
