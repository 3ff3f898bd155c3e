"""Retries and time as users have them: attempts, backoff, snoozes, timeouts, deadlines."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest

from offload import (
    AlreadyFinished,
    Backoff,
    Fatal,
    JobFailed,
    NotFinished,
    Offload,
    QueueFull,
    Snooze,
    current,
)
from tests.support import eventually

AT_ONCE = Backoff.fixed(0)


def test_a_task_that_fails_twice_succeeds_with_two_retries(app: Offload) -> None:
    @app.task(retries=2, backoff=0)
    async def flaky() -> int:
        if current().attempt < 3:
            raise ConnectionError("not yet")
        return current().attempt

    job = flaky.start()

    assert job.result(20) == 3
    kinds = [event.kind for event in app.history(job.id)]
    assert kinds == ["queued", *["claimed", "attempt-failed"] * 2, "claimed", "succeeded"]


def test_the_numbers_that_a_program_has_seeded_are_left_to_it(app: Offload) -> None:
    @app.task(retries=1, backoff=Backoff(first=0.001, most=0.01, jitter=1.0))
    async def flaky() -> int:
        if current().attempt < 2:
            raise ConnectionError("not yet")
        return 1

    random.seed(4)
    before = random.getstate()

    flaky.start().result(20)

    assert random.getstate() == before


@pytest.mark.promise("S19")
def test_a_task_that_always_fails_is_tried_as_often_as_it_says(app: Offload) -> None:
    attempts = []

    @app.task(retries=3, backoff=AT_ONCE)
    async def broken() -> None:
        attempts.append(current().attempt)
        raise ConnectionError("never")

    with pytest.raises(JobFailed, match="never"):
        broken.start().result(20)

    assert attempts == [1, 2, 3, 4]


def test_only_what_the_task_names_is_worth_another_attempt(app: Offload) -> None:
    @app.task(retries=5, backoff=0, retry_on=(ConnectionError, TimeoutError))
    async def picky(what: str) -> int:
        if current().attempt == 1:
            raise {"network": ConnectionError, "bug": ValueError}[what](what)
        return current().attempt

    assert picky.start("network").result(20) == 2
    with pytest.raises(JobFailed, match="bug"):
        picky.start("bug").result(20)


def test_a_fatal_error_is_the_last_word(app: Offload) -> None:
    @app.task(retries=5, backoff=0)
    async def closed() -> None:
        raise Fatal("the account is closed")

    job = closed.start()

    with pytest.raises(JobFailed, match="the account is closed"):
        job.result(20)
    assert job.read().attempt == 1


def test_a_job_that_waits_for_its_next_attempt_says_what_failed(app: Offload) -> None:
    @app.task(retries=1, backoff="1h")
    async def flaky() -> None:
        raise ConnectionError("no route")

    job = flaky.start()

    eventually(lambda: job.state == "scheduled")
    reason = app.reason(job.read())
    assert reason is not None
    assert "attempt 1 of 2 failed: ConnectionError: no route" in reason
    assert reason.startswith("it is due in ")


def test_a_call_may_say_otherwise_than_its_task(app: Offload) -> None:
    @app.task(retries=5, backoff="1h")
    async def broken() -> None:
        raise ConnectionError("never")

    with pytest.raises(JobFailed):
        broken.using(retries=0).start().result(20)


def test_a_snoozed_job_runs_again_and_has_used_no_attempt(app: Offload) -> None:
    runs = []

    @app.task
    async def patient() -> int | Snooze:
        runs.append(current().attempt)
        return Snooze(0) if len(runs) < 3 else 7

    assert patient.start().result(20) == 7
    assert runs == [1, 1, 1]


@pytest.mark.promise("L3")
def test_async_code_is_stopped_when_its_time_is_over(app: Offload) -> None:
    @app.task(timeout=0.05)
    async def slow() -> None:
        await asyncio.sleep(3600)

    job = slow.start()

    with pytest.raises(JobFailed, match=r"it ran longer than 0\.05 s") as failed:
        job.result(20)
    assert failed.value.code == "timeout"


def test_an_attempt_that_took_too_long_is_followed_by_another(app: Offload) -> None:
    @app.task(timeout=0.05, retries=1, backoff=0)
    async def slow_at_first() -> int:
        if current().attempt == 1:
            await asyncio.sleep(3600)
        return current().attempt

    assert slow_at_first.start().result(20) == 2


def test_a_running_job_is_stopped_at_its_deadline_and_not_tried_again(app: Offload) -> None:
    @app.task(retries=5, backoff=0)
    async def slow() -> None:
        await asyncio.sleep(3600)

    @app.task
    async def first() -> None: ...

    first.start().result(20)  # the worker stands: the job is sure to begin before its deadline
    job = slow.using(deadline=1).start()

    with pytest.raises(JobFailed) as failed:
        job.result(20)
    assert failed.value.code == "deadline"
    assert job.read().attempt == 1


@pytest.mark.promise("S20")
def test_a_job_whose_deadline_passes_while_it_waits_never_begins(app: Offload) -> None:
    begun = []

    @app.task
    async def late() -> None:
        begun.append(1)

    job = late.using(delay="1h", deadline=datetime.now(UTC) + timedelta(seconds=0.05)).start()

    with pytest.raises(JobFailed) as failed:
        job.result(20)
    assert (failed.value.code, begun) == ("deadline", [])


# --- the verb


def test_a_failed_job_is_tried_anew_under_its_id(app: Offload) -> None:
    broken = [True]

    @app.task
    async def repaired() -> str:
        if broken:
            raise OSError("the disk is full")
        return "done"

    job = repaired.start()
    with pytest.raises(JobFailed):
        job.result(20)

    broken.clear()
    job.retry()

    assert job.result(20) == "done"
    assert job.read().attempt == 2


def test_a_cancelled_job_can_be_tried_anew(app: Offload) -> None:
    @app.task
    async def work() -> int:
        return 1

    job = work.using(delay=3600).start()
    job.cancel()

    job.retry()

    assert job.result(20) == 1


def test_what_has_succeeded_or_not_ended_cannot_be_tried_anew(app: Offload) -> None:
    @app.task
    async def work() -> int:
        return 1

    done, waiting = work.start(), work.using(delay=3600).start()
    done.result(20)

    with pytest.raises(AlreadyFinished, match="has already succeeded"):
        done.retry()
    with pytest.raises(NotFinished, match="scheduled"):
        waiting.retry()


@pytest.mark.promise("P7")
def test_a_retry_is_admitted_like_a_start() -> None:
    with Offload(capacity=1) as app:

        @app.task
        async def broken() -> None:
            raise OSError("no")

        job = broken.start()
        job.wait(20)
        waiting = broken.using(delay=3600).start()

        with pytest.raises(QueueFull):
            job.retry()
        waiting.cancel()


# --- what cannot be meant


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"timeout": "soon"}, "timeout: "),
        ({"timeout": 0}, "timeout: it must be longer than nothing, not 0"),
        ({"retries": -1}, "retries: it must be an integer from 0 on, not -1"),
        ({"memory": "much"}, "memory: "),
        ({"on_crash": "ignore"}, "on_crash: it can be 'again' or 'fail', not 'ignore'"),
        ({"retain": "11 years"}, "retain: '11 years' is no duration"),
        ({"retain": "520w 11d"}, "retain: it can be ten years (3650d) at most"),
        ({"deadline": datetime(2030, 1, 1)}, "has no time zone"),
        ({"run_at": datetime(2030, 1, 1)}, "has no time zone"),
        ({"delay": 1, "run_at": 5.0}, "delay and run_at say the same thing"),
        ({"delay": -1}, "delay: "),
        ({"key": ""}, "key must be a text"),
        ({"on_conflict": "replace"}, "on_conflict: it can be 'existing' or 'refuse'"),
    ],
)
def test_an_option_that_does_not_fit_is_named(
    app: Offload, options: dict[str, object], said: str
) -> None:
    @app.task
    async def work() -> None: ...

    with pytest.raises(ValueError) as refused:  # noqa: PT011
        work.using(**options)  # type: ignore[arg-type]

    assert said in str(refused.value)
