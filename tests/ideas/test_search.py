"""Every state of a small world is visited, and the search itself is tried on seeded faults.

Two workers, two jobs, and every misfortune a limited number of times. In each state and step the
invariants are checked; from each state a path must lead to where every job has its outcome.
"""

from collections.abc import Callable
from dataclasses import replace as with_fault

import pytest
from msgspec.structs import replace

from offload.backoff import Backoff
from offload.lifecycle import Move
from offload.model import (
    FINISHED,
    PLAIN,
    Cause,
    Change,
    Crashed,
    Job,
    JobOptions,
    OnCrash,
    Outcome,
    State,
    Wish,
    Yielded,
)
from tests.ideas import smallrules
from tests.ideas.samples import a_job
from tests.ideas.searching import explore, stuck
from tests.ideas.smallrules import Rules
from tests.ideas.smallworld import Budget, SmallWorld

Say = Callable[[str], None]

ALL_OF_THEM = 10_000_000

pytestmark = [
    pytest.mark.promise("S2"),
    pytest.mark.promise("S3"),
    pytest.mark.promise("S4"),
    pytest.mark.promise("S5"),
    pytest.mark.promise("S6"),
    pytest.mark.promise("S9"),
    pytest.mark.promise("S10"),
    pytest.mark.promise("S11"),
    pytest.mark.promise("S12"),
    pytest.mark.promise("S18"),
    pytest.mark.promise("S19"),
]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Print a line past pytest's capture: how much was searched belongs to the evidence."""

    def print_it(line: str) -> None:
        with capsys.disabled():
            print(f"\n  {line}", end="", flush=True)

    return print_it


def search(world: SmallWorld, say: Say, *, at_least: int, most: int = ALL_OF_THEM) -> None:
    """Search the world; tell how many states it has, and the story of a violation if any."""
    found = explore(world.first(), world.steps, most, world.by_itself)
    extent = "the whole space" if found.complete else "the nearest states"
    say(
        f"{len(found.states):,} states, {found.steps:,} steps ({extent}): {world.jobs} jobs, "
        f"limit {world.limit}, {world.budget}"
    )

    assert found.violation is None, "\n".join(found.story)
    assert len(found.states) >= at_least
    if found.complete:
        assert stuck(found, world.is_final) == []


# --- the real rules


@pytest.mark.slow
def test_two_workers_and_two_jobs_share_one_place(say: Say) -> None:
    world = SmallWorld(limit=1, budget=Budget(crashes=1, drains=1, suspicions=0, lost_answers=0))

    search(world, say, at_least=100_000)


@pytest.mark.slow
def test_two_jobs_run_at_once(say: Say) -> None:
    budget = Budget(crashes=0, drains=0, suspicions=0, lost_answers=1)

    search(SmallWorld(limit=None, budget=budget), say, at_least=20_000)


@pytest.mark.long
@pytest.mark.parametrize("misfortune", ["crashes", "drains"])
def test_two_jobs_run_at_once_and_workers_come_and_go(misfortune: str, say: Say) -> None:
    budget = Budget(0, 0, 0, 0)._replace(**{misfortune: 1})

    search(SmallWorld(limit=None, budget=budget), say, at_least=50_000)


@pytest.mark.slow
def test_a_worker_that_is_taken_for_dead_changes_nothing_late(say: Say) -> None:
    world = SmallWorld(limit=1, budget=Budget(crashes=0, drains=0, suspicions=1, lost_answers=0))

    search(world, say, at_least=100_000, most=100_000)


@pytest.mark.slow
def test_one_job_crashes_to_its_end(say: Say) -> None:
    budget = Budget(crashes=3, drains=1, suspicions=0, lost_answers=0)

    search(SmallWorld(limit=1, budget=budget, jobs=1), say, at_least=50_000)


def test_a_job_whose_answers_are_lost_still_ends(say: Say) -> None:
    budget = Budget(crashes=1, drains=0, suspicions=0, lost_answers=1)

    search(SmallWorld(limit=1, budget=budget, jobs=1), say, at_least=3_000)


RETRIED = a_job(options=JobOptions(retries=1, backoff=Backoff.fixed(3)))
ONCE = a_job(options=JobOptions(on_crash=OnCrash.FAIL))
CALM = Budget(crashes=0, drains=0, suspicions=0, lost_answers=0)


@pytest.mark.promise("S20")
def test_a_job_is_tried_again_as_often_as_it_may_be(say: Say) -> None:
    budget = CALM._replace(crashes=1, snoozes=1)

    search(SmallWorld(limit=1, budget=budget, jobs=1, job=RETRIED), say, at_least=5_000)


