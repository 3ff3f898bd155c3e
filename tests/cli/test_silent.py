"""A worker that lives and gives no sign of life: `offload serve` kills it, and its jobs go on."""

import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from offload.cli.silence import Silence
from tests.cli.conftest import Start, Terminal
from tests.cli.running import Running, marked
from tests.support import eventually, whole_lines

LEASE = 3.0
WITH_LEASE = ("--lease", str(LEASE), "--json")
KILLED = (
    r"^offload: worker \d+ \(pid {}\) has been silent for 3 s .*: killing it.*; its jobs go back$"
)


# --- the judgement


def watched(silence: Silence, seconds: float, begin: float = 0.0, sign: float = 7.0) -> float:
    """Look at a worker with one and the same sign of life; returns the instant of the last look."""
    now = begin
    while now < begin + seconds:
        now += silence.interval
        silence.note(now, {1: sign})
    return now


def test_who_gives_no_sign_for_a_lease_is_silent() -> None:
    silence = Silence(30.0)

    watched(silence, 29.0)
    before = silence.silent
    watched(silence, 3.0, begin=29.0)

    assert before == []
    assert silence.silent == [1]


def test_a_sign_of_life_ends_the_silence() -> None:
    silence = Silence(30.0)
    watched(silence, 29.0)

    silence.note(30.0, {1: 8.0})
    watched(silence, 29.0, begin=30.0, sign=8.0)

    assert silence.silent == []


def test_a_sign_may_be_of_any_clock() -> None:
    """The wall clock was set back; what counts is that the sign is another one."""
    silence = Silence(30.0)
    watched(silence, 29.0, sign=1000.0)

    silence.note(30.0, {1: 3.0})

    assert not silence.suspects


def test_time_in_which_nobody_watched_does_not_count() -> None:
    """The machine was suspended, or the server stopped: it has seen nothing in that hour."""
    silence = Silence(30.0)
    watched(silence, 10.0)

    silence.note(3600.0, {1: 7.0})

    assert silence.silent == []
    assert not silence.suspects


def test_what_was_seen_before_the_database_stopped_answering_does_not_count() -> None:
    silence = Silence(30.0)
    watched(silence, 29.0)

    silence.forget()
    watched(silence, 29.0, begin=29.0)

    assert silence.silent == []


def test_each_worker_is_judged_by_its_own_signs() -> None:
    silence = Silence(3.0)

    for look in range(40):
        now = look * silence.interval
        silence.note(now, {1: 7.0, 2: now, **({3: 7.0} if look > 20 else {})})

    assert silence.silent == [1]


# --- the deed


@pytest.fixture
def served(serve: Start) -> Running:
    """A server whose lease is as short as it can be."""
    return serve(*WITH_LEASE)


def begun(folder: Path, job_id: int) -> list[int]:
    """The processes in which a job has begun."""
    lines = map(str.split, whole_lines(folder / "witness"))
    return [int(pid) for word, job, pid in lines if (word, job) == ("S", str(job_id))]


@pytest.mark.slow
@pytest.mark.promise("L2", "P2", "P3")
def test_a_stopped_worker_is_killed_and_its_job_goes_on(served: Running, tmp_path: Path) -> None:
    terminal = Terminal("--server", served.introduction()["address"])
    job_id = terminal.started("until", "file=go")
    eventually(lambda: begun(tmp_path, job_id))
    worker = served.worker()

    os.kill(worker, signal.SIGSTOP)
    eventually(lambda: served.said(KILLED.format(worker)), 5 * LEASE)
    (tmp_path / "go").touch()

    job = terminal.json("wait", str(job_id))
    assert (job["state"], job["crashes"]) == ("succeeded", 1)
    assert len(set(begun(tmp_path, job_id))) == 2
    assert worker not in marked(served.mark)
    assert len([line for line in served.complaints if "silent" in line]) == 1


@pytest.mark.slow
def test_a_worker_whose_code_holds_the_lock_of_the_interpreter_is_killed(
    served: Running, tmp_path: Path
) -> None:
    terminal = Terminal("--server", served.introduction()["address"])
    job_id = terminal.started("seize")
    eventually(lambda: begun(tmp_path, job_id))
    worker = begun(tmp_path, job_id)[0]

    eventually(lambda: served.said(KILLED.format(worker)), 5 * LEASE)

    eventually(lambda: len(set(begun(tmp_path, job_id))) == 2)


@pytest.mark.slow
def test_what_a_silent_worker_has_started_is_killed_with_it(
    served: Running, tmp_path: Path
) -> None:
    terminal = Terminal("--server", served.introduction()["address"])
    job_id = terminal.started("beget")
    eventually((tmp_path / "child").exists)
    worker, child = served.worker(), int((tmp_path / "child").read_text())
    assert begun(tmp_path, job_id) == [worker]

    os.kill(worker, signal.SIGSTOP)

    eventually(lambda: not {worker, child} & marked(served.mark), 5 * LEASE)
    eventually(lambda: served.said(r"killing it, with 1 process below it"))


@pytest.mark.slow
def test_a_server_that_was_stopped_itself_kills_nobody(served: Running, tmp_path: Path) -> None:
    """Both were stopped for longer than a lease, as at a suspend; both go on."""
    terminal = Terminal("--server", served.introduction()["address"])
    job_id = terminal.started("until", "file=go")
    eventually(lambda: begun(tmp_path, job_id))
    worker = served.worker()

    for pid in (served.pid, worker):
        os.kill(pid, signal.SIGSTOP)
    time.sleep(1.5 * LEASE)  # the very thing that is tested
    for pid in (served.pid, worker):
        os.kill(pid, signal.SIGCONT)
    (tmp_path / "go").touch()

    assert terminal.json("wait", str(job_id))["crashes"] == 0
    assert served.worker() == worker


@pytest.mark.slow
def test_a_locked_database_makes_nobody_silent(served: Running, tmp_path: Path) -> None:
    terminal = Terminal("--server", served.introduction()["address"])
    job_id = terminal.started("until", "file=go")
    eventually(lambda: begun(tmp_path, job_id))
    worker = served.worker()

    held = sqlite3.connect(served.introduction()["database"], isolation_level=None)
    held.execute("begin immediate")
    time.sleep(2.5 * LEASE)  # the very thing that is tested
    held.execute("rollback")
    held.close()
    (tmp_path / "go").touch()

    assert terminal.json("wait", str(job_id))["crashes"] == 0
    assert served.worker() == worker
    assert not served.said("silent")
