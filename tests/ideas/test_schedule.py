"""Due times: the right ones where clocks change, each found once however time is looked at."""

import json
import math
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from cronsim import CronSim
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from offload.schedule import (
    NEVER,
    Cron,
    Every,
    Misfire,
    Plan,
    Schedule,
    described,
    due,
    misfire_of,
    next_after,
    next_runs,
    plan_of,
    schedule_of,
)

unhurried = settings(deadline=None, max_examples=100)

PARIS, NEW_YORK, LORD_HOWE = "Europe/Paris", "America/New_York", "Australia/Lord_Howe"

CHANGES = {  # the minute before which clocks were changed, and by how much
    PARIS: ("2026-03-29T01:00Z", "2026-10-25T01:00Z"),
    NEW_YORK: ("2026-03-08T07:00Z", "2026-11-01T06:00Z"),
    LORD_HOWE: ("2026-10-03T15:30Z", "2026-04-04T15:00Z"),
}


def instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def shown(at: float, tz: str = "UTC") -> str:
    return datetime.fromtimestamp(at, ZoneInfo(tz)).isoformat(timespec="minutes")


def runs(cron: str, tz: str, after: str, count: int) -> list[str]:
    spec = schedule_of(cron=cron, tz=tz)
    assert spec is not None
    return [shown(at, tz) for at in next_runs(spec, instant(after), count)]


# What is read


def test_a_task_without_a_schedule_has_none() -> None:
    assert schedule_of() is None


def test_a_cron_line_is_kept_as_it_was_written() -> None:
    assert schedule_of(cron=" 0 3  * * mon ", tz=PARIS) == Cron("0 3 * * mon", PARIS)
    assert schedule_of(cron="@Daily") == Cron("@daily", "UTC")


@pytest.mark.parametrize("given", [5400, "1h30m", timedelta(minutes=90)])
def test_every_takes_any_duration(given: Any) -> None:
    assert schedule_of(every=given) == Every(5400.0)


