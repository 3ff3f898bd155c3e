"""Every state of a small world is visited, and the search itself is tried on seeded faults.

Two workers, two jobs, and every misfortune a limited number of times. In each state and step the
invariants are checked; from each state a path must lead to where every job has its outcome.
"""

from collections.abc import Callable
from dataclasses import replace as with_fault

import pytest
from msgspec.structs import replace

from offload.model import FINISHED, Change, Crashed, Job, Outcome, State, Wish
from tests.ideas import smallworld
from tests.ideas.searching import explore, stuck
from tests.ideas.smallworld import Budget, Rules, SmallWorld

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
    pytest.mark.promise("S12"),
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
    waiting = replace(job, state=State.QUEUED)
    return smallworld.request(waiting)


def cancels_what_is_finished(job: Job) -> Change | None:
    if job.state is State.CANCELLED:
        return None
    if job.is_finished:
        return smallworld.request(replace(job, state=State.QUEUED, requested=None))
    return smallworld.request(job)


def wish_without_version(job: Job) -> Change | None:
    """A wish that is written without raising the version."""
    change = smallworld.request(job)
    if change is None or change.after.requested is None:
        return change
    return replace(change, after=replace(change.after, version=job.version))


def version_or_none_raised(row: Job, change: Change) -> bool:
    return row.token == change.after.token and row.version in {
        change.after.version,
        change.after.version - 1,
    }


def forgets_the_wish(job: Job, outcome: Outcome) -> Change:
    return smallworld.conclude(replace(job, requested=None), outcome)


def crashes_not_counted(job: Job, outcome: Outcome) -> Change:
    change = smallworld.conclude(job, outcome)
    return replace(change, after=replace(change.after, crashes=job.crashes))


def crashes_for_ever(job: Job, outcome: Outcome) -> Change:
    if not isinstance(outcome, Crashed) or job.requested is Wish.CANCEL:
        return smallworld.conclude(job, outcome)
    change = smallworld.conclude(replace(job, crashes=0), outcome)
    return replace(change, after=replace(change.after, crashes=job.crashes + 1))


def keeps_the_slot(job: Job, outcome: Outcome) -> Change:
    change = smallworld.conclude(job, outcome)
    return replace(change, after=replace(change.after, occupies_slot=True))


def keeps_the_attempt(job: Job, outcome: Outcome) -> Change:
    change = smallworld.conclude(job, outcome)
    return replace(change, after=replace(change.after, attempt=job.attempt))


def goes_back_hidden(job: Job, outcome: Outcome) -> Change:
    """What goes back to the queue cannot be claimed again."""
    change = smallworld.conclude(job, outcome)
    return replace(change, after=replace(change.after, claimable=False))


def same_token_again(job: Job, worker: int) -> Job:
    return replace(smallworld.claim(job, worker), token=job.token)


REAL = Rules()
FAULTS = {
    "an apply looks at the id only": (with_fault(REAL, compare_and_set=any_change), "S22"),
    "an apply ignores the version": (with_fault(REAL, compare_and_set=same_token), "S5"),
    "an apply ignores the token, and so does a worker": (
        with_fault(REAL, compare_and_set=same_version, is_ours=whatever_runs),
        "S4",
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


@pytest.mark.parametrize("fault", FAULTS)
def test_the_search_finds_a_seeded_fault(fault: str) -> None:
    rules, rule = FAULTS[fault]
    jobs = 1 if rule in {"S4", "S19"} else 2
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
