"""Many black boxes on few threads: what waits has none, and what runs takes those that are idle."""

import asyncio
import contextvars
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from offload import Offload
from offload.porter import Porter
from offload.store.base import Leave
from offload.worker.executors.spare import SpareThreads
from offload.worker.polling.answer import Raised, Returned
from tests.app.boxed import Box, Gate
from tests.support import eventually

pytestmark = pytest.mark.promise("P1")


@pytest.fixture
def app() -> Iterator[Offload]:
    app = Offload()
    yield app
    app.close()


@pytest.mark.slow
def test_two_thousand_waiting_boxes_have_no_threads_of_their_own(app: Offload) -> None:
    ready = threading.Event()
    app.submit(Box(lambda: 1)).wait(20)
    before = threading.active_count()

    group = app.submit_many(
        [Box(lambda: "there" if ready.is_set() else None) for _ in range(2000)],
        kind="polling",
        interval=0.5,
    )
    eventually(lambda: set(app.states(group).values()) == {"waiting"}, 60)
    most = threading.active_count()
    record = app.list(states=["running"], limit=1)[0]
    ready.set()

    assert most - before < 130  # those that began them; they end when there is nothing to begin
    assert not record.occupies_slot
    assert group.results(60) == ["there"] * 2000


def test_a_thread_is_used_again() -> None:
    async def scenario() -> None:
        threads = SpareThreads(asyncio.get_running_loop())
        first = await threads.call(threading.get_ident)
        await asyncio.sleep(0.05)
        second = await threads.call(threading.get_ident)

        assert first == second
        threads.close()

    asyncio.run(scenario())


def test_calls_at_the_same_time_have_a_thread_each() -> None:
    async def scenario() -> None:
        threads = SpareThreads(asyncio.get_running_loop())
        barrier = threading.Barrier(20, timeout=20)
        calls = [threads.call(barrier.wait) for _ in range(20)]

        assert all(isinstance(answer, Returned) for answer in await asyncio.gather(*calls))
        threads.close()

    asyncio.run(scenario())


def test_what_a_call_raises_is_an_answer_and_ends_no_thread() -> None:
    def exits() -> None:
        raise SystemExit(3)

    async def scenario() -> None:
        threads = SpareThreads(asyncio.get_running_loop())
        answer = await threads.call(exits)
        await asyncio.sleep(0.05)

        assert isinstance(answer, Raised)
        assert isinstance(answer.error, SystemExit)
        assert await threads.call(contextvars.copy_context) is not None
        threads.close()

    asyncio.run(scenario())


def test_threads_that_wait_end_when_they_are_closed() -> None:
    async def scenario() -> threading.Thread:
        threads = SpareThreads(asyncio.get_running_loop())
        answer = await threads.call(threading.current_thread)
        assert isinstance(answer, Returned)
        threads.close()
        thread: threading.Thread = answer.value
        return thread

    thread = asyncio.run(scenario())

    eventually(lambda: not thread.is_alive())


def test_the_porter_does_everything_in_its_order_on_one_thread() -> None:
    porter, done = Porter(), list[tuple[int, str]]()

    def note(number: int) -> None:
        done.append((number, threading.current_thread().name))

    for number in range(1000):
        porter.take(partial(note, number))

    eventually(lambda: len(done) == 1000)
    assert done == [(number, "offload-porter") for number in range(1000)]


def test_the_porter_goes_and_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offload.porter.IDLE_SECONDS", 0.01)
    porter, threads = Porter(), list[threading.Thread]()
    porter.take(lambda: threads.append(threading.current_thread()))
    eventually(lambda: threads and not threads[0].is_alive())

    porter.take(lambda: threads.append(threading.current_thread()))

    eventually(lambda: len(threads) == 2)
    assert threads[0] is not threads[1]


def test_a_worker_that_was_taken_for_dead_does_not_run_a_box_twice(app: Offload) -> None:
    gate = Gate()
    box = Box(lambda: "once", gate.pass_through)
    job = app.submit(box, kind="blocking")
    assert gate.reached.wait(20)
    worker = app.workers()[0]

    app.open().mailbox.ask(Leave(worker.id)).result(20)
    eventually(lambda: app.workers() and app.workers()[0].id != worker.id)
    eventually(lambda: "interrupted" in [event.kind for event in app.history(job.id)])
    eventually(lambda: job.state == "running")
    gate.open()

    assert job.result(20) == "once"
    assert box.runs == 1
