"""The lock that says who is alive: it ends with its process, however that ends."""

import contextlib
import fcntl
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from offload.model import WorkerInfo
from offload.worker.presence import LockFile, boot_id, host_name
from tests.store.asking import A_WORKER
from tests.store.forking import exit_code, fork
from tests.support import eventually

SOON = 20.0

CHILD = """
import sys
from pathlib import Path
from offload.worker.presence import LockFile

print(LockFile(Path(sys.argv[1])).enter(), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "offload.db-run"


@contextlib.contextmanager
def another_process(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", WorkerInfo]]:
    """Have another process be alive; yield it and what can be asked about."""
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    info = named(process.stdout.readline().strip())
    try:
        yield process, info
    finally:
        process.kill()
        process.communicate(timeout=SOON)


def named(lock_file: str) -> WorkerInfo:
    return replace(A_WORKER, lock_file=lock_file)


def test_a_worker_is_alive_from_entering_to_leaving(folder: Path) -> None:
    presence, other = LockFile(folder), LockFile(folder)

    worker = named(presence.enter())
    alive = (presence.is_alive(worker), other.is_alive(worker))
    presence.leave()

    assert alive == (True, True)
    assert not other.is_alive(worker)
    assert list(folder.iterdir()) == []


def test_the_lock_is_private(folder: Path) -> None:
    presence = LockFile(folder)

    name = presence.enter()

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    presence.leave()


def test_two_workers_of_one_process_are_told_apart(folder: Path) -> None:
    one, other = LockFile(folder), LockFile(folder)
    first, second = named(one.enter()), named(other.enter())

    one.leave()

    assert not other.is_alive(first)
    assert other.is_alive(second)
    other.leave()


def test_one_that_was_never_there_is_not_alive(folder: Path) -> None:
    assert not LockFile(folder).is_alive(named("worker-1-never.lock"))


@pytest.mark.promise("L2")
def test_a_killed_process_is_dead_at_once(folder: Path) -> None:
    watcher = LockFile(folder)
    with another_process(folder) as (process, worker):
        before = watcher.is_alive(worker)

        process.send_signal(signal.SIGKILL)
        process.wait(SOON)

        assert before
        assert not watcher.is_alive(worker)


def test_a_frozen_process_is_alive(folder: Path) -> None:
    with another_process(folder) as (process, worker):
        process.send_signal(signal.SIGSTOP)

        assert LockFile(folder).is_alive(worker)


def test_asking_takes_nothing_away(folder: Path) -> None:
    watchers = [LockFile(folder) for _ in range(3)]
    with another_process(folder) as (_, worker):
        answers = [watcher.is_alive(worker) for watcher in watchers for _ in range(5)]

        assert answers == [True] * 15


def test_two_who_ask_at_once_do_not_take_each_other_for_the_owner(folder: Path) -> None:
    """One holds the shared lock of its question while the other asks."""
    with another_process(folder) as (process, worker):
        process.kill()
        process.wait(SOON)
        with (folder / worker.lock_file).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)

            assert not LockFile(folder).is_alive(worker)


def test_a_dead_worker_s_file_is_cleared_away(folder: Path) -> None:
    watcher = LockFile(folder)
    with another_process(folder) as (process, worker):
        process.kill()
        process.wait(SOON)

        watcher.forget(worker)
        watcher.forget(worker)

        assert list(folder.iterdir()) == []
        assert not watcher.is_alive(worker)


def test_a_forked_child_does_not_keep_its_parent_alive(folder: Path) -> None:
    """The child outlives the owner of the lock; it holds a copy of every open file."""
    reading, writing = os.pipe()

    def live_with_a_child() -> None:
        name = LockFile(folder).enter()
        if os.fork() == 0:
            os.write(writing, f"{name} {os.getpid()}".encode())
        signal.pause()

    parent = fork(live_with_a_child)
    name, child_id = os.read(reading, 1000).decode().split()
    watcher, worker = LockFile(folder), named(name)
    alive = watcher.is_alive(worker)

    os.kill(parent, signal.SIGKILL)
    exit_code(parent)
    still_alive = watcher.is_alive(worker)
    os.kill(int(child_id), signal.SIGKILL)
    os.close(reading)
    os.close(writing)

    assert (alive, still_alive) == (True, False)


def test_a_program_that_a_worker_starts_does_not_keep_it_alive(folder: Path) -> None:
    presence = LockFile(folder)
    worker = named(presence.enter())
    program = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False
    )

    presence._let_go()  # as the kernel does when the process ends

    eventually(lambda: not LockFile(folder).is_alive(worker), SOON)
    program.communicate(b"\n", SOON)


def test_this_machine_has_a_name_and_a_boot() -> None:
    assert host_name()
    assert boot_id() == boot_id() != ""
