"""Starts by the clock: each due time once, whoever looks and whatever the clock does."""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offload.clock import SystemClock
from offload.errors import InvalidTask, StoreError
from offload.model import Job, NewJob, State
from offload.registry import Registry
from offload.store.base import Fire, Insert, List, PutSchedules, Scheduled, Schedules
from offload.store.mailbox import ThreadMailbox
from offload.store.sqlite import SQLiteStore
from offload.testing import connect_without_fsync
from offload.values import decode
from offload.worker.schedules import BY, ScheduleKeeper
from tests.store.connections import tapped, without_waiting_for_the_disk
from tests.store.forking import exit_code, fork
from tests.support import eventually
from tests.worker.rigs import ThreadRig, VirtualRig

PARIS = "Europe/Paris"


class Hand:
    """A clock that is set by hand, in seconds after a whole hour."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return 1_800_000_000.0 + self.at

    def monotonic(self) -> float:
        return self.at


class Bench:
    """Keepers at one store, each as in a process of its own; no worker takes their jobs."""

    def __init__(self, rig: VirtualRig) -> None:
        self.rig = rig
        self.clock = Hand()
        rig.run(self._create())

    async def _create(self) -> None:
        """Make the database, as a worker does when it enrols."""
        await self.rig.mailbox.ask_soon(PutSchedules(()))

    def keeper(self, **tasks: dict[str, Any]) -> ScheduleKeeper:
        """Make a keeper that knows these tasks with these options."""
        registry = Registry()
        for name, options in tasks.items():
            registry.add(partial(_nothing), name=name, **options)
        return ScheduleKeeper(self.rig.mailbox, registry, self.clock)

    async def look(self, keeper: ScheduleKeeper, at: float) -> None:
        self.clock.at = at
        await keeper.look()

    async def row(self, name: str = "tick") -> Scheduled:
        [row] = [row for row in await self.rows() if row.name == name]
        return row

    async def rows(self) -> list[Scheduled]:
        return await self.rig.mailbox.read_soon(Schedules())

    async def jobs(self) -> list[Job]:
        """Return the jobs, the oldest first."""
        return (await self.rig.mailbox.read_soon(List(limit=500)))[::-1]

    async def next_at(self, name: str = "tick") -> float:
        next_at = (await self.row(name)).next_at
        assert next_at is not None
        return next_at - self.clock.now() + self.clock.at


def _nothing() -> None: ...


def _wants_a_number(due_at: int) -> None: ...


@pytest.fixture
def bench(rig: VirtualRig) -> Bench:
    return Bench(rig)


def scenario(test: Callable[[Bench], Coroutine[Any, Any, None]]) -> Callable[[Bench], None]:
    """Run an async test on the rig's loop."""

    def run(bench: Bench) -> None:
        bench.rig.run(test(bench))

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


# What is written down


@scenario
async def test_a_schedule_begins_at_its_next_due_time(bench: Bench) -> None:
    await bench.look(bench.keeper(tick={"every": 60}), 30)

    assert await bench.next_at() == 60
    assert await bench.jobs() == []


@scenario
async def test_a_schedule_goes_on_where_it_was(bench: Bench) -> None:
    await bench.look(bench.keeper(tick={"every": 60}), 30)

    await bench.look(bench.keeper(tick={"every": 60}), 55)

    assert await bench.next_at() == 60


@scenario
async def test_a_schedule_that_says_something_else_begins_anew(bench: Bench) -> None:
    await bench.look(bench.keeper(tick={"every": 60}), 30)

    await bench.look(bench.keeper(tick={"every": 1000}), 70)

    assert await bench.next_at() == 1000
    assert await bench.jobs() == []


@scenario
async def test_a_task_that_has_no_schedule_any_more_is_not_started(bench: Bench) -> None:
    await bench.look(bench.keeper(tick={"every": 60}, tock={"every": 60}), 30)

    await bench.look(bench.keeper(tick={}), 40)

    assert [row.name for row in await bench.rows()] == ["tock"]


@scenario
async def test_a_task_that_is_registered_later_is_written_down_too(bench: Bench) -> None:
    registry = Registry()
    keeper = ScheduleKeeper(bench.rig.mailbox, registry, bench.clock)
    await bench.look(keeper, 10)

    registry.add(_nothing, name="tick", every=60)
    await bench.look(keeper, 30)

    assert await bench.next_at() == 60


