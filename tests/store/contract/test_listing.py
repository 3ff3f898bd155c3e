"""What every store promises about pages that look at few rows, and about altering a job."""

from typing import Any

import pytest
from msgspec.structs import replace

from offload import lifecycle
from offload.lifecycle import Amendment
from offload.model import Failed, Job, QueueSettings, State, Succeeded, Wish, Yielded
from offload.store import listing
from offload.store.base import Amend, Full, Gone, List, Listed, Owned, Paged, Remove, SetQueue
from tests.store.asking import BY, SOME_ERROR, Asker


def paged(ask: Asker, **which: Any) -> Listed:
    return ask.read(Paged(replace(List(), **which)))


def asked(ask: Asker, job_id: int, wish: Wish) -> None:
    change = lifecycle.request(ask.job(job_id), wish, ask.now, BY)
    assert change is not None
    ask.apply_one(change)


def walked(ask: Asker, **which: Any) -> list[int]:
    """The ids of all pages, one behind the other."""
    ids: list[int] = []
    before: int | None = None
    while True:
        page = paged(ask, before=before, **which)
        ids += ask.ids(page.jobs)
        before = page.before
        if before is None:
            return ids


def test_a_page_that_has_looked_at_enough_says_where_to_go_on(
    ask: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "STRETCH", 4)
    for number in range(10):
        ask.start(task="fetch" if number == 1 else "render")

    first = paged(ask, task="fetch")

    assert first == Listed([], 7)
    assert walked(ask, task="fetch") == [2]
    assert walked(ask) == list(range(10, 0, -1))
    assert walked(ask, limit=3) == list(range(10, 0, -1))


def test_ids_that_are_not_kept_any_more_are_passed_over(
    ask: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "STRETCH", 2)
    ask.start(20)
    for job_id in range(2, 20):
        asked(ask, job_id, Wish.CANCEL)
        ask.do(Remove(job_id))

    assert paged(ask) == Listed(paged(ask).jobs, 2)
    assert walked(ask) == [20, 1]
    assert walked(ask, states=(State.SUCCEEDED,)) == []


def test_few_in_a_state_are_found_wherever_they_lie(
    ask: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "STRETCH", 5)
    ask.start()
    ask.conclude(ask.claim_one(), Failed(SOME_ERROR))
    ask.start()
    asked(ask, 2, Wish.CANCEL)
    ask.start()
    asked(ask, 3, Wish.PAUSE)
    ask.start()
    running = ask.claim_one().id
    ask.start(12)

    found = {
        state: ask.ids(paged(ask, states=(state,)).jobs)
        for state in (State.FAILED, State.CANCELLED, State.PAUSED, State.RUNNING)
    }

    assert found == {
        State.FAILED: [1],
        State.CANCELLED: [2],
        State.PAUSED: [3],
        State.RUNNING: [running],
    }
    assert ask.ids(paged(ask, states=(State.FAILED, State.PAUSED)).jobs) == [3, 1]
    assert paged(ask, states=(State.FAILED,), queue="other") == Listed([], None)
    assert walked(ask, states=(State.QUEUED,)) == list(range(16, 4, -1))
    assert walked(ask, states=(State.QUEUED, State.FAILED), limit=2) == [*range(16, 4, -1), 1]


def test_what_a_worker_has_is_found_wherever_it_lies(
    ask: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "STRETCH", 2)
    ask.start(20)
    [one, *_] = ask.claim(3)
    ask.claim(1, worker=2)
    asked(ask, one.id, Wish.CANCEL)

    unfinished = (State.RUNNING, State.PAUSED, State.QUEUED)

    assert paged(ask, worker=1, states=unfinished) == Listed(ask.read(Owned(1))[::-1], None)
    assert walked(ask, worker=1, states=unfinished, limit=2) == [3, 2, 1]
    assert ask.ids(paged(ask, worker=2, states=unfinished).jobs) == [4]
    assert ask.ids(paged(ask, worker=1, states=(State.QUEUED,)).jobs) == []
    assert walked(ask, worker=1) == [3, 2, 1]


def test_a_finished_job_is_of_the_worker_that_had_it_last(ask: Asker) -> None:
    ask.start(3)
    first, second, third = ask.claim(3)
    ask.conclude(first, Succeeded(b"1"))
    ask.conclude(second, Yielded())
    ask.conclude(third, Yielded())
    ask.conclude(ask.claim_one(worker=2), Failed(SOME_ERROR))

    assert walked(ask, worker=1) == [1]
    assert walked(ask, worker=2) == [2]
    assert ask.ids(ask.read(List(worker=2, task="render"))) == [2]
    assert paged(ask, worker=2, states=(State.FAILED,)) == Listed(paged(ask, worker=2).jobs, None)
    assert paged(ask, worker=1, states=(State.FAILED,)) == Listed([], None)
    asked(ask, 3, Wish.CANCEL)
    assert walked(ask, worker=1) == [3, 1]


def test_since_begins_where_clocks_that_differ_a_little_allow(ask: Asker) -> None:
    for at in (1000.0, 2000.0, 1990.0, 3000.0):
        ask.now = at
        ask.start()

    assert walked(ask, since=1990.0) == [4, 3, 2]
    assert walked(ask, since=1995.0) == [4, 2]
    assert walked(ask, since=3000.5) == []
    assert walked(ask, since=0.0) == [4, 3, 2, 1]


# --- altering


def amend(ask: Asker, job: Job, **wanted: Any) -> Job | Gone | Full | None:
    change = lifecycle.amend(job, Amendment(**wanted), ask.now, BY)
    assert change is not None
    return ask.do(Amend(change, "in words", ask.now))


def test_only_the_job_that_was_read_is_altered(ask: Asker) -> None:
    ask.start(2)
    stale = ask.job(1)
    asked(ask, 1, Wish.CANCEL)

    answer = amend(ask, stale, priority=5)

    assert answer == ask.job(1)
    assert (ask.job(1).priority, ask.job(1).state) == (0, State.CANCELLED)
    ask.do(Remove(1))
    assert amend(ask, stale, priority=5) == Gone()
    assert len(ask.history(2)) == 1


def test_the_counters_move_with_the_job(ask: Asker) -> None:
    ask.start(2)

    assert amend(ask, ask.job(1), queue="other", priority=3, tags=("x",)) is None

    after = ask.job(1)
    assert (after.queue, after.priority, after.tags, after.version) == ("other", 3, ("x",), 2)
    counts = {key: count for key, count in ask.counts().items() if count}
    assert counts == {("default", State.QUEUED): 1, ("other", State.QUEUED): 1}
    event = ask.history(1)[-1]
    assert (event.kind, event.version, event.reason) == ("amended", 2, "in words")


@pytest.mark.promise("P7")
def test_a_full_queue_takes_no_job_of_another_queue(ask: Asker) -> None:
    ask.do(SetQueue("other", QueueSettings(capacity=0)))
    ask.start()

    assert amend(ask, ask.job(1), queue="other") == Full("other", 0)
    assert amend(ask, ask.job(1), priority=1) is None
    assert ask.job(1).queue == "default"


def test_what_is_put_off_is_not_claimed_and_what_is_due_is(ask: Asker) -> None:
    ask.enter()
    ask.start(2)

    amend(ask, ask.job(1), run_at=ask.now + 60)
    first = ask.claim_one().id
    nothing = ask.claim()
    amend(ask, ask.job(1), run_at=None)

    assert (first, nothing) == (2, [])
    assert ask.claim_one().id == 1
