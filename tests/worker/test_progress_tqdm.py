"""Bars of `tqdm` inside a job are its progress, in every kind of job; outside they are not."""

import io
import math
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from offload import Offload, current
from offload.config import Config
from offload.model import Bar, Progress
from offload.worker.context import Context, enter
from offload.worker.progressing import Board
from tests.support import eventually
from tests.worker.children import counting

std = counting.std


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offload]:
    """The tasks with a database, and a worker in this program."""
    folder = tmp_path_factory.mktemp("counting")
    counting.app.configure(Config(db=str(folder / "jobs.db"), processes=1, grace=1))
    yield counting.app
    counting.app.close()


@pytest.fixture
def board() -> Iterator[Board]:
    """The board of a job whose code is this test."""
    boards: list[Board] = []
    context = Context(1, 1, tell=boards.append)
    before = current()
    enter(context)
    context.bar("until something else").close()
    yield boards[0]
    enter(before)


def tqdm(*args: Any, **options: Any) -> Any:
    return std.tqdm(*args, **{"file": io.StringIO(), "mininterval": 0, "miniters": 1} | options)


@pytest.mark.parametrize(
    ("name", "done"),
    [("in_a_thread", 2), ("in_a_process", 2), ("in_a_coroutine", 3)],  # it counts before the body
)
def test_the_outermost_bar_is_the_jobs_progress(
    app: Offload, tmp_path: Path, name: str, done: int
) -> None:
    gate = tmp_path / "gate"
    job = app.find(name).start(str(gate))

    eventually(lambda: job.progress is not None and job.progress.done == 1)
    eventually(
        lambda: job.progress is not None and [bar.done for bar in job.progress.bars] == [done]
    )
    midst = job.progress
    gate.touch()
    job.result(20)

    assert midst is not None
    assert (midst.done, midst.total, midst.message, midst.unit) == (1, 3, "epochs", "epoch")
    assert midst.bars == (Bar("batches", done, 4),)
    assert job.progress is not None
    assert (job.progress.done, job.progress.total, job.progress.bars) == (3, 3, ())


def test_a_bar_that_is_imported_by_the_jobs_code_reports(app: Offload, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    job = app.find("with_a_late_import").start(str(gate))

    eventually(lambda: job.progress is not None and job.progress.done == 2)
    gate.touch()
    job.result(20)

    assert job.progress is not None
    assert (job.progress.done, job.progress.total, job.progress.message) == (5, 5, None)


def test_a_loop_that_was_left_has_come_as_far_as_it_has(board: Board) -> None:
    for item in tqdm(range(10), mininterval=60):
        if item == 6:
            break

    assert board.take() == Progress(6, 10, bars=(Bar("until something else", 0),))


def test_its_description_and_postfix_are_shown(board: Board) -> None:
    with tqdm(total=10, desc="train", unit="batch") as bar:
        bar.set_postfix(loss=0.25)
        bar.update(3)

        assert board.take().message == "train: loss=0.25"
        bar.set_description("validate")
        assert board.take().message == "validate: loss=0.25"


def test_a_bar_counts_in_its_own_scale(board: Board) -> None:
    with tqdm(total=100, unit_scale=0.5, unit="MB") as bar:
        bar.update(10)

        shown = board.take()

    assert (shown.done, shown.total, shown.unit) == (5, 50, "MB")


def test_a_job_that_reports_itself_has_the_bar_beside_it(board: Board) -> None:
    current().progress(1, 2, "loading")
    with tqdm(total=100, desc="weights") as bar:
        bar.update(10)
        shown = board.take()

    assert (shown.done, shown.message) == (1, "loading")
    assert shown.bars[-1] == Bar("weights", 10, 100)
    assert "weights" not in [bar.name for bar in board.take().bars]


def test_a_bar_for_terminals_only_reports_and_prints_nothing(
    board: Board, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in std.tqdm(range(3), disable=None):
        pass

    assert board.take().done == 3
    assert capsys.readouterr().err == ""


def test_a_bar_that_is_switched_off_does_not_report(board: Board) -> None:
    before = board.take()

    for _ in tqdm(range(3), disable=True):
        pass

    assert board.take() == before


def test_a_bar_prints_what_it_always_printed(board: Board) -> None:
    stream = io.StringIO()

    for _ in tqdm(range(3), file=stream):
        pass

    assert "3/3" in stream.getvalue()


def test_a_bar_that_counts_for_ever_breaks_nothing(board: Board) -> None:
    with tqdm(total=None, bar_format="{n}") as bar:
        bar.update(np.int64(4))
        bar.update(math.inf)

        assert board.take().done == 4


def test_a_bar_outside_a_job_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    enter(current())
    bar = std.tqdm(range(3), disable=None)

    assert bar.disable is True
    assert list(bar) == [0, 1, 2]


def test_it_is_extended_once_and_never_imported_by_us() -> None:
    extended = std.tqdm.refresh
    enter(current())

    assert std.tqdm.refresh is extended
    assert import_module("tqdm").tqdm.refresh is extended
    assert sum(type(finder).__module__.startswith("offload") for finder in sys.meta_path) == 1