@scenario
async def test_two_versions_of_a_program_take_no_turns(bench: Bench) -> None:
    old, new = bench.keeper(tick={"every": 60}), bench.keeper(tick={"every": 90})
    await bench.look(old, 10)
    await bench.look(new, 20)

    for at in range(30, 271, 10):
        await bench.look(old, at)
        await bench.look(new, at)

    assert len(await bench.jobs()) == 1  # of 90, 180 and 270: the first has not ended
    assert (await bench.row()).skipped == 2


@scenario
async def test_an_older_version_without_the_schedule_removes_it_for_a_moment_only(
    bench: Bench,
) -> None:
    new, old = bench.keeper(tick={"every": 60}), bench.keeper(tick={})
    await bench.look(new, 10)
    await bench.look(old, 20)

    await bench.look(new, 21)
    await bench.look(old, 22)

    assert await bench.next_at() == 60


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (lambda number: number, "number: missing"),
        (_wants_a_number, "due_at: expected an integer"),
    ],
)
def test_a_task_that_the_clock_cannot_start_is_refused(
    function: Callable[..., Any], problem: str
) -> None:
    with pytest.raises(InvalidTask, match=f"{problem}.*; give each parameter a default"):
        Registry().add(function, name="tick", every=60)


def test_a_contradiction_is_refused() -> None:
    with pytest.raises(InvalidTask, match=r"the task 'tick': .* say overlap=True with it"):
        Registry().add(_nothing, name="tick", every=60, misfire="all")


# What is started


@scenario
async def test_a_due_job_is_as_its_task_says(bench: Bench) -> None:
    said = {"queue": "nights", "priority": 3, "tags": ("tidy",), "retries": 2, "deadline": 50}
    keeper = bench.keeper(tick={"every": 60, **said})
    await bench.look(keeper, 30)

    await bench.look(keeper, 60.5)

    [job] = await bench.jobs()
    assert (job.task, job.queue, job.priority, job.tags) == ("tick", "nights", 3, ("tidy",))
    assert (job.options.retries, job.key, job.params) == (2, "schedule", b"{}")
    assert job.deadline_at == bench.clock.now() + 50
    row = await bench.row()
    assert row.last_job == job.id
    assert row.last_at == bench.clock.now() - 0.5
    [event] = await bench.rig.history(job.id)
    assert (event.actor, event.door) == ("schedule", "care")


@scenario
async def test_a_job_that_wants_it_is_told_its_due_time(bench: Bench) -> None:
    def report(due_at: datetime, rows: int = 10) -> None: ...

    registry = Registry()
    registry.add(report, every=3600, misfire="all", overlap=True)
    keeper = ScheduleKeeper(bench.rig.mailbox, registry, bench.clock)
    await bench.look(keeper, 10)

    await bench.look(keeper, 7300)

    params = [decode(job.params or b"") for job in await bench.jobs()]
    assert params == [
        {"due_at": "2027-01-15T09:00:00Z"},
        {"due_at": "2027-01-15T10:00:00Z"},
    ]


@scenario
async def test_a_jobs_own_key_stands_before_the_schedules(bench: Bench) -> None:
    keeper = bench.keeper(tick={"every": 60, "key": "only-one", "overlap": True})
    await bench.look(keeper, 30)

    await bench.look(keeper, 60)
    await bench.look(keeper, 120)

    assert [job.key for job in await bench.jobs()] == ["only-one"]


@pytest.mark.parametrize("keepers", [1, 2, 5])
def test_a_due_time_is_started_once_by_any_number_of_workers(bench: Bench, keepers: int) -> None:
    async def story() -> None:
        several = [bench.keeper(tick={"every": 60, "overlap": True}) for _ in range(keepers)]
        for at in range(30, 631, 3):
            bench.clock.at = at
            await asyncio.gather(*(keeper.look() for keeper in several))

        assert len(await bench.jobs()) == 10
        assert (await bench.row()).skipped == 0

    bench.rig.run(story())


@pytest.mark.parametrize(
    ("misfire", "started", "skipped"), [("skip", 0, 5), ("once", 1, 4), ("all", 5, 0)]
)
def test_after_a_downtime_the_policy_decides(
    bench: Bench, misfire: str, started: int, skipped: int
) -> None:
    async def story() -> None:
        said = {"every": 1000, "misfire": misfire, "overlap": True}
        await bench.look(bench.keeper(tick=said), 30)

        await bench.look(bench.keeper(tick=said), 5500)

        assert len(await bench.jobs()) == started
        assert (await bench.row()).skipped == skipped
        assert await bench.next_at() == 6000

    bench.rig.run(story())


# What stands in the way


