"""Polling tasks as their users write them: what is refused, and blocking ones in real threads."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from offload import Context, Offload, Task, current
from offload.errors import InvalidTask
from offload.lifecycle import Shown
from offload.model import State
from offload.polling import Done, Pending
from offload.polling_task import PollingTask
from offload.worker.executors import EXECUTORS
from offload.worker.executors.polling import PollExecutor
from offload.worker.worker import Worker, WorkerSettings
from tests.support import eventually
from tests.worker.rigs import ThreadRig, value


class PollingThreads(ThreadRig):
    """A rig in real threads whose workers poll the tasks of an Offload."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.app = Offload(folder / "unused.db", worker="off")
        self.registry = self.app.registry

    def worker(self, **settings: Any) -> Worker:
        return Worker(
            mailbox=self.mailbox,
            bell=self.bell,
            registry=self.registry,
            presence=self.presence,
            clock=self.clock,
            settings=WorkerSettings(**settings),
            executors=EXECUTORS,
            equip=lambda mark: {"poll": PollExecutor(self.clock)},
        )


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[PollingThreads]:
    rig = PollingThreads(tmp_path)
    yield rig
    rig.close()


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Offload]:
    app = Offload(tmp_path / "offload.db", worker="off")
    yield app
    app.close()


# --- as they are written


def test_a_polling_task_is_a_task(app: Offload) -> None:
    @app.polling
    def batch(definition: str) -> str:
        """Start a batch."""
        return definition

    batch.check(lambda handle: None)

    assert isinstance(batch, Task)
    assert app.find("batch") is batch
    assert batch("x") == "x"
    assert (batch.registered.kind, batch.registered.executor) == ("polling", "poll")
    assert batch.registered.doc == "Start a batch."


def test_it_can_be_started_in_every_way_that_a_task_can(app: Offload) -> None:
    @app.polling(interval="1m", queue="slow", retries=2)
    def batch(definition: str) -> str:
        return definition

    batch.check_many(lambda handles: handles)

    job = batch.using(priority=7).start("a")
    many = batch.start_many(["b", "c"])
    group = batch.map(["d", "e"])

    assert isinstance(batch.using(priority=7), PollingTask)
    assert len([job, *many, *group.jobs()]) == 5
    stored = app.read_job(job.id)
    assert (stored.kind, stored.queue, stored.priority) == ("polling", "slow", 7)
    assert stored.options.retries == 2


def test_the_decorators_leave_the_functions_as_they_are(app: Offload) -> None:
    @app.polling
    def batch() -> int:
        return 1

    @batch.check_many(limit=7)
    def look(handles: list[int]) -> list[int]:
        return handles

    @batch.on_cancel
    async def stop(handle: int) -> None: ...

    @batch.on_cleanup
    def tidy(handle: int) -> None: ...

    polling = batch.registered.polling
    assert polling is not None
    assert look([1]) == [1]
    assert polling.limit == 7
    assert [polling.on_cancel, polling.on_cleanup] != [None, None]


def test_a_task_without_a_check_cannot_be_started(app: Offload) -> None:
    @app.polling
    def batch() -> int:
        return 1

    with pytest.raises(InvalidTask, match=r"'batch' has no check.*@batch\.check"):
        batch.start()
    assert not app.database.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"interval": 0}, "the polling task 'batch': interval must be longer than nothing"),
        ({"executor": "thread"}, "the polling task 'batch' takes no executor="),
        ({"memory": "512M"}, "the polling task 'batch' takes no memory="),
        ({"intervall": 3}, "no option 'intervall'"),
    ],
)
def test_an_option_that_does_not_fit_is_refused(
    app: Offload, options: dict[str, Any], words: str
) -> None:
    def batch() -> int:
        return 1

    with pytest.raises(InvalidTask, match=words):
        app.polling(**options)(batch)
    assert len(app.registry) == 0


def test_a_plain_task_cannot_be_polled(app: Offload) -> None:
    with pytest.raises(InvalidTask, match="the executor 'poll'"):
        app.task(name="batch", executor="poll")(lambda: None)


# --- in real threads


