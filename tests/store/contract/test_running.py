"""What every store promises about running: who gets which job, and whose change is applied."""

from typing import Any

import pytest
from msgspec.structs import replace

from offload import lifecycle
from offload.model import (
    NO_VITALS,
    Change,
    Crashed,
    Error,
    Failed,
    Held,
    Progress,
    State,
    Succeeded,
    Vitals,
    Wish,
    Yielded,
)
from offload.store.base import Apply, Claim, Gone, Insert, Inserted, Operation, Renew
from tests.store.asking import BY, LEASE, SOME_ERROR, Asker, a_new_job

# --- claiming: in which order


@pytest.mark.promise("S13")
@pytest.mark.promise("P8")
def test_jobs_are_claimed_in_the_order_of_their_start(ask: Asker) -> None:
    ask.start(5)

    claimed = [ask.claim_one().id, *ask.ids(ask.claim(2)), ask.claim_one().id]

    assert claimed == [1, 2, 3, 4]


@pytest.mark.promise("S14")
def test_a_higher_priority_goes_first(ask: Asker) -> None:
    for priority in (0, 5, -5, 5, 1):
        ask.start(priority=priority)

    one_by_one = [ask.claim_one().id for _ in range(3)]
    together = ask.ids(ask.claim(5))

    assert (one_by_one, together) == ([2, 4, 5], [1, 3])


def test_what_is_claimed_together_comes_in_order(ask: Asker) -> None:
    for priority in (0, 5, -5, 5, 1):
        ask.start(priority=priority)

    assert ask.ids(ask.claim(5)) == [2, 4, 5, 1, 3]


@pytest.mark.promise("P8")
def test_a_job_that_goes_ahead_is_claimed_before_higher_priorities(ask: Asker) -> None:
    ask.start(1, priority=9)
    ask.start(1)
    send_ahead(ask, 2)

    assert ask.claim_one().id == 2


@pytest.mark.promise("P8")
@pytest.mark.parametrize("other", ["default", "another"])
def test_of_what_is_claimed_together_what_goes_ahead_comes_first(ask: Asker, other: str) -> None:
    ask.start(1, priority=9)
    ask.start(3)
    ask.start(1, queue=other, priority=5)
    send_ahead(ask, 2)
    send_ahead(ask, 4)

    claimed = ask.claim(5, queues=("default", other))

    assert ask.ids(claimed) == [2, 4, 1, 5, 3]


@pytest.mark.promise("P8")
def test_a_job_that_came_back_is_claimed_by_its_id(ask: Asker) -> None:
    ask.start(3)
    first = ask.claim_one()
    ask.conclude(first, Yielded())

    assert ask.claim_one().id == 1


def send_ahead(ask: Asker, job_id: int) -> None:
    """Let a job that waits go ahead of its queue."""
    job = ask.job(job_id)
    moved = replace(job, ahead=True, version=job.version + 1)
    ask.apply(Change(moved, State.QUEUED, "resumed", BY))


# --- claiming: which ones


def test_only_known_tasks_are_claimed(ask: Asker) -> None:
    ask.start(1, task="unknown")
    ask.start(1, task="fetch")
    ask.start(1, task="render")

    claimed = ask.claim(5, tasks=("render", "other"))

    assert ask.ids(claimed) == [3]


@pytest.mark.parametrize("tasks", [(), ("Render",), ("rend",), ('render"', "%")])
def test_a_task_is_known_by_its_whole_name(ask: Asker, tasks: tuple[str, ...]) -> None:
    ask.start()

    assert ask.claim(5, tasks=tasks) == []


def test_only_the_queue_that_was_named_is_claimed_from(ask: Asker) -> None:
    ask.start(1)
    ask.start(2, queue="other")

    assert ask.ids(ask.claim(5, queue="other")) == [2, 3]
    assert ask.claim(5, queue="missing") == []


@pytest.mark.parametrize(("count", "expected"), [(-1, 0), (0, 0), (1, 1), (2, 2), (9, 3)])
def test_no_more_jobs_are_claimed_than_were_asked_for(
    ask: Asker, count: int, expected: int
) -> None:
    ask.start(3)

    assert len(ask.claim(count)) == expected


