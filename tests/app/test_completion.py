"""Waiting for several jobs at once: handles, black boxes and groups; blocking, and on a loop."""

import asyncio
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from offload import Job, Offload, QueueFull, UnknownJob, as_completed, await_, wait
from tests.app.boxed import Box, Gate, raising
from tests.support import eventually

pytestmark = pytest.mark.promise("P1")


@pytest.fixture
def app() -> Iterator[Offload]:
    app = Offload()
    yield app
    app.close()


class Gates:
    """Boxes that end when they are told to, in whatever order."""

    def __init__(self, app: Offload, count: int) -> None:
        self.gates = [Gate() for _ in range(count)]
        self.jobs = [
            app.submit(Box(partial(int, at), gate.pass_through))
            for at, gate in enumerate(self.gates)
        ]

    def open(self, at: int) -> None:
        self.gates[at].open()


def test_jobs_come_in_the_order_in_which_they_end(app: Offload) -> None:
    several = Gates(app, 3)
    order = []

    several.open(1)
    for job in as_completed(several.jobs, timeout=20):
        order.append(job.result(0))
        several.open({1: 2, 2: 0, 0: 0}[order[-1]])

    assert order == [1, 2, 0]


def test_those_that_ended_before_come_first_in_their_order(app: Offload) -> None:
    several = Gates(app, 3)
    for at in (2, 0, 1):
        several.open(at)
        several.jobs[at].wait(20)

    assert [job.result(0) for job in as_completed(several.jobs)] == [2, 0, 1]


def test_tasks_boxes_and_groups_are_waited_for_together(app: Offload) -> None:
    @app.task
    async def double(n: int) -> int:
        return 2 * n

    jobs: list[Any] = [double.start(1), app.submit(Box(lambda: 3)), double.map([2, 4])]
    boxes = app.submit_many([Box(lambda: 5), Box(lambda: 6)])

    ended = [job.result(0) for job in as_completed([*jobs, boxes], timeout=20)]

    assert sorted(ended) == [2, 3, 4, 5, 6, 8]
    assert len(wait(boxes).done) == 2


def test_what_another_process_ends_is_seen(app: Offload) -> None:
    @app.task
    async def double(n: int) -> int:
        return 2 * n

    starter = Offload(app.database, worker="off")
    starter.task(name="double")(lambda n: n)
    jobs = starter.find("double").start_many([1, 2, 3])
    app.start("double", n=0)

    ended = set(as_completed(jobs, timeout=20))

    assert ended == set(jobs)
    starter.close()


def test_time_runs_out_with_a_word_about_the_rest(app: Offload) -> None:
    several = Gates(app, 2)
    several.open(0)
    seen: list[Any] = []

    with pytest.raises(TimeoutError, match=r"1 of 2 jobs have not ended in 0\.5 s"):
        seen.extend(as_completed(several.jobs, timeout=0.5))

    several.open(1)


def test_nobody_is_waited_for_where_there_is_nobody(app: Offload) -> None:
    assert list(as_completed([])) == []
    assert wait([]) == (set(), set())
    assert app.states([]) == {}


def test_wait_returns_both_halves(app: Offload) -> None:
    several = Gates(app, 2)
    several.open(0)
    several.jobs[0].wait(20)

    done, rest = wait(several.jobs, timeout=0.05)

    assert (done, rest) == ({several.jobs[0]}, {several.jobs[1]})
    several.open(1)
    assert wait(several.jobs, timeout=20).not_done == set()


def test_wait_ends_with_the_first_one(app: Offload) -> None:
    several = Gates(app, 3)
    several.open(2)

    done, rest = wait(several.jobs, 20, return_when="FIRST_COMPLETED")

    assert done == {several.jobs[2]}
    assert len(rest) == 2
    several.open(0)
    several.open(1)


def test_wait_ends_with_the_first_failure(app: Offload) -> None:
    several = Gates(app, 1)
    good = app.submit(Box(lambda: 1))
    good.wait(20)
    bad = app.submit(Box(raising(ValueError("no"))))

    done, rest = wait([*several.jobs, good, bad], 20, return_when="FIRST_EXCEPTION")

    assert done == {good, bad}
    assert rest == set(several.jobs)
    several.open(0)


