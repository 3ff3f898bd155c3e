"""What is shown of watched jobs: how fast they go, the line of each, and bars on every terminal."""

import io
import re
from collections.abc import Sequence
from typing import Any

import pytest
from rich.console import Console

from offload.cli.bars import Bars, drawn, fitting, layout
from offload.cli.line import Line, Track, rate_text
from offload.cli.lines import Lines
from offload.cli.pace import Pace
from tests.cli.samples import NOW, job

NO_BARS: dict[str, Any] = {"state": "queued", "progress": None, "started_at": None}


def line_of(**members: Any) -> Line:
    return Track().line(job(**members), NOW)


# --- how fast a job goes


def test_a_rate_is_that_of_the_steps_that_were_seen() -> None:
    pace = Pace()
    for step in range(4):
        pace.note(step, at=100 + 5 * step)

    assert pace.rate(115) == pytest.approx(0.2)
    assert pace.left(10, 115) == pytest.approx(35)


def test_the_time_that_is_left_runs_down_between_two_steps() -> None:
    pace = Pace()
    pace.note(0, at=0)
    pace.note(1, at=5)

    assert [pace.left(3, at) for at in (5, 7, 9)] == pytest.approx([10, 8, 6])


def test_a_job_whose_next_step_is_overdue_becomes_slower() -> None:
    pace = Pace()
    pace.note(0, at=0)
    pace.note(1, at=1)

    assert pace.rate(1) == pytest.approx(1.0)
    assert pace.rate(11) == pytest.approx(0.1)


def test_a_job_that_was_slow_long_ago_is_judged_by_its_last_half_minute() -> None:
    pace = Pace()
    pace.note(0, at=0)
    for step in range(1, 50):
        pace.note(step, at=1000 + step)

    assert pace.rate(1049) == pytest.approx(1.0)


def test_until_two_steps_were_seen_the_begin_of_the_attempt_serves() -> None:
    pace = Pace()
    pace.note(30, at=60)

    assert pace.rate(60) is None
    assert pace.rate(60, begun_at=0) == pytest.approx(0.5)


def test_a_new_attempt_begins_anew() -> None:
    pace = Pace()
    for at in range(10):
        pace.note(at * 100, at=at)
    pace.note(0, at=20)

    assert pace.rate(21) is None
    assert pace.left(5, 21) is None


@pytest.mark.parametrize(
    ("rate", "text"),
    [(119_333, "119333/s"), (12, "12/s"), (2.6, "2.6/s"), (0.5, "30/min"), (0.01, "36/h")],
)
def test_a_rate_is_told_in_the_unit_in_which_it_is_no_fraction(rate: float, text: str) -> None:
    assert rate_text(rate) == text


# --- a job in a line


def test_a_running_job_tells_how_far_how_fast_and_how_long_still() -> None:
    assert line_of().as_text() == "job 7 mow running 3/20 strip, 3.0/min, 5 min 40 s left"


def test_a_job_without_a_total_tells_for_how_long_it_runs() -> None:
    progress = {"done": 3, "total": None, "message": "north", "unit": None}

    assert line_of(progress=progress).as_text() == "job 7 mow running 3, 3.0/min, for 1 min: north"


def test_a_queued_job_tells_what_it_waits_for() -> None:
    assert line_of(**NO_BARS, reason="no worker").as_text() == "job 7 mow queued: no worker"


def test_a_scheduled_job_tells_when_it_is_due() -> None:
    scheduled = {**NO_BARS, "state": "scheduled", "run_at": "2026-03-01T12:00:07.000Z"}
    due = line_of(**scheduled, reason="it is due in 7 s")
    again = line_of(**scheduled, reason="it is due in 7 s; attempt 1 of 3 failed: stuck")

    assert due.as_text() == "job 7 mow scheduled in 7 s"
    assert again.as_text() == "job 7 mow scheduled in 7 s: attempt 1 of 3 failed: stuck"


def test_a_waiting_job_tells_when_it_is_looked_at_again() -> None:
    waiting = {"state": "waiting", "progress": None, "next_check_at": "2026-03-01T12:00:04.000Z"}

    said = line_of(**waiting).as_text()

    assert said == "job 7 mow waiting for 1 min: looked at again in 4 s"