@pytest.mark.promise("S20")
def test_a_job_is_not_claimed_before_it_is_due(ask: Asker) -> None:
    ask.start(run_at=ask.now + 10)
    ask.now += 9.99
    ask.promote()
    early = ask.claim(1)
    ask.now += 0.01
    ask.promote()

    due = ask.claim(1)

    assert early == []
    assert ask.ids(due) == [1]
    assert due[0].run_at is None


@pytest.mark.promise("S2")
def test_a_claimed_job_is_not_claimed_again(ask: Asker) -> None:
    ask.start(2)

    first = ask.claim(5, worker=1)
    second = ask.claim(5, worker=2)

    assert (ask.ids(first), second) == ([1, 2], [])


@pytest.mark.promise("S9")
def test_a_cancelled_job_is_never_claimed(ask: Asker) -> None:
    ask.start(2)
    ask.apply(ask.cancellation(ask.job(1)))

    assert ask.ids(ask.claim(5)) == [2]


# --- claiming: what it does


def test_a_claim_does_to_each_row_what_the_rules_say(ask: Asker) -> None:
    ask.start(1, priority=1, owner="ada", tags=("a",), params=b"7" * 3000)
    ask.start(1, run_at=ask.now + 1)
    ask.start(1)
    third = ask.claim_one(tasks=("render",))
    ask.report(third, Progress(1.0, 2.0))
    ask.conclude(third, Crashed())
    ask.now += 5
    ask.promote()
    before = ask.get(1, 2, 3).jobs

    claimed = ask.claim(5, worker=4)

    assert ask.ids(claimed) == [1, 2, 3]
    for job in claimed:
        assert job == lifecycle.claim(before[job.id], 4, ask.now + LEASE, ask.now)
    assert ask.get(1, 2, 3).jobs == {job.id: job for job in claimed}


def test_a_claim_has_its_event(ask: Asker) -> None:
    ask.start()
    ask.now += 1

    job = ask.claim_one(worker=4)
    event = ask.history(job.id)[-1]

    assert (event.kind, event.state, event.version) == ("claimed", State.RUNNING, 2)
    assert (event.at, event.worker, event.attempt) == (ask.now, 4, 1)
    assert (event.actor, event.door) == (BY.actor, BY.door)


# --- limits


@pytest.mark.promise("S12")
@pytest.mark.promise("P7")
def test_a_limit_holds_over_all_workers(ask: Asker) -> None:
    ask.set_queue(limit=3)
    ask.start(5)

    claimed = [len(ask.claim(2, worker=worker)) for worker in (1, 2, 3)]

    assert claimed == [2, 1, 0]


@pytest.mark.promise("S12")
def test_a_limit_holds_within_one_transaction(ask: Asker) -> None:
    ask.set_queue(limit=3)
    ask.start(5)

    answers, _ = ask.store.run([ask.a_claim(2, worker=worker) for worker in (1, 2, 3)])

    assert [len(jobs) for jobs in answers] == [2, 1, 0]


@pytest.mark.promise("S12")
def test_a_limit_lowered_below_what_runs_admits_nothing_until_it_is_met(ask: Asker) -> None:
    ask.start(5)
    running = ask.claim(3)
    ask.set_queue(limit=2)
    claims = []

    for job in running:
        claims.append(len(ask.claim(5)))
        ask.conclude(job, Succeeded(b"1"))

    assert claims == [0, 0, 1]


@pytest.mark.promise("S12")
@pytest.mark.parametrize("outcome", [Succeeded(b"1"), Failed(SOME_ERROR), Yielded(), Crashed()])
def test_every_outcome_gives_the_slot_back_once(ask: Asker, outcome: Any) -> None:
    ask.set_queue(limit=1)
    ask.start(2)
    job = ask.claim_one()

    ask.conclude(job, outcome)
    ask.conclude(job, outcome)

    assert len(ask.claim(5)) == 1


def test_a_limit_of_zero_runs_nothing_and_none_is_no_limit(ask: Asker) -> None:
    ask.set_queue(limit=0)
    ask.start(3)
    stopped = ask.claim(5)
    ask.set_queue(limit=None)

    assert stopped == []
    assert len(ask.claim(5)) == 3


@pytest.mark.promise("S12")
def test_a_wish_takes_no_slot_away(ask: Asker) -> None:
    ask.set_queue(limit=1)
    ask.start(2)
    ask.apply(ask.cancellation(ask.claim_one()))

    assert ask.claim(5) == []