@pytest.mark.slow
def test_a_job_that_has_ended_is_tried_anew_by_hand(say: Say) -> None:
    budget = CALM._replace(crashes=1, new_tries=1)

    search(SmallWorld(limit=1, budget=budget, jobs=1, job=RETRIED), say, at_least=5_000)


@pytest.mark.parametrize("misfortune", ["crashes", "drains", "suspicions", "lost_answers"])
def test_what_must_not_be_repeated_begins_once(misfortune: str, say: Say) -> None:
    budget = CALM._replace(**{misfortune: 1})

    search(SmallWorld(limit=1, budget=budget, jobs=1, job=ONCE), say, at_least=150)


@pytest.mark.slow
@pytest.mark.promise("P4")
@pytest.mark.parametrize("misfortunes", [("crashes", "drains"), ("lost_answers",)])
def test_work_elsewhere_is_started_once_and_told_of_a_cancel(
    misfortunes: tuple[str, ...], say: Say
) -> None:
    budget = CALM._replace(**dict.fromkeys(misfortunes, 1))

    search(SmallWorld(limit=1, budget=budget, jobs=1, polled=True), say, at_least=500)


@pytest.mark.slow
@pytest.mark.promise("P4")
def test_who_is_taken_for_dead_starts_no_work_that_is_known(say: Say) -> None:
    budget = CALM._replace(suspicions=1)

    search(SmallWorld(1, budget, jobs=1, polled=True), say, at_least=40_000, most=40_000)


@pytest.mark.slow
@pytest.mark.promise("P4")
@pytest.mark.parametrize("job", [RETRIED, ONCE], ids=["retried", "once"])
def test_work_elsewhere_is_tried_again_and_adopted(job: Job, say: Say) -> None:
    world = SmallWorld(limit=1, budget=CALM._replace(crashes=2), jobs=1, job=job, polled=True)

    search(world, say, at_least=5_000)


@pytest.mark.slow
@pytest.mark.promise("P5")
@pytest.mark.parametrize(
    ("misfortune", "job", "polled"),
    [
        ("crashes", RETRIED, False),
        ("drains", a_job(), False),
        ("suspicions", ONCE, False),
        ("lost_answers", a_job(), False),
        ("crashes", a_job(), True),
    ],
)
def test_a_job_is_paused_and_resumed_whatever_happens(
    misfortune: str, job: Job, polled: bool, say: Say
) -> None:
    budget = CALM._replace(pauses=1, resumes=1, **{misfortune: 1})

    search(SmallWorld(1, budget, jobs=1, job=job, polled=polled), say, at_least=400, most=25_000)


@pytest.mark.slow
@pytest.mark.promise("P5")
@pytest.mark.promise("P7")
@pytest.mark.promise("P8")
def test_a_resumed_job_and_another_one_share_one_place(say: Say) -> None:
    budget = CALM._replace(pauses=1, resumes=1)

    search(SmallWorld(limit=1, budget=budget), say, at_least=20_000, most=60_000)


@pytest.mark.long
@pytest.mark.promise("P5")
@pytest.mark.parametrize("misfortune", ["crashes", "drains", "suspicions", "lost_answers"])
@pytest.mark.parametrize("polled", [False, True])
def test_two_jobs_are_paused_and_resumed_whatever_happens(
    misfortune: str, polled: bool, say: Say
) -> None:
    budget = CALM._replace(pauses=2, resumes=2, **{misfortune: 1})

    search(SmallWorld(1, budget, polled=polled), say, at_least=500_000, most=1_000_000)


@pytest.mark.slow
@pytest.mark.promise("P4")
def test_two_jobs_whose_work_goes_on_elsewhere_share_one_place(say: Say) -> None:
    search(SmallWorld(limit=1, budget=CALM, polled=True), say, at_least=9_000)


@pytest.mark.long
@pytest.mark.parametrize("limit", [1, None])
@pytest.mark.parametrize(
    "budget",
    [
        Budget(crashes=2, drains=2, suspicions=0, lost_answers=0),
        Budget(crashes=1, drains=1, suspicions=0, lost_answers=1),
        Budget(crashes=0, drains=0, suspicions=1, lost_answers=0),
    ],
)
def test_a_million_states(limit: int | None, budget: Budget, say: Say) -> None:
    search(SmallWorld(limit=limit, budget=budget), say, at_least=1_000_000, most=1_700_000)


# --- faults, each of which the search must find


def any_change(_row: Job, _change: Change) -> bool:
    """An apply that looks at the id only."""
    return True


