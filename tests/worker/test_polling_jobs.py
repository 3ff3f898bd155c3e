"""Polling jobs with the real worker and store, on virtual time."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from offload.errors import Fatal
from offload.lifecycle import Shown
from offload.model import JobOptions, State
from offload.polling import Done, Pending, Polling, hook_of
from tests.worker.polled import PollingRig, Remote
from tests.worker.rigs import value

pytestmark = pytest.mark.slow


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[PollingRig]:
    rig = PollingRig(tmp_path)
    yield rig
    rig.close()


def test_work_is_started_once_and_checked_until_it_is_done(rig: PollingRig) -> None:
    remote = Remote(rig)
    remote.register()

    async def scenario() -> None:
        async with rig.working():
            job_id = await rig.start("batch")
            job = await rig.finished(job_id)

            assert value(job) == 1
            assert len(remote.begun) == 1
            assert remote.checked == [{"id": 1}] * 3
            assert remote.told == ["cleanup 1"]
            assert await rig.kinds(job_id) == ["queued", "claimed", "waiting", "succeeded"]

    rig.run(scenario())


def test_the_handle_is_stored_before_the_first_check(rig: PollingRig) -> None:
    remote = Remote(rig)
    handles: list[bytes | None] = []
    remote.register()

    async def scenario() -> None:
        async def look() -> None:
            handles.append((await rig.job(1)).handle)

        async def check(handle: Any) -> Done:
            await look()
            return Done()

        remote.polling.use_check("batch", hook_of("batch", "check", check))
        async with rig.working():
            await rig.finished(await rig.start("batch"))

    rig.run(scenario())

    assert handles == [b'{"id":1}']


def test_between_checks_a_job_is_waiting_and_says_how_far_and_until_when(rig: PollingRig) -> None:
    remote = Remote(rig)
    remote.answer = lambda handle: Pending(7, 9, "frames", unit="frame", after=100.0)
    remote.register()

    async def scenario() -> None:
        async with rig.working():
            job_id = await rig.start("batch")
            await asyncio.sleep(12)
            job = await rig.job(job_id)

            assert await rig.shown(job_id) is Shown.WAITING
            assert job.progress is not None
            assert (job.progress.done, job.progress.total) == (7, 9)
            assert (job.progress.message, job.progress.unit) == ("frames", "frame")
            assert job.next_check_at == pytest.approx(rig.clock.now() + 98, abs=1)

    rig.run(scenario())


def test_a_message_alone_leaves_standing_how_far_the_work_has_come(rig: PollingRig) -> None:
    remote = Remote(rig)
    answers = iter([Pending(3, 8, unit="frame"), Pending(message="cooling down")])
    remote.answer = lambda handle: next(answers, None)
    remote.register()

    async def scenario() -> None:
        async with rig.working():
            job_id = await rig.start("batch")
            await asyncio.sleep(25)
            progress = (await rig.job(job_id)).progress

            assert progress is not None
            assert (progress.done, progress.total, progress.unit) == (3, 8, "frame")
            assert progress.message == "cooling down"

    rig.run(scenario())


def test_work_that_nobody_could_ask_about_is_not_started(rig: PollingRig) -> None:
    remote = Remote(rig)
    remote.polling.check = None
    remote.register()

    async def scenario() -> None:
        async with rig.working():
            job = await rig.finished(await rig.start("batch"))

            assert job.error is not None
            assert "'batch' has no check" in job.error.message
            assert remote.begun == []

    rig.run(scenario())


def test_waiting_jobs_hold_no_slot(rig: PollingRig) -> None:
    remote = Remote(rig, checks=10)
    remote.register()

    async def scenario() -> None:
        async with rig.working(slots=1):
            ids = await rig.start_many("batch", 30)
            await asyncio.sleep(5)
            shown = {await rig.shown(job_id) for job_id in ids}

            assert shown == {Shown.WAITING}
            assert len(remote.begun) == 30

    rig.run(scenario())


@pytest.mark.promise("S8")
@pytest.mark.parametrize("output", [None, 0, "", False, [], -0.0, {"a": None}])
def test_any_value_is_a_result(rig: PollingRig, output: object) -> None:
    remote = Remote(rig)
    remote.answer = lambda handle: Done(output)
    remote.register()

    async def scenario() -> None:
        async with rig.working():
            job = await rig.finished(await rig.start("batch"))

            assert repr(value(job)) == repr(output)

    rig.run(scenario())


def test_none_is_not_yet(rig: PollingRig) -> None:
    remote = Remote(rig)
    answers = iter([None, None, Done("here")])
    remote.answer = lambda handle: next(answers)
    remote.register()

    async def scenario() -> None:
        async with rig.working():
            job = await rig.finished(await rig.start("batch"))

            assert value(job) == "here"

    rig.run(scenario())


# --- errors


def test_a_blip_of_the_network_is_no_failure(rig: PollingRig) -> None:
    remote = Remote(rig, error_budget=3)
    answers: Iterator[Any] = iter([OSError("a"), OSError("b"), None, OSError("c"), Done(1)])

    def answer(handle: Any) -> Any:
        given = next(answers)
        if isinstance(given, Exception):
            raise given
        return given

    remote.answer = answer
    remote.register()

    async def scenario() -> None:
        async with rig.working():
            job_id = await rig.start("batch")
            await asyncio.sleep(11)
            progress = (await rig.job(job_id)).progress

            assert value(await rig.finished(job_id)) == 1
            assert progress is not None
            assert progress.message == "check failed (1 of 3 in a row): OSError: a"

    rig.run(scenario())


def test_a_job_fails_with_the_last_error_when_the_budget_is_used_up(rig: PollingRig) -> None:
    remote = Remote(rig, error_budget=4, interval=2.0)

    def refuse(handle: Any) -> None:
        raise ConnectionError(f"try {len(remote.checked)}")

    remote.answer = refuse
    remote.register()

    async def scenario() -> None:
        async with rig.working():
            job = await rig.finished(await rig.start("batch"))

            assert job.state is State.FAILED
            assert job.error is not None
            assert (job.error.code, job.error.type) == ("exception", "ConnectionError")
            assert job.error.message == "try 4"
            assert "refuse" in (job.error.traceback or "")
            assert remote.told == ["cleanup 1"]

    rig.run(scenario())


def test_a_fatal_error_fails_the_job_at_once(rig: PollingRig) -> None:
    remote = Remote(rig)

    def refuse(handle: Any) -> None:
        raise Fatal("the remote side has forgotten it")

    remote.answer = refuse
    remote.register(retries=5)

    async def scenario() -> None:
        async with rig.working():
            job = await rig.finished(await rig.start("batch"))

            assert job.state is State.FAILED
            assert len(remote.checked) == 1
            assert len(remote.begun) == 1

    rig.run(scenario())


def test_an_error_that_retry_on_does_not_name_fails_the_job_at_once(rig: PollingRig) -> None:
    remote = Remote(rig)

    def refuse(handle: Any) -> None:
        raise LookupError("no such batch")

    remote.answer = refuse
    remote.register(retry_on=ConnectionError)

    async def scenario() -> None:
        async with rig.working():
            job = await rig.finished(await rig.start("batch"))

            assert job.state is State.FAILED
            assert len(remote.checked) == 1

    rig.run(scenario())


def test_a_check_that_answers_anything_else_is_told_what_to_return(rig: PollingRig) -> None:
    remote = Remote(rig, error_budget=1)
    remote.answer = lambda handle: "the result"
    remote.register()

    async def scenario() -> None:
        async with rig.working():
            job = await rig.finished(await rig.start("batch"))

            assert job.error is not None
            assert "returned 'the result'; it has to return Done(value)" in job.error.message

    rig.run(scenario())


def test_progress_that_is_no_number_is_a_failed_check(rig: PollingRig) -> None:
    remote = Remote(rig, error_budget=3, interval=2.0)
    remote.answer = lambda handle: Pending(done=float("nan"))
    remote.register()

    async def scenario() -> None:
        async with rig.working():
            job = await rig.finished(await rig.start("batch"))

            assert job.error is not None
            assert job.error.type == "ValueError"
            assert len(remote.checked) == 3

    rig.run(scenario())


def test_a_value_that_json_cannot_carry_fails_the_job(rig: PollingRig) -> None:
    remote = Remote(rig)
    remote.answer = lambda handle: Done({1, 2})
    remote.register()

    async def scenario() -> None:
        async with rig.working():
            job = await rig.finished(await rig.start("batch"))

            assert job.error is not None
            assert job.error.code == "not-serializable"
            assert remote.told == ["cleanup 1"]

    rig.run(scenario())


def test_a_retry_starts_the_work_anew_under_another_idempotency_key(rig: PollingRig) -> None:
    remote = Remote(rig, error_budget=1)

    def answer(handle: Any) -> Done:
        if handle["id"] == 1:
            raise ConnectionError("lost it")
        return Done("second")

    remote.answer = answer
    remote.register(retries=1)

    async def scenario() -> None:
        async with rig.working():
            job_id = await rig.start("batch", options=JobOptions(retries=1))
            job = await rig.finished(job_id)

            assert value(job) == "second"
            assert len(set(remote.begun)) == 2
            assert remote.told == ["cleanup 1", "cleanup 2"]

    rig.run(scenario())


# --- stopping


@pytest.mark.promise("P4")
def test_a_cancel_reaches_the_other_side_and_ends_the_checks(rig: PollingRig) -> None:
    remote = Remote(rig, checks=1000)
    remote.register()

    async def scenario() -> None:
        async with rig.working():
            job_id = await rig.start("batch")
            await asyncio.sleep(25)
            checks = len(remote.checked)

            await rig.cancel(job_id)
            job = await rig.finished(job_id)
            await asyncio.sleep(60)

            assert job.state is State.CANCELLED
            assert remote.told == ["cancel 1", "cleanup 1"]
            assert len(remote.checked) == checks == 2

    rig.run(scenario())


def test_a_cancel_while_the_work_is_being_started_reaches_it_too(rig: PollingRig) -> None:
    remote = Remote(rig)
    remote.seconds_to_start = 5.0
    remote.register()

    async def scenario() -> None:
        async with rig.working():
            job_id = await rig.start("batch")
            await asyncio.sleep(1)

            await rig.cancel(job_id)
            job = await rig.finished(job_id)

            assert job.state is State.CANCELLED
            assert len(remote.begun) == 1
            assert remote.told == ["cancel 1", "cleanup 1"]
            assert remote.checked == []

    rig.run(scenario())


def test_a_start_that_hangs_is_cut_off_some_time_after_a_cancel(rig: PollingRig) -> None:
    remote = Remote(rig)
    remote.seconds_to_start = 1e6
    remote.register()

    async def scenario() -> None:
        async with rig.working():
            job_id = await rig.start("batch")
            await asyncio.sleep(1)
            asked_at = rig.clock.now()

            await rig.cancel(job_id)
            job = await rig.finished(job_id)

            assert job.state is State.CANCELLED
            assert rig.clock.now() - asked_at == pytest.approx(10, abs=1)
            assert remote.told == []

    rig.run(scenario())


def test_a_hook_that_fails_is_tried_again_and_then_recorded(
    rig: PollingRig, caplog: pytest.LogCaptureFixture
) -> None:
    remote = Remote(rig, checks=1000)
    tries: list[float] = []

    def on_cancel(handle: Any) -> None:
        tries.append(rig.clock.monotonic())
        raise ConnectionError("nobody there")

    remote.polling.on_cancel = hook_of("batch", "on_cancel", on_cancel)
    remote.register()

    async def scenario() -> None:
        async with rig.working():
            job_id = await rig.start("batch")
            await asyncio.sleep(5)
            await rig.cancel(job_id)
            job = await rig.finished(job_id)

            assert job.state is State.CANCELLED
            assert len(tries) == 3
            assert remote.told == ["cleanup 1"]
            assert job.progress is not None
            assert job.progress.message == "on_cancel failed: ConnectionError: nobody there"

    rig.run(scenario())
    assert "job 1 (batch): on_cancel failed: ConnectionError: nobody there" in caplog.text


def test_a_hook_that_hangs_holds_a_cancel_up_for_a_bounded_time(rig: PollingRig) -> None:
    remote = Remote(rig, checks=1000)

    async def on_cancel(handle: Any) -> None:
        await asyncio.Event().wait()

    remote.polling.on_cancel = hook_of("batch", "on_cancel", on_cancel)
    remote.register()

    async def scenario() -> None:
        async with rig.working():
            job_id = await rig.start("batch")
            await asyncio.sleep(5)
            asked_at = rig.clock.now()
            await rig.cancel(job_id)
            await rig.finished(job_id)

            assert rig.clock.now() - asked_at < 15

    rig.run(scenario())


def test_a_deadline_ends_the_job_with_a_cleanup_and_no_cancel(rig: PollingRig) -> None:
    remote = Remote(rig, checks=1000)
    remote.register()

    async def scenario() -> None:
        async with rig.working():
            deadline_at = rig.clock.now() + 35
            job_id = await rig.start("batch", deadline_at=deadline_at)
            job = await rig.finished(job_id)

            assert job.state is State.FAILED
            assert job.error is not None
            assert job.error.code == "deadline"
            assert job.finished_at == pytest.approx(deadline_at, abs=1)
            assert remote.told == ["cleanup 1"]

    rig.run(scenario())


# --- other hands


@pytest.mark.promise("P10")
def test_a_shutdown_tells_nobody_and_another_worker_goes_on(rig: PollingRig) -> None:
    remote = Remote(rig, checks=4)
    remote.register()

    async def scenario() -> None:
        async with rig.working():
            job_id = await rig.start("batch")
            await asyncio.sleep(25)
        left = await rig.job(job_id)
        told = list(remote.told)
        async with rig.working():
            job = await rig.finished(job_id)

            assert left.state is State.QUEUED
            assert left.handle == b'{"id":1}'
            assert told == []
            assert value(job) == 1
            assert len(remote.begun) == 1
            assert job.crashes == 0

    rig.run(scenario())


@pytest.mark.promise("L2")
def test_a_waiting_job_whose_worker_dies_is_adopted_and_never_started_twice(
    rig: PollingRig,
) -> None:
    remote = Remote(rig, checks=4)
    remote.register()

    async def scenario() -> None:
        first = rig.loop.process("the first worker")
        worker = rig.worker(process=first)
        first.spawn(worker.run())
        job_id = await rig.start("batch")
        await asyncio.sleep(25)
        first.crash()
        rig.locks.release(first)
        async with rig.working():
            job = await rig.finished(job_id)

            assert value(job) == 1
            assert len(remote.begun) == 1
            assert job.crashes == 0
            assert "rescued" in await rig.kinds(job_id)

    rig.run(scenario())


def test_a_cancel_while_nobody_holds_the_job_is_told_by_whoever_adopts_it(
    rig: PollingRig,
) -> None:
    remote = Remote(rig, checks=1000)
    remote.register()

    async def scenario() -> None:
        async with rig.working():
            job_id = await rig.start("batch")
            await asyncio.sleep(5)
        await rig.cancel(job_id)
        shown = await rig.shown(job_id)
        async with rig.working():
            job = await rig.finished(job_id)

            assert shown is Shown.CANCELLING
            assert job.state is State.CANCELLED
            assert remote.told == ["cancel 1", "cleanup 1"]
            assert remote.checked == []

    rig.run(scenario())


def test_a_start_that_ends_soon_after_a_shutdown_leaves_its_handle(rig: PollingRig) -> None:
    remote = Remote(rig)
    remote.seconds_to_start = 5.0
    remote.register()

    async def scenario() -> None:
        async with rig.working():
            job_id = await rig.start("batch")
            await asyncio.sleep(4.8)
        left = await rig.job(job_id)

        assert left.state is State.QUEUED
        assert left.handle == b'{"id":1}'

    rig.run(scenario())


# --- together


def test_many_jobs_take_few_calls(rig: PollingRig) -> None:
    remote = Remote(rig)
    calls: list[int] = []

    def check_many(handles: list[Any]) -> list[Any]:
        calls.append(len(handles))
        return [Done(handle["id"]) if rig.clock.monotonic() > 40 else None for handle in handles]

    polling = remote.polling = Polling(interval=10.0)
    polling.use_check_many("batch", hook_of("batch", "check_many", check_many), 20)
    remote.register()

    async def scenario() -> None:
        async with rig.working():
            ids = await rig.start_many("batch", 90)
            jobs = [await rig.finished(job_id) for job_id in ids]

            assert sorted(str(value(job)) for job in jobs) == sorted(map(str, range(1, 91)))
            assert max(calls) == 20
            assert len(calls) <= 5 * 6

    rig.run(scenario())