def test_another_word_for_when_is_refused(app: Offload) -> None:
    some: Any = "SOME"
    no_job: Any = 7

    with pytest.raises(ValueError, match="'ALL_COMPLETED', 'FIRST_COMPLETED'"):
        wait([], return_when=some)
    with pytest.raises(TypeError, match="not 7"):
        wait([no_job])


def test_a_refused_box_has_ended(app: Offload) -> None:
    full = Offload(app.database.with_name("full.db"), concurrency=1, capacity=1)
    several = Gates(full, 1)
    assert several.gates[0].reached.wait(20)
    queued, refused = full.submit(Box(lambda: 1)), full.submit(Box(lambda: 2))

    first = next(iter(as_completed([queued, refused, *several.jobs], 20)))

    assert first is refused
    with pytest.raises(QueueFull):
        refused.result()
    several.open(0)
    assert len(wait([queued, refused], 20).done) == 2
    full.close()


def test_jobs_of_two_offloads_are_waited_for_together(app: Offload) -> None:
    other = Offload(app.database.with_name("other.db"))

    jobs = [app.submit(Box(lambda: "here")), other.submit(Box(lambda: "there"))]

    assert {job.result(0) for job in as_completed(jobs, 20)} == {"here", "there"}
    other.close()


def test_a_loop_has_the_same(app: Offload) -> None:
    async def program() -> None:
        several = Gates(app, 3)
        several.open(1)
        order = []
        async for job in as_completed([*several.jobs], timeout=20):
            order.append(await job)
            several.open({1: 2, 2: 0, 0: 0}[order[-1]])
        done, rest = await await_(several.jobs, 20)

        assert order == [1, 2, 0]
        assert (done, rest) == (set(several.jobs), set())

    asyncio.run(program())


def test_a_loop_is_not_held_up_while_it_waits(app: Offload) -> None:
    async def program() -> int:
        several = Gates(app, 1)
        waiting = asyncio.ensure_future(await_(several.jobs, 20))
        turns = 0
        while not several.gates[0].reached.is_set():
            turns += 1
            await asyncio.sleep(0.01)
        several.open(0)
        assert len((await waiting).done) == 1
        return turns

    assert asyncio.run(program()) >= 1


def test_time_runs_out_on_a_loop_too(app: Offload) -> None:
    async def program() -> None:
        several = Gates(app, 1)
        assert (await await_(several.jobs, 0.05)).not_done == set(several.jobs)
        with pytest.raises(TimeoutError, match="1 of 1"):
            async for _ in as_completed(several.jobs, 0.05):
                pass
        several.open(0)

    asyncio.run(program())


def test_the_states_of_many_are_one_reading(app: Offload, monkeypatch: pytest.MonkeyPatch) -> None:
    group = app.submit_many([Box(partial(int, n)) for n in range(20)])
    group.wait(20)
    read: Any = app.open().mailbox.read
    questions: list[object] = []

    def counted(query: object) -> object:
        questions.append(query)
        return read(query)

    monkeypatch.setattr(app.open().mailbox, "read", counted)
    states = app.states([group, 1, app.get(2)])

    assert len(questions) == 2  # `get` is the other one
    assert set(states.values()) == {"succeeded"}
    assert [job.id for job in states] == [*range(1, 21), 1, 2]


def test_the_state_of_a_job_that_never_was_is_an_error(app: Offload) -> None:
    app.submit(Box(lambda: 1)).wait(20)

    with pytest.raises(UnknownJob):
        app.states([1, 99])


def test_a_thousand_jobs_are_waited_for_without_a_thread_for_each(app: Offload) -> None:
    @app.task
    async def noop(n: int) -> int:
        return n

    jobs: list[Job[int]] = noop.start_many(range(1000))
    before = threading.active_count()

    began = time.monotonic()
    ended = set(as_completed(jobs, 60))

    assert ended == set(jobs)
    assert threading.active_count() <= before + 3
    assert time.monotonic() - began < 60


def test_listening_ends_with_the_waiting(app: Offload) -> None:
    several = Gates(app, 2)
    listeners = app.open().ends._listeners
    eventually(lambda: len(listeners) == 1)  # the shelf's own
    several.open(0)

    for _ in as_completed(several.jobs, 20):
        assert len(listeners) == 2
        break

    assert len(listeners) == 1
    several.open(1)
