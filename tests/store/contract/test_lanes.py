"""Claiming from several lanes: pools, named limits and rates, and who goes first among them."""

import pytest

from offload import lifecycle
from offload.lanes import lane_text
from offload.model import Crashed, Job, Lane, NewJob, Outcome, Succeeded, Yielded
from offload.store.base import Inserted
from offload.units import Rate
from tests.store.asking import BY, Asker, a_new_job

GPU = lane_text(Lane(limits={"gpu": 1}))
TWO_LIMITS = lane_text(Lane(limits={"gpu": 2, "licence": 1}))
PROCESSES = lane_text(Lane(pool="processes"))
PACED = lane_text(Lane(rates={"render": Rate(2, 60.0)}))


def start(ask: Asker, *jobs: NewJob) -> tuple[int, ...]:
    answer = ask.insert(*jobs)
    assert isinstance(answer, Inserted)
    return answer.ids


def end(ask: Asker, job: Job) -> None:
    assert ask.conclude(job, Succeeded(b"1")) is None


@pytest.mark.promise("P8")
@pytest.mark.promise("S14")
def test_lanes_and_queues_are_merged_by_priority_and_age(ask: Asker) -> None:
    start(
        ask,
        a_new_job(queue="b"),
        a_new_job(lane=GPU),
        a_new_job(queue="a", priority=1),
        a_new_job(lane=PROCESSES),
        a_new_job(),
    )

    jobs = ask.do(ask.a_claim(10, queues=(), processes=10))

    assert ask.ids(jobs) == [3, 1, 2, 4, 5]


@pytest.mark.promise("S14")
def test_few_places_go_to_the_best_of_all_lanes(ask: Asker) -> None:
    start(
        ask, *[a_new_job()] * 3, a_new_job(lane=GPU, priority=1), a_new_job(queue="z", priority=2)
    )

    jobs = ask.do(ask.a_claim(2, queues=()))

    assert ask.ids(jobs) == [5, 4]


def test_each_pool_gives_its_own_places(ask: Asker) -> None:
    start(ask, *[a_new_job(lane=PROCESSES)] * 3, *[a_new_job()] * 3)

    jobs = ask.do(ask.a_claim(2, queues=(), processes=1))

    assert ask.ids(jobs) == [1, 4, 5]


def test_a_pool_that_the_worker_does_not_have_is_left_alone(ask: Asker) -> None:
    start(ask, a_new_job(lane=lane_text(Lane(pool="elsewhere"))), a_new_job())

    assert ask.ids(ask.claim(5)) == [2]


@pytest.mark.promise("S12")
def test_a_named_limit_holds_over_all_queues_and_tasks(ask: Asker) -> None:
    start(ask, a_new_job(lane=GPU), a_new_job(task="fetch", queue="other", lane=GPU), a_new_job())

    jobs = ask.do(ask.a_claim(5, queues=()))

    assert ask.ids(jobs) == [1, 3]
    assert ask.do(ask.a_claim(5, queues=())) == []


@pytest.mark.promise("S12")
@pytest.mark.parametrize("how", ["succeeds", "is interrupted", "crashes"])
def test_a_named_limit_is_free_again_when_its_holder_has_ended(ask: Asker, how: str) -> None:
    outcomes: dict[str, Outcome] = {
        "succeeds": Succeeded(b"1"),
        "is interrupted": Yielded(),
        "crashes": Crashed(),
    }
    start(ask, a_new_job(lane=GPU), a_new_job(lane=GPU, priority=1))
    [holder] = ask.claim(5)

    ask.conclude(holder, outcomes[how])
    [nxt] = ask.claim(5)

    assert holder.id == 2
    assert nxt.id == (1 if how == "succeeds" else 2)


@pytest.mark.promise("S12")
def test_a_waiting_job_keeps_its_named_limit(ask: Asker) -> None:
    start(ask, a_new_job(lane=GPU), a_new_job(lane=GPU))
    [job] = ask.claim(5)

    ask.apply(lifecycle.wait(job, b"7", ask.now + 5, BY))

    assert ask.claim(5) == []


def test_several_limits_must_all_be_free(ask: Asker) -> None:
    start(ask, *[a_new_job(lane=TWO_LIMITS)] * 2, a_new_job(lane=GPU), a_new_job())

    jobs = ask.claim(5)

    assert ask.ids(jobs) == [1, 4]


def test_a_blocked_lane_does_not_hold_up_those_behind_it(ask: Asker) -> None:
    start(ask, *[a_new_job(lane=GPU)] * 50, *[a_new_job()] * 3)

    assert ask.ids(ask.claim(10)) == [1, 51, 52, 53]


@pytest.mark.promise("S12")
def test_within_a_lane_no_more_are_taken_than_its_limit_leaves(ask: Asker) -> None:
    start(ask, *[a_new_job(lane=lane_text(Lane(limits={"gpu": 2})))] * 5)

    assert ask.ids(ask.claim(10)) == [1, 2]


def test_a_rate_lets_so_many_begin_and_then_waits_for_its_time_to_pass(ask: Asker) -> None:
    start(ask, *[a_new_job(lane=PACED)] * 5)

    first = ask.claim(10)
    for job in first:
        end(ask, job)
    ask.now += 59
    none = ask.claim(10)
    ask.now += 3
    second = ask.claim(10)

    assert ask.ids(first) == [1, 2]
    assert none == []
    assert ask.ids(second) == [3, 4]


def test_a_rate_holds_for_any_stretch_of_its_time(ask: Asker) -> None:
    start(ask, *[a_new_job(lane=PACED)] * 40)
    begun: list[float] = []

    for _ in range(60):
        begun += [ask.now] * len(ask.claim(1))
        ask.now += 7

    assert len(begun) > 10
    assert all(later - earlier > 60 for earlier, later in zip(begun, begun[2:], strict=False))


def test_a_clock_that_was_set_far_back_does_not_block_a_rate(ask: Asker) -> None:
    start(ask, *[a_new_job(lane=PACED)] * 5)
    ask.now += 1e6
    ask.claim(10)

    ask.now -= 5e5

    assert ask.ids(ask.claim(10)) == [3, 4]


@pytest.mark.promise("S2")
def test_a_worker_that_is_not_enrolled_claims_nothing(ask: Asker) -> None:
    ask.start()
    worker = ask.enter()
    ask.leave(worker)

    assert ask.claim(worker=worker) == []


def test_what_is_bound_to_a_house_goes_to_it_alone_whatever_its_task(ask: Asker) -> None:
    start(ask, a_new_job(task="Box", bound_to=77), a_new_job())

    elsewhere = ask.claim(5, house=78)
    at_home = ask.claim(5, house=77, tasks=())

    assert ask.ids(elsewhere) == [2]
    assert ask.ids(at_home) == [1]