def test_blocking_functions_run_beside_the_loop(rig: PollingThreads) -> None:
    threads: dict[str, str] = {}
    seen: list[int] = []

    def note(what: str) -> None:
        threads[what] = threading.current_thread().name

    @rig.app.polling(interval=0.02)
    def batch(context: Context, definition: str) -> dict[str, Any]:
        note("start")
        return {"definition": definition, "key": context.idempotency_key}

    @batch.check
    def look(handle: dict[str, Any]) -> Done | Pending:
        note("check")
        seen.append(current().job_id)
        return Done(handle["definition"]) if len(seen) > 3 else Pending(len(seen), 3)

    @batch.on_cleanup
    def tidy(handle: dict[str, Any]) -> None:
        note("cleanup")

    rig.work()
    job_id = rig.start("batch", {"definition": "a"})
    job = rig.finished(job_id)

    assert value(job) == "a"
    assert set(seen) == {job_id}
    assert threads.keys() == {"start", "check", "cleanup"}
    assert "offload-worker" not in threads.values()


def test_coroutine_functions_run_on_the_loop(rig: PollingThreads) -> None:
    threads: set[str] = set()

    @rig.app.polling(interval=0.02)
    async def batch() -> int:
        threads.add(threading.current_thread().name)
        return 7

    @batch.check_many
    async def look(handles: list[int]) -> list[Done]:
        threads.add(threading.current_thread().name)
        return [Done(handle) for handle in handles]

    @batch.on_cleanup
    async def tidy(handle: int) -> None:
        threads.add(threading.current_thread().name)

    rig.work()
    job = rig.finished(rig.start("batch"))

    assert value(job) == 7
    assert threads == {"offload-worker"}


def test_a_check_that_hangs_for_ever_fails_its_job_and_no_other(rig: PollingThreads) -> None:
    release = threading.Event()

    @rig.app.polling(interval=0.02, check_timeout=0.05, error_budget=3)
    def hanging() -> int:
        return 1

    @hanging.check
    def hang(handle: int) -> None:
        release.wait()

    @rig.app.polling(interval=0.02)
    def quick() -> int:
        return 2

    quick.check(Done)
    rig.work()
    hangs = rig.start("hanging")
    job = rig.finished(rig.start("quick"))
    hung = rig.finished(hangs)
    release.set()

    assert value(job) == 2
    assert hung.state is State.FAILED
    assert hung.error is not None
    assert hung.error.message == "the check has not answered for 0.05 s"


def test_a_worker_ends_in_time_while_a_check_hangs(rig: PollingThreads) -> None:
    release = threading.Event()
    asked = threading.Event()

    @rig.app.polling(interval=0.02)
    def hanging() -> int:
        return 1

    @hanging.check
    def hang(handle: int) -> None:
        asked.set()
        release.wait()

    worker = rig.work()
    job_id = rig.start("hanging")
    assert asked.wait(20)

    began_at = time.monotonic()
    worker.stop(0.0, 10.0)
    took = time.monotonic() - began_at
    release.set()

    assert took < 3
    assert not worker.is_alive
    job = rig.job(job_id)
    assert (job.state, job.handle, job.interrupts) == (State.QUEUED, b"1", 1)


def test_a_late_answer_about_many_goes_to_those_that_were_asked_about(
    rig: PollingThreads,
) -> None:
    release = threading.Event()
    calls: list[list[int]] = []

    @rig.app.polling(interval=0.05, check_timeout=0.05, error_budget=1000)
    def batch(number: int) -> int:
        return number

    @batch.check_many(limit=1)
    def look(handles: list[int]) -> list[Done]:
        calls.append(handles)
        if len(calls) == 1:
            release.wait()
        return [Done(handle) for handle in handles]

    rig.work()
    ids = [rig.start("batch", {"number": number}) for number in range(3)]
    eventually(lambda: calls)
    eventually(lambda: any(rig.job(each).progress is not None for each in ids))
    release.set()

    assert [value(rig.finished(each)) for each in ids] == [0, 1, 2]
    assert {rig.shown(each) for each in ids} == {Shown.SUCCEEDED}
