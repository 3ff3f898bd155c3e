"""Whatever code raises or returns, its job gets an outcome and its worker goes on."""

import asyncio
import enum
import math
import threading
from collections.abc import Callable
from typing import Any

import pytest

from offload.model import Error, Failed, Job, Outcome, State
from offload.worker.attempt import Attempt, execute
from offload.worker.context import current
from tests.worker.rigs import ThreadRig, VirtualRig, value


class Stop(BaseException):
    """An exception that is no `Exception`."""


class Unspeakable(Exception):
    """An exception that cannot be shown."""

    def __str__(self) -> str:
        raise SystemExit("not even this")

    __repr__ = __str__


def interrupt(whatever: object) -> Any:
    """Raise what ends programs."""
    raise KeyboardInterrupt


Nameless: Any = type("Nameless", (type,), {"__name__": property(interrupt)})
Hidden: Any = Nameless("Hidden", (Exception,), {})
"""An exception whose class does not say its name."""


def hidden() -> BaseException:
    """Make one; a class without a name cannot stand among a test's parameters."""
    error: BaseException = Hidden()
    return error


RAISED: list[Callable[[], BaseException]] = [
    SystemExit,
    lambda: SystemExit(3),
    KeyboardInterrupt,
    GeneratorExit,
    Stop,
    MemoryError,
    RecursionError,
    lambda: StopAsyncIteration("x"),
    Unspeakable,
    hidden,
    lambda: ExceptionGroup("several", [ValueError(1), Unspeakable()]),
]


def raising(make: Callable[[], BaseException]) -> Callable[[], None]:
    """Return a function that raises it."""

    def task() -> None:
        raise make()

    return task


@pytest.mark.parametrize("make", RAISED)
def test_no_exception_in_a_coroutine_ends_the_worker(
    rig: VirtualRig, make: Callable[[], BaseException]
) -> None:
    @rig.task
    async def bad() -> None:
        await asyncio.sleep(0)
        raise make()

    @rig.task
    async def good() -> str:
        return "fine"

    async def scenario() -> tuple[Job, object]:
        async with rig.working():
            failed = await rig.finished(await rig.start("bad"))
            return failed, value(await rig.finished(await rig.start("good")))

    failed, good_value = rig.run(scenario())

    assert good_value == "fine"
    assert failed.state is State.FAILED
    assert failed.error is not None
    assert failed.error.code == "exception"


@pytest.mark.parametrize("make", [*RAISED, lambda: StopIteration("x")])
def test_no_exception_in_a_thread_ends_the_worker(
    threads: ThreadRig, make: Callable[[], BaseException]
) -> None:
    threads.task(raising(make), name="bad")
    threads.task(lambda: "fine", name="good")
    threads.work()

    failed = threads.finished(threads.start("bad"))

    assert failed.state is State.FAILED
    assert failed.error is not None
    assert failed.error.code == "exception"
    assert value(threads.finished(threads.start("good"))) == "fine"


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_no_exception_in_a_task_that_a_coroutine_made_ends_the_worker(
    threads: ThreadRig, error: type[BaseException]
) -> None:
    @threads.task
    async def careless() -> str:
        async def child() -> None:
            raise error

        with pytest.raises(error):
            await asyncio.create_task(child())
        return "went on"

    threads.task(lambda: "fine", name="good")
    embedded = threads.work()

    assert value(threads.finished(threads.start("careless"))) == "went on"
    assert value(threads.finished(threads.start("good"))) == "fine"
    assert embedded.failure is None


# --- what is returned


class Shy:
    """An object that cannot be shown."""

    def __repr__(self) -> str:
        raise KeyboardInterrupt


class Angry(enum.Enum):
    """A value whose own code ends programs."""

    WORD = 1

    @property
    def value(self) -> Any:
        raise KeyboardInterrupt


def deep() -> list[Any]:
    """Return lists inside each other, 100,000 levels deep."""
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


def itself() -> list[Any]:
    """Return a list that contains itself."""
    value: list[Any] = []
    value.append(value)
    return value


UNKEPT: list[tuple[Callable[[], object], str]] = [
    (lambda: math.nan, "nan is not a number that JSON can carry"),
    (lambda: {"loss": [1.0, math.inf]}, r"\$.loss\[1\]"),
    (lambda: {1, 2}, "set"),
    (lambda: "half \ud800", "surrogate"),
    (lambda: {"a\udfff": 1}, "surrogate"),
    (lambda: {1: "a"}, "is not text"),
    (object, "object"),
    (Shy, "Shy"),
    (lambda: Angry.WORD, "Angry"),
    (threading.Lock, "lock"),
    (deep, "deeper than"),
    (itself, "contains itself"),
    (lambda: "x" * (17 << 20), "17.0 MiB; at most 16 MiB"),
]