@scenario
async def test_a_job_that_still_runs_is_not_overtaken(bench: Bench) -> None:
    keeper = bench.keeper(tick={"every": 60})
    await bench.look(keeper, 30)
    await bench.look(keeper, 60)

    await bench.look(keeper, 120)
    await bench.look(keeper, 180)

    row = await bench.row()
    assert [job.id for job in await bench.jobs()] == [1]
    assert (row.last_job, row.skipped) == (1, 2)
    assert row.last_at == bench.clock.now() - 120


@scenario
async def test_a_job_that_has_ended_makes_room_for_the_next(bench: Bench) -> None:
    keeper = bench.keeper(tick={"every": 60})
    await bench.look(keeper, 30)
    await bench.look(keeper, 60)
    await bench.rig.cancel(1)

    await bench.look(keeper, 120)

    assert [job.id for job in await bench.jobs()] == [1, 2]
    assert (await bench.row()).skipped == 0


def test_a_full_queue_is_tried_again(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        keeper = bench.keeper(tick={"every": 60, "overlap": True})
        await bench.rig.set_queue("default", capacity=1)
        await bench.look(keeper, 30)
        filler = await bench.rig.start("other")
        for at in range(60, 70):
            await bench.look(keeper, at)
        assert await bench.next_at() == 60

        await bench.rig.cancel(filler)
        await bench.look(keeper, 71)

        assert [job.task for job in await bench.jobs()] == ["other", "tick"]
        assert (await bench.row()).skipped == 0

    bench.rig.run(story())
    assert [record.message for record in caplog.records] == [
        "the schedule tick waits: the queue 'default' is full"
    ]


@scenario
async def test_many_missed_ones_start_as_the_queue_has_room(bench: Bench) -> None:
    said = {"every": 60, "misfire": "all", "overlap": True}
    await bench.rig.set_queue("default", capacity=2)
    await bench.look(bench.keeper(tick=said), 30)
    keeper = bench.keeper(tick=said)

    for at in (310, 311, 312):
        await bench.look(keeper, at)
    assert [job.id for job in await bench.jobs()] == [1, 2]
    assert await bench.next_at() == 180
    for at in (313, 314, 315):
        await bench.rig.cancel(at - 312)
        await bench.look(keeper, at)

    assert [job.id for job in await bench.jobs()] == [1, 2, 3, 4, 5]
    assert await bench.next_at() == 360
    assert (await bench.row()).skipped == 0


def test_a_row_of_a_later_version_is_left_alone(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        keeper = bench.keeper(tick={"every": 60})
        await bench.look(keeper, 30)
        bench.rig.execute("update schedule set spec = ?", '{"when":{"type":"moon"}}')
        for at in range(60, 70):
            await bench.look(keeper, at)

        assert await bench.jobs() == []

    bench.rig.run(story())
    assert len(caplog.records) == 1


# What clocks do


@scenario
async def test_a_clock_that_goes_back_a_little_starts_nothing_twice(bench: Bench) -> None:
    keeper = bench.keeper(tick={"every": 60, "overlap": True})
    await bench.look(keeper, 30)
    await bench.look(keeper, 60)

    for at in (59, 60, 61, 30, 90, 119):
        await bench.look(keeper, at)

    assert len(await bench.jobs()) == 1
    await bench.look(keeper, 120)
    assert len(await bench.jobs()) == 2


@scenario
async def test_a_due_time_is_not_started_again_under_another_schedule(bench: Bench) -> None:
    keeper = bench.keeper(tick={"every": 60, "overlap": True})
    await bench.look(keeper, 30)
    await bench.look(keeper, 60)

    await bench.look(bench.keeper(tick={"every": 30, "overlap": True}), 45)
    await bench.look(bench.keeper(tick={"every": 30, "overlap": True}), 61)

    assert len(await bench.jobs()) == 1


def test_a_clock_that_was_years_ahead_does_not_silence_a_schedule(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        keeper = bench.keeper(tick={"every": 60, "overlap": True})
        await bench.look(keeper, 30)
        await bench.look(keeper, 1e8)
        await bench.look(keeper, 70)
        assert await bench.next_at() == 120

        await bench.look(keeper, 120)

        assert len(await bench.jobs()) == 2

    bench.rig.run(story())
    assert "a clock far ahead of this; it begins anew" in caplog.text


@scenario
async def test_a_schedule_that_was_first_seen_by_a_wrong_clock_begins_by_the_right_one(
    bench: Bench,
) -> None:
    keeper = bench.keeper(tick={"every": 60})
    await bench.look(keeper, 1e8)

    await bench.look(keeper, 70)

    assert await bench.next_at() == 120


@pytest.mark.slow
@given(looks=st.lists(st.tuples(st.integers(0, 2), st.integers(-40, 200)), min_size=1, max_size=25))
@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whoever_looks_whenever_no_due_time_is_started_twice(
    make_rig: Callable[[int], VirtualRig],
    counter: Callable[[], int],
    looks: list[tuple[int, int]],
) -> None:
    bench = Bench(make_rig(counter()))

    async def story() -> None:
        registry = Registry()
        registry.add(_at, name="tick", every=60, misfire="all", overlap=True)
        keepers = [ScheduleKeeper(bench.rig.mailbox, registry, bench.clock) for _ in range(3)]
        latest = at = 0
        await bench.look(keepers[0], 0)
        for who, step in looks:
            at = max(at + step, 0)
            latest = max(latest, at)
            await bench.look(keepers[who], at)

        told = [json.loads(job.params or b"")["due_at"] for job in await bench.jobs()]
        assert len(set(told)) == len(told) == latest // 60
        assert told == sorted(told)

    bench.rig.run(story())


def _at(due_at: datetime) -> None: ...


@pytest.fixture(scope="module")
def counter() -> Callable[[], int]:
    numbers = iter(range(10_000))
    return lambda: next(numbers)


# What breaks off


class Break:
    """A tap that breaks one statement: the n-th from when it was set."""

    def __init__(self) -> None:
        self.left = 0

    def __call__(self, statement: str, run: Callable[[], sqlite3.Cursor]) -> sqlite3.Cursor:
        self.left -= 1
        if self.left == 0:
            raise sqlite3.OperationalError("broken off")
        return without_waiting_for_the_disk(statement, run)


def test_a_start_that_breaks_off_anywhere_is_made_whole_by_the_next_look(tmp_path: Path) -> None:
    tap = Break()
    store = SQLiteStore(tmp_path / "offload.db", connect=tapped(tap))
    undisturbed = 0
    for statement in range(1, 40):
        name = f"tick{statement}"
        store.run([PutSchedules((Scheduled(name, "tick", "{}", 60.0),))])
        job = NewJob(task="tick", kind="async", params=b"{}", key=name)
        fire = Fire(name, 60.0, 120.0, Insert((job,), 61.0, BY, 0), last_at=60.0)

        tap.left = statement
        with contextlib.suppress(StoreError):
            store.run([fire])
        undisturbed += tap.left > 0
        tap.left = 0
        store.run([fire])

        [row] = [row for row in store.read(Schedules()) if row.name == name]
        started = store.read(List(limit=1))[0].id
        assert (row.next_at, row.last_job, started) == (120.0, statement, statement)
    store.close()
    assert 0 < undisturbed < 30


# Real processes


def tick(file: Path, registry: Registry) -> None:
    """Look twenty times a second until killed, in a process of its own."""
    store = SQLiteStore(file, connect=connect_without_fsync)
    mailbox = ThreadMailbox(store, SystemClock(), lambda effects: None)

    async def look() -> None:
        keeper = ScheduleKeeper(mailbox, registry, SystemClock())
        while True:
            await keeper.look()
            await asyncio.sleep(0.05)

    asyncio.run(look())


@pytest.mark.slow
def test_processes_at_one_file_start_each_due_time_once(tmp_path: Path) -> None:
    file = tmp_path / "offload.db"
    registry = Registry()
    registry.add(_at, name="tick", every=1, misfire="all", overlap=True)
    store = SQLiteStore(file, connect=connect_without_fsync)
    store.run([PutSchedules(())])
    store.close()
    children = [fork(partial(tick, file, registry)) for _ in range(4)]

    def told() -> list[str]:
        found = SQLiteStore(file, connect=connect_without_fsync)
        jobs = found.read(List(limit=500))
        found.close()
        return [json.loads(job.params or b"")["due_at"] for job in jobs]

    try:
        eventually(lambda: len(told()) >= 4)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
        endings = [exit_code(child) for child in children]

    assert endings == [-signal.SIGKILL] * 4
    assert set(Counter(told()).values()) == {1}


@pytest.mark.slow
def test_workers_run_what_the_clock_starts(threads: ThreadRig) -> None:
    ran: list[float] = []

    def beat() -> None:
        ran.append(threads.clock.now())

    threads.task(beat, every=1)
    for _ in range(3):
        threads.work()

    eventually(lambda: len(ran) >= 3)

    [row] = threads.mailbox.read(Schedules()).result(5)
    assert row.last_job is not None
    assert threads.finished(row.last_job).state is State.SUCCEEDED
    seconds = [int(at) for at in ran]
    assert len(set(seconds)) == len(seconds)
