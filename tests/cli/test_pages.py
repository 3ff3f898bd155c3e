"""What people are shown: tables, pages, times; and nothing that a terminal would obey."""

import re
import shlex
from typing import Any

import click
import pytest
from click import unstyle
from click.testing import CliRunner

from offload.cli import COMMANDS, group
from offload.cli.commands.schedules import schedule_table
from offload.cli.page import progress_text, sentence
from offload.cli.status_page import page
from offload.cli.table import table
from offload.cli.times import duration, moment
from tests.cli.samples import NOW, job


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0.0 s"),
        (0.04, "0.0 s"),
        (1.25, "1.2 s"),
        (9.96, "10.0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (7325, "2 h 2 min"),
        (86_400 * 3 + 4 * 3600 + 59, "3 d 4 h"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_moment_is_told_in_local_time_and_from_now() -> None:
    assert re.fullmatch(
        r"2026-0[23]-\d\d \d\d:\d\d:00 [-+]\d{4} \(2 min ago\)",
        moment("2026-03-01T11:58:00.000Z", NOW),
    )
    assert moment("2026-03-01T12:00:30.000Z", NOW).endswith("(in 30 s)")


def test_a_table_is_aligned() -> None:
    done = job(id=12, state="succeeded", progress=None, finished_at="2026-03-01T11:59:30.000Z")

    assert unstyle(table([done, job()], NOW, 200)).splitlines() == [
        "id  state      task  parameters           progress    age     took",
        "12  succeeded  mow   lawn=north height=3              10 min  30 s",
        "7   running    mow   lawn=north height=3  3/20 strip  10 min  1 min",
    ]


@pytest.mark.parametrize("width", [120, 80, 66, 62])
def test_a_table_gives_way_in_its_parameters(width: int) -> None:
    waiting = job(state="queued", params={f"p{number}": number for number in range(12)})

    shown = table([waiting], NOW, width).splitlines()

    assert max(map(len, shown)) <= width
    assert ("p11=11" in shown[1]) is (width == 120)
    assert shown[1].endswith("  3/20 strip  10 min  1 min")


def test_a_narrow_terminal_keeps_the_columns_that_matter_most() -> None:
    lines = table([job(state="queued")], NOW, 40).splitlines()

    assert lines[1].split() == ["7", "queued", "mow", "3/20", "strip", "10", "min"]
    assert max(map(len, lines)) <= 40


def test_a_terminal_that_is_too_narrow_still_has_a_table() -> None:
    assert table([job(state="queued")], NOW, 10).splitlines()[1] == "7   queued  mow"


def test_long_values_in_a_table_are_cut() -> None:
    shown = table([job(params={"a": "x" * 100, "b": [1] * 100})], NOW, 500)

    assert f"a={'x' * 39}…" in shown
    assert "b=[1,1,1," in shown


def test_a_job_that_failed_without_a_traceback() -> None:
    error = {"code": "lost", "type": None, "message": "its worker died", "traceback": None}

    shown = page(job(state="failed", done=True, error=error), [], NOW)

    assert "  error     its worker died (lost)\n" in shown
    assert sentence(job(state="failed", error=error)) == "job 7 has failed: its worker died"


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (None, ""),
        ({"done": 2.5, "total": None, "message": None, "unit": None}, "2.5"),
        ({"done": 1, "total": 0, "message": "hot", "unit": "bun"}, "1/0 bun, hot"),
    ],
)
def test_progress_in_words(progress: dict[str, Any] | None, words: str) -> None:
    assert progress_text(progress) == words


