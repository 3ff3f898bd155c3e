"""The real worker and store on virtual time, with faults drawn from a seed, judged by a witness."""

import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest

from offload.lanes import lane_of
from offload.model import FINISHED, State
from tests.simulation.__main__ import report
from tests.simulation.clients import MOST
from tests.simulation.history import (
    Begun,
    Committed,
    Ending,
    Fell,
    Found,
    StartedElsewhere,
    TakenForDead,
    ToldElsewhere,
)
from tests.simulation.plan import draw_plan
from tests.simulation.simulate import Verdict, simulate

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.promise(
    "S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9", "S10", "S11", "S12", "S13", "S14",
    "S15", "S16", "S17", "S18", "S19", "S20", "S21", "S22", "S23", "S24", "L1", "L2", "L3", "L5",
    "L6", "L7", "D1", "P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9", "P10",
)  # fmt: skip


simulated = lru_cache(maxsize=30)(simulate)
"""Several tests look at the same first seeds; others would push them out."""


def check(verdict: Verdict) -> None:
    """Fail with what it takes to repeat the run of a seed."""
    assert not verdict.violations, report(verdict)


FIRST = [pytest.param(seed, marks=[pytest.mark.slow] if seed >= 3 else []) for seed in range(30)]
"""A quick run takes three."""


@pytest.mark.parametrize("seed", FIRST)
def test_no_invariant_is_violated(seed: int) -> None:
    check(simulated(seed))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 190, 5))
def test_no_invariant_is_violated_in_more_runs(first: int) -> None:
    for seed in range(first, first + 5):
        check(simulate(seed))


@pytest.mark.long
@pytest.mark.parametrize("first", range(1000, 6000, 100))
def test_no_invariant_is_violated_in_five_thousand_runs(first: int) -> None:
    for seed in range(first, first + 100):
        check(simulate(seed))


# --- the simulation itself


@pytest.mark.slow
def test_the_same_seed_gives_the_same_trace_in_another_process() -> None:
    seed = next(seed for seed in range(100) if len(vars_of(seed)) > 7)
    script = f"from tests.simulation.simulate import simulate; print(simulate({seed}).digest)"

    digests = [
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout.strip()
        for hash_seed in (1, 2)
    ]

    assert digests == [simulate(seed).digest] * 2


def vars_of(seed: int) -> list[str]:
    """The faults that a seed enables."""
    faults = draw_plan(seed).faults
    return [name for name in faults.__struct_fields__ if getattr(faults, name)]


def test_other_seeds_give_other_traces() -> None:
    assert len({simulated(seed).digest for seed in range(3)}) == 3


@pytest.mark.slow
def test_what_the_seeds_of_every_test_run_go_through_is_worth_judging() -> None:
    verdicts = [simulated(seed) for seed in range(20)]

    entries = [entry for verdict in verdicts for entry in verdict.history]
    finished = [
        event.state
        for entry in entries
        if isinstance(entry, Committed)
        for event in entry.events
        if event.state in FINISHED
    ]
    kinds = {
        event.kind for entry in entries if isinstance(entry, Committed) for event in entry.events
    }
    assert len(finished) > 200
    assert set(finished) == {State.SUCCEEDED, State.FAILED, State.CANCELLED}
    assert {"rescued", "interrupted", "cancel-requested", "stopped"} <= kinds
    assert {"waiting", "attempt-failed", "snoozed", "retried"} <= kinds
    assert {"pause-requested", "paused", "resume-requested", "resumed", "held", "released"} <= kinds
    assert len([entry for entry in entries if isinstance(entry, Begun)]) > 200
    assert len([entry for entry in entries if isinstance(entry, Fell)]) > 30
    assert [entry for entry in entries if isinstance(entry, TakenForDead)]
    assert [entry for entry in entries if isinstance(entry, ToldElsewhere)]
    started = [entry for entry in entries if isinstance(entry, StartedElsewhere)]
    assert len(started) > 20
    found = [entry for entry in entries if isinstance(entry, Found)]
    assert len([entry for entry in found if entry.done]) > 10


@pytest.mark.slow
def test_the_seeds_of_every_test_run_start_every_kind_of_job() -> None:
    verdicts = [simulated(seed) for seed in range(10)]

    entries = [entry for verdict in verdicts for entry in verdict.history]
    rows = [row for entry in entries if isinstance(entry, Committed) for row in entry.new]
    endings = [entry for entry in entries if isinstance(entry, Ending)]
    codes = {job.error.code for ending in endings for job in ending.jobs if job.error is not None}
    limits = {name for row in rows for name in lane_of(row.lane).limits}
    assert codes >= {"exception", "timeout", "deadline", "lost", "not-serializable"}
    assert limits == set(MOST)
    assert [row for row in rows if lane_of(row.lane).rates]
    assert [row for row in rows if row.bound_to is not None]
    assert [row for row in rows if row.group is not None]
    assert len([row for row in rows if row.key is not None]) > 20
    assert len([row for row in rows if row.due_at is not None]) > 20


def test_a_failing_seed_prints_the_one_command_that_repeats_it() -> None:
    verdict = Verdict(
        draw_plan(7), ["S5: a job was succeeded and then cancelled"], [], simulated(0).history
    )

    said = report(verdict)

    assert "seed 7: 1 violations" in said
    assert "S5: a job was succeeded and then cancelled" in said
    assert "make simulate SEEDS=7" in said


@pytest.mark.slow
def test_the_command_runs_a_range_of_seeds() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--seeds", "0:2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("2 seeds passed, 0 failed")
