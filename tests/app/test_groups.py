"""Groups: jobs that are started together, watched, collected and stopped as one."""

import asyncio

import pytest

from offload import GroupEvicted, JobCancelled, JobFailed, Offload, QueueFull, UnknownGroup
from offload.model import State
from tests.support import eventually


def test_a_group_gives_its_results_in_order(app: Offload) -> None:
    @app.task
    async def double(n: int) -> int:
        await asyncio.sleep(0.001 * (10 - n))
        return 2 * n

    group = double.map(range(10))

    assert group.results(20) == [2 * n for n in range(10)]
    assert (group.progress.done, group.progress.total) == (10, 10)


def test_a_group_is_found_by_its_id_in_any_process(app: Offload) -> None:
    @app.task
    async def double(n: int) -> int:
        return 2 * n

    group = double.map([(1,), {"n": 2}])
    other = Offload(app.database, worker="off")
    try:
        same = other.get_group(group.id)

        assert (same.id, same.size, same.results(20)) == (group.id, 2, [2, 4])
    finally:
        other.close()


def test_a_group_that_was_never_started_is_unknown(app: Offload) -> None:
    @app.task
    async def double(n: int) -> int:
        return 2 * n

    double.start(1).result(20)

    with pytest.raises(UnknownGroup, match="there is no group 5"):
        app.get_group(5)


def test_one_failure_is_raised_or_put_in_its_place(app: Offload) -> None:
    @app.task
    async def invert(n: int) -> float:
        return 1 / n

    group = invert.map([1, 0, 2])

    with pytest.raises(JobFailed, match="ZeroDivisionError"):
        group.results(20)
    one, error, half = group.results(20, return_exceptions=True)
    assert (one, half) == (1.0, 0.5)
    assert isinstance(error, JobFailed)


def test_a_cancelled_group_stops_what_runs_and_what_waits() -> None:
    with Offload(concurrency=2) as app:
        begun = []

        @app.task
        async def wait_for_ever(n: int) -> None:
            begun.append(n)
            await asyncio.sleep(3600)

        group = wait_for_ever.map(range(6))

        changed = group.cancel()

        assert group.wait(20)
        assert changed == 6
        assert group.counts() == {State.CANCELLED: 6}
        assert len(begun) <= 2
        assert group.cancel() == 0
        with pytest.raises(JobCancelled):
            group.results()


def test_the_failed_ones_of_a_group_are_tried_anew(app: Offload) -> None:
    broken = [True]

    @app.task
    async def render(n: int) -> int:
        if broken and n % 2:
            raise OSError("the disk is full")
        return n

    group = render.map(range(4))
    group.wait(20)

    broken.clear()
    retried = group.retry_failed()

    assert retried == 2
    assert group.results(20) == [0, 1, 2, 3]


@pytest.mark.promise("P7")
def test_a_group_is_refused_as_a_whole() -> None:
    with Offload(capacity=3) as app:

        @app.task
        async def render(n: int) -> int:
            return n

        with pytest.raises(QueueFull):
            render.using(delay=3600).map(range(4))

        assert app.list() == []


def test_results_that_are_no_longer_kept_are_missed_loudly() -> None:
    with Offload(keep=2) as app:

        @app.task
        async def render(n: int) -> int:
            return n

        group = render.map(range(2))
        group.results(20)
        render.map(range(2)).results(20)
        eventually(lambda: len(group.jobs()) < 2)

        with pytest.raises(GroupEvicted, match="of the 2 jobs of group 1"):
            group.results(20)


def test_waiting_for_a_group_can_end_early(app: Offload) -> None:
    @app.task
    async def wait_for_ever() -> None:
        await asyncio.sleep(3600)

    group = wait_for_ever.map([(), ()])

    assert not group.wait(0.05)
    with pytest.raises(TimeoutError, match="group 1 has not ended"):
        group.results(0.05)
    group.cancel()


def test_a_group_works_from_a_loop(app: Offload) -> None:
    @app.task
    async def double(n: int) -> int:
        return 2 * n

    async def story() -> list[int]:
        group = await double.amap([1, 2, 3])
        assert await group.await_(20)
        assert (await group.aprogress()).done == 3
        assert len(await group.ajobs()) == 3
        assert await group.acancel() == 0
        assert await group.aretry_failed() == 0
        same = await app.aget_group(group.id)
        return await same.aresults()

    assert asyncio.run(story()) == [2, 4, 6]
