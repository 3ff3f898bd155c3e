"""Rounds of freezing: who moves is stopped, until nobody does; who stood still before is spared."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from offload.worker import family
from offload.worker.executors.process.freezing import CLEAN_ROUNDS, GUARD_SECONDS, Freezing
from tests.support import eventually

TWO = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True)
print("begun", flush=True)
while True: pass
"""


@contextmanager
def two() -> Iterator[tuple[int, int]]:
    """A process and one that it has started in a session of its own."""
    with subprocess.Popen([sys.executable, "-c", TWO], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            [below] = family.children(process.pid)
            yield process.pid, below
        finally:
            family.kill(lambda: set(family.line(process.pid)))


def stand_still(freezing: Freezing) -> None:
    def has_come() -> bool:
        freezing.go_round(family.everyone())
        return freezing.is_still

    eventually(has_come)


def test_news_are_told_once() -> None:
    with two() as pids:
        freezing = Freezing(pids[0])
        assert not freezing.takes_news()

        stand_still(freezing)

        assert freezing.takes_news()
        assert not freezing.takes_news()
        assert {kin.pid for kin in freezing.stopped.values()} == set(pids)


def test_what_somebody_else_lets_go_on_is_stopped_again() -> None:
    with two() as (pid, below):
        freezing = Freezing(pid)
        stand_still(freezing)
        assert time.monotonic() < freezing.due_at <= time.monotonic() + GUARD_SECONDS

        os.kill(below, signal.SIGCONT)
        assert not family.stands_still(below)
        freezing.go_round(family.everyone())

        assert not freezing.is_still
        stand_still(freezing)
        assert family.stands_still(below)


def test_who_has_ended_since_the_look_has_moved() -> None:
    """It may have started another one, which that look has missed."""
    with two() as (pid, below):
        freezing = Freezing(pid)
        os.kill(pid, signal.SIGSTOP)
        eventually(lambda: family.stands_still(pid))
        before = family.everyone()
        os.kill(below, signal.SIGKILL)
        eventually(lambda: below not in family.everyone())

        for _ in range(CLEAN_ROUNDS):
            freezing.go_round(before)

        assert not freezing.is_still
        stand_still(freezing)
        assert [kin.pid for kin in freezing.stopped.values()] == [pid]


def test_what_was_started_since_the_look_is_stopped_in_the_same_round() -> None:
    with two() as (pid, below):
        freezing = Freezing(pid)
        before = family.everyone()
        del before[below]

        freezing.go_round(before)

        eventually(lambda: family.stands_still(below))


def test_what_was_stopped_before_is_not_let_go_on() -> None:
    with two() as (pid, below):
        os.kill(below, signal.SIGSTOP)
        eventually(lambda: family.stands_still(below))
        freezing = Freezing(pid)
        stand_still(freezing)

        assert [kin.pid for kin in freezing.thaw()] == [pid]

        assert not family.stands_still(pid)
        assert family.stands_still(below)


def test_the_process_itself_goes_on_whoever_has_stopped_it() -> None:
    with two() as (pid, below):
        os.kill(pid, signal.SIGSTOP)
        eventually(lambda: family.stands_still(pid))
        freezing = Freezing(pid)
        stand_still(freezing)

        assert [kin.pid for kin in freezing.thaw()] == [below, pid]


def test_children_go_on_before_their_parents() -> None:
    with two() as (pid, below):
        freezing = Freezing(pid)
        stand_still(freezing)

        assert [kin.pid for kin in freezing.thaw()] == [below, pid]


def test_who_still_moves_is_told_late_and_once() -> None:
    with two() as (pid, _):
        freezing = Freezing(pid)
        freezing.moving = family.line(pid)
        assert freezing.take_late() == []

        eventually(freezing.take_late)

        assert freezing.take_late() == []


def test_nobody_stands_still_where_nobody_is() -> None:
    with two() as (pid, _):
        freezing = Freezing(pid)
    for _ in range(5):
        freezing.go_round(family.everyone())

    assert not freezing.is_still
    assert freezing.thaw() == []
