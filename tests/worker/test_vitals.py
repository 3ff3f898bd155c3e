"""How a worker does is told with its signs of life: memory, processor time, and how late it is."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from offload import Offload
from offload.model import Vitals, WorkerInfo
from offload.worker import family
from offload.worker.family import Use
from offload.worker.pulse import Pulse
from offload.worker.vitals import VitalSigns
from tests.support import eventually
from tests.worker.rigs import ThreadRig

MEBI = 1 << 20

HOLDS = "held = bytearray(100 << 20); print('begun', flush=True); input()"
WORKS = """
import time
while time.process_time() < 0.3:
    pass
print("begun", flush=True)
input()
"""


class AClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


@contextmanager
def a_child(program: str) -> Iterator["subprocess.Popen[str]"]:
    """A process below this one that has begun; it ends with its standard input."""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "begun\n"
        yield child
        child.communicate("\n", timeout=20)


# --- what processes hold and use


def test_a_process_holds_memory_and_has_used_the_processor() -> None:
    use = family.use(os.getpid())

    assert use is not None
    assert use.memory > MEBI
    assert use.cpu_seconds > 0


def test_what_a_child_holds_and_uses_counts_also_when_it_has_ended() -> None:
    before = family.use(os.getpid())
    with a_child(HOLDS):
        with_holder = family.use(os.getpid())
    with a_child(WORKS):
        with_worker = family.use(os.getpid())
    after = family.use(os.getpid())

    assert before is not None
    assert with_holder is not None
    assert with_worker is not None
    assert after is not None
    assert with_holder.memory > before.memory + 100 * MEBI
    assert with_worker.cpu_seconds >= before.cpu_seconds + 0.28
    assert after.cpu_seconds >= with_worker.cpu_seconds
    assert after.memory < with_holder.memory - 90 * MEBI


def test_nothing_is_known_of_a_process_that_has_ended() -> None:
    with a_child(HOLDS) as child:
        pid = child.pid

    assert family.use(pid) is None


# --- how late a loop is


def test_a_beat_in_time_is_not_late_and_an_early_one_neither() -> None:
    clock = AClock()
    pulse = Pulse(clock.monotonic)

    for passed in (0.25, 0.249):
        pulse.expect(0.25)
        clock.time += passed
        pulse.beat()

        assert pulse.lag == pytest.approx(0.0)
    assert pulse.take_worst() == pytest.approx(0.0)


def test_the_worst_is_told_once_and_the_last_stays() -> None:
    clock = AClock()
    pulse = Pulse(clock.monotonic)
    for late in (0.5, 3.0, 0.25):
        pulse.expect(1.0)
        clock.time += 1.0 + late
        pulse.beat()

    worst = [pulse.take_worst(), pulse.take_worst()]

    assert worst == [3.0, 0.0]
    assert pulse.lag == 0.25


def test_a_loop_that_does_not_come_to_its_beat_is_ever_later() -> None:
    clock = AClock()
    pulse = Pulse(clock.monotonic)
    pulse.expect(1.0)

    worst = []
    for _ in range(2):
        clock.time += 10.0
        worst.append(pulse.take_worst())
    pulse.beat()

    assert [*worst, pulse.take_worst(), pulse.lag] == [9.0, 19.0, 19.0, 19.0]


# --- what a worker says


def test_processor_time_is_told_as_a_fraction_of_one_core() -> None:
    clock = AClock()
    uses = iter([Use(MEBI, 5.0), Use(2 * MEBI, 25.0), Use(MEBI, 24.0)])
    signs = VitalSigns(clock, lambda: next(uses))

    first = signs.take()
    clock.time += 10
    second = signs.take()
    clock.time += 10
    third = signs.take()

    assert first == Vitals(memory=MEBI, cpu=None, loop_lag=0.0)
    assert second == Vitals(memory=2 * MEBI, cpu=2.0, loop_lag=0.0)
    assert third.cpu == 0.0  # somebody's time went along with who waited for it


def test_two_signs_at_once_say_nothing_of_the_processor() -> None:
    clock = AClock()
    signs = VitalSigns(clock, lambda: Use(MEBI, clock.time))

    signs.take()
    clock.time += 0.01

    assert signs.take().cpu is None


def test_where_nothing_is_known_of_processes_the_loop_is_still_told_of() -> None:
    assert VitalSigns(AClock(), lambda: None).take() == Vitals(loop_lag=0.0)


@pytest.mark.slow
def test_a_coroutine_that_blocks_the_loop_shows_while_it_does(threads: ThreadRig) -> None:
    go_on = threading.Event()

    @threads.task
    async def hog() -> None:
        go_on.wait(20)

    threads.work(lease=0.6)
    threads.start("hog")

    eventually(lambda: lags(threads.workers()) > [0.5])

    go_on.set()
    eventually(lambda: lags(threads.workers()) < [0.3])


def lags(workers: list[WorkerInfo]) -> list[float]:
    """How late the loop of each was; of none, where none has entered."""
    return [worker.vitals.loop_lag or 0.0 for worker in workers]


@pytest.mark.slow
def test_a_worker_in_a_program_says_how_it_does(tmp_path: Path) -> None:
    app = Offload(tmp_path / "offload.db", lease=3)

    @app.task
    async def idle() -> None:
        """Let a worker be hired."""

    with app:
        idle.start().result(timeout=20)
        [first] = app.workers()
        eventually(lambda: app.workers()[0].vitals.cpu is not None)
        [second] = app.workers()

    for worker in (first, second):
        assert (worker.vitals.memory or 0) > MEBI
        assert (worker.vitals.loop_lag or 0) >= 0
    assert 0 <= (second.vitals.cpu or 0) < 2 * (os.cpu_count() or 1)