def same_token(row: Job, change: Change) -> bool:
    """An apply that looks at the token and not at the version."""
    return row.token == change.after.token


def same_version(row: Job, change: Change) -> bool:
    """An apply that looks at the version and not at the token."""
    return row.version == change.after.version - 1


def whatever_runs(_held: Job, row: Job) -> bool:
    """A refused worker that goes on with whoever's row, as long as it runs."""
    return row.state is State.RUNNING


def always_room(_occupied: int, _limit: int | None) -> bool:
    return True


def cancelled_at_once(job: Job) -> Change | None:
    """A cancel that does not wait for the holder of a running job."""
    if job.is_finished:
        return None
    waiting = replace(job, state=State.QUEUED, worker=None)
    return smallrules.request(waiting)


def cancels_what_is_finished(job: Job) -> Change | None:
    if job.state is State.CANCELLED:
        return None
    if job.is_finished:
        return smallrules.request(replace(job, state=State.QUEUED, requested=None))
    return smallrules.request(job)


def wish_without_version(job: Job) -> Change | None:
    """A wish that is written without raising the version."""
    change = smallrules.request(job)
    if change is None or change.after.requested is None:
        return change
    return replace(change, after=replace(change.after, version=job.version))


def version_or_none_raised(row: Job, change: Change) -> bool:
    return row.token == change.after.token and row.version in {
        change.after.version,
        change.after.version - 1,
    }


def forgets_the_wish(job: Job, outcome: Outcome) -> Change:
    return smallrules.conclude(replace(job, requested=None), outcome)


def crashes_not_counted(job: Job, outcome: Outcome) -> Change:
    change = smallrules.conclude(job, outcome)
    return replace(change, after=replace(change.after, crashes=job.crashes))


def crashes_for_ever(job: Job, outcome: Outcome) -> Change:
    if not isinstance(outcome, Crashed) or job.requested is Wish.CANCEL:
        return smallrules.conclude(job, outcome)
    change = smallrules.conclude(replace(job, crashes=0), outcome)
    return replace(change, after=replace(change.after, crashes=job.crashes + 1))


def keeps_the_slot(job: Job, outcome: Outcome) -> Change:
    change = smallrules.conclude(job, outcome)
    return replace(change, after=replace(change.after, occupies_slot=True))


def keeps_the_attempt(job: Job, outcome: Outcome) -> Change:
    change = smallrules.conclude(job, outcome)
    return replace(change, after=replace(change.after, attempt=job.attempt))


def goes_back_hidden(job: Job, outcome: Outcome) -> Change:
    """What goes back to the queue cannot be claimed again."""
    change = smallrules.conclude(job, outcome)
    return replace(change, after=replace(change.after, claimable=False))


def same_token_again(job: Job, worker: int) -> Job:
    return replace(smallrules.claim(job, worker), token=job.token)


def handle_kept(job: Job, outcome: Outcome) -> Change:
    """What goes back for another attempt keeps the handle of the work that failed."""
    change = smallrules.conclude(job, outcome)
    return replace(change, after=replace(change.after, handle=job.handle))


def handle_lost(job: Job, outcome: Outcome) -> Change:
    """A waiting job that goes back forgets what it waits for."""
    change = smallrules.conclude(job, outcome)
    if isinstance(outcome, Crashed | Yielded) and not change.after.is_finished:
        return replace(change, after=replace(change.after, handle=None))
    return change


def stops_untold(job: Job, outcome: Outcome) -> Change:
    """A cancel is done as soon as nobody has the job, whoever works for it elsewhere."""
    if job.requested is Wish.CANCEL and outcome in {Yielded(), Crashed()}:
        return smallrules.conclude(replace(job, handle=None), Yielded(Cause.CANCEL))
    return smallrules.conclude(job, outcome)


def cancelled_in_the_queue(job: Job) -> Change | None:
    """A cancel of a queued job does not mind that its work goes on elsewhere."""
    if job.state is State.QUEUED:
        return smallrules.request(replace(job, handle=None))
    return smallrules.request(job)


def tries_for_ever(job: Job, outcome: Outcome) -> Change:
    change = smallrules.conclude(replace(job, forgiven=job.attempt), outcome)
    return replace(change, after=replace(change.after, forgiven=job.forgiven))


def snooze_uses_an_attempt(job: Job, outcome: Outcome) -> Change:
    change = smallrules.conclude(job, outcome)
    is_snooze = change.event == Move.SNOOZE
    attempt = job.attempt if is_snooze else change.after.attempt
    return replace(change, after=replace(change.after, attempt=attempt))


