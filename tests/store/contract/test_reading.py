"""What every store promises about reading: pages, counts, and a history without gaps."""

from collections import Counter

import pytest

from offload.model import Crashed, Event, Failed, Job, State, Succeeded, Yielded
from offload.store.base import List, Look, Situation
from tests.store.asking import BY, SOME_ERROR, Asker
from tests.store.conftest import StoreFactory


def some_of_everything(ask: Asker) -> None:
    """Have jobs 1..9 in two queues and all states."""
    ask.start(3)
    ask.start(3, queue="other", task="fetch")
    ask.start(3, run_at=ask.now + 60)
    one, two, _ = ask.claim(3)
    ask.conclude(one, Succeeded(b"1"))
    ask.conclude(two, Failed(SOME_ERROR))
    ask.apply(ask.cancellation(ask.job(4)))
    ask.claim_one(queue="other")


def page(ask: Asker, query: List) -> list[int]:
    return ask.ids(ask.read(query))


# --- by id


def test_what_is_asked_for_by_id_comes_by_id(ask: Asker) -> None:
    ask.start(3)

    found = ask.get(3, 1, 7, 3)

    assert sorted(found.jobs) == [1, 3]
    assert found.issued == 3


def test_asking_for_no_ids_tells_the_highest_issued(ask: Asker) -> None:
    ask.start(3)

    assert (ask.get().jobs, ask.get().issued) == ({}, 3)


@pytest.mark.parametrize("job_id", [0, -1, 2, 2**63 - 1])
def test_an_id_that_was_never_issued_is_not_found(ask: Asker, job_id: int) -> None:
    ask.start()

    assert ask.get(job_id).jobs == {}


def test_without_bodies_large_values_stay_behind(ask: Asker) -> None:
    ask.start(params=b"7" * 3000)
    ask.conclude(ask.claim_one(), Succeeded(b"8" * 3000))

    job = ask.get(1, bodies=False).jobs[1]

    assert (job.params, job.result) == (None, None)
    assert job.size == 6000


@pytest.mark.promise("S1")
def test_what_was_acknowledged_is_read_by_a_store_that_opens_afterwards(
    ask: Asker, open_store: StoreFactory
) -> None:
    some_of_everything(ask)
    jobs = ask.all_jobs()

    other = Asker(open_store())

    assert other.all_jobs() == jobs
    other.store.close()


def test_a_store_can_be_closed_and_used_again(ask: Asker) -> None:
    ask.start()
    ask.store.close()
    ask.start()
    ask.store.close()
    ask.store.close()

    assert ask.ids() == [1, 2]


# --- pages


def test_a_list_comes_newest_first(ask: Asker) -> None:
    ask.start(3)

    assert page(ask, List()) == [3, 2, 1]


def test_pages_follow_each_other_without_gap_or_repeat(ask: Asker) -> None:
    ask.start(5)
    pages, before = [], None

    while ids := page(ask, List(limit=2, before=before)):
        pages.append(ids)
        before = ids[-1]

    assert pages == [[5, 4], [3, 2], [1]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (List(states=(State.RUNNING,)), [5, 3]),
        (List(states=(State.SUCCEEDED, State.CANCELLED)), [4, 1]),
        (List(states=(State.PAUSED,)), []),
        (List(queue="other"), [6, 5, 4]),
        (List(task="fetch"), [6, 5, 4]),
        (List(task="fet"), []),
        (List(queue="default", task="fetch"), []),
        (List(queue="default", states=(State.QUEUED,), before=9), [8, 7]),
        (List(limit=1, states=(State.RUNNING,)), [5]),
        (List(limit=0), []),
        (List(before=1), []),
    ],
)
def test_a_list_can_be_narrowed(ask: Asker, query: List, expected: list[int]) -> None:
    some_of_everything(ask)

    assert page(ask, query) == expected


def test_text_in_a_filter_is_only_text(ask: Asker) -> None:
    ask.start(task='it\'s "%_" — ok')

    assert page(ask, List(task='it\'s "%_" — ok')) == [1]
    assert page(ask, List(task="' or 1=1 --")) == []


# --- counts


@pytest.mark.promise("S23")
def test_counts_are_what_counting_the_rows_gives(ask: Asker) -> None:
    some_of_everything(ask)

    counted = Counter((job.queue, job.state) for job in ask.all_jobs())

    assert ask.counts() == dict(counted)
    assert sum(counted.values()) == 9


def test_nothing_is_counted_where_nothing_is(ask: Asker) -> None:
    assert ask.set_queue().name == "default"
    assert ask.counts() == {}


@pytest.mark.promise("S23")
def test_the_situation_is_told_as_a_whole(ask: Asker) -> None:
    some_of_everything(ask)
    ask.enter()

    situation = ask.read(Look())

    assert situation == Situation(ask.workers(), ask.queues(), ask.counts())


# --- history


@pytest.mark.promise("S22")
def test_a_history_has_every_version_and_ends_with_the_state(ask: Asker) -> None:
    ask.start()
    ask.conclude(ask.claim_one(), Yielded())
    ask.conclude(ask.claim_one(), Crashed())
    running = ask.claim_one()
    ask.apply(ask.cancellation(running))
    ask.conclude(ask.job(1), Yielded())

    events = ask.history(1)

    assert [(event.kind, event.state.value) for event in events] == [
        ("queued", "queued"),
        ("claimed", "running"),
        ("interrupted", "queued"),
        ("claimed", "running"),
        ("rescued", "queued"),
        ("claimed", "running"),
        ("cancel-requested", "running"),
        ("stopped", "cancelled"),
    ]
    assert [event.version for event in events] == list(range(1, 9))
    assert (events[-1].state, events[-1].version) == (ask.job(1).state, ask.job(1).version)


def test_the_first_event_says_who_started_the_job(ask: Asker) -> None:
    ask.start()

    [event] = ask.history(1)

    assert event == Event(
        id=1,
        job_id=1,
        version=1,
        kind="queued",
        state=State.QUEUED,
        at=ask.now,
        actor=BY.actor,
        door=BY.door,
        attempt=0,
        worker=None,
        reason=None,
    )


def test_an_event_tells_the_reason(ask: Asker) -> None:
    ask.start()
    ask.conclude(ask.claim_one(), Crashed())

    assert ask.history(1)[-1].reason == ask.job(1).reason == "its worker died (1 of 3)"


def test_events_of_all_jobs_stand_in_one_order(ask: Asker) -> None:
    some_of_everything(ask)

    ids = [event.id for job_id in range(1, 10) for event in ask.history(job_id)]

    assert sorted(ids) == list(range(1, len(ids) + 1))


def test_a_job_that_never_was_has_no_history(ask: Asker) -> None:
    ask.start()

    assert ask.history(2) == []


@pytest.mark.promise("S22")
def test_every_history_ends_where_its_job_stands(ask: Asker) -> None:
    some_of_everything(ask)

    for job in ask.all_jobs():
        assert_history_fits(ask, job)


def assert_history_fits(ask: Asker, job: Job) -> None:
    events = ask.history(job.id)

    assert [event.version for event in events] == list(range(1, job.version + 1))
    assert events[-1].state is job.state