@pytest.mark.parametrize("spec", [Cron("0 3 * * *", PARIS), Every(90.0)])
def test_a_schedule_is_kept_as_json(spec: Schedule) -> None:
    stored = msgspec.json.encode(spec)

    assert msgspec.json.decode(stored, type=Cron | Every) == spec
    assert json.loads(stored)["type"] in ("cron", "every")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", "must have five fields, minute hour day-of-month month day-of-week"),
        ("* * * *", "must have five fields"),
        ("0 0 3 * * *", "must have five fields"),
        ("@reboot", "or be one of @yearly, @annually, @monthly, @weekly, @daily"),
        ("61 * * * *", "the minute of the cron line '61 * * * *' cannot be '61'; it names minutes"),
        ("0 24 * * *", "the hour of the cron line '0 24 * * *' cannot be '24'"),
        ("0 0 32 * *", "the day-of-month"),
        ("0 0 * 13 *", "the month"),
        ("0 0 * * FRI-MON", "the day-of-week of the cron line"),
        ("0 0 * * 8", "the day-of-week"),
        ("*/0 * * * *", "the minute"),
        ("0 0 30 2 *", "the cron line '0 0 30 2 *' is never due: no month has such a day"),
        ("0 0 31 4,6,9,11 *", "is never due"),
        ("0 0 1 * ٣", "must be a text of at most 200 ASCII signs"),
        ("1," * 200, "must be a text of at most 200 ASCII signs"),
        (5, "must be a text"),
    ],
)
def test_a_line_that_cannot_be_is_refused_with_its_fault(line: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        schedule_of(cron=line)


@pytest.mark.slow
@given(st.text(alphabet="0123456789*/,-#@ LWMONJAN", max_size=30))
@unhurried
def test_any_line_is_read_or_refused(line: str) -> None:
    try:
        spec = schedule_of(cron=line)
    except ValueError:
        return

    assert spec is not None
    assert next_after(spec, 0.0) < NEVER


@pytest.mark.parametrize(
    ("tz", "hint"),
    [
        ("Europe/Pariss", "did you mean Europe/Paris"),
        ("paris", "did you mean Europe/Paris"),
        ("new york", "did you mean America/New_York"),
        ("Nowhere/Xyzzyx", 'give one such as "Europe/Paris"'),
        ("", "there is no time zone ''"),
        ("../../etc/passwd", "there is no time zone"),
        ("Europe", "there is no time zone"),
    ],
)
def test_an_unknown_time_zone_is_named_with_the_nearest(tz: str, hint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(hint)):
        schedule_of(cron="0 3 * * *", tz=tz)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"cron": "@daily", "every": 60}, "give cron= or every=, not both"),
        ({"every": 60, "tz": PARIS}, "tz= is the time zone of a cron line"),
        ({"tz": PARIS}, "tz= is the time zone of a cron line"),
        ({"every": 0.5}, "every= must be at least 1 second, not 0.5"),
        ({"every": 0}, "every= must be at least 1 second"),
        ({"every": "often"}, "'often' is no duration"),
    ],
)
def test_options_that_do_not_fit_together_are_refused(
    options: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        schedule_of(**options)


def test_an_unknown_misfire_policy_is_refused_with_the_known_ones() -> None:
    assert [misfire_of(known) for known in ("skip", "once", "all")] == ["skip", "once", "all"]
    with pytest.raises(ValueError, match='is "skip", "once" or "all", not \'never\''):
        misfire_of("never")


# A task's plan


def test_a_plan_is_kept_as_json() -> None:
    plan = plan_of(Cron("0 3 * * *", PARIS), "all", overlap=True)
    assert plan is not None

    stored = msgspec.json.encode(plan)

    assert msgspec.json.decode(stored, type=Plan) == plan


def test_what_a_plan_leaves_unsaid_is_the_careful_choice() -> None:
    assert plan_of(Every(600.0)) == Plan(Every(600.0), misfire="once", overlap=False)
    assert plan_of(None) is None


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ((None, "once", True), "belong to a schedule: give cron= or every= too"),
        ((None, "skip"), "belong to a schedule: give cron= or every= too"),
        ((Every(60.0), "all"), "say overlap=True with it"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(said: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        plan_of(*said)


@pytest.mark.parametrize(
    ("when", "words"),
    [(Cron("0 3 * * MON", PARIS), "0 3 * * MON"), (Every(5400.0), "every 1h30m")],
)
def test_a_schedule_is_said_in_a_few_words(when: Schedule, words: str) -> None:
    assert described(when) == words


# Where clocks change


@pytest.mark.parametrize(
    ("line", "tz", "after", "expected"),
    [
        # 02:00 to 03:00 does not exist on 29 March; the run comes when the gap is over.
        (
            "30 2 * * *",
            PARIS,
            "2026-03-27T12:00Z",
            ["2026-03-28T02:30+01:00", "2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"],
        ),
        (
            "30 2 * * *",
            NEW_YORK,
            "2026-03-07T12:00Z",
            ["2026-03-08T03:00-04:00", "2026-03-09T02:30-04:00"],
        ),
        # Lord Howe skips half an hour: 02:00 to 02:30.
        (
            "15 2 * * *",
            LORD_HOWE,
            "2026-10-02T20:00Z",
            ["2026-10-04T02:30+11:00", "2026-10-05T02:15+11:00"],
        ),
        ("30 2 * * *", LORD_HOWE, "2026-10-02T20:00Z", ["2026-10-04T02:30+11:00"]),
        # 02:00 to 03:00 comes twice on 25 October; the run comes the first time.
        (
            "30 2 * * *",
            PARIS,
            "2026-10-24T12:00Z",
            ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"],
        ),
        (
            "30 1 * * *",
            NEW_YORK,
            "2026-10-31T12:00Z",
            ["2026-11-01T01:30-04:00", "2026-11-02T01:30-05:00"],
        ),
        (
            "45 1 * * *",
            LORD_HOWE,
            "2026-04-03T20:00Z",
            ["2026-04-05T01:45+11:00", "2026-04-06T01:45+10:30"],
        ),
        # A line that repeats within the day follows the clock on the wall.
        (
            "0 * * * *",
            PARIS,
            "2026-10-24T22:30Z",
            [f"2026-10-25T0{hour}" for hour in ("1:00+02:00", "2:00+02:00", "2:00+01:00")],
        ),
        (
            "0 * * * *",
            PARIS,
            "2026-03-28T23:30Z",
            [f"2026-03-29T0{hour}" for hour in ("1:00+01:00", "3:00+02:00", "4:00+02:00")],
        ),
        (
            "*/15 1 * * *",
            LORD_HOWE,
            "2026-04-04T14:20Z",
            [
                f"2026-04-05T01:{minute}"
                for minute in ("30+11:00", "45+11:00", "30+10:30", "45+10:30")
            ],
        ),
    ],
)
def test_the_hour_that_clocks_skip_or_show_twice(
    line: str, tz: str, after: str, expected: list[str]
) -> None:
    assert runs(line, tz, after, len(expected)) == expected


@pytest.mark.parametrize(
    ("when", "in_spring", "in_autumn"),
    [  # as docs/guides/schedules.md says
        (Cron("30 2 * * *", PARIS), ["03:00"], ["02:30"]),
        (Cron("0,30 2 * * *", PARIS), ["03:00"], ["02:00", "02:30"]),
        (Cron("0 3 * * *", PARIS), ["03:00"], ["03:00"]),
        (Cron("0 * * * *", PARIS), 23, 25),
        (Cron("*/15 2 * * *", PARIS), [], ["02:00", "02:15", "02:30", "02:45"] * 2),
        (Every(3600.0), 23, 25),
    ],
)
def test_the_days_on_which_clocks_change(when: Schedule, in_spring: Any, in_autumn: Any) -> None:
    for begin, expected in (("2026-03-29", in_spring), ("2026-10-25", in_autumn)):
        day = datetime.fromisoformat(begin).replace(tzinfo=ZoneInfo(PARIS))
        end = (day + timedelta(days=1)).timestamp()

        found = [at for at in next_runs(when, day.timestamp() - 1, 30) if at < end]

        times = [shown(at, PARIS)[11:16] for at in found]
        assert expected in (times, len(times))


def test_a_day_that_a_zone_left_out_has_its_run_when_the_next_begins() -> None:
    # Samoa went from 29 to 31 December 2011 to change sides of the date line.
    found = runs("0 9 * * *", "Pacific/Apia", "2011-12-29T12:00Z", 3)

    assert found == ["2011-12-29T09:00-10:00", "2011-12-31T00:00+14:00", "2011-12-31T09:00+14:00"]


LINES = (
    "* * * * *",
    "*/7 * * * *",
    "0 * * * *",
    "30 * * * *",
    "*/10 1,2 * * *",
    "* 2 * * *",
    "15 1-3 * * *",
    "0,30 1,2,3 * * *",
    "45 1 * * *",
    "0 0 * * *",
    "15 2 * * SUN",
)


def walked(line: str, tz: str, start: float, end: float) -> Iterator[float]:
    """Go through every minute and read the clock on the wall, as Debian's cron does."""
    minute, hour, *_ = line.split()
    zone, repeats = ZoneInfo(tz), "*" in (minute[0], hour[0])
    wall = datetime.fromtimestamp(start - 60, zone).replace(tzinfo=None)
    for at in range(int(start), int(end), 60):
        before, wall = wall, datetime.fromtimestamp(at, zone).replace(tzinfo=None)
        if repeats:
            if next(CronSim(line, wall - timedelta(minutes=1))) == wall:
                yield float(at)
        elif datetime.fromtimestamp(at, zone).fold == 0 and next(CronSim(line, before)) <= wall:
            yield float(at)  # now, or at a time that was skipped since the minute before


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("change", [0, 1])
@pytest.mark.parametrize("tz", CHANGES)
def test_around_a_change_of_clocks_due_times_are_those_of_a_walk(
    tz: str, change: int, line: str
) -> None:
    start = instant(CHANGES[tz][change]) - 3 * 3600
    end = start + 6 * 3600
    spec = Cron(line, tz)

    found = [at for at in next_runs(spec, start - 1, 800) if at < end]

    assert found == list(walked(line, tz, start, end))


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("tz", CHANGES)
def test_from_any_minute_around_a_change_the_next_due_time_is_the_same(tz: str, line: str) -> None:
    spec = Cron(line, tz)
    for change in CHANGES[tz]:
        start = instant(change) - 3 * 3600
        expected = NEVER
        for at in range(int(start) + 6 * 3600, int(start), -600):
            found = next_after(spec, at + 0.5)

            expected = min(expected, found)
            assert at + 0.5 < found == expected


# Any instant

instants = st.one_of(
    st.floats(0, 253_402_300_799),
    st.sampled_from([instant(text) for pair in CHANGES.values() for text in pair]).flatmap(
        lambda near: st.floats(near - 20_000, near + 20_000)
    ),
)
crons = st.builds(
    Cron, st.sampled_from((*LINES, "@weekly", "0 12 L * *")), st.sampled_from(list(CHANGES))
)
everies = st.builds(Every, st.floats(1, 1e6), st.floats(0, 1e6))


@pytest.mark.slow
@given(st.one_of(crons, everies), instants)
@unhurried
def test_due_times_rise_strictly(spec: Schedule, start: float) -> None:
    found = next_runs(spec, start, 5)

    assert len(found) == 5 or start > instant("9990-01-01T00:00Z")
    assert all(before < after for before, after in zip((start, *found), found, strict=False))


@pytest.mark.slow
@given(st.one_of(crons, everies), instants, st.floats(0, 1e6))
@unhurried
def test_no_due_time_depends_on_where_one_looks_from(
    spec: Schedule, start: float, further: float
) -> None:
    first = next_after(spec, start)

    later = next_after(spec, start + further)

    assert later == first if start + further < first else later > first


@pytest.mark.parametrize("spec", [Cron("* * * * *", "Pacific/Kiritimati"), Every(1.0)])
@pytest.mark.parametrize("start", [-1e300, -1.5, 0.0, 253_402_300_799.0, 1e18, 1e300, math.inf])
def test_every_instant_has_an_answer(spec: Schedule, start: float) -> None:
    found = next_after(spec, start)

    assert found == NEVER if start > 2e11 else 0 <= found <= 60


def test_the_last_due_times_are_in_the_year_9999() -> None:
    spec = Cron("0 0 1 * *")

    found = next_runs(spec, instant("9999-10-15T00:00Z"), 5)

    assert [shown(at) for at in found] == ["9999-11-01T00:00+00:00", "9999-12-01T00:00+00:00"]


def test_steps_are_counted_from_the_anchor() -> None:
    spec = Every(3600.0, anchor=600.0)

    assert next_runs(spec, 600.0, 2) == (4200.0, 7800.0)
    assert next_after(spec, 599.9) == 600.0


# What a look finds

MINUTELY = Every(60.0)


@pytest.mark.parametrize("misfire", ["skip", "once", "all"])
def test_before_its_time_nothing_is_due(misfire: Misfire) -> None:
    found = due(MINUTELY, 600.0, 599.99, misfire)

    assert (found.starts, found.next_at, found.missed) == ((), 600.0, 0)


@pytest.mark.parametrize("misfire", ["skip", "once", "all"])
@pytest.mark.parametrize("now", [600.0, 601.0, 659.9])
def test_what_is_seen_in_time_is_started_once(misfire: Misfire, now: float) -> None:
    found = due(MINUTELY, 600.0, now, misfire)

    assert (found.starts, found.next_at, found.missed) == ((600.0,), 660.0, 0)


@pytest.mark.parametrize(
    ("misfire", "starts", "missed"),
    [("once", (4200.0,), 1), ("all", (600.0, 4200.0), 0), ("skip", (), 2)],
)
def test_after_a_pause_the_policy_decides(
    misfire: Misfire, starts: tuple[float, ...], missed: int
) -> None:
    hourly = Every(3600.0, anchor=600.0)

    found = due(hourly, 600.0, 4260.0, misfire)

    assert (found.starts, found.next_at, found.missed) == (starts, 7800.0, missed)


def test_skipping_keeps_the_one_that_is_hardly_late() -> None:
    hourly = Every(3600.0, anchor=600.0)

    found = due(hourly, 600.0, 4259.9, "skip")

    assert (found.starts, found.missed) == ((4200.0,), 1)


def test_of_thousands_that_were_missed_the_newest_thousand_start() -> None:
    found = due(MINUTELY, 0.0, 60.0 * 1500 + 5, "all")

    assert found.starts == tuple(60.0 * step for step in range(501, 1501))
    assert found.missed == 501


@pytest.mark.parametrize("spec", [Every(1.0), Cron("* * * 1 *", PARIS)])
@pytest.mark.parametrize("misfire", ["once", "all"])
def test_a_clock_that_was_centuries_off_costs_no_long_count(
    spec: Schedule, misfire: Misfire
) -> None:
    now = instant("2500-06-01T12:00:00.5Z")

    found = due(spec, next_after(spec, 0.0), now, misfire)

    assert len(found.starts) == (1 if misfire == "once" else 1000)
    assert next_runs(spec, found.starts[0] - 1, len(found.starts)) == found.starts
    assert next_after(spec, found.starts[-1]) == found.next_at > now
    assert found.missed == 1000


def test_a_clock_that_was_put_back_starts_nothing_again() -> None:
    first = due(MINUTELY, 600.0, 630.0)

    again = due(MINUTELY, first.next_at, 30.0)

    assert again.starts == ()
    assert again.next_at == first.next_at


@pytest.mark.slow
@given(
    st.one_of(crons, st.just(Every(90.0, 7.0))),
    instants,
    st.lists(st.floats(0, 9000), max_size=12),
)
@unhurried
def test_however_time_is_split_into_looks_each_due_time_starts_once(
    spec: Schedule, start: float, pauses: list[float]
) -> None:
    assume(start < instant("9000-01-01T00:00Z"))
    now, next_at = start, next_after(spec, start)
    started: list[float] = []
    for pause in pauses:
        now += pause
        found = due(spec, next_at, now, "all")
        started += found.starts
        next_at = found.next_at

    expected = [at for at in next_runs(spec, start, len(started) + 1) if at <= now]
    assert started == expected


@pytest.mark.slow
@given(
    st.one_of(crons, st.just(Every(90.0, 7.0))),
    instants,
    st.lists(st.floats(0, 9000), max_size=12),
    st.sampled_from(["skip", "once"]),
)
@unhurried
def test_however_late_a_look_every_due_time_is_started_or_counted(
    spec: Schedule, start: float, pauses: list[float], misfire: Misfire
) -> None:
    assume(start < instant("9000-01-01T00:00Z"))
    now, next_at, started, missed = start, next_after(spec, start), 0, 0
    for pause in pauses:
        now += pause
        found = due(spec, next_at, now, misfire)
        assert len(found.starts) <= 1
        assert found.next_at == (next_after(spec, now) if next_at <= now else next_at)
        started, missed, next_at = started + len(found.starts), missed + found.missed, found.next_at

    passed = [at for at in next_runs(spec, start, started + missed + 1) if at <= now]
    assert started + missed == len(passed)