def runs_again_after_a_crash(job: Job, outcome: Outcome) -> Change:
    change = smallrules.conclude(replace(job, options=PLAIN), outcome)
    return replace(change, after=replace(change.after, options=job.options))


def adopted_work_is_lost(job: Job, outcome: Outcome) -> Change:
    if isinstance(outcome, Crashed):
        alone = replace(job, handle=None, next_check_at=None)
        return smallrules.conclude(alone, outcome)
    return smallrules.conclude(job, outcome)


def paused_at_once(job: Job, wish: Wish) -> Change | None:
    """A pause that does not wait for the holder of a running job."""
    change = smallrules.ask(job, wish)
    if wish is Wish.PAUSE and change is not None and change.after.requested is Wish.PAUSE:
        return smallrules.stand_still(replace(change.after, version=job.version))
    return change


def pause_forgotten(job: Job, outcome: Outcome) -> Change:
    """What is to stand still goes back to the queue when its worker is gone."""
    if isinstance(outcome, Crashed | Yielded) and job.requested in {None, Wish.PAUSE}:
        return smallrules.conclude(replace(job, state=State.RUNNING, requested=None), outcome)
    return smallrules.conclude(job, outcome)


def paused_in_its_slot(job: Job) -> Change | None:
    change = smallrules.stand_still(job)
    return change and replace(change, after=replace(change.after, occupies_slot=True))


def goes_on_unseen(job: Job) -> Change:
    """A job that goes on with another token, as though it were claimed anew."""
    change = smallrules.go_on(job)
    return replace(change, after=replace(change.after, token=job.token + 1))


def behind_all_others(job: Job, wish: Wish) -> Change | None:
    """A held job that had begun goes back to the end of its queue."""
    change = smallrules.ask(job, wish)
    return change and replace(change, after=replace(change.after, ahead=False))


def keeps_for_anybody(held: Job, row: Job) -> bool:
    return row.is_owned


def waits_in_its_slot(job: Job) -> Change:
    change = smallrules.wait(job)
    return replace(change, after=replace(change.after, occupies_slot=True))


def tries_what_has_succeeded(job: Job) -> Change:
    change = smallrules.retry(job)
    return replace(change, after=replace(change.after, version=job.version))


REAL = Rules()
FAULTS = {
    "an apply looks at the id only": (with_fault(REAL, compare_and_set=any_change), "S22"),
    "an apply ignores the version": (with_fault(REAL, compare_and_set=same_token), "S5"),
    "an apply ignores the token, and so does a worker": (
        with_fault(REAL, compare_and_set=same_version, is_ours=whatever_runs),
        "S2",
    ),
    "a cancel does not wait for the code": (with_fault(REAL, request=cancelled_at_once), "S10"),
    "a finished job is cancelled": (with_fault(REAL, request=cancels_what_is_finished), "S5"),
    "a wish raises no version": (
        with_fault(REAL, request=wish_without_version, compare_and_set=version_or_none_raised),
        "S22",
    ),
    "a claim ignores the limit": (with_fault(REAL, has_room=always_room), "S12"),
    "an ended job keeps its slot": (with_fault(REAL, conclude=keeps_the_slot), "S12"),
    "a wish is forgotten at the end": (with_fault(REAL, conclude=forgets_the_wish), "S9"),
    "crashes are not counted": (with_fault(REAL, conclude=crashes_not_counted), "S3"),
    "crashes have no end": (with_fault(REAL, conclude=crashes_for_ever), "S19"),
    "an interrupt uses up the attempt": (with_fault(REAL, conclude=keeps_the_attempt), "S3"),
    "a claim keeps the token": (with_fault(REAL, claim=same_token_again), "S3"),
}


