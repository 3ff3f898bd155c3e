"""The lock file: alive exactly as long as the process is, however it ends."""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from offload.model import WorkerInfo
from offload.worker.presence import LockFile, boot_id, host_name

HOLDER = """
import sys
from pathlib import Path
from offload.worker.presence import LockFile
print(LockFile(Path(sys.argv[1])).enter(), flush=True)
sys.stdin.read()
"""


def info(lock_file: str) -> WorkerInfo:
    """A worker of which nothing but its lock matters."""
    return WorkerInfo(1, host_name(), boot_id(), 1, lock_file, (), (), 1, 0.0, 0.0)


def test_a_worker_is_alive_from_entering_to_leaving(tmp_path: Path) -> None:
    presence, other = LockFile(tmp_path / "run"), LockFile(tmp_path / "run")
    lock_file = presence.enter()

    assert other.is_alive(info(lock_file))
    assert presence.is_alive(info(lock_file)), "it is seen so by itself, too"
    presence.leave()
    assert not other.is_alive(info(lock_file))
    assert list((tmp_path / "run").iterdir()) == []


@pytest.mark.promise("L2")
def test_a_killed_process_is_seen_dead_at_once(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path / "run"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lock_file = process.stdout.readline().strip()
        assert lock_file
        presence = LockFile(tmp_path / "run")
        assert presence.is_alive(info(lock_file))

        process.send_signal(signal.SIGKILL)
        process.wait(10)

        assert not presence.is_alive(info(lock_file))
        presence.forget(info(lock_file))
        assert list((tmp_path / "run").iterdir()) == []


def test_a_stopped_process_is_alive(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path / "run"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lock_file = process.stdout.readline().strip()
        assert lock_file

        process.send_signal(signal.SIGSTOP)

        assert LockFile(tmp_path / "run").is_alive(info(lock_file))
        process.kill()


def test_a_forked_child_does_not_keep_its_parents_lock(tmp_path: Path) -> None:
    program = """
import os, sys
from pathlib import Path
from offload.worker.presence import LockFile
presence = LockFile(Path(sys.argv[1]))
lock_file = presence.enter()
has_begun, may_end = os.pipe(), os.pipe()
if os.fork() == 0:
    os.write(has_begun[1], b"1")
    os.close(may_end[1])
    os.read(may_end[0], 1)
    os._exit(0)
os.read(has_begun[0], 1)
presence._let_go()
print(lock_file, flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program, tmp_path / "run"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lock_file = process.stdout.readline().strip()
        assert lock_file

        is_alive = LockFile(tmp_path / "run").is_alive(info(lock_file))

        process.communicate("", 10)
    assert not is_alive


def test_a_lock_that_cannot_be_read_is_no_proof_of_death(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")

    assert LockFile(tmp_path).is_alive(info("loop"))


def test_many_may_ask_at_once(tmp_path: Path) -> None:
    presence = LockFile(tmp_path)
    lock_file = presence.enter()
    presence._let_go()
    asking = os.open(tmp_path / lock_file, os.O_RDONLY)
    try:
        fcntl.flock(asking, fcntl.LOCK_SH)

        assert not presence.is_alive(info(lock_file))
    finally:
        os.close(asking)
