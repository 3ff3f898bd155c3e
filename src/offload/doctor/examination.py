"""Gathering the facts about a database: it is read and never written, not even created."""

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from offload.desk import Desk
from offload.doctor.facts import Content, Disk, Facts, FileFact, Situation, WorkerFact
from offload.doctor.mounts import file_system_of
from offload.errors import StoreError
from offload.lifecycle import CANCEL_REQUESTED
from offload.model import FINISHED, Job, State, Wish, WorkerInfo
from offload.store.base import (
    Admitted,
    Counts,
    History,
    List,
    Queues,
    Scheduled,
    Schedules,
    Workers,
)
from offload.verbs import ask
from offload.worker.presence import boot_id

CHECK_SECONDS = 20.0
"""How long the integrity check may take: it reads the whole file."""

PAGE, MOST_JOBS = 500, 10_000
"""How many unfinished jobs are read at once, and at most: the newest ones."""

MOST_HISTORIES = 100

UNFINISHED = tuple(state for state in State if state not in FINISHED)


def examine(desk: Desk, *, grace: float, lease: float) -> Facts:
    """Return what can be seen of the desk's database and of those who work on it.

    Args:
        desk: opens it.
        grace: seconds that stopped code is given.
        lease: seconds for which a worker owns a job without a sign of life.
    """
    database = desk.database
    content, situation, trouble = None, None, None
    if database.exists():
        try:
            situation = _situation(desk)  # what is wrong, it says in a sentence
        except StoreError as error:
            trouble = str(error)
        try:
            content = _content(database)
        except (sqlite3.Error, OSError) as error:
            trouble = trouble or f"{database} cannot be read: {error}"
    return Facts(
        database=str(database),
        now=desk.now(),
        user=os.getuid(),
        grace=grace,
        lease=lease,
        disk=_disk(database),
        exists=database.exists(),
        files=tuple(_files(database)),
        trouble=trouble,
        content=content,
        situation=situation,
    )


# --- the file


def _disk(database: Path) -> Disk:
    folder = database.resolve().parent
    while not folder.exists():
        folder = folder.parent
    try:
        mounts = Path("/proc/mounts").read_text("utf-8", "surrogateescape")
    except OSError:
        mounts = ""
    kind, mounted_at = file_system_of(folder, mounts)
    return Disk(kind, mounted_at, shutil.disk_usage(folder).free)


def _files(database: Path) -> Iterator[FileFact]:
    """Return those that are there: the database, what SQLite keeps beside it, our own folder."""
    for ending in ("", "-wal", "-shm", "-run"):
        path = database.with_name(database.name + ending)
        with contextlib.suppress(OSError):
            found = path.stat()
            yield FileFact(str(path), found.st_mode & 0o7777, found.st_uid, path.is_dir())


def _content(database: Path) -> Content:
    uri = f"{database.as_uri()}?mode=rw"
    with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        connection.execute("pragma query_only = on")
        schema = connection.execute("pragma user_version").fetchone()[0]
        damage = _damage(connection)
    return Content(damage, schema, database.stat().st_size, _size(f"{database}-wal"))


def _damage(connection: sqlite3.Connection) -> tuple[str, ...] | None:
    """Return what SQLite's check finds; None if it takes too long."""
    stop_at = time.monotonic() + CHECK_SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > stop_at, 100_000)
    try:
        rows = connection.execute("pragma quick_check(10)").fetchall()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname != "SQLITE_INTERRUPT":
            raise
        return None
    return tuple(row[0] for row in rows if row[0] != "ok")


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


# --- the jobs


def _situation(desk: Desk) -> Situation:
    """Read who works on what; from several snapshots, so a job may be seen to move."""
    workers = tuple(_worker(desk, info) for info in desk.run(ask(Workers())))
    jobs = tuple(_unfinished(desk))
    newest = desk.run(ask(List(1)))
    instants = [worker.info.seen_at for worker in workers]
    instants += [job.started_at or job.created_at for job in (*jobs, *newest)]
    return Situation(
        workers=workers,
        queues=tuple(desk.run(ask(Queues()))),
        counts=desk.run(ask(Counts())),
        admitted=desk.run(ask(Admitted())),
        unfinished=jobs,
        is_complete=len(jobs) < MOST_JOBS,
        cancel_asked_at=_cancel_asked_at(desk, jobs),
        due_at=_due_at(desk),
        latest_at=max(instants, default=0.0),
    )


def _worker(desk: Desk, info: WorkerInfo) -> WorkerFact:
    is_alive = desk.open().presence.is_alive(info)
    is_here = info.boot_id == boot_id()
    return WorkerFact(info, is_alive, _began_at(info.pid) if is_alive and is_here else None)


def _began_at(pid: int) -> float | None:
    """Return when a process began, by today's clock: the kernel counts from its boot."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
        since_boot = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return None
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + since_boot


def _unfinished(desk: Desk) -> Iterator[Job]:
    before = None
    for _ in range(MOST_JOBS // PAGE):
        page: list[Job] = desk.run(ask(List(PAGE, before, UNFINISHED)))
        yield from page
        if len(page) < PAGE:
            return
        before = page[-1].id


def _cancel_asked_at(desk: Desk, jobs: tuple[Job, ...]) -> dict[int, float]:
    asked = [job.id for job in jobs if job.state is State.RUNNING and job.requested is Wish.CANCEL]
    found: dict[int, float] = {}
    for job_id in asked[:MOST_HISTORIES]:
        for event in desk.run(ask(History(job_id))):
            if event.kind == CANCEL_REQUESTED:
                found[job_id] = event.at
    return found


def _due_at(desk: Desk) -> dict[str, float]:
    schedules: list[Scheduled] = desk.run(ask(Schedules()))
    return {each.name: each.next_at for each in schedules if each.next_at is not None}
