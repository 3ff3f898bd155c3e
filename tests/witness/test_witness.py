"""Torture with real processes, judged by what the tasks' bodies have witnessed."""

import random
from pathlib import Path

import pytest

from tests.witness.torture import torture

SEED = random.SystemRandom().randrange(1_000_000)
"""Another one each time; a failure prints the command that repeats it."""


@pytest.mark.slow
@pytest.mark.promise(
    "P1", "P2", "P3", "P5", "P6", "P10", "S1", "S3", "S5", "S17", "S19", "L7", "D1"
)
def test_no_promise_is_broken_whatever_is_killed(tmp_path: Path) -> None:
    verdict = torture(SEED, 15, tmp_path)

    assert verdict.violations == [], str(verdict)
    assert verdict.jobs > 20
    assert verdict.pauses > 0


@pytest.mark.long
@pytest.mark.promise(
    "P1", "P2", "P3", "P5", "P6", "P10", "S1", "S3", "S5", "S17", "S19", "L7", "D1"
)
@pytest.mark.parametrize("seed", range(SEED, SEED + 10))
def test_no_promise_is_broken_for_long(tmp_path: Path, seed: int) -> None:
    verdict = torture(seed, 120, tmp_path)

    assert verdict.violations == [], str(verdict)