@pytest.mark.parametrize(("make", "said"), UNKEPT)
def test_a_value_that_cannot_be_kept_fails_its_job_and_is_shown(
    rig: VirtualRig, make: Callable[[], object], said: str
) -> None:
    @rig.task
    async def odd() -> Any:
        return make()

    async def scenario() -> Job:
        async with rig.working():
            return await rig.finished(await rig.start("odd"))

    job = rig.run(scenario())

    assert job.state is State.FAILED
    assert job.error is not None
    assert job.error.code == "not-serializable"
    assert job.result is None
    assert len(job.error.message) < 4000
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(job.error.message)


def test_an_encode_hook_that_raises_fails_its_job(rig: VirtualRig) -> None:
    def simpler(value: object) -> object:
        raise SystemExit

    async def odd() -> Any:
        return object()

    rig.task(odd, encode=simpler)

    async def scenario() -> Job:
        async with rig.working():
            return await rig.finished(await rig.start("odd"))

    job = rig.run(scenario())

    assert job.error is not None
    assert job.error.code == "not-serializable"


# --- what is told of an exception


def failure(rig: VirtualRig, make: Callable[[], BaseException]) -> Error:
    """Run a job that raises it; returns how it is kept."""

    @rig.task
    async def bad() -> None:
        raise make()

    async def scenario() -> Error:
        async with rig.working():
            job = await rig.finished(await rig.start("bad"))
        assert job.error is not None
        return job.error

    return rig.run(scenario())


def test_an_exceptions_text_is_made_fit_to_be_kept(rig: VirtualRig) -> None:
    error = failure(rig, lambda: ValueError("a\0b \ud800 é"))

    assert error.message == r"a\x00b \ud800 é"
    assert error.type == "ValueError"


def test_a_huge_text_is_cut_and_says_so(rig: VirtualRig) -> None:
    error = failure(rig, lambda: ValueError("x" * 10_000_000))

    assert len(error.message.encode()) <= 8 << 10
    assert error.message.endswith("more bytes)")
    assert error.traceback is not None
    assert len(error.traceback.encode()) <= 64 << 10


def test_the_traceback_shows_the_users_frames_only(rig: VirtualRig) -> None:
    error = failure(rig, lambda: KeyError("k"))

    assert error.traceback is not None
    assert "in bad" in error.traceback
    assert __file__ in error.traceback
    assert "executors" not in error.traceback
    assert error.traceback.endswith("KeyError: 'k'\n")


def test_the_traceback_of_a_thread_shows_the_users_frames_only(threads: ThreadRig) -> None:
    threads.task(raising(lambda: KeyError("k")), name="bad")
    threads.work()

    job = threads.finished(threads.start("bad"))

    assert job.error is not None
    assert job.error.traceback is not None
    assert "in task" in job.error.traceback
    assert "executors" not in job.error.traceback


def test_parameters_that_no_longer_fit_fail_the_job_and_are_named(rig: VirtualRig) -> None:
    @rig.task
    async def changed(new_name: int) -> None: ...

    async def scenario() -> Error | None:
        async with rig.working():
            job = await rig.start("changed", {"old_name": 1})
            return (await rig.finished(job)).error

    error = rig.run(scenario())

    assert error is not None
    assert error.code == "undecodable"
    assert "old_name" in error.message


def test_a_job_whose_progress_is_nonsense_harms_nobody_else(rig: VirtualRig) -> None:
    @rig.task
    async def nonsense(done: Any, message: Any) -> str:
        current().progress(float(done) if isinstance(done, str) else done, 10, message)
        await asyncio.sleep(3)
        return "went on"

    @rig.task
    async def good() -> str:
        for step in range(4):
            current().progress(step, 4)
            await asyncio.sleep(1)
        return "fine"

    async def scenario() -> None:
        calls: list[tuple[object, object]] = [
            ("nan", "a"),
            ("inf", "a"),
            (10**400, "a"),
            ([1], "a"),
            (True, "a"),
            (1, 5),
            (1, "\0" * 100_000),
        ]
        async with rig.working():
            odd = [
                await rig.start("nonsense", {"done": done, "message": message})
                for done, message in calls
            ]
            job = await rig.start("good")
            await asyncio.sleep(2.5)
            told = (await rig.job(job)).progress
            assert told is not None
            assert told.done == 2
            assert value(await rig.finished(job)) == "fine"
            for each in odd:
                assert (await rig.finished(each)).is_finished

    rig.run(scenario())


def test_a_job_whose_task_is_gone_by_the_time_it_runs_fails_in_words(rig: VirtualRig) -> None:
    async def scenario() -> Outcome:
        job = await rig.job(await rig.start("gone"))
        worker = rig.worker()
        return await execute(Attempt(job, worker), worker)

    outcome = rig.run(scenario())

    assert isinstance(outcome, Failed)
    assert "no task 'gone'" in outcome.error.message
