"""Leases are renewed by the writer's thread, whatever user code does to the loop."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from offload.model import State
from offload.store.base import Queues
from offload.store.wake import Bell
from tests.support import eventually
from tests.worker.rigs import ThreadRig, value


@pytest.mark.promise("P2")
def test_leases_are_renewed_though_a_coroutine_blocks_the_loop(threads: ThreadRig) -> None:
    blocked, go_on = threading.Event(), threading.Event()

    @threads.task
    async def hog() -> str:
        blocked.set()
        go_on.wait(20)
        return "done"

    threads.work(lease=0.6)
    job = threads.start("hog")
    assert blocked.wait(10)
    first = threads.job(job).lease_until
    assert first is not None

    eventually(lambda: (threads.job(job).lease_until or 0.0) > first + 0.8)

    lease_until = threads.job(job).lease_until
    assert lease_until is not None
    assert lease_until > threads.clock.now()
    go_on.set()
    found = threads.finished(job)
    assert value(found) == "done"
    assert threads.kinds(job) == ["queued", "claimed", "succeeded"]


@pytest.mark.promise("P4")
def test_a_wish_that_no_bell_announced_comes_with_the_renewal(threads: ThreadRig) -> None:
    @threads.task
    async def nap() -> None:
        await asyncio.sleep(30)

    threads.work(lease=0.6)
    job = threads.start("nap")
    eventually(lambda: threads.job(job).state is State.RUNNING)
    threads.bell._listeners.clear()

    threads.cancel(job)

    assert threads.finished(job).state is State.CANCELLED


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[ThreadRig, ThreadRig]]:
    """Two processes' worth of surroundings on one file, with real wake-ups in between."""
    rigs = ThreadRig(tmp_path), ThreadRig(tmp_path)
    for rig in rigs:
        rig.bell = Bell(tmp_path / "run")
        rig.mailbox._on_effects = rig.bell.ring
    yield rigs
    for rig in rigs:
        rig.close()


@pytest.mark.promise("S12", "P7")
def test_two_real_workers_on_one_file_share_the_work_and_respect_a_limit(
    pair: tuple[ThreadRig, ThreadRig],
) -> None:
    lock, running, most = threading.Lock(), 0, 0

    def nap() -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.02)
        with lock:
            running -= 1
        return 1

    first, second = pair
    for rig in pair:
        rig.task(nap)
    first.set_queue("default", limit=3)
    first.work(slots=2)
    second.work(slots=2)
    eventually(lambda: len(first.workers()) == 2)

    ids = [(first, second)[n % 2].start("nap") for n in range(60)]

    assert {value(first.finished(job)) for job in ids} == {1}
    assert most == 3
    by = {event.worker for job in ids for event in first.history(job)}
    assert by == {None, 1, 2}
    assert len(first.mailbox.read(Queues()).result(5)) == 1
