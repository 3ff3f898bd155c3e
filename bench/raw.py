"""The raw limits: the same rows written by hand, with nothing of ours around them."""

import os
import sqlite3
import time
from pathlib import Path

SCHEMA = """
create table job (id integer primary key autoincrement, task text, state text, params blob,
                  result blob, token integer default 0);
create index queued on job (id) where state = 'queued';
create table event (id integer primary key autoincrement, job_id integer, version integer,
                    kind text, at real);
create unique index event_of_job on event (job_id, version);
"""

INSERT = "insert into job (task, state, params) values ('noop', 'queued', ?)"
EVENT = "insert into event (job_id, version, kind, at) values (?, ?, ?, 0.0)"


def database(folder: Path) -> sqlite3.Connection:
    """Open a database as ours is opened: WAL, every commit on disk."""
    connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.executescript(SCHEMA)
    return connection


def commits(folder: Path, count: int) -> float:
    """Commits per second of one row and its event each."""
    connection = database(folder)
    began = time.perf_counter()
    for number in range(1, count + 1):
        connection.execute("begin immediate")
        connection.execute(INSERT, (b'{"n":1}',))
        connection.execute(EVENT, (number, 1, "queued"))
        connection.execute("commit")
    return count / (time.perf_counter() - began)


def inserts(folder: Path, count: int, batch: int) -> float:
    """Rows per second, with their events, committed in batches."""
    connection = database(folder)
    began = time.perf_counter()
    for first in range(1, count + 1, batch):
        numbers = range(first, min(first + batch, count + 1))
        connection.execute("begin immediate")
        connection.executemany(INSERT, ((b'{"n":1}',) for _ in numbers))
        connection.executemany(EVENT, ((number, 1, "queued") for number in numbers))
        connection.execute("commit")
    return count / (time.perf_counter() - began)


def life_cycles(folder: Path, count: int, batch: int) -> float:
    """Claims and finishes per second, with their events, in batches: one transaction each."""
    connection = database(folder)
    connection.execute("begin")
    connection.executemany(INSERT, ((b'{"n":1}',) for _ in range(count)))
    connection.execute("commit")
    began = time.perf_counter()
    done: list[int] = []
    while True:
        connection.execute("begin immediate")
        connection.executemany(
            "update job set state = 'succeeded', result = '1' where id = ? and token = 1",
            ((number,) for number in done),
        )
        connection.executemany(EVENT, ((number, 3, "succeeded") for number in done))
        rows = connection.execute(
            "update job set state = 'running', token = token + 1 where id in "
            "(select id from job where state = 'queued' order by id limit ?) returning id",
            (batch,),
        ).fetchall()
        done = [row[0] for row in rows]
        connection.executemany(EVENT, ((number, 2, "claimed") for number in done))
        connection.execute("commit")
        if not done:
            return count / (time.perf_counter() - began)


def fsync_ms(folder: Path, count: int = 200) -> float:
    """The median of writing 4 KiB and fdatasync, in ms."""
    descriptor = os.open(folder / "fsync", os.O_CREAT | os.O_WRONLY)
    times = []
    for _ in range(count):
        began = time.perf_counter()
        os.pwrite(descriptor, b"x" * 4096, 0)
        os.fdatasync(descriptor)
        times.append(time.perf_counter() - began)
    os.close(descriptor)
    return sorted(times)[count // 2] * 1000
