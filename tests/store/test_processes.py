"""Several processes at one file: no lock surfaces, each job is claimed once, nobody starves."""

import json
import os
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from offload.model import State, Succeeded
from offload.store.base import Operation
from offload.store.sqlite import SQLiteStore
from tests.store.asking import Asker, a_new_job
from tests.store.connections import tapped
from tests.store.forking import exit_code, fork
from tests.store.test_crash_points import check_soundness

PROCESSES = 4
EACH_STARTS = 600
AT_ONCE = 10

BOUND_SECONDS = 10.0
"""No operation may wait longer; that is five times the bound for the rescue of a job."""


class Timed(Asker):
    """Asks, and remembers how long the slowest answer took."""

    slowest = 0.0

    def do(self, operation: Operation[Any]) -> Any:
        began = time.monotonic()
        answer = super().do(operation)
        self.slowest = max(self.slowest, time.monotonic() - began)
        return answer


def toil(file: Path, worker: int, answer: Path) -> None:
    """Start a share of the jobs, and claim and finish whatever there is until all is done."""
    ask = Timed(SQLiteStore(file))
    ask.set_queue()
    claimed: list[int] = []
    started = 0
    operations = 0
    while ask.counts().get(("default", State.SUCCEEDED), 0) < PROCESSES * EACH_STARTS:
        if started < EACH_STARTS:
            started += len(ask.start(AT_ONCE))
        jobs = ask.claim(7, worker=worker)
        answers = ask.apply(*[ask.conclusion(job, Succeeded(b"1")) for job in jobs])
        assert answers == [None] * len(jobs)
        claimed += ask.ids(jobs)
        operations += 3
    ask.store.close()
    told = {"claimed": claimed, "slowest": ask.slowest, "operations": operations}
    answer.write_text(json.dumps(told), "utf-8")


@pytest.mark.slow
@pytest.mark.promise("S2")
@pytest.mark.promise("P2")
@pytest.mark.promise("S16")
@pytest.mark.promise("S23")
@pytest.mark.promise("L7")
def test_processes_share_a_file(
    tmp_path: Path, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / f"{worker}.json" for worker in range(1, PROCESSES + 1)]

    children = [fork(partial(toil, database, worker, file)) for worker, file in enumerate(files, 1)]
    endings = [exit_code(child) for child in children]

    assert endings == [0] * PROCESSES
    answers = [json.loads(file.read_text("utf-8")) for file in files]
    claims = Counter(job_id for answer in answers for job_id in answer["claimed"])
    slowest = max(answer["slowest"] for answer in answers)
    with capsys.disabled():
        operations = sum(answer["operations"] for answer in answers)
        print(
            f"\n  {PROCESSES} processes, {len(claims)} jobs, {operations} operations: "
            f"the slowest took {slowest * 1000:.0f} ms",
            flush=True,
        )
    assert claims == {job_id: 1 for job_id in range(1, PROCESSES * EACH_STARTS + 1)}
    assert all(answer["claimed"] for answer in answers)
    assert slowest < BOUND_SECONDS
    connection = sqlite3.connect(database)
    check_soundness(connection)
    connection.close()


@pytest.mark.slow
@pytest.mark.promise("P1")
@pytest.mark.promise("S1")
def test_a_process_that_is_killed_within_a_transaction_holds_nobody_up(database: Path) -> None:
    here = Asker(SQLiteStore(database))
    here.start(3)
    here.store.close()
    reading, writing = os.pipe()
    victim = fork(partial(_stop_within_a_transaction, database, writing))
    os.read(reading, 1)

    os.kill(victim, signal.SIGKILL)

    assert exit_code(victim) == -signal.SIGKILL
    assert here.start(2) == (4, 5)  # at once: the kernel has taken the lock from it
    assert [job.state for job in here.all_jobs()] == [State.QUEUED] * 5
    here.store.close()
    os.close(reading)
    os.close(writing)


def _stop_within_a_transaction(file: Path, ready: int) -> None:
    """Claim and start, and stand still before the commit."""

    def stand_still(statement: str, run: Callable[[], sqlite3.Cursor]) -> sqlite3.Cursor:
        if statement == "commit":
            os.write(ready, b".")
            signal.pause()
        return run()

    ask = Asker(SQLiteStore(file, connect=tapped(stand_still)))
    ask.store.run([ask.a_claim(3), ask.an_insert(a_new_job())])
