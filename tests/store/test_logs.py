"""What jobs have written: kept in order, bounded, with a gap that can be seen."""

from collections.abc import Iterable

import pytest

from offload.model import Job, LogLine, Succeeded
from offload.store import logs
from offload.store.base import Log, Logged, Said, Say
from offload.store.logs import Skipping
from tests.store.asking import DAY, Asker


def a_line(text: str, level: str = "", source: str = "stdout", at: float = 1000.0) -> LogLine:
    return LogLine(at, level, source, text)


def say(ask: Asker, job: Job, lines: Iterable[LogLine | str]) -> None:
    said = [a_line(line) if isinstance(line, str) else line for line in lines]
    ask.do(Say(tuple(Said(job.id, job.token, job.attempt, line) for line in said)))


def log_of(ask: Asker, job: Job, **asked: object) -> Logged:
    return ask.read(Log(job.id, **asked))  # type: ignore[arg-type]


def texts(logged: Logged) -> list[str]:
    return [line.text for line in logged.lines]


@pytest.fixture
def job(ask: Asker) -> Job:
    """A job that runs."""
    ask.start_one()
    return ask.claim_one()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep three lines of the beginning and three of the end."""
    monkeypatch.setattr(logs, "HALF_LINES", 3)


def test_lines_are_numbered_from_one_in_their_order(ask: Asker, job: Job) -> None:
    say(ask, job, ["one", "two"])
    say(ask, job, [a_line("three", "ERROR", "my.module", at=1001.5)])

    logged = log_of(ask, job)

    assert [(line.n, line.text) for line in logged.lines] == [(1, "one"), (2, "two"), (3, "three")]
    last = logged.lines[-1]
    assert (last.attempt, last.at, last.level, last.source) == (1, 1001.5, "ERROR", "my.module")
    assert (logged.newest, logged.kept) == (3, 3)


def test_a_job_that_says_nothing_has_an_empty_log(ask: Asker, job: Job) -> None:
    assert log_of(ask, job) == Logged([], newest=0, kept=0)


def test_the_lines_of_two_jobs_are_kept_apart(ask: Asker) -> None:
    ask.start(2)
    first, second = ask.claim(2)
    mixed = [(first, "a"), (second, "b"), (first, "c"), (second, "d")]

    ask.do(Say(tuple(Said(job.id, job.token, job.attempt, a_line(text)) for job, text in mixed)))

    assert texts(log_of(ask, first)) == ["a", "c"]
    assert texts(log_of(ask, second)) == ["b", "d"]


@pytest.mark.usefixtures("small")
def test_the_first_lines_and_the_newest_are_kept_and_the_gap_is_seen(ask: Asker, job: Job) -> None:
    for number in range(1, 101):
        say(ask, job, [f"line {number}"])

    logged = log_of(ask, job)

    assert [line.n for line in logged.lines] == [1, 2, 3, 98, 99, 100]
    assert texts(logged)[2:4] == ["line 3", "line 98"]
    assert (logged.newest, logged.kept) == (100, 6)


@pytest.mark.usefixtures("small")
def test_what_comes_all_at_once_is_bounded_alike(ask: Asker, job: Job) -> None:
    say(ask, job, [f"line {number}" for number in range(1, 101)])

    assert [line.n for line in log_of(ask, job).lines] == [1, 2, 3, 98, 99, 100]


def test_bytes_are_bounded_too(ask: Asker, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "HALF_BYTES", 25)

    for number in range(10):
        say(ask, job, [str(number) * 10])

    assert [line.n for line in log_of(ask, job).lines] == [1, 2, 8, 9, 10]


def test_lines_that_the_worker_dropped_are_a_gap_like_any_other(ask: Asker, job: Job) -> None:
    say(ask, job, ["one", Skipping(1000.0, "", "stdout", "late", skipped=48_211), "last"])

    logged = log_of(ask, job)

    assert [line.n for line in logged.lines] == [1, 48_213, 48_214]
    assert (logged.newest, logged.kept) == (48_214, 3)


@pytest.mark.promise("S4")
def test_who_does_not_hold_the_job_writes_nothing_into_its_log(ask: Asker, job: Job) -> None:
    ask.do(Say((Said(job.id, job.token + 1, 1, a_line("from a stranger")),)))
    ask.do(Say((Said(job.id + 7, job.token, 1, a_line("of no job")),)))

    assert texts(log_of(ask, job)) == []


def test_the_last_lines_may_come_after_the_outcome(ask: Asker, job: Job) -> None:
    ask.conclude(job, Succeeded(b"1"))

    say(ask, job, ["a thread that was left behind"])

    assert texts(log_of(ask, job)) == ["a thread that was left behind"]


def test_a_page_begins_behind_a_number(ask: Asker, job: Job) -> None:
    say(ask, job, [str(number) for number in range(1, 8)])

    assert texts(log_of(ask, job, limit=3)) == ["1", "2", "3"]
    assert texts(log_of(ask, job, after=3, limit=3)) == ["4", "5", "6"]
    assert texts(log_of(ask, job, tail=True, limit=2)) == ["6", "7"]
    assert texts(log_of(ask, job, after=6, tail=True)) == ["7"]


def test_a_level_lets_through_what_weighs_as_much(ask: Asker, job: Job) -> None:
    levels = ["DEBUG", "INFO", "", "WARNING", "NOTICE", "ERROR", "CRITICAL"]
    say(ask, job, [a_line(level or "printed", level) for level in levels])

    assert texts(log_of(ask, job, level="INFO")) == [level or "printed" for level in levels[1:]]
    assert texts(log_of(ask, job, level="WARNING")) == levels[3:]
    assert texts(log_of(ask, job, level="ERROR")) == ["NOTICE", "ERROR", "CRITICAL"]
    assert len(texts(log_of(ask, job, level="DEBUG"))) == len(levels)


def test_lines_are_found_by_text_source_and_attempt(ask: Asker, job: Job) -> None:
    say(ask, job, ["50 % done", a_line("Ready", source="stderr"), "a_b\\c"])

    assert texts(log_of(ask, job, text="%")) == ["50 % done"]
    assert texts(log_of(ask, job, text="READY")) == ["Ready"]
    assert texts(log_of(ask, job, text="a_b\\")) == ["a_b\\c"]
    assert texts(log_of(ask, job, text="a-b")) == []
    assert texts(log_of(ask, job, source="stderr")) == ["Ready"]
    assert texts(log_of(ask, job, attempt=2)) == []
    assert len(texts(log_of(ask, job, attempt=1))) == 3


def test_a_log_goes_with_its_job(ask: Asker, job: Job) -> None:
    ask.set_queue(keep_seconds=DAY)
    say(ask, job, ["one"])
    ask.conclude(job, Succeeded(b"1"))

    ask.now += 2 * DAY
    ask.prune()

    assert log_of(ask, job) == Logged([], newest=0, kept=0)
