"""The attempts at a job: who ran each, for how long, how it ended and what it used."""

import time

import pytest
from msgspec import Struct

from offload.model import Crashed, Mode, Snoozed, Usage, Wish
from offload.story import AttemptStory, attempts, receipts
from tests.story.living import (
    BEGIN,
    CANCELLED,
    CARE,
    FAILED,
    INTERRUPTED,
    SUCCEEDED,
    TIMED_OUT,
    Life,
)


class Was(Struct, frozen=True):
    """Where a worker ran."""

    host: str
    pid: int


WORKED = {3: Was("here", 812), 4: Was("there", 99)}


def told(life: Life) -> tuple[AttemptStory, ...]:
    return attempts(life.job, life.events, life.records, WORKED, life.now)


def test_a_job_that_was_never_taken_has_no_attempts() -> None:
    assert told(Life().after(5)) == ()


def test_an_attempt_says_who_ran_it_when_and_what_it_used() -> None:
    life = Life()
    life.after(2).claim(worker=3)
    usage = Usage(pid=900, peak_memory=1 << 20, cpu_seconds=1.5, exit_code=0)
    life.note(usage=usage)
    life.after(3).end(SUCCEEDED)

    assert told(life) == (
        AttemptStory(
            number=1,
            token=1,
            worker=3,
            host="here",
            pid=812,
            began_at=BEGIN + 2,
            ended_at=BEGIN + 5,
            ended="succeeded",
            code=None,
            reason=None,
            active_seconds=3.0,
            paused_seconds=0.0,
            usage=usage,
        ),
    )


def test_an_attempt_that_lasts_has_no_end() -> None:
    life = Life()
    life.claim()

    [attempt] = told(life.after(7))

    assert (attempt.ended, attempt.ended_at, attempt.active_seconds) == (None, None, 7.0)


def test_a_worker_that_nobody_remembers_has_a_number_only() -> None:
    life = Life()
    life.claim(worker=77)

    [attempt] = told(life)

    assert (attempt.worker, attempt.host, attempt.pid) == (77, None, None)


def test_each_claim_is_a_line_though_its_number_was_given_back() -> None:
    life = Life()
    life.claim(worker=3)
    life.after(1).end(INTERRUPTED)
    life.after(1).claim(worker=4)
    life.after(1).end(Crashed(), CARE)
    life.after(1).claim(worker=4)
    life.after(1).end(FAILED)
    life.after(9).claim(worker=3)
    life.after(1).end(SUCCEEDED)

    lines = [(each.number, each.token, each.worker, each.ended) for each in told(life)]

    assert lines == [
        (1, 1, 3, "interrupted"),
        (1, 2, 4, "rescued"),
        (1, 3, 4, "attempt-failed"),
        (2, 4, 3, "succeeded"),
    ]
    assert [each.reason for each in told(life)][:3] == [
        "interrupted by a shutdown",
        "its worker died (1 of 3)",
        "attempt 1 of 3 failed: ValueError: no",
    ]


def test_what_was_recorded_of_an_attempt_stands_on_its_own_line() -> None:
    life = Life()
    life.claim()
    life.note(usage=Usage(pid=1))
    life.end(INTERRUPTED)
    life.claim()
    life.note(usage=Usage(pid=2))

    assert [each.usage and each.usage.pid for each in told(life)] == [1, 2]


def test_a_pause_does_not_count_as_active() -> None:
    life = Life()
    life.claim()
    life.after(2).ask(Wish.PAUSE)
    life.after(1).stands_still()
    life.after(10).ask(Wish.RESUME)
    life.resume()
    life.after(4).end(SUCCEEDED)

    [attempt] = told(life)

    assert (attempt.active_seconds, attempt.paused_seconds) == (7.0, 10.0)


def test_an_attempt_that_ends_while_paused_has_paused_until_then() -> None:
    """It is held on after that, but nobody's code stands still then."""
    life = Life()
    life.claim()
    life.after(2).ask(Wish.PAUSE)
    life.stands_still(Mode.PARKED)
    life.after(5).end(INTERRUPTED)
    life.after(100).ask(Wish.RESUME)
    life.after(1).claim()

    first, second = told(life)

    assert (first.ended, first.active_seconds, first.paused_seconds) == ("held", 2.0, 5.0)
    assert (second.active_seconds, second.paused_seconds) == (0.0, 0.0)


def test_each_attempt_that_timed_out_says_so() -> None:
    life = Life()
    for _ in range(3):
        life.after(9).claim()
        life.end(TIMED_OUT)

    assert [each.code for each in told(life)] == ["timeout"] * 3


def test_thousands_of_attempts_are_told_in_a_moment() -> None:
    life = Life()
    for _ in range(3000):
        life.after(1).claim()
        life.after(1).end(Snoozed(0.0))
    begun = time.process_time()

    stories = told(life)
    receipts(life.job, life.events, [])

    assert time.process_time() - begun < 2
    assert {each.active_seconds for each in stories} == {1.0}
    assert len(stories) == 3000


def test_what_an_attempt_raised_is_told_where_the_job_has_kept_it() -> None:
    life = Life()
    for _ in range(3):
        life.after(9).claim()
        life.end(FAILED)

    assert [each.code for each in told(life)] == [None, None, "exception"]


@pytest.mark.parametrize("outcome", [CANCELLED, INTERRUPTED])
def test_a_cancelled_attempt_says_so(outcome: object) -> None:
    life = Life()
    life.claim()
    life.ask(Wish.CANCEL)
    life.end(outcome)  # type: ignore[arg-type]

    assert told(life)[0].ended == "stopped"
