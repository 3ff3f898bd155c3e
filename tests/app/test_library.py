"""The library as its users have it: one file, a real database, a worker embedded in the program."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from offload import (
    AlreadyFinished,
    Evicted,
    InvalidParameters,
    JobCancelled,
    JobFailed,
    Offload,
    QueueFull,
    StoreUnreadable,
    UnknownJob,
    UnknownTask,
    current,
    progress,
)
from offload.model import QueueSettings
from tests.support import eventually

pytestmark = pytest.mark.promise("P1")


@pytest.fixture
def app() -> Iterator[Offload]:
    app = Offload()
    yield app
    app.close()


def test_a_started_job_gives_its_result(app: Offload) -> None:
    @app.task
    async def add(a: int, b: int = 2) -> int:
        return a + b

    job = add.start(1)

    assert job.id == 1
    assert job.result(10) == 3
    assert job.state == "succeeded"


def test_a_task_is_still_a_plain_function(app: Offload) -> None:
    @app.task
    def double(n: int) -> int:
        """Twice."""
        return 2 * n

    assert double(4) == 8
    assert double.__doc__ == "Twice."
    assert double.name == "double"


def test_a_blocking_task_runs_in_a_thread_and_reports_progress(app: Offload) -> None:
    @app.task
    def count(n: int) -> int:
        return sum(1 for _ in progress(range(n), unit="item"))

    job = count.start(5)

    assert job.result(10) == 5
    last = job.progress
    assert last is not None
    assert (last.done, last.total, last.unit) == (5, 5, "item")


def test_a_failed_job_raises_with_the_remote_traceback(app: Offload) -> None:
    @app.task
    async def fail() -> None:
        raise ValueError("no luck")

    job = fail.start()

    with pytest.raises(JobFailed, match="no luck") as caught:
        job.result(10)
    assert caught.value.type == "ValueError"
    assert "in fail" in (caught.value.traceback or "")
    assert "coroutine.py" not in (caught.value.traceback or "")


def test_parameters_are_checked_before_anything_is_stored(app: Offload) -> None:
    @app.task
    async def add(a: int, b: int) -> int:
        return a + b

    with pytest.raises(InvalidParameters) as caught:
        add.start("x", c=3)  # type: ignore[call-arg,arg-type]

    assert {fault.parameter for fault in caught.value.faults} >= {"a", "b", "c"}
    assert not app.database.exists()


def test_start_by_name_and_through_an_alias(app: Offload) -> None:
    @app.task(name="sum", aliases=["plus"])
    async def add(a: int, b: int) -> int:
        return a + b

    assert app.start("plus", a=1, b=2).result(10) == 3
    with pytest.raises(UnknownTask, match="did you mean"):
        app.start("pluss", a=1, b=2)


@pytest.mark.promise("S9")
def test_a_queued_job_that_is_cancelled_never_starts() -> None:
    app = Offload(concurrency=1)
    started: list[int] = []
    release = threading.Event()

    @app.task
    def hold(n: int) -> int:
        started.append(n)
        release.wait(30)
        return n

    first, second, third = hold.start_many([1, 2, 3])
    eventually(lambda: first.state == "running")

    assert second.cancel() is True
    assert second.cancel() is False
    assert second.state == "cancelled"
    release.set()

    assert third.result(10) == 3
    assert started == [1, 3]
    with pytest.raises(JobCancelled):
        second.result(0)
    app.close()


def test_cancel_stops_a_coroutine_at_its_next_await_and_its_cleanup_runs(app: Offload) -> None:
    tidied: list[bool] = []

    @app.task
    async def wait() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0)
            tidied.append(True)

    job = wait.start()
    eventually(lambda: job.state == "running")

    assert job.cancel() is True
    assert job.wait(10) is True
    assert job.state == "cancelled"
    assert tidied == [True]


@pytest.mark.promise("S10")
def test_a_thread_is_asked_and_is_cancelling_until_it_has_stopped(app: Offload) -> None:
    let_go = threading.Event()

    @app.task
    def work() -> None:
        while not current().should_stop:
            let_go.wait(0.01)
        let_go.wait(30)

    job = work.start()
    eventually(lambda: job.state == "running")
    job.cancel()

    assert job.state == "cancelling"
    assert job.wait(0.2) is False
    let_go.set()
    assert job.wait(10) is True
    assert job.state == "cancelled"


def test_a_finished_job_cannot_be_cancelled(app: Offload) -> None:
    @app.task
    async def quick() -> None: ...

    job = quick.start()
    assert job.result(10) is None

    with pytest.raises(AlreadyFinished, match="already succeeded"):
        job.cancel()


def test_a_job_is_awaitable(app: Offload) -> None:
    @app.task
    async def add(a: int, b: int) -> int:
        return a + b

    async def main() -> int:
        job = await add.astart(20, 22)
        assert await job.await_(10) is True
        assert await job.astate() == "succeeded"
        return await job

    assert asyncio.run(main()) == 42


def test_starting_inside_a_running_loop_does_not_need_await(app: Offload) -> None:
    @app.task
    async def add(a: int, b: int) -> int:
        return a + b

    async def main() -> int:
        return add.start(1, 2).result(10)

    assert asyncio.run(main()) == 3


def test_many_are_started_all_or_none() -> None:
    app = Offload(capacity=3, worker="off")

    @app.task
    async def nothing(n: int) -> None: ...

    with pytest.raises(QueueFull):
        nothing.start_many([1, 2, 3, 4])
    jobs = nothing.start_many([1, (2,), {"n": 3}])

    assert [job.id for job in jobs] == [1, 2, 3]
    assert len(app.list()) == 3
    app.close()


def test_a_lookup_finds_jobs_of_other_offloads_of_the_same_file(app: Offload) -> None:
    @app.task
    async def add(a: int, b: int) -> int:
        return a + b

    job = add.start(2, 2)
    assert job.result(10) == 4
    other = Offload(worker="off")

    assert other.get(job.id).result(0) == 4
    with pytest.raises(UnknownJob):
        other.get(99)
    other.close()


@pytest.mark.promise("P9")
@pytest.mark.promise("S15")
def test_the_oldest_finished_job_is_evicted_first_and_is_not_unknown() -> None:
    app = Offload(keep=2, concurrency=1)

    @app.task
    async def nothing() -> None: ...

    jobs = nothing.start_many([(), (), ()])
    for job in jobs[1:]:
        assert job.wait(10)
    eventually(lambda: len(app.list()) == 2)

    with pytest.raises(Evicted):
        jobs[0].read()
    assert [job.id for job in app.list()] == [3, 2]
    app.close()


@pytest.mark.promise("P9")
def test_a_job_is_kept_for_as_long_as_it_says_itself_beside_those_that_its_queue_keeps() -> None:
    app = Offload(keep=1)

    @app.task(retain="1h")
    async def report() -> None: ...

    @app.task
    async def nothing() -> None: ...

    kept = [report.start(), nothing.using(retain=timedelta(days=3)).start()]
    others = nothing.start_many([(), (), ()])
    gone = report.using(retain=0).start()
    for job in [*kept, *others, gone]:
        job.wait(10)

    eventually(lambda: sorted(job.id for job in app.list()) == [1, 2, 5])
    for job, seconds in zip(kept, (3600, 3 * 86_400), strict=True):
        read = job.read()
        assert read.finished_at is not None
        assert read.kept_until == read.finished_at + seconds
    app.close()


def test_looking_at_a_missing_database_is_an_error_and_makes_none(
    app: Offload, tmp_path: Path
) -> None:
    with pytest.raises(StoreUnreadable, match="there is no database"):
        app.get(1)
    assert list(tmp_path.iterdir()) == []


def test_options_of_a_call_go_before_those_of_the_task() -> None:
    app = Offload(worker="off")

    @app.task(queue="slow", priority=1, tags=["a"])
    async def nothing() -> None: ...

    job = nothing.using(priority=7, tags=["b"], owner="zoë", delay=60).start().read()

    assert (job.queue, job.priority, job.tags, job.owner) == ("slow", 7, ("a", "b"), "zoë")
    assert app.shown(job) == "scheduled"
    app.close()


def test_options_that_do_not_fit_are_refused() -> None:
    app = Offload(worker="off")

    @app.task
    async def nothing() -> None: ...

    with pytest.raises(ValueError, match="give one of them"):
        nothing.using(delay=1, run_at=2)
    with pytest.raises(ValueError, match="priority"):
        nothing.using(priority=100_000)
    with pytest.raises(ValueError, match="delay"):
        nothing.using(delay=-1)


def test_a_queued_job_says_that_nobody_is_there_to_take_it() -> None:
    app = Offload(worker="off")

    @app.task
    async def nothing() -> None: ...

    job = nothing.start()

    assert "no live worker" in (app.reason(job.read()) or "")
    app.close()


def test_a_block_waits_for_what_was_started_in_it() -> None:
    app = Offload()
    done: list[int] = []

    @app.task
    async def work(n: int) -> None:
        await asyncio.sleep(0.05)
        done.append(n)

    with app:
        work.start_many([1, 2, 3])

    assert sorted(done) == [1, 2, 3]


def test_an_async_block_waits_too() -> None:
    app = Offload()
    done: list[int] = []

    @app.task
    async def work(n: int) -> None:
        await asyncio.sleep(0.05)
        done.append(n)

    async def main() -> None:
        async with app:
            await work.astart_many([1, 2, 3])

    asyncio.run(main())
    assert sorted(done) == [1, 2, 3]


@pytest.mark.promise("P7")
@pytest.mark.promise("S12")
def test_no_more_jobs_run_at_once_than_the_queue_allows() -> None:
    app = Offload(concurrency=3)
    running: set[int] = set()
    most = 0

    @app.task
    async def work(n: int) -> None:
        nonlocal most
        running.add(n)
        most = max(most, len(running))
        await asyncio.sleep(0.02)
        running.discard(n)

    jobs = work.start_many(range(20))
    for job in jobs:
        assert job.wait(20)

    assert most == 3
    app.close()


def test_close_interrupts_and_the_next_start_goes_on() -> None:
    app = Offload()
    starts: list[int] = []
    release = threading.Event()

    @app.task
    async def work() -> str:
        starts.append(1)
        await asyncio.sleep(0 if release.is_set() else 3600)
        return "done"

    job = work.start()
    eventually(lambda: starts)
    assert app.close() == 1

    interrupted = job.read()
    release.set()

    assert (interrupted.state, interrupted.attempt, interrupted.interrupts) == ("queued", 0, 1)
    assert job.result(10) == "done"
    assert job.read().attempt == 1
    app.close()


def test_a_queue_that_only_had_jobs_is_still_new_to_a_server() -> None:
    app = Offload(worker="off")

    @app.task
    async def nothing() -> None: ...

    nothing.start()
    before = app.queues()
    app.set_queue(QueueSettings(), QueueSettings(limit=3, capacity=10, keep=1000))
    again = app.set_queue(QueueSettings(), QueueSettings(limit=7))

    assert [(queue.name, queue.limit, queue.keep) for queue in before] == [
        ("default", None, 10_000)
    ]
    assert (again.limit, again.capacity, again.keep) == (3, 10, 1000)
    app.close()
