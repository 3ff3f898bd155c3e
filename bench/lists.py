"""Rows of lists: a page of a hundred jobs, narrowed in every way, while a million are kept."""

import sqlite3
import time
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.harness import Size, percentile, row
from offload.filters import terms_of
from offload.model import State
from offload.store.base import List, Paged
from offload.store.sqlite import SQLiteStore

JOBS = 1_000_000
PAGES = 60
STARTED_AT = 1_700_000_000.0
AT_ONCE = 10_000

INSERT = """
insert into job (task, kind, queue, priority, state, claimable, created_at, run_at, finished_at,
                 worker, lease_until, tags, params, result, error, group_id)
values (?, 'async', ?, 0, ?, ?, ?, null, ?, ?, ?, ?, ?, ?, ?, ?)
"""
TALLY = """
insert into tally (queue, state, jobs, bytes)
select queue, state, count(*), sum(size) from job group by queue, state
"""
PLAIN = "select * from job order by id desc limit 100"


@row("a page of 100 of 1,000,000 jobs", "ms", "select * … order by id desc limit 100")
def pages(folder: Path, size: Size) -> Mapping[str, float]:
    """The first page by each filter, the middle of the plain list, and the worst cases."""
    jobs = size.of(JOBS)
    path = Path(_filled(jobs).name) / "offload.db"
    store = SQLiteStore(path)
    try:
        figures = {"raw": _raw(path)}
        for name, wanted in _asked(jobs).items():
            taken = sorted(_times(store, wanted))
            figures[name] = percentile(taken, 0.5)
            figures[f"{name}, p99"] = percentile(taken, 0.99)
        return figures
    finally:
        store.close()


def _asked(jobs: int) -> dict[str, Paged]:
    late = STARTED_AT + jobs * 0.9
    return {
        "offload": Paged(List()),
        "in the middle": Paged(List(before=jobs // 2)),
        "state=succeeded": Paged(List(states=(State.SUCCEEDED,))),
        "state=failed, 1 of 5,000": Paged(List(states=(State.FAILED,))),
        "state=queued,running": Paged(List(states=(State.QUEUED, State.RUNNING))),
        "task, half of all": Paged(List(task="fetch")),
        "task, 1 of 10,000": Paged(List(task="rare")),
        "queue, 1 of 1,000": Paged(List(queue="small")),
        "tag, 1 of 1,000": Paged(List(tag="nightly")),
        "tag of none": Paged(List(tag="nothing")),
        "group of 500": Paged(List(group=1)),
        "since, the last tenth": Paged(List(since=late)),
        "since, in the future": Paged(List(since=STARTED_AT + 2 * jobs)),
        "q, a word of each": Paged(List(), terms_of("example")),
        "q, a word of none": Paged(List(), terms_of("nowhere")),
        "q, param.n:": Paged(List(), terms_of(f"param.n:{jobs - 9_000}")),
        "q, error:": Paged(List(), terms_of("error:refused")),
    }


def _times(store: SQLiteStore, wanted: Paged) -> Iterator[float]:
    for _ in range(PAGES):
        began = time.perf_counter()
        store.read(wanted)
        yield (time.perf_counter() - began) * 1000


def _raw(path: Path) -> float:
    connection = sqlite3.connect(path)
    taken = []
    for _ in range(PAGES):
        began = time.perf_counter()
        connection.execute(PLAIN).fetchall()
        taken.append((time.perf_counter() - began) * 1000)
    connection.close()
    return percentile(taken, 0.5)


@cache
def _filled(jobs: int) -> "TemporaryDirectory[str]":
    """Make the database once for all repeats: straight into its tables, as nobody else may."""
    folder = TemporaryDirectory(prefix="offload-bench-lists-")
    store = SQLiteStore(Path(folder.name) / "offload.db")
    store.run([])
    store.close()
    connection = sqlite3.connect(store.path, isolation_level=None)
    connection.execute("pragma synchronous = off")
    rows = _rows(jobs)
    while piece := list(islice(rows, AT_ONCE)):
        connection.execute("begin")
        connection.executemany(INSERT, piece)
        connection.execute("commit")
    connection.execute(TALLY)
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()
    return folder


def _rows(jobs: int) -> Iterator[tuple[object, ...]]:
    for number in range(1, jobs + 1):
        yield _row(number, jobs)


def _row(number: int, jobs: int) -> tuple[object, ...]:
    """One job: the newest wait or run, one of 5,000 has failed, a group lies in the middle."""
    state, from_the_end = "succeeded", jobs - number
    if from_the_end < 300:
        state = "running" if from_the_end > 250 else "queued"
    elif number % 5_000 == 0:
        state = "failed"
    is_over, is_running = state in ("succeeded", "failed"), state == "running"
    at = STARTED_AT + number
    params = f'{{"n":{number},"url":"https://example.org/{number}","depth":3}}'.encode()
    error = b'{"code":"exception","message":"connection refused"}' if state == "failed" else None
    return (
        "rare" if number % 10_000 == 7 else ("fetch" if number % 2 else "render"),
        "small" if number % 1_000 == 3 else "default",
        state,
        state == "queued",
        at,
        at + 5 if is_over else None,
        1 if is_running else None,
        at + 60 if is_running else None,
        '["nightly"]' if number % 1_000 == 5 else None,
        params,
        b"17" if state == "succeeded" else None,
        error,
        1 if jobs // 2 <= number < jobs // 2 + 500 else None,
    )