@pytest.mark.promise("S25")
def test_what_a_terminal_would_obey_is_made_visible() -> None:
    evil = "\x1b[2J\x07\x9b31m\u202e\r"
    error = {"code": "exception", "type": "E", "message": evil, "traceback": f"line\n{evil}\n"}
    progress = {"done": 1, "total": None, "message": evil, "unit": None}
    history = [{"kind": "x", "at": "2026-03-01T11:50:00.000Z", "actor": evil, "reason": evil}]
    said = {"params": {evil: evil}, "error": error, "progress": progress, "tags": [evil]}
    bad = job(state="queued", reason=evil, **said)

    shown = page(bad, history, NOW) + table([bad], NOW, 1000) + sentence(bad)

    assert [each for each in shown if not (each.isprintable() or each == "\n")] == []
    assert r"\x1b[2J\x07" in shown


def test_the_help_says_what_each_command_says_of_itself() -> None:
    shown = CliRunner().invoke(group, ["--help"]).stdout

    for name, line in COMMANDS.items():
        own = CliRunner().invoke(group, [name, "--help"])
        assert own.exit_code == 0
        assert line in own.stdout
        assert re.search(rf"^  {name} +{re.escape(line)}$", shown, re.MULTILINE)


def test_the_version() -> None:
    assert re.fullmatch(r"offload \d+\.\d+\.\d+\n", CliRunner().invoke(group, ["--version"]).stdout)


def test_schedules_are_a_table_with_the_next_due_time() -> None:
    nightly = {
        "name": "report",
        "task": "report",
        "when": "0 3 * * *",
        "tz": "Europe/Paris",
        "next_at": ["2026-03-02T02:00:00.000Z", "2026-03-03T02:00:00.000Z"],
        "last_at": "2026-03-01T02:00:00.000Z",
        "last_job": 41,
        "skipped": 2,
    }
    never = nightly | {"task": "once", "tz": None, "next_at": [], "last_at": None, "last_job": None}

    late = nightly | {"task": "late", "next_at": ["2026-03-01T11:59:00.000Z"]}

    lines = schedule_table([nightly, never, late], NOW, 120).splitlines()
    narrow = schedule_table([nightly, never, late], NOW, 40).splitlines()

    assert lines[0].split() == ["task", "in", "when", "next", "last", "skipped"]
    assert lines[1].startswith("report  14 h")
    assert "0 3 * * * (Europe/Paris)" in lines[1]
    assert lines[1].endswith("10 h ago, job 41  2")
    assert lines[2].startswith("once    never")
    assert lines[3].startswith("late    late by 1 min")
    assert narrow[1].startswith("report  14 h")
    assert max(map(len, narrow)) <= 40


def test_a_page_tells_how_a_process_ended_and_what_is_still_to_come() -> None:
    error = {
        "code": "out-of-memory",
        "type": None,
        "message": "more than 512 MB",
        "traceback": None,
        "exit_code": None,
        "signal": "SIGKILL",
        "peak_memory": 540_000_000,
    }
    more = {
        "error": error,
        "key": "lawn-7",
        "group": 3,
        "deadline_at": "2026-03-01T13:00:00.000Z",
        "next_check_at": "2026-03-01T12:00:09.000Z",
    }

    shown = page(job(**more), [], NOW)

    assert "  error     more than 512 MB (out-of-memory, SIGKILL, 540 MB at most)\n" in shown
    assert "  key       lawn-7\n  group     3\n" in shown
    assert "(in 9.0 s)" in shown
    assert "(in 1 h)" in shown


def examples(name: str) -> list[str]:
    """The lines of a command's help that show how it is typed."""
    shown = CliRunner().invoke(group, [name, "--help"]).stdout
    return [line.strip() for line in shown.splitlines() if line.startswith("    offload")]


@pytest.mark.parametrize(
    ("name", "count"),
    [("start", 4), ("cancel", 2), ("pause", 3), ("resume", 3), ("retry", 2), ("amend", 2)],
)
def test_the_examples_of_the_help_can_be_typed(name: str, count: int) -> None:
    command = group.get_command(click.Context(group), name)
    assert command is not None

    shown = [shlex.split(line) for line in examples(name)]

    assert [line[:2] for line in shown] == [["offload", name]] * count
    for line in shown:
        with command.make_context(name, line[2:]) as context:
            assert context.params["as_json"] is False
