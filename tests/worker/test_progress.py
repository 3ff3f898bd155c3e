"""How far a job has come: what is said is checked, what is shown is the latest, and little else."""

import asyncio
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from offload import current
from offload.model import Bar, Progress
from offload.worker.context import Context, progress
from offload.worker.progressing import Board
from offload.worker.progressing.board import MOST_BARS
from tests.worker.rigs import VirtualRig


class Watched:
    """A context, and what is shown of it when somebody looks."""

    def __init__(self) -> None:
        self.news = 0
        self.boards: list[Board] = []
        self.context = Context(1, 1, tell=self._tell)

    def _tell(self, board: Board) -> None:
        self.news += 1
        self.boards.append(board)

    def look(self) -> Progress:
        return self.boards[-1].take()


@pytest.fixture
def watched() -> Watched:
    return Watched()


# --- what is said


def test_a_million_words_are_told_once_until_somebody_looks(watched: Watched) -> None:
    for done in range(1_000_000):
        watched.context.progress(done)

    assert (watched.news, watched.look()) == (1, Progress(999_999))


def test_what_is_said_after_a_look_is_told_again(watched: Watched) -> None:
    watched.context.progress(1)
    watched.look()
    watched.context.progress(2)

    assert (watched.news, watched.look()) == (2, Progress(2))


def test_what_is_said_in_the_midst_of_a_look_is_told_again() -> None:
    told: list[Progress] = []

    def take_and_say(board: Board) -> None:
        told.append(board.take())
        if len(told) == 1:
            board.say(2, None)

    Context(1, 1, tell=take_and_say).progress(1)

    assert told == [Progress(1), Progress(2)]


@pytest.mark.parametrize("given", [np.int64(3), np.float32(3), Decimal(3), Fraction(3), True + 2])
def test_every_real_number_is_taken(watched: Watched, given: Any) -> None:
    watched.context.progress(given, given)

    shown = watched.look()

    assert (shown.done, shown.total) == (3.0, 3.0)
    assert type(shown.done) is float


@pytest.mark.parametrize("given", [math.nan, math.inf, -math.inf, np.float64("nan"), 10**400])
def test_a_number_that_is_not_finite_is_refused_where_it_is_said(
    watched: Watched, given: Any
) -> None:
    watched.context.progress(1, 2)

    for say in (
        lambda: watched.context.progress(given),
        lambda: watched.context.progress(1, given),
        lambda: watched.context.bar("bar", given),
        lambda: watched.context.bar("bar").advance(given),
        lambda: watched.context.bar("bar").update(1, given),
    ):
        with pytest.raises(ValueError, match="finite"):
            say()

    assert watched.look().done == 1


def test_less_than_nothing_is_shown_as_it_was_said(watched: Watched) -> None:
    watched.context.progress(-5, 10)

    assert watched.look().done == -5


def test_a_message_is_read_when_it_is_said(watched: Watched) -> None:
    message: Any = ["first"]
    watched.context.progress(1, None, message)
    message.append("later")

    assert watched.look().message == "['first']"


def test_secrets_are_told_to_nobody(watched: Watched) -> None:
    watched.context.bar("token s3cret").update(1, message="with s3cret")
    watched.context.bar("and s3cret").update(1, message="with s3cret")
    watched.boards[0].redact = lambda text: text.replace("s3cret", "***")

    assert watched.look() == Progress(
        1, None, "token ***: with ***", bars=(Bar("and ***", 1, message="with ***"),)
    )


# --- bars


def test_a_bar_stands_beside_the_jobs_progress(watched: Watched) -> None:
    watched.context.progress(1, 3, unit="file")
    with watched.context.bar("download", total=80, unit="MB") as bar:
        bar.advance(20)
        bar.update(message="from afar")

        shown = watched.look()

    assert shown == Progress(1, 3, None, "file", bars=(Bar("download", 20, 80, "MB", "from afar"),))


def test_the_first_open_bar_is_the_progress_of_a_job_that_says_nothing_else(
    watched: Watched,
) -> None:
    download, unpack = watched.context.bar("download", 80), watched.context.bar("unpack", 5)
    download.update(80)
    both = watched.look()
    download.close()
    rest = watched.look()
    unpack.close()

    assert both == Progress(80, 80, "download", bars=(Bar("unpack", 0, 5),))
    assert rest == Progress(0, 5, "unpack", bars=(Bar("download", 80, 80),))
    assert watched.look() == rest


def test_a_closed_bar_gives_way_to_one_of_its_name(watched: Watched) -> None:
    watched.context.progress(0)
    for part in range(3):
        with watched.context.bar("part", 10, done=part):
            pass

    assert watched.look().bars == (Bar("part", 2, 10),)


def test_very_many_bars_are_not_all_shown(watched: Watched) -> None:
    watched.context.progress(0)
    for part in range(1000):
        with watched.context.bar(f"part {part}"):
            pass

    assert len(watched.look().bars) <= MOST_BARS
    assert watched.look().bars[-1].name == "part 999"


@pytest.mark.parametrize("name", ["", "x" * 2000])
def test_a_bar_has_a_name_that_can_be_shown(watched: Watched, name: str) -> None:
    with pytest.raises(ValueError, match="name of a bar"):
        watched.context.bar(name)


def test_bars_outside_a_job_are_kept_by_nobody() -> None:
    with current().bar("download", 3) as bar:
        bar.advance(3)

    assert bar.done == 3


# --- loops


def test_of_loops_in_each_other_the_outermost_is_the_progress(rig: VirtualRig) -> None:
    @rig.task
    async def loops() -> None:
        for _ in progress(range(2), unit="epoch"):
            for _ in progress(range(4), unit="batch"):
                await asyncio.sleep(1)

    async def scenario() -> Progress | None:
        async with rig.working():
            job = await rig.start("loops")
            await asyncio.sleep(6.5)
            return (await rig.job(job)).progress

    shown = rig.run(scenario())

    assert shown is not None
    assert (shown.done, shown.total, shown.unit) == (1, 2, "epoch")
    assert shown.bars == (Bar("bar 1", 2, 4, "batch"),)


def test_a_loop_with_a_name_is_a_bar(rig: VirtualRig) -> None:
    @rig.task
    async def fetch() -> None:
        async def one(name: str, size: int) -> None:
            for _ in progress(range(size), name=name, unit="MB"):
                await asyncio.sleep(1)

        current().progress(0, 2, unit="file")
        await asyncio.gather(one("a.bin", 3), one("b.bin", 9))
        current().progress(2, 2, unit="file")

    async def scenario() -> tuple[Progress | None, Progress | None]:
        async with rig.working():
            job = await rig.start("fetch")
            await asyncio.sleep(2.5)
            midst = (await rig.job(job)).progress
            return midst, (await rig.finished(job)).progress

    midst, end = rig.run(scenario())

    assert midst is not None
    assert end is not None
    assert (midst.done, midst.bars) == (0, (Bar("a.bin", 2, 3, "MB"), Bar("b.bin", 2, 9, "MB")))
    assert (end.done, end.bars) == (2, (Bar("a.bin", 3, 3, "MB"), Bar("b.bin", 9, 9, "MB")))
