"""Who descends from a process is found and ended, and nobody else."""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from offload.worker import family
from offload.worker.family import Kin
from offload.worker.presence import boot_id
from tests.support import eventually

SLEEP = "import time; time.sleep(600)"

STARTS_OTHERS = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print("begun", flush=True)
time.sleep(600)
"""

MULTIPLIES = """
import os, time
print("begun", flush=True)
while True:
    if os.fork():
        time.sleep(0.002)
        os._exit(0)
"""


@contextmanager
def running(program: str, mark: str = "") -> Iterator["subprocess.Popen[str]"]:
    """A process, killed at the end with all that has its mark."""
    environment = os.environ | ({family.MARK: mark} if mark else {})
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            if "begun" in program:
                assert process.stdout is not None
                assert process.stdout.readline() == "begun\n"
            yield process
        finally:
            family.end(lambda: family.descendants(process.pid) | family.marked(mark or "none"))
            process.kill()


@pytest.fixture
def mark() -> str:
    return f"worker-{secrets.token_hex(4)}.lock"


def test_descendants_are_found_whatever_their_session() -> None:
    with running(STARTS_OTHERS) as process:
        found = family.descendants(process.pid)

        assert [kin.parent for kin in found] == [process.pid]
        assert family.children(process.pid) == [kin.pid for kin in found]
        assert process.pid in {kin.pid for kin in family.descendants(os.getpid())}


def test_only_the_whole_mark_counts(mark: str) -> None:
    with (
        running(SLEEP, mark) as plain,
        running(SLEEP, f"{mark}:7") as child,
        running(SLEEP, f"{mark}s"),
        running(SLEEP, f"x{mark}"),
    ):
        wanted = {plain.pid, child.pid}
        eventually(lambda: {kin.pid for kin in family.marked(mark)} == wanted)


def test_a_process_that_multiplies_is_ended_too(mark: str) -> None:
    with running(MULTIPLIES, mark) as process:
        ended = family.end(lambda: family.marked(mark))

        assert ended >= 1
        assert family.marked(mark) == set()
        assert process.wait(10) in (0, -signal.SIGKILL)


def test_a_sweep_ends_what_a_dead_worker_has_left(mark: str) -> None:
    with running(STARTS_OTHERS, mark) as process, running(SLEEP) as other:
        assert family.sweep(mark, boot_id()) == 2

        assert process.wait(10) == -signal.SIGKILL
        assert family.marked(mark) == set()
        assert other.poll() is None


def test_a_sweep_ends_what_its_prey_has_started_under_another_mark(mark: str) -> None:
    program = STARTS_OTHERS.replace("start_new_session=True", "env={}")
    with running(program, mark) as process:
        [below] = family.descendants(process.pid)

        assert family.sweep(mark, boot_id()) == 2
        assert below.pid not in family.everyone()


@pytest.mark.parametrize("boot", ["", "another-boot"])
def test_a_sweep_of_another_boot_touches_nothing(mark: str, boot: str) -> None:
    with running(SLEEP, mark) as process:
        assert family.sweep(mark, boot) == 0
        assert family.sweep("", boot_id()) == 0
        assert process.poll() is None


def test_a_process_of_another_start_is_not_signalled() -> None:
    with running(SLEEP) as process:
        itself = family.everyone()[process.pid]

        family.send([Kin(process.pid, itself.parent, itself.started + 1)], signal.SIGKILL)

        assert process.poll() is None
        family.send([itself], signal.SIGKILL)
        assert process.wait(10) == -signal.SIGKILL


def test_a_line_begins_with_the_process_and_each_stands_before_its_children() -> None:
    with running(STARTS_OTHERS) as process:
        line = family.line(os.getpid())

        pids = [kin.pid for kin in line]
        assert pids[0] == os.getpid()
        assert all(kin.parent in pids[:place] for place, kin in enumerate(line) if place)
        assert len(family.line(process.pid)) == 2
    assert family.line(process.pid) == []


def test_a_process_stands_still_when_all_of_its_threads_are_stopped() -> None:
    program = """
import threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
print("begun", flush=True)
while True: pass
"""
    with running(program) as process:
        assert not family.stands_still(process.pid)

        process.send_signal(signal.SIGSTOP)

        eventually(lambda: family.stands_still(process.pid))
        assert not family.is_stuck(process.pid)
        process.send_signal(signal.SIGCONT)
        assert not family.stands_still(process.pid)
        process.kill()
        eventually(lambda: process.pid not in family.everyone())
        assert not family.stands_still(process.pid)


def test_a_process_whose_first_thread_has_ended_still_runs() -> None:
    program = """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(600,)).start()
print("begun", flush=True)
ctypes.CDLL(None).syscall(60 if ctypes.sizeof(ctypes.c_void_p) == 8 else 1, 0)
"""
    with running(program) as process:
        stat = Path(f"/proc/{process.pid}/stat")
        eventually(lambda: stat.read_text().rpartition(")")[2].split()[0] == "Z")

        assert process.pid in family.everyone()
        assert not family.stands_still(process.pid)
        assert family.kill(lambda: set(family.line(process.pid))) == {process.pid}


def test_who_is_signalled_is_told() -> None:
    with running(SLEEP) as process:
        itself = family.everyone()[process.pid]
        gone = Kin(process.pid, itself.parent, itself.started + 1)

        assert family.send([gone, itself], signal.SIGCONT) == [itself]


def test_a_zombie_is_nobody() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    try:
        eventually(lambda: child not in family.everyone())
        assert child in family.children(os.getpid())
    finally:
        os.waitpid(child, 0)


def test_the_memory_of_all_descendants_is_counted(tmp_path: Path) -> None:
    program = """
import subprocess, sys, time
holds = "held = bytearray(100 << 20); print('begun', flush=True); import time; time.sleep(600)"
subprocess.Popen([sys.executable, "-c", holds])
time.sleep(600)
"""
    with running(program) as process:
        assert 100 << 20 < family.memory(process.pid) < 200 << 20
        assert 100 << 20 < family.fair_memory(process.pid) < 200 << 20


def test_shared_memory_is_counted_fairly() -> None:
    program = """
import os, time
held = bytearray(os.urandom(1)) * (60 << 20)
for _ in range(3):
    if os.fork() == 0:
        time.sleep(600)
print("begun", flush=True)
time.sleep(600)
"""
    with running(program) as process:
        assert family.memory(process.pid) > 200 << 20
        assert family.fair_memory(process.pid) < 150 << 20
