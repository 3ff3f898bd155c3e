"""Waiting in a program with a worker inside: who is woken, and what is said when that fails."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from offload import Offload
from offload.clock import SystemClock
from offload.errors import OffloadError
from offload.house import House
from offload.model import Job
from offload.store.base import Effects
from offload.watch import Watch
from offload.worker.embedded import EmbeddedWorker
from offload.worker.worker import Worker
from tests.support import eventually


@pytest.fixture
def app() -> Iterator[Offload]:
    app = Offload()
    yield app
    app.close()


@pytest.fixture
def ended(app: Offload) -> Job:
    """The record of a job that has ended."""

    @app.task
    async def add(a: int, b: int) -> int:
        return a + b

    job = add.start(1, 2)
    job.wait(20)
    return job.read()


def test_who_waits_for_the_end_is_given_it_and_is_woken_by_nothing_else(ended: Job) -> None:
    watch = Watch()
    with watch.blocking(ended.id, only_end=True) as (waiter, changed):
        watch.committed(Effects(changed=(ended.id,), wished=(ended.id,)))
        before = changed.is_set(), waiter.ended

        watch.committed(Effects(changed=(7, ended.id), finished=(ended,)))

        assert before == (False, None)
        assert changed.is_set()
        assert waiter.ended is ended


def test_who_waits_for_a_change_looks_at_each(ended: Job) -> None:
    watch = Watch()
    with watch.blocking(ended.id, only_end=False) as (waiter, changed):
        watch.committed(Effects(changed=(ended.id,), finished=(ended,)))

        assert changed.is_set()
        assert waiter.ended is None  # what an end carries is not all that a row has


@pytest.mark.parametrize("effects", [Effects(changed=(1,)), Effects(wished=(1,)), None])
def test_what_another_process_has_done_is_looked_at(effects: Effects | None) -> None:
    watch = Watch()
    with watch.blocking(1, only_end=True) as (_, changed), watch.blocking(2, only_end=True):
        watch.heard(effects)

        assert changed.is_set()


def test_many_wait_for_one_job_and_each_is_given_its_end(app: Offload) -> None:
    go_on = threading.Event()

    @app.task(executor="thread")
    def wait() -> str:
        go_on.wait(20)
        return "done"

    job = wait.start()

    async def scenario() -> list[Job]:
        waits = [app.await_until(job.id, None, 20) for _ in range(5)]
        asyncio.get_running_loop().call_later(0.05, go_on.set)
        return await asyncio.gather(*waits)

    assert [job.result for job in asyncio.run(scenario())] == [b'"done"'] * 5


def a_worker_that_fails() -> Worker:
    raise RuntimeError("no luck")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "offload.db", SystemClock())
    yield house
    house.close(0.0, 5.0)


def fail(house: House) -> None:
    """Hire a worker that fails at once."""
    failing = EmbeddedWorker(a_worker_that_fails)
    house.hire_unless_served([], set(), lambda: failing)
    eventually(lambda: not failing.is_alive)


def test_a_worker_that_failed_is_told_of_once(house: House) -> None:
    fail(house)

    with pytest.raises(OffloadError, match=r"has failed: RuntimeError\('no luck'\).* in 1 s"):
        house.raise_failure()

    house.raise_failure()
    assert not house.embeds


def test_after_each_failure_it_is_longer_until_another_one_is_hired(house: House) -> None:
    pauses = []
    for _ in range(8):
        fail(house)
        with pytest.raises(OffloadError) as raised:
            house.raise_failure()
        pauses.append(str(raised.value).split(" in ")[-1].split(" s,")[0])

    assert pauses == ["1", "2", "4", "8", "16", "32", "60", "60"]
    assert not house.needs_a_look()


def test_a_program_whose_worker_failed_goes_on_with_another_one(
    app: Offload, monkeypatch: pytest.MonkeyPatch
) -> None:
    @app.task
    async def answer() -> int:
        return 42

    with monkeypatch.context() as broken:
        broken.setattr(app, "_worker_of", lambda house, settings: a_worker_that_fails())
        job = answer.start()
        with pytest.raises(OffloadError, match="no luck"):
            job.result(20)

    assert job.result(20) == 42