# --- applying


@pytest.mark.promise("P3")
@pytest.mark.parametrize(
    "outcome", [Succeeded(b'{"a":1}'), Failed(SOME_ERROR), Yielded(), Crashed()]
)
def test_an_applied_change_is_what_is_stored(ask: Asker, outcome: Any) -> None:
    ask.start(params=b'{"frames":240}')
    job = ask.claim_one()
    change = ask.conclusion(job, outcome)

    answer = ask.apply_one(change)

    grown = len(getattr(outcome, "value", b"")) or ask.job(1).size - job.size
    assert answer is None
    assert ask.job(1) == replace(change.after, size=job.size + grown)


@pytest.mark.promise("S4")
def test_a_change_from_an_older_version_is_refused_with_the_row_as_it_is(ask: Asker) -> None:
    ask.start()
    job = ask.claim_one()
    ask.apply(ask.cancellation(job))

    answer = ask.conclude(job, Succeeded(b"1"))

    assert answer == ask.job(1)
    assert ask.job(1).requested is Wish.CANCEL
    assert ask.counts() == {("default", State.RUNNING): 1}


@pytest.mark.promise("S4")
def test_a_stale_token_changes_nothing(ask: Asker) -> None:
    ask.start()
    stale = ask.claim_one(worker=1)
    ask.conclude(stale, Crashed())
    current = ask.claim_one(worker=2)
    # It even knows the newest version, as somebody who read the row would.
    disguised = replace(stale, version=current.version)

    answer = ask.conclude(disguised, Succeeded(b"stale"))

    assert answer == current
    assert ask.job(1) == current


@pytest.mark.promise("S4")
def test_the_right_token_with_a_later_version_changes_nothing(ask: Asker) -> None:
    ask.start()
    job = ask.claim_one()

    answer = ask.conclude(replace(job, version=job.version + 1), Succeeded(b"1"))

    assert answer == job
    assert ask.job(1) == job


@pytest.mark.promise("S5")
@pytest.mark.parametrize("outcome", [Succeeded(b"1"), Failed(SOME_ERROR)])
def test_the_same_change_sent_twice_counts_once(ask: Asker, outcome: Any) -> None:
    ask.start()
    change = ask.conclusion(ask.claim_one(), outcome)

    first = ask.apply_one(change)
    stored = ask.job(1)
    second = ask.apply_one(change)

    assert first is None
    assert second == stored
    assert ask.job(1) == stored
    assert [event.version for event in ask.history(1)] == [1, 2, 3]


@pytest.mark.promise("S5")
def test_the_same_change_twice_in_one_transaction_counts_once(ask: Asker) -> None:
    ask.start()
    change = ask.conclusion(ask.claim_one(), Succeeded(b"1"))

    answers = ask.apply(change, change)

    assert answers == [None, ask.job(1)]
    assert ask.counts() == {("default", State.SUCCEEDED): 1}
    assert [event.version for event in ask.history(1)] == [1, 2, 3]


@pytest.mark.promise("S4")
def test_one_stale_change_does_not_hold_up_the_others(ask: Asker) -> None:
    ask.start(4)
    jobs = ask.claim(4)
    ask.conclude(jobs[1], Crashed())
    changes = [ask.conclusion(job, Succeeded(b"1")) for job in jobs]

    answers = ask.apply(*changes)

    assert answers == [None, ask.job(2), None, None]
    assert ask.counts() == {("default", State.SUCCEEDED): 3, ("default", State.QUEUED): 1}


def test_changes_of_several_senders_share_a_transaction(ask: Asker) -> None:
    ask.start(3)
    jobs = ask.claim(3)
    ask.conclude(jobs[1], Crashed())
    conclusions = [ask.conclusion(job, Succeeded(b"1")) for job in jobs]
    applies = [Apply((c,), ask.now) for c in conclusions] + [Apply((), ask.now)]

    answers, _ = ask.store.run(applies)

    assert answers == [[None], [ask.job(2)], [None], []]


