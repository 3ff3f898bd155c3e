"""What the terminal shows of a job's rate, of its expected end, and of its named bars."""

from datetime import UTC, datetime
from typing import Any

from offload.cli.bars import with_bars
from offload.cli.line import Line, Track
from tests.cli.samples import NOW, job
from tests.cli.test_lines import shown

BAR = {"name": "download", "done": 20, "total": 80, "unit": "MB", "message": None}


def at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def running(**progress: Any) -> dict[str, Any]:
    told = {"done": 1, "total": 4, "message": None, "unit": "file", "rate": None, "eta": None}
    return job(state="running", finished_at=None, progress=told | {"bars": []} | progress)


def line(**progress: Any) -> Line:
    return Track().line(running(**progress), NOW)


def test_the_workers_word_is_shown_before_two_steps_were_seen() -> None:
    told = line(rate=12.4, eta=at(NOW + 90))

    assert (told.rate, told.time) == ("12/s", "1 min 30 s left")


def test_what_was_seen_here_is_newer_than_the_workers_word() -> None:
    track = Track()
    track.line(running(done=1, rate=5), NOW)
    told = track.line(running(done=2, rate=5, eta=at(NOW + 500)), NOW + 10)

    assert (told.rate, told.time) == ("6.0/min", "20 s left")


def test_a_job_without_a_total_has_an_expected_end_too() -> None:
    assert line(total=None, eta=at(NOW + 7)).time == "7 s left"


def test_an_end_that_was_expected_long_ago_is_none() -> None:
    assert "left" not in line(done=0, eta=at(NOW - 60)).time


def test_bars_stand_in_the_line_of_a_log() -> None:
    assert "1/4 file" in line(bars=[BAR]).as_text()
    assert "; download 20/80 MB" in line(bars=[BAR]).as_text()


def test_a_bar_has_a_row_of_its_own_below_its_job() -> None:
    lines = with_bars([line(bars=[BAR | {"message": "from\nafar"}])], 10)

    first, second = shown(lines, 100, count=1)

    assert "running" in first
    assert ("download" in second, "20/80" in second, "running" in second) == (True, True, False)


def test_bars_take_only_the_room_that_jobs_leave() -> None:
    lines = [line(bars=[BAR, BAR]), line(bars=[BAR])]

    assert [each.is_bar for each in with_bars(lines, 4)] == [False, True, True, False]
    assert [each.is_bar for each in with_bars(lines, 2)] == [False, False]
