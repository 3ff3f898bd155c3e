"""What running code holds: its own context wherever it goes, and nobody else's."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import Any

import pytest

from offload import Context, current
from offload.model import State
from offload.worker.context import Stop, progress
from tests.worker.rigs import ThreadRig, VirtualRig, value

colour: contextvars.ContextVar[str] = contextvars.ContextVar("colour", default="none")


def test_a_jobs_code_finds_its_context_in_child_tasks_and_threads(rig: VirtualRig) -> None:
    @rig.task
    async def family() -> list[int]:
        async def child() -> int:
            return current().job_id

        async with asyncio.TaskGroup() as group:
            children = [group.create_task(child()) for _ in range(2)]
        in_thread = await asyncio.to_thread(lambda: current().job_id)
        return [current().job_id, *(child.result() for child in children), in_thread]

    async def scenario() -> list[object]:
        async with rig.working():
            ids = await rig.start_many("family", 3)
            return [value(await rig.finished(job)) for job in ids]

    assert rig.run(scenario()) == [[1] * 4, [2] * 4, [3] * 4]


def test_real_threads_of_a_job_find_its_context(threads: ThreadRig) -> None:
    @threads.task
    async def family() -> list[int]:
        return [await asyncio.to_thread(lambda: current().job_id) for _ in range(2)]

    threads.work()

    job = threads.start("family")

    assert value(threads.finished(job)) == [job, job]


def test_no_context_variable_leaks_from_one_job_to_the_next(rig: VirtualRig) -> None:
    @rig.task
    async def paint(name: str) -> str:
        before = colour.get()
        colour.set(name)
        await asyncio.sleep(1)
        return f"{before}, {colour.get()}"

    async def scenario() -> list[object]:
        async with rig.working(slots=2):
            ids = [await rig.start("paint", {"name": name}) for name in ("red", "green", "blue")]
            return [value(await rig.finished(job)) for job in ids]

    assert rig.run(scenario()) == ["none, red", "none, green", "none, blue"]


def test_no_context_variable_leaks_between_jobs_in_threads(threads: ThreadRig) -> None:
    @threads.task
    def paint(name: str) -> str:
        before = colour.get()
        colour.set(name)
        return f"{before}, {current().job_id}"

    threads.work(slots=1)

    first, second = threads.start("paint", {"name": "red"}), threads.start("paint", {"name": "x"})

    assert value(threads.finished(first)) == f"none, {first}"
    assert value(threads.finished(second)) == f"none, {second}"


def test_the_worker_itself_is_in_no_job(rig: VirtualRig) -> None:
    @rig.task
    async def task() -> None:
        colour.set("red")

    async def scenario() -> tuple[int, str]:
        async with rig.working():
            await rig.finished(await rig.start("task"))
        return current().job_id, colour.get()

    assert rig.run(scenario()) == (0, "none")


@pytest.mark.parametrize("kind", ["first", "positional", "keyword", "middle"])
def test_a_parameter_annotated_context_is_given_the_jobs_own(rig: VirtualRig, kind: str) -> None:
    async def first(ctx: Context, n: int) -> list[int]:
        return [ctx.job_id, n]

    async def positional(ctx: Context, n: int, /) -> list[int]:
        return [ctx.job_id, n]

    async def keyword(n: int, *, ctx: Context) -> list[int]:
        return [ctx.job_id, n]

    async def middle(n: int, ctx: Context, m: int = 5) -> list[int]:
        return [ctx.job_id, n]

    functions: dict[str, Callable[..., Any]] = {
        "first": first,
        "positional": positional,
        "keyword": keyword,
        "middle": middle,
    }
    rig.task(functions[kind], name="task")

    async def scenario() -> object:
        async with rig.working():
            return value(await rig.finished(await rig.start("task", {"n": 7})))

    assert rig.run(scenario()) == [1, 7]


def test_attempt_and_job_id_are_zero_outside_a_job() -> None:
    assert (current().job_id, current().attempt, current().should_stop) == (0, 0, False)


class AskedBetween(Stop):
    """A wish that comes just after somebody has looked for it."""

    looks = 0

    @property
    def is_set(self) -> bool:
        self.looks += 1
        return self.looks > 1


def test_code_that_was_told_to_stop_is_known_to_have_been_told() -> None:
    context = Context(1, 1, stop=AskedBetween())

    assert (context.should_stop, context.saw_stop) == (False, False)
    assert (context.should_stop, context.saw_stop) == (True, True)


# --- progress


def test_progress_is_stored_while_the_job_runs(rig: VirtualRig) -> None:
    @rig.task
    async def steps() -> None:
        for step in range(5):
            current().progress(step, 5, "going", unit="step")
            await asyncio.sleep(1)

    async def scenario() -> Any:
        job = await rig.start("steps")
        async with rig.working():
            await asyncio.sleep(2.5)
            return (await rig.job(job)).progress

    told = rig.run(scenario())

    assert (told.done, told.total, told.message, told.unit) == (2, 5, "going", "step")


def test_the_last_word_is_kept_however_late_it_comes(rig: VirtualRig) -> None:
    @rig.task
    async def steps() -> None:
        for step in progress(range(1000), unit="step"):
            assert step >= 0

    async def scenario() -> Any:
        job = await rig.start("steps")
        async with rig.working():
            return (await rig.finished(job)).progress

    told = rig.run(scenario())

    assert (told.done, told.total, told.unit) == (1000, 1000, "step")


def test_progress_in_a_tight_loop_is_written_four_times_a_second(
    rig: VirtualRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    @rig.task
    async def busy() -> None:
        for step in range(1000):
            current().progress(step)
            await asyncio.sleep(0.01)

    reports: list[str] = []
    run = rig.store.run

    def count(operations: Any) -> Any:
        reports.extend(type(op).__name__ for op in operations if type(op).__name__ == "Report")
        return run(operations)

    monkeypatch.setattr(rig.store, "run", count)

    async def scenario() -> None:
        async with rig.working():
            await rig.finished(await rig.start("busy"))

    rig.run(scenario())

    assert 39 <= len(reports) <= 42


def test_a_threads_last_word_is_kept(threads: ThreadRig) -> None:
    @threads.task
    def steps() -> str:
        for _ in progress(range(10_000)):
            pass
        return threading.current_thread().name

    threads.work()

    job = threads.finished(threads.start("steps"))

    assert job.progress is not None
    assert job.progress.done == 10_000
    assert job.state is State.SUCCEEDED


@pytest.mark.parametrize("done", [float("nan"), float("inf"), "5", None, 1j])
def test_progress_that_is_no_number_is_refused_where_it_is_said(done: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="progress"):
        current().progress(done)


def test_progress_takes_any_real_number_and_shows_any_message() -> None:
    told: list[Any] = []
    context = Context(1, 1, tell=lambda board: told.append(board.take()))

    context.progress(10**30, 10**30, "half \ud800" + "x" * 10_000, unit="a\0")

    assert told[0].done == 1e30
    assert told[0].message.startswith(r"half \ud800")
    assert len(told[0].message) <= 1000
    assert told[0].unit == r"a\x00"


def test_what_a_job_has_to_say_goes_to_the_logger_of_jobs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    current().log.warning("it is %s", "late")

    assert caplog.record_tuples == [("offload.job", 30, "it is late")]