POLLED = SmallWorld(limit=1, budget=CALM._replace(crashes=1, drains=1), jobs=1, polled=True)
TRIED = SmallWorld(limit=1, budget=CALM._replace(snoozes=1, new_tries=1), jobs=1, job=RETRIED)
AT_ONCE = SmallWorld(limit=1, budget=CALM._replace(crashes=1, suspicions=1), jobs=1, job=ONCE)
PAUSED = SmallWorld(
    limit=1, budget=CALM._replace(crashes=1, suspicions=1, pauses=1, resumes=1), jobs=1
)
SEEDED: dict[str, tuple[SmallWorld, Rules, str]] = {
    "an adopted job starts its work again": (
        POLLED,
        with_fault(REAL, starts_elsewhere=lambda job: True),
        "S3",
    ),
    "a rescue forgets the handle": (POLLED, with_fault(REAL, conclude=handle_lost), "P4"),
    "a cancel is done and the other side not told": (
        POLLED,
        with_fault(REAL, conclude=stops_untold),
        "P4",
    ),
    "a cancel in the queue tells nobody": (
        POLLED,
        with_fault(REAL, request=cancelled_in_the_queue),
        "P4",
    ),
    "a waiting job keeps its slot": (POLLED, with_fault(REAL, wait=waits_in_its_slot), "S12"),
    "work elsewhere is lost with who asked": (
        with_fault(POLLED, job=ONCE),
        with_fault(REAL, conclude=adopted_work_is_lost),
        "S3",
    ),
    "another attempt waits for work that has failed": (
        with_fault(POLLED, job=RETRIED),
        with_fault(REAL, conclude=handle_kept),
        "S3",
    ),
    "a pause does not wait for the code": (PAUSED, with_fault(REAL, ask=paused_at_once), "S10"),
    "a pause is forgotten with the worker": (
        PAUSED,
        with_fault(REAL, conclude=pause_forgotten),
        "P5",
    ),
    "a paused job keeps its slot": (
        PAUSED,
        with_fault(REAL, stand_still=paused_in_its_slot),
        "S12",
    ),
    "a resumed job ignores the limit": (
        SmallWorld(limit=1, budget=CALM._replace(pauses=1, resumes=1)),
        with_fault(REAL, may_resume=always_room),
        "S12",
    ),
    "a resumed job has another token": (
        PAUSED,
        with_fault(REAL, go_on=goes_on_unseen, compare_and_set=same_version),
        "S4",
    ),
    "what was held waits behind others": (
        PAUSED,
        with_fault(REAL, ask=behind_all_others),
        "P8",
    ),
    "a stale holder's checkpoint is kept": (
        PAUSED,
        with_fault(REAL, may_keep=keeps_for_anybody),
        "S18",
    ),
    "attempts have no end": (TRIED, with_fault(REAL, conclude=tries_for_ever), "S19"),
    "a snooze uses up an attempt": (
        TRIED,
        with_fault(REAL, conclude=snooze_uses_an_attempt),
        "S3",
    ),
    "a manual retry raises no version": (
        TRIED,
        with_fault(REAL, retry=tries_what_has_succeeded, compare_and_set=version_or_none_raised),
        "S22",
    ),
    "what must not be repeated runs again after a crash": (
        AT_ONCE,
        with_fault(REAL, conclude=runs_again_after_a_crash),
        "S3",
    ),
    "what must not be repeated is left behind and runs again": (
        AT_ONCE,
        with_fault(REAL, left_behind=lambda job: Yielded(Cause.LOST)),
        "S3",
    ),
}


@pytest.mark.parametrize("fault", SEEDED)
def test_the_search_finds_a_seeded_fault_of_the_newer_rules(fault: str) -> None:
    template, rules, rule = SEEDED[fault]
    world = with_fault(template, rules=rules)

    found = explore(world.first(), world.steps, 50_000)

    assert found.violation is not None
    assert found.violation.rule == rule
    assert rule in found.story[-1]


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_the_search_finds_a_seeded_fault(fault: str) -> None:
    rules, rule = FAULTS[fault]
    jobs = 1 if rule in {"S2", "S19"} else 2
    budget = Budget(crashes=3 if rule == "S19" else 1, drains=1, suspicions=1, lost_answers=0)
    world = SmallWorld(limit=1, budget=budget, jobs=jobs, rules=rules)

    found = explore(world.first(), world.steps, 50_000)

    assert found.violation is not None
    assert found.violation.rule == rule
    assert rule in found.story[-1]


def test_the_search_finds_a_job_that_can_never_end() -> None:
    budget = Budget(crashes=0, drains=1, suspicions=0, lost_answers=0)
    rules = with_fault(REAL, conclude=goes_back_hidden)
    world = SmallWorld(limit=1, budget=budget, jobs=1, rules=rules)

    found = explore(world.first(), world.steps, 50_000, world.by_itself)
    hopeless = stuck(found, world.is_final)

    assert found.complete
    assert found.violation is None
    assert hopeless
    assert all(
        world.catalogue.rows[number].state not in FINISHED for number in hopeless[0].jobs if number
    )


def test_a_story_is_the_shortest_way_to_the_violation() -> None:
    world = SmallWorld(
        limit=1,
        budget=Budget(0, 0, 0, 0),
        rules=with_fault(REAL, has_room=always_room),
    )

    found = explore(world.first(), world.steps, 50_000)

    assert sorted(found.story[:-1]) == [
        "start job 0",
        "start job 1",
        "worker 0 claims job 0",
        "worker 0 claims job 1",
        "worker 0 enters",
    ]