def test_a_change_of_a_removed_job_is_answered_with_gone(ask: Asker) -> None:
    ask.set_queue(keep=0)
    ask.start(2)
    gone, kept = ask.claim(2)
    ask.conclude(gone, Succeeded(b"1"))
    ask.prune()

    answers = ask.apply(
        ask.conclusion(gone, Succeeded(b"1")), ask.conclusion(kept, Succeeded(b"1"))
    )

    assert answers == [Gone(), None]


@pytest.mark.promise("S22")
def test_a_refused_change_leaves_no_event(ask: Asker) -> None:
    ask.start()
    job = ask.claim_one()
    ask.conclude(job, Crashed())

    ask.conclude(job, Succeeded(b"1"))

    assert [event.kind for event in ask.history(1)] == ["queued", "claimed", "rescued"]


@pytest.mark.promise("S7")
@pytest.mark.promise("S8")
@pytest.mark.parametrize("size", [0, 1, 2047, 2048, 2049, 1_000_000])
def test_a_result_of_every_size_comes_back(ask: Asker, size: int) -> None:
    value = b"7" * size

    [job_id] = ask.run_to_success(value=value)

    assert ask.job(job_id).result == value
    assert ask.job(job_id).size == len(b"{}") + size


@pytest.mark.parametrize("size", [0, 1900, 2048, 2049, 70_000])
def test_an_error_of_every_size_comes_back(ask: Asker, size: int) -> None:
    error = Error(code="exception", message="ä" * size, type="ValueError", traceback="t" * size)

    job_id = ask.run_to_failure(error)

    assert ask.job(job_id).error == error


@pytest.mark.parametrize("length", range(2015, 2026))
def test_an_error_around_the_border_of_the_row_comes_back(ask: Asker, length: int) -> None:
    error = Error(code="lost", message="m" * length)

    job_id = ask.run_to_failure(error)

    assert ask.job(job_id).error == error


# --- renewing


def test_a_renewal_reaches_all_that_a_worker_owns_and_nothing_else(ask: Asker) -> None:
    ask.start(4)
    ask.claim(2, worker=1)
    ask.claim(1, worker=2)
    ask.now += 10

    held = ask.renew(worker=1)

    assert sorted(item.job_id for item in held) == [1, 2]
    assert [ask.job(n).lease_until for n in (1, 2, 3)] == [ask.now + LEASE] * 2 + [1000.0 + LEASE]


def test_a_renewal_brings_the_wishes(ask: Asker) -> None:
    ask.start(2)
    wished, other = ask.claim(2)
    ask.apply(ask.cancellation(wished))

    held = sorted(ask.renew(), key=lambda item: item.job_id)

    assert held == [
        Held(1, wished.token, wished.version + 1, State.RUNNING, Wish.CANCEL),
        Held(2, other.token, other.version, State.RUNNING, None),
    ]


def test_a_renewal_shows_what_was_claimed_and_not_heard_of(ask: Asker) -> None:
    ask.start(2)
    ask.claim(2)
    ask.conclude(ask.job(1), Succeeded(b"1"))

    assert [item.job_id for item in ask.renew()] == [2]


def test_a_renewal_writes_the_time_it_is_given(ask: Asker) -> None:
    """Who sets a deadline also judges it: a clock that was set back sets an earlier one."""
    ask.start()
    ask.claim_one()

    ask.renew(lease_until=ask.now + 100)
    ask.renew(lease_until=ask.now + 50)

    assert ask.job(1).lease_until == ask.now + 50


def test_a_renewal_changes_no_version_and_has_no_event(ask: Asker) -> None:
    ask.start()
    job = ask.claim_one()

    ask.renew()

    assert ask.job(1).version == job.version
    assert len(ask.history(1)) == 2


def test_a_renewal_notes_that_the_worker_was_seen(ask: Asker) -> None:
    worker = ask.enter()
    ask.now += 7

    held = ask.renew(worker)

    assert held == []
    assert ask.workers()[0].seen_at == ask.now


def test_a_renewal_tells_how_the_worker_does(ask: Asker) -> None:
    first = Vitals(memory=1 << 40, cpu=2.5, loop_lag=0.25)
    worker = ask.enter(vitals=first)
    entered = ask.workers()[0].vitals

    ask.do(Renew(worker, ask.now, ask.now + LEASE, Vitals(memory=5, loop_lag=0.0)))

    assert entered == first
    assert ask.workers()[0].vitals == Vitals(memory=5, cpu=None, loop_lag=0.0)