def test_a_failed_job_tells_why_without_obeying_it() -> None:
    error = {"code": "exception", "type": "MowError", "message": "\x1b[2Jstuck\nfast"}
    ended = {"state": "failed", "done": True, "finished_at": "2026-03-01T12:00:00.000Z"}

    said = line_of(**ended, error=error).as_text()

    assert said == r"job 7 mow failed 3/20 strip, took 1 min: MowError: \x1b[2Jstuck fast"


# --- a line for each change


class Script:
    """A clock to be set, and what was written."""

    def __init__(self) -> None:
        self.now = 0.0
        self.written: list[tuple[str, Any]] = []
        self.lines = Lines(self._write, lambda: self.now)

    def _write(self, job: dict[str, Any]) -> None:
        done = job["progress"]["done"] if job["progress"] else None
        self.written.append((job["state"], done))

    def show(self, now: float, **members: Any) -> None:
        self.now = now
        self.lines.show([job(version=1, **members)])


def step(done: int) -> dict[str, Any]:
    return {"done": done, "total": 9, "message": None, "unit": None}


def test_a_line_is_written_for_a_change_and_for_nothing_else() -> None:
    script = Script()

    for now in range(5):
        script.show(now * 10, progress=step(now // 2))

    assert script.written == [("running", 0), ("running", 1), ("running", 2)]


def test_progress_that_comes_fast_is_told_once_a_second() -> None:
    script = Script()

    for tenth in range(21):
        script.show(tenth / 10, progress=step(tenth))

    assert [done for _, done in script.written] == [0, 10, 20]


def test_a_change_of_state_is_told_at_once() -> None:
    script = Script()

    script.show(0.0, state="queued", progress=None)
    script.show(0.1, progress=step(0))
    script.show(0.2, state="succeeded", progress=step(9))

    assert script.written == [("queued", None), ("running", 0), ("succeeded", 9)]


# --- bars


def shown(lines: Sequence[Line], width: int, **said: Any) -> list[str]:
    """The rows as a terminal of that width has them."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    table = drawn(lines, width, count=said.pop("count", len(lines)), **said)
    with console.capture() as capture:
        console.print(table)
    return [row.rstrip() for row in capture.get().splitlines()]


KINDS_OF_LINES: list[dict[str, Any]] = [
    {},
    {"state": "succeeded", "done": True, "finished_at": "2026-03-01T12:00:00.000Z"},
    {**NO_BARS, "reason": "all 3 places of the queue 'default' are taken " * 3},
    {"progress": None},
]

SOME = [
    line_of(id=number, task="a_task_with_a_long_name", **members)
    for number, members in enumerate(KINDS_OF_LINES, start=998)
]


@pytest.mark.parametrize("width", [20, 30, 40, 60, 80, 120, 200])
@pytest.mark.parametrize("is_ascii", [False, True])
def test_bars_fit_every_terminal(width: int, is_ascii: bool) -> None:
    rows = shown(SOME, width, is_ascii=is_ascii, count=7)

    assert len(rows) == len(SOME) + 1
    assert max(map(len, rows)) <= width
    assert "running" in rows[0]


def test_at_80_columns_there_is_a_bar_and_at_40_the_count_has_to_do() -> None:
    assert "bar" in layout(SOME, 80)
    assert "bar" not in layout(SOME, 40)
    assert "3/20" in shown(SOME, 40)[0]


def test_a_terminal_that_is_not_utf_8_gets_bars_of_plain_signs() -> None:
    rows = shown(SOME[:2], 80, is_ascii=True)

    assert re.search(r"\[#+-+\]", rows[0])
    assert re.search(r"\[#+\]", rows[1])
    assert rows[1].isascii()


def test_where_there_is_no_room_for_all_those_are_shown_that_move() -> None:
    lines = [line_of(id=number, **NO_BARS) for number in range(1, 10)] + [line_of(id=10)]

    assert [line.id for line in fitting(lines, 4)] == [1, 2, 10]
    assert shown(fitting(lines, 4), 80, count=10)[-1] == "and 7 more jobs"
    assert fitting(lines, 10) == lines


def test_bars_that_were_never_drawn_leave_the_terminal_alone() -> None:
    stream = io.StringIO()

    Bars(stream).close()

    assert stream.getvalue() == ""
