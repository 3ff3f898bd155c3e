"""The page of one job: what a person reads at three in the morning, in eighty columns."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from click import unstyle

from offload.cli.chapters import MOST_ROWS, WIDTH, actions, attempts, clock, few, receipts, timeline
from offload.cli.status_page import page, standing
from offload.cli.times import local
from tests.cli.samples import NOW, job

NO_STORY: Mapping[str, Any] = {"items": (), "receipts": (), "timeline": ()}


def an_attempt(**members: Any) -> dict[str, Any]:
    return {
        "number": 1,
        "token": 1,
        "worker": 2,
        "host": "barn",
        "pid": 812,
        "began_at": "2026-03-01T11:51:00.000Z",
        "ended_at": None,
        "ended": None,
        "code": None,
        "reason": None,
        "active_seconds": 12.0,
        "paused_seconds": 0.0,
        "usage": None,
        **members,
    }


def a_receipt(**members: Any) -> dict[str, Any]:
    return {
        "asked": "cancel",
        "asked_at": "2026-03-01T11:59:30.000Z",
        "by": "http 10.0.0.5",
        "door": "http",
        "reason": None,
        "attempt": 1,
        "token": 1,
        "outcome": "done",
        "deeds": [],
        "killed": [],
        "over_at": "2026-03-01T11:59:40.400Z",
        "seconds": 10.4,
        "ended": "stopped",
        "says": "SIGTERM sent (3 processes) after 1.0 s; cancelled after 10.4 s",
        **members,
    }


def a_span(stage: str, seconds: float, **members: Any) -> dict[str, Any]:
    at = "2026-03-01T11:51:00.000Z"
    return {"stage": stage, "began_at": at, "ended_at": at, "seconds": seconds, **members}


def a_line(n: int, **members: Any) -> dict[str, Any]:
    return {"n": n, "attempt": 1, "at": "2026-03-01T11:59:31.000Z", "skipped": 0, **members}


def without_times(text: str) -> str:
    text = re.sub(r"2026\S+ \S+ \S+ ", "", unstyle(text))
    return re.sub(r"\d\d:\d\d:\d\d", "H:M:S", text)


def test_a_page_tells_the_whole_story() -> None:
    history: list[dict[str, Any]] = [
        {"kind": "queued", "at": "2026-03-01T11:50:00.000Z", "actor": "http me", "reason": None},
        {"kind": "rescued", "at": "2026-03-01T11:55:00.000Z", "actor": "care", "reason": "it died"},
    ]
    usage = {"pid": 9, "peak_memory": 21e6, "cpu_seconds": 1.5, "exit_code": 0, "signal": None}
    story = {
        "timeline": [
            a_span("queued", 60.0),
            a_span("running", 30.0, ended_at=None, began_at="2026-03-01T11:59:30.000Z"),
        ],
        "items": [
            an_attempt(ended="rescued", usage=usage),
            an_attempt(host=None, pid=None, paused_seconds=5.0),
        ],
        "receipts": [a_receipt()],
    }
    log = [
        a_line(41, level=None, source="stdout", text="strip 3\n"),
        a_line(42, level="INFO", source="mower", text="x" * 100),
    ]

    shown = page(job(tags=["red"], priority=5), history, NOW, story=story, log=log)

    assert without_times(shown).splitlines() == [
        "job 7  mow  running",
        "  its code runs since H:M:S (30 s)",
        "  progress  3/20 strip",
        '  params    {"lawn": "north", "height": 3}',
        "  queue     default, priority 5",
        "  tags      red",
        "  attempt   1",
        "  created   (10 min ago)",
        "  started   (1 min ago)",
        "  worker    2",
        "",
        "timeline",
        f"  H:M:S  queued        1 min  {'#' * 30}",
        f"  H:M:S  running        30 s  {'#' * 15} ...",
        "",
        "attempts",
        "  #  ended        worker            began     ran   paused  memory  cpu    exit",
        "  1  worker died  2, pid 812, barn  H:M:S  12 s          21 MB   1.5 s  0",
        "  1  not yet      2                 H:M:S  12 s  5.0 s",
        "",
        "receipts",
        "  cancel asked at H:M:S by http 10.0.0.5: SIGTERM sent (3 processes) after",
        "    1.0 s; cancelled after 10.4 s",
        "",
        "log",
        "  … 40 lines before these: offload logs 7",
        "  H:M:S  stdout   strip 3",
        f"  H:M:S  INFO     {'x' * 58}…",
        "",
        "history",
        "  +    0.0 s  queued           by http me",
        "  +    5 min  rescued          by care: it died",
        "",
        "next",
        "  offload pause 7   let it stand still",
        "  offload cancel 7  stop it for good",
        "  offload watch 7   see how it goes on",
    ]
    assert max(map(len, unstyle(shown).splitlines())) <= WIDTH


def test_a_page_without_a_story_has_no_empty_chapters() -> None:
    shown = page(job(), [], NOW)

    assert [line for line in shown.splitlines() if line and not line.startswith(" ")][1:] == [
        "next"
    ]


def test_a_paused_job_says_who_wanted_it_and_what_that_keeps_and_frees() -> None:
    pause = {
        "mode": "frozen",
        "since": "2026-03-01T11:59:00.000Z",
        "asked_at": "2026-03-01T11:58:59.000Z",
        "by": "anna",
        "door": "http",
        "reason": "rain",
        "keeps": "its memory",
        "frees": "its slot",
    }

    said = standing(job(state="paused", pause=pause), NO_STORY, NOW)

    assert without_times(said) == (
        "it stands still (frozen) since H:M:S (1 min), as anna through http wanted. "
        "It keeps its memory; it frees its slot"
    )


@pytest.mark.parametrize(
    ("state", "asked"), [("cancelling", "cancel"), ("pausing", "pause"), ("resuming", "resume")]
)
def test_what_is_under_way_counts_from_when_it_was_asked(state: str, asked: str) -> None:
    pending = a_receipt(asked=asked, outcome="pending", asked_at="2026-03-01T11:59:50.000Z")
    story = dict(NO_STORY) | {"receipts": [a_receipt(asked=asked), pending]}

    assert standing(job(state=state), story, NOW).endswith("(10 s)")


def test_a_finished_job_counts_from_its_end() -> None:
    done = job(state="succeeded", done=True, finished_at="2026-03-01T11:00:00.000Z")

    assert standing(done, NO_STORY, NOW).endswith("(1 h)")


def test_a_state_whose_beginning_is_not_known_is_named_alone() -> None:
    assert standing(job(), NO_STORY, NOW) == "its code runs"


def test_a_time_of_another_day_has_its_date() -> None:
    earlier = "2026-02-20T11:00:00.000Z"

    assert clock(earlier, NOW) == local(earlier)[5:19]
    assert clock("2026-03-01T11:00:00.000Z", NOW) == local("2026-03-01T11:00:00.000Z")[11:19]


def test_of_very_many_rows_the_first_and_the_last_are_shown() -> None:
    rows = [f"row {number}" for number in range(1000)]

    shown = few(rows)

    assert len(shown) == MOST_ROWS + 1
    assert (shown[0], shown[-1]) == ("row 0", "row 999")
    assert "  … 970 more" in shown
    assert len(timeline([a_span("paused", 1.0)] * 1000, NOW)) == MOST_ROWS + 1
    assert len(attempts([an_attempt()] * 1000, NOW)) == MOST_ROWS + 2
    assert len(receipts([a_receipt(says="so")] * 1000, NOW)) == MOST_ROWS + 1


def test_a_span_of_no_length_still_has_its_line() -> None:
    [line] = timeline([a_span("running", 0.0, ended_at=None)], NOW)

    assert line.endswith("running       0.0 s  # ...")


def test_a_column_in_which_nothing_stands_is_left_out() -> None:
    heading, _ = attempts([an_attempt()], NOW)

    assert heading.split() == ["#", "ended", "worker", "began", "ran"]


def test_an_attempt_names_the_kind_of_failure_and_the_signal() -> None:
    usage = {"peak_memory": None, "cpu_seconds": None, "exit_code": -9, "signal": "SIGKILL"}

    _, line = attempts([an_attempt(ended="failed", code="out-of-memory", usage=usage)], NOW)

    assert "out-of-memory" in line
    assert line.endswith("SIGKILL")


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"asked": "timeout"}, "  timeout at "),
        ({"asked": "interrupt"}, "  shutdown at "),
        ({"asked": "memory"}, "  memory limit at "),
        ({"asked": "pause", "reason": "rain"}, " by http 10.0.0.5 (rain): SIGTERM"),
        ({"outcome": "refused", "reason": "why", "says": "refused: why"}, "5: refused: why"),
    ],
)
def test_a_receipt_begins_with_what_was_asked(members: dict[str, Any], words: str) -> None:
    assert words in receipts([a_receipt(**members)], NOW)[0]


@pytest.mark.parametrize("verb", ["result", "retry", "resume", "pause", "cancel"])
def test_only_what_would_work_is_offered(verb: str) -> None:
    told = actions(job(done=True, links={"self": "/v1/jobs/7", verb: "/"}))

    assert [line.split()[:3] for line in told] == [["offload", verb, "7"]]


def test_a_command_that_is_offered_finds_the_same_job() -> None:
    shown = page(
        job(), [], NOW, log=[a_line(2, level=None, source="s", text="t")], way=" --db a.db"
    )

    assert "  offload cancel 7 --db a.db  stop it for good\n" in shown
    assert "  … 1 line before these: offload logs 7 --db a.db\n" in shown


def test_long_values_are_wrapped_and_cut() -> None:
    shown = page(job(params={"a": "x" * 5000}, reason="why " * 40), [], NOW)

    assert max(map(len, unstyle(shown).splitlines())) <= WIDTH
    assert "more bytes" in shown


def test_a_command_that_is_to_be_copied_is_not_broken() -> None:
    shown = page(job(reason="x" * 50 + " start one with `offload worker FILE`, please"), [], NOW)

    assert "`offload worker FILE`, please\n" in shown


@pytest.mark.promise("S25")
def test_what_a_terminal_would_obey_is_made_visible_in_every_chapter() -> None:
    evil = "\x1b[2J\x07\x9b31m\u202e\r\u2028"
    story = {
        "timeline": [],
        "items": [an_attempt(host=evil, usage={"signal": evil})],
        "receipts": [a_receipt(by=evil, reason=evil, says=evil)],
    }
    line = a_line(2, level=evil, source=evil, text=evil)
    pause = {"mode": "held", "since": None, "by": evil, "door": evil, "keeps": evil, "frees": evil}
    bad = job(task=evil, queue=evil, state="paused", pause=pause)

    shown = page(bad, [], NOW, story=story, log=[line])

    assert [each for each in unstyle(shown) if not (each.isprintable() or each == "\n")] == []
    assert r"\x1b[2J\x07" in shown