def test_of_a_worker_that_says_nothing_of_it_nothing_is_known(ask: Asker) -> None:
    worker = ask.enter()

    ask.renew(worker)

    assert ask.workers()[0].vitals == NO_VITALS


# --- progress


def a_word(done: Any, **fields: Any) -> Progress:
    """Say what the types forbid, as running code may."""
    return Progress(done, **fields)


def test_progress_is_stored(ask: Asker) -> None:
    ask.start()
    job = ask.claim_one()
    progress = Progress(done=3.5, total=10.0, message="half way ½", unit="frame")

    ask.report(job, progress)

    assert ask.job(1) == replace(job, progress=progress)


@pytest.mark.promise("S4")
def test_progress_under_a_stale_token_is_ignored(ask: Asker) -> None:
    ask.start()
    stale = ask.claim_one(worker=1)
    ask.conclude(stale, Crashed())
    ask.claim_one(worker=2)

    ask.report(stale, Progress(99.0))

    assert ask.job(1).progress is None


def test_progress_after_the_end_is_ignored(ask: Asker) -> None:
    ask.start()
    job = ask.claim_one()
    ask.report(job, Progress(1.0))
    ask.conclude(job, Succeeded(b"1"))

    ask.report(job, Progress(2.0))

    assert ask.job(1).progress == Progress(1.0)


@pytest.mark.parametrize(
    "word",
    [
        Progress(float("nan")),
        Progress(float("inf"), 2.0),
        Progress(1.0, message="half a pair \ud800"),
        a_word("7"),
        a_word(None),
        a_word(10**400),
        a_word(1.0, message=object()),
    ],
)
def test_a_word_about_progress_that_cannot_be_kept_spoils_nothing(
    ask: Asker, word: Progress
) -> None:
    """Running code may say anything; nobody may lose a job's row, or its neighbours', over it."""
    ask.start(2)
    first, second = ask.claim(2)

    ask.store.run([ask.a_report((first, word), (second, Progress(2.0)))])

    assert ask.job(1).progress is None
    assert ask.job(2).progress == Progress(2.0)


# --- one transaction


@pytest.mark.promise("S22")
def test_a_whole_life_fits_into_one_transaction(ask: Asker) -> None:
    ask.start()
    job = lifecycle.claim(ask.job(1), 1, ask.now + LEASE, ask.now)
    done = lifecycle.conclude(job, Succeeded(b"1"), ask.now, BY)

    answers, effects = ask.store.run(
        [ask.a_claim(), Apply((done,), ask.now), ask.an_insert(a_new_job())]
    )

    assert answers == [[job], [None], Inserted((2,))]
    assert (effects.changed, effects.wished, effects.claimable) == ((1, 1), (), True)
    assert ask.counts() == {("default", State.SUCCEEDED): 1, ("default", State.QUEUED): 1}


def test_answers_come_in_the_order_of_the_operations(ask: Asker) -> None:
    operations: list[Operation[Any]] = [
        ask.an_insert(a_new_job()),
        ask.a_claim(),
        ask.an_insert(a_new_job(), a_new_job()),
        ask.a_claim(5),
    ]

    answers, _ = ask.store.run(operations)

    assert [type(operation) for operation in operations] == [Insert, Claim, Insert, Claim]
    assert answers[0] == Inserted((1,))
    assert ask.ids(answers[1]) == [1]
    assert answers[2] == Inserted((2, 3))
    assert ask.ids(answers[3]) == [2, 3]


def test_the_effects_name_a_running_job_of_which_something_was_asked(ask: Asker) -> None:
    ask.start(2)
    running = ask.claim_one()
    changes = (ask.cancellation(running), ask.cancellation(ask.job(2)))

    _, effects = ask.store.run([Apply(changes, ask.now)])

    assert effects.wished == (1,)
    assert effects.changed == (1, 2)


def test_what_changed_nothing_has_no_effects(ask: Asker) -> None:
    ask.start()
    job = ask.claim_one()
    ask.conclude(job, Crashed())
    ask.conclude(ask.claim_one(), Succeeded(b"1"))

    _, effects = ask.store.run([Apply((ask.conclusion(job, Succeeded(b"1")),), ask.now)])

    assert not effects
