"""Jobs that are cut off go on where they were: with a real database, and every kind of code."""

import asyncio
import contextvars
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from offload import Job, Offload
from offload.examples import count_primes, power_sim
from offload.worker.context import enter
from tests.support import eventually, whole_lines
from tests.worker.children import kept
from tests.worker.keepers import Shelf

KINDS = pytest.mark.parametrize(
    ("function", "executor"),
    [(kept.add_up_async, "async"), (kept.add_up, "thread"), (kept.add_up, "process")],
    ids=["async", "thread", "process"],
)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Offload]:
    app = Offload(tmp_path / "jobs.db", grace=2)
    yield app
    app.close()


def noted(witness: Path) -> list[int]:
    return [int(line) for line in whole_lines(witness)]


def _go_on(job: Job[Any], witness: Path, reached: int) -> None:
    """Let it come so far; whoever waits for a job starts a worker."""
    eventually(lambda: job.wait(0.05) or len(noted(witness)) > reached)


@pytest.mark.slow
@pytest.mark.promise("P6")
@KINDS
def test_an_interrupted_job_goes_on_and_does_no_item_twice(
    app: Offload, tmp_path: Path, function: Callable[..., Any], executor: str
) -> None:
    task = app.task(executor=executor)(function)
    witness = tmp_path / "witness"
    job = task.start(most=60, seconds=0.01, witness=str(witness))

    for reached in (5, 20):
        _go_on(job, witness, reached)
        app.close()

    assert job.result(timeout=60) == sum(range(60))
    assert noted(witness) == list(range(60))
    assert app.read_job(job.id).interrupts == 2
    assert app.read_job(job.id).attempt == 1


@pytest.mark.slow
@pytest.mark.promise("P6")
def test_a_step_runs_once_though_the_process_is_killed_and_the_code_fails(
    app: Offload, tmp_path: Path
) -> None:
    task: Any = app.task(executor="process", retries=2, backoff=0)(kept.is_killed_between_steps)
    witness = tmp_path / "witness"

    value = task.start(witness=str(witness)).result(timeout=60)

    assert value == noted(witness)
    assert len(value) == 2


def test_an_async_step_runs_once_though_the_code_fails(app: Offload, tmp_path: Path) -> None:
    task: Any = app.task(retries=1, backoff=0)(kept.fails_between_steps)
    witness = tmp_path / "witness"

    value = task.start(witness=str(witness)).result(timeout=60)

    assert value == noted(witness)
    assert len(value) == 2


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_a_checkpoint_can_be_waited_for(app: Offload, executor: str) -> None:
    task: Any = app.task(executor=executor)(kept.waits_until_stored)

    assert task.start().result(timeout=60) == [None, 1]


@pytest.mark.promise("P6")
@pytest.mark.parametrize("executor", ["thread", "process"])
def test_the_last_state_is_kept_by_an_attempt_that_fails_at_once(
    app: Offload, executor: str
) -> None:
    task: Any = app.task(executor=executor, retries=1, backoff=0)(
        kept.fails_with_its_state_just_given
    )

    assert task.start().result(timeout=60) == 999


def test_a_power_larger_than_any_state_comes_out_right_after_an_interrupt(app: Offload) -> None:
    task = app.task(name="power_sim")(power_sim.registered.function)
    job = task.start(a=7**2000, b=40, delay_seconds=0.01)
    eventually(lambda: job.progress is not None and job.progress.done > 4)

    app.close()

    assert job.state == "queued"
    assert job.result(timeout=60) == 7**80_000


def test_a_power_goes_on_behind_the_last_multiplication_that_was_kept() -> None:
    shelf = Shelf()
    shelf.attempt().context.checkpoint(17)
    attempt = shelf.attempt(halts=False)
    surroundings = contextvars.Context()
    surroundings.run(enter, attempt.context)

    value = surroundings.run(asyncio.run, power_sim(2, 20, delay_seconds=0))

    assert value == 1_048_576
    assert attempt.told == [(18, 20), (19, 20), (20, 20)]
    assert shelf.last == {"state": 20}


def test_primes_are_counted_on_behind_the_last_number_that_was_kept() -> None:
    shelf = Shelf()
    shelf.attempt().context.checkpoint((15_000, 1_754))
    attempt = shelf.attempt()
    surroundings = contextvars.Context()
    surroundings.run(enter, attempt.context)

    assert surroundings.run(count_primes, 20_000) == 2_262
    assert attempt.told == [(15_000, 20_000), (20_000, 20_000)]


@pytest.mark.slow
@pytest.mark.promise("P5")
def test_a_thread_is_paused_between_two_items_and_goes_on_there(
    app: Offload, tmp_path: Path
) -> None:
    task: Any = app.task(executor="thread")(kept.add_up)
    witness = tmp_path / "witness"
    job = task.start(most=40, seconds=0.01, witness=str(witness))
    _go_on(job, witness, 3)

    job.pause(reason="somebody needs the machine")
    eventually(lambda: job.state == "paused")
    done = noted(witness)
    pause: Any = app.read_job(job.id).pause
    assert pause.mode == "parked"
    job.resume()

    assert job.result(timeout=60) == sum(range(40))
    assert 3 < len(done) < 40
    assert noted(witness) == list(range(40))


@pytest.mark.slow
@pytest.mark.promise("P6")
@KINDS
def test_a_paused_job_whose_worker_ends_is_held_and_goes_on_from_its_checkpoint(
    app: Offload, tmp_path: Path, function: Callable[..., Any], executor: str
) -> None:
    task = app.task(executor=executor)(function)
    witness = tmp_path / "witness"
    job = task.start(most=60, seconds=0.01, witness=str(witness))
    _go_on(job, witness, 5)

    job.pause()
    eventually(lambda: job.state == "paused")
    app.close()
    pause: Any = app.read_job(job.id).pause
    assert pause.mode == "held"
    job.resume()

    assert job.result(timeout=60) == sum(range(60))
    assert sorted(set(noted(witness))) == list(range(60))
    assert len(noted(witness)) <= 61
