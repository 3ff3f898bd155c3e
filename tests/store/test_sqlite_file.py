"""The SQLite file itself: private, durable, refused with a sentence where it is not ours."""

import hashlib
import os
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import pytest

from offload.errors import (
    QueryTooSlow,
    SchemaTooNew,
    StoreError,
    StoreUnavailable,
    StoreUnreadable,
)
from offload.model import NO_VITALS, Error, Failed, State, Succeeded
from offload.store.base import Counts, List, OldestWaiting, Promote, Query, Queues
from offload.store.sqlite import APPLICATION_ID, SCHEMA, SQLiteStore
from tests.store.asking import Asker
from tests.store.connections import TappedConnection, let_it_run, tapped
from tests.store.forking import exit_code, fork

NOBODY = 65_534

A_JOB_OF_BEFORE = """
insert into job (task, kind, queue, priority, state, claimable, created_at, params)
values ('render', 'async', 'default', 0, 'queued', 1, 1000.0, '{}')
"""

A_WORKER_OF_BEFORE = """
insert into worker (host, boot_id, pid, lock_file, queues, tasks, slots, started_at, seen_at)
values ('here', 'boot', 12, 'worker-12.lock', '[]', '["render"]', 5, 1000.0, 1000.0)
"""

READ = Queues()
WRITE = Promote(1000.0)


@contextmanager
def opened(file: Path, **options: Any) -> Iterator[Asker]:
    """Ask a store on this file, and close it."""
    store = SQLiteStore(file, **options)
    try:
        yield Asker(store)
    finally:
        store.close()


def make_database(file: Path) -> None:
    with opened(file) as ask:
        ask.start()


def make_old_database(file: Path, schema: int) -> None:
    """Make what an offload has left that knew no more than the first migrations."""
    folder = resources.files("offload.store") / "migrations"
    scripts = sorted((each for each in folder.iterdir() if each.name.endswith(".sql")), key=str)
    connection = sqlite3.connect(file)
    connection.execute("pragma journal_mode = wal")
    for script in scripts:
        if int(script.name[:4]) <= schema:
            connection.executescript(script.read_text("utf-8"))
    connection.execute(f"pragma application_id = {APPLICATION_ID}")
    connection.execute(f"pragma user_version = {schema}")
    connection.close()


def refusal(file: Path, what: Any) -> str:
    """Read or write what is refused; return what is said, if nothing was touched."""
    before = fingerprint(file)
    with opened(file) as ask, pytest.raises(StoreError) as caught:
        ask.read(what) if isinstance(what, Query) else ask.do(what)
    assert fingerprint(file) == before
    assert isinstance(caught.value, StoreUnreadable | SchemaTooNew), caught.value
    assert str(file if file.parent.is_dir() else file.parent) in str(caught.value)
    return str(caught.value)


def fingerprint(file: Path) -> list[tuple[str, str]]:
    """The files in the folder, with what is in them."""
    if not file.parent.is_dir():
        return []
    return sorted(
        (item.name, hashlib.sha256(item.read_bytes()).hexdigest() if item.is_file() else "folder")
        for item in file.parent.iterdir()
    )


def change_by_hand(file: Path, *statements: str) -> None:
    """Do with a database what none of our operations does."""
    connection = sqlite3.connect(file, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


@contextmanager
def as_an_ordinary_user() -> Iterator[None]:
    """Be nobody for a while if we are root, whom permissions do not stop."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that an ordinary user reaches; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


class FakeTime:
    """A clock that stands still unless somebody sleeps, or it is moved."""

    def __init__(self) -> None:
        self.now = 50.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


# --- private and durable


def test_the_file_and_its_companions_are_private(database: Path) -> None:
    before = os.umask(0)
    try:
        with opened(database) as ask:
            ask.start()
            modes = {
                file.name: stat.S_IMODE(file.stat().st_mode) for file in database.parent.iterdir()
            }
    finally:
        os.umask(before)

    assert modes == {"offload.db": 0o600, "offload.db-wal": 0o600, "offload.db-shm": 0o600}


@pytest.mark.promise("P1")
def test_the_writing_connection_waits_for_the_disk(database: Path) -> None:
    connections: list[TappedConnection] = []

    def connect(*args: Any, **kwargs: Any) -> TappedConnection:
        connections.append(tapped(let_it_run)(*args, **kwargs))
        return connections[-1]

    with opened(database, connect=connect) as ask:
        ask.start()
        ask.all_jobs()
        writer, reader = (connection.real for connection in connections)
        full = 2

        assert writer.execute("pragma synchronous").fetchone() == (full,)
        assert writer.execute("pragma journal_mode").fetchone() == ("wal",)
        assert writer.execute("pragma busy_timeout").fetchone() == (0,)
        assert reader.execute("pragma query_only").fetchone() == (1,)


@pytest.mark.promise("P1")
def test_a_sqlite_that_was_built_to_hurry_waits_for_the_disk_all_the_same(database: Path) -> None:
    connections: list[sqlite3.Connection] = []

    def connect(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connections.append(sqlite3.connect(*args, **kwargs))
        connections[-1].execute("pragma synchronous = off")
        return connections[-1]

    with opened(database, connect=connect) as ask:
        ask.start()

        assert connections[0].execute("pragma synchronous").fetchone() == (2,)


@pytest.mark.parametrize(("size", "bodies"), [(2048, 0), (2049, 3)])
def test_what_is_over_two_kilobytes_lies_beside_the_row(
    database: Path, size: int, bodies: int
) -> None:
    """A claim and a list read narrow rows; what lies beside them is written once."""
    error = Error("e", "")
    error = Error("e", "m" * (size - len(msgspec.json.encode(error))))
    with opened(database) as ask:
        ask.start(params=b"7" * size)
        ask.conclude(ask.claim_one(), Failed(error))
        ask.run_to_success(value=b"7" * size)
        failed, succeeded = ask.get(1, 2).jobs.values()

    connection = sqlite3.connect(database)
    lying_beside = connection.execute("select count(*) from body").fetchone()
    connection.close()
    assert lying_beside == (bodies,)
    assert (failed.params, failed.error) == (b"7" * size, error)
    assert succeeded.result == b"7" * size


def test_an_existing_file_keeps_its_mode(database: Path) -> None:
    make_database(database)
    database.chmod(0o640)

    make_database(database)

    assert stat.S_IMODE(database.stat().st_mode) == 0o640


@pytest.mark.parametrize("name", ["a b?c#d%20.db", "ü–漢字.db", "-.db", "a'b\"c.db"])
def test_a_file_may_have_any_name(tmp_path: Path, name: str) -> None:
    with opened(tmp_path / name) as ask:
        ask.start()

        assert ask.ids() == [1]
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_relative_path_is_that_of_the_folder_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    store = SQLiteStore(Path("offload.db"))
    monkeypatch.chdir(tmp_path / "there")

    Asker(store).start()
    store.close()

    assert (tmp_path / "here" / "offload.db").exists()


@pytest.mark.promise("D1")
def test_the_file_is_sound_after_use(database: Path) -> None:
    with opened(database) as ask:
        ask.start(50, params=b"7" * 5000)
        for job in ask.claim(30):
            ask.apply(ask.cancellation(job))

    connection = sqlite3.connect(database)
    verdict = connection.execute("pragma integrity_check").fetchall()
    connection.close()

    assert verdict == [("ok",)]


# --- what is not there


def test_reading_where_nothing_is_says_so_and_makes_nothing(database: Path) -> None:
    said = refusal(database, READ)

    assert said.startswith(f"there is no database {database}; it is created when")
    assert list(database.parent.iterdir()) == []


def test_reading_a_file_that_nobody_has_filled_yet_says_so(database: Path) -> None:
    database.touch()

    said = refusal(database, READ)

    assert said.startswith(f"there is no database {database}; it is created when")


def test_writing_fills_a_file_that_nobody_has_filled_yet(database: Path) -> None:
    database.touch()

    make_database(database)

    with opened(database) as ask:
        assert ask.ids() == [1]


@pytest.mark.parametrize("what", [READ, WRITE], ids=["read", "write"])
def test_a_missing_folder_is_named_and_not_made(tmp_path: Path, what: Any) -> None:
    folder = tmp_path / "missing"

    said = refusal(folder / "offload.db", what)

    assert said == f"there is no folder {folder} for the database; create it first"
    assert not folder.exists()


def test_reading_sees_the_database_once_it_is_there(database: Path) -> None:
    with opened(database) as reader:
        with pytest.raises(StoreUnreadable):
            reader.all_jobs()
        make_database(database)

        assert reader.ids() == [1]


# --- what is not ours


@pytest.mark.parametrize("what", [READ, WRITE], ids=["read", "write"])
@pytest.mark.parametrize("content", [b"xy", b"hello\n" * 1000, bytes(4096), b"\xff" * 100_000])
def test_a_file_that_is_no_database_is_refused(database: Path, content: bytes, what: Any) -> None:
    database.write_bytes(content)

    said = refusal(database, what)

    assert said == f"{database} is not a database; name another file (--db, OFFLOAD_DB)"


@pytest.mark.parametrize("what", [READ, WRITE], ids=["read", "write"])
def test_a_database_of_another_program_is_refused(database: Path, what: Any) -> None:
    change_by_hand(database, "create table job (id integer)", "insert into job values (1)")

    said = refusal(database, what)

    assert "belongs to another program; name another file" in said


@pytest.mark.parametrize("what", [READ, WRITE], ids=["read", "write"])
def test_a_folder_in_the_place_of_the_file_is_refused(database: Path, what: Any) -> None:
    database.mkdir()

    assert "cannot be opened" in refusal(database, what)


@pytest.mark.promise("D2")
@pytest.mark.parametrize("what", [READ, WRITE], ids=["read", "write"])
@pytest.mark.parametrize(
    "meta",
    [
        "update meta set value = '99' where key = 'oldest_code'",
        "delete from meta",
        "drop table meta",
    ],
)
def test_a_newer_schema_is_refused_untouched(database: Path, what: Any, meta: str) -> None:
    make_database(database)
    change_by_hand(database, "pragma user_version = 99", meta)

    said = refusal(database, what)

    assert f"written by a newer offload (schema 99; this one knows {SCHEMA})" in said


@pytest.mark.parametrize("schema", range(1, SCHEMA))
def test_an_older_database_is_brought_up_to_date_with_all_that_is_in_it(
    database: Path, schema: int
) -> None:
    make_old_database(database, schema)
    change_by_hand(database, A_JOB_OF_BEFORE, A_WORKER_OF_BEFORE)

    with opened(database) as ask:
        [before] = ask.read(List())
        [worker] = ask.workers()
        ask.start()

        assert (before.task, before.state) == ("render", State.QUEUED)
        assert (worker.pid, worker.vitals) == (12, NO_VITALS)
        assert len(ask.read(List())) == 2
    connection = sqlite3.connect(database)
    assert connection.execute("pragma user_version").fetchone() == (SCHEMA,)


@pytest.mark.parametrize("schema", [1, 5])
def test_jobs_of_before_are_known_by_their_worker_wait_since_they_came_and_are_pruned(
    database: Path, schema: int
) -> None:
    make_old_database(database, schema)
    change_by_hand(
        database,
        A_JOB_OF_BEFORE,
        "insert into job (task, kind, queue, priority, state, claimable, created_at, params, "
        "worker, lease_until, occupies_slot) "
        "values ('render', 'async', 'default', 0, 'running', 0, 950.0, '{}', 7, 1030.0, 1)",
        "insert into job (task, kind, queue, priority, state, claimable, created_at, params, "
        "finished_at) values ('render', 'async', 'default', 0, 'cancelled', 0, 960.0, '{}', 970.0)",
        "insert into tally values ('default', 'cancelled', 1, 0)",
    )

    with opened(database) as ask:
        of_worker = ask.read(List(worker=7))
        waiting = ask.read(OldestWaiting())
        ask.set_queue(keep=0)

        assert ask.ids(of_worker) == [2]
        assert waiting == {"default": 1000.0}
        assert ask.prune() == 1
        assert ask.ids() == [1, 2]


@pytest.mark.promise("D2")
def test_a_newer_schema_that_allows_older_code_is_used_as_it_is(database: Path) -> None:
    make_database(database)
    change_by_hand(
        database, "pragma user_version = 99", "alter table job add column newer text default 'x'"
    )

    with opened(database) as ask:
        ask.start()
        claimed = ask.claim(5)

        assert ask.ids(claimed) == [1, 2]
    connection = sqlite3.connect(database)
    assert connection.execute("pragma user_version").fetchone() == (99,)
    connection.close()


# --- what may not be written


def test_a_folder_that_may_not_be_written_is_told(open_folder: Path) -> None:
    open_folder.chmod(0o555)
    file = open_folder / "offload.db"
    store = SQLiteStore(file)

    with as_an_ordinary_user(), pytest.raises(StoreUnreadable) as caught:
        Asker(store).start()

    assert f"{file} cannot be opened for writing" in str(caught.value)
    assert "Permission denied" in str(caught.value)
    assert list(open_folder.iterdir()) == []


def test_a_folder_that_may_not_be_entered_is_told(open_folder: Path) -> None:
    open_folder.chmod(0)
    store = SQLiteStore(open_folder / "sub" / "offload.db")

    with as_an_ordinary_user(), pytest.raises(StoreUnreadable) as caught:
        Asker(store).all_jobs()
    open_folder.chmod(0o755)

    assert "Permission denied" in str(caught.value)


def test_a_file_that_may_not_be_written_is_told(open_folder: Path) -> None:
    file = open_folder / "offload.db"
    make_database(file)
    file.chmod(0o444)
    open_folder.chmod(0o777)
    store = SQLiteStore(file)

    with as_an_ordinary_user():
        with pytest.raises(StoreUnreadable) as caught:
            Asker(store).start()
        store.close()

    assert f"{file} cannot be opened for writing" in str(caught.value)


@pytest.mark.parametrize("what", [READ, WRITE], ids=["read", "write"])
def test_a_name_that_the_system_refuses_is_told(tmp_path: Path, what: Any) -> None:
    file = tmp_path / ("n" * 300)

    with opened(file) as ask, pytest.raises(StoreUnreadable) as caught:
        ask.read(what) if isinstance(what, Query) else ask.do(what)

    assert "File name too long" in str(caught.value)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.write_bytes(b"no database" * 100),
        lambda file: change_by_hand(file, "create table foreign_to_us (id integer)"),
        lambda file: file.touch(),
    ],
)
def test_a_connection_that_is_of_no_use_is_closed(database: Path, spoil: Any) -> None:
    spoil(database)
    unclosed = set()

    class Counted(TappedConnection):
        def close(self) -> None:
            unclosed.discard(self)
            super().close()

    def connect(*args: Any, **kwargs: Any) -> TappedConnection:
        connection = Counted(sqlite3.connect(*args, **kwargs), let_it_run)
        unclosed.add(connection)
        return connection

    with opened(database, connect=connect) as ask:
        with pytest.raises(StoreError):
            ask.all_jobs()
        if database.stat().st_size > 0:
            with pytest.raises(StoreError):
                ask.start()

        assert unclosed == set()


# --- others at the same file


def test_a_writer_waits_for_another_with_short_pauses(database: Path) -> None:
    make_database(database)
    other = sqlite3.connect(database, isolation_level=None)
    time = FakeTime()
    waited = 2000

    def sleep(seconds: float) -> None:
        time.sleep(seconds)
        if len(time.slept) == waited:
            other.execute("rollback")

    with opened(database, sleep=sleep, monotonic=time.monotonic) as ask:
        ask.start()
        other.execute("begin immediate")

        assert ask.start() == (3,)
    other.close()

    assert len(time.slept) == waited
    assert 0.0001 <= min(time.slept) < max(time.slept) <= 0.001


def test_a_writer_gives_up_after_half_a_minute_and_says_so(database: Path) -> None:
    make_database(database)
    other = sqlite3.connect(database, isolation_level=None)
    time = FakeTime()

    with opened(database, sleep=time.sleep, monotonic=time.monotonic) as ask:
        ask.start()
        other.execute("begin immediate")
        with pytest.raises(StoreUnavailable, match="locked for 30 s; nothing was stored"):
            ask.start()
        other.execute("rollback")

        assert ask.start() == (3,)
    other.close()

    assert time.now - 50.0 == pytest.approx(30.0, abs=0.01)


def test_reading_goes_on_while_another_writes(database: Path) -> None:
    make_database(database)
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("begin immediate")
    other.execute("update job set owner = 'somebody'")

    with opened(database) as ask:
        [job] = ask.all_jobs()
    other.close()

    assert job.owner is None


@pytest.mark.slow
@pytest.mark.promise("D1")
def test_processes_that_make_the_database_at_once_make_one(tmp_path: Path) -> None:
    for number in range(15):
        file = tmp_path / f"{number}.db"
        children = [fork(partial(make_database, file)) for _ in range(4)]

        assert [exit_code(child) for child in children] == [0] * 4
        with opened(file) as ask:
            assert ask.ids() == [1, 2, 3, 4]


# --- a full disk


def test_what_finds_no_room_is_refused_whole_and_the_rest_goes_on(database: Path) -> None:
    make_database(database)
    connections: list[Any] = []

    def connect(*args: Any, **kwargs: Any) -> Any:
        connections.append(sqlite3.connect(*args, **kwargs))
        return connections[-1]

    with opened(database, connect=connect) as ask:
        job = ask.claim_one()
        [(pages,)] = connections[0].execute("pragma page_count").fetchall()
        connections[0].execute(f"pragma max_page_count = {pages + 2}")

        with pytest.raises(StoreUnavailable, match="full"):
            ask.start(100, params=b"7" * 4000)

        assert ask.ids() == [1]
        assert ask.counts() == {("default", State.RUNNING): 1}
        assert ask.conclude(job, Succeeded(b"1")) is None
        connections[0].execute("pragma max_page_count = 100000")
        assert ask.start(100, params=b"7" * 4000)[0] == 2


# --- limits on reading


def test_a_query_that_takes_too_long_is_stopped(database: Path) -> None:
    readings = iter(range(1_000_000))
    crawling: list[bool] = []

    def monotonic() -> float:
        """Stand still, and while a query crawls, be six seconds later at each reading."""
        return 6.0 * next(readings) if crawling else 0.0

    with opened(database, monotonic=monotonic) as ask:
        ask.start(3000)
        crawling.append(True)
        with pytest.raises(QueryTooSlow, match="longer than 5 s and was stopped; ask for less"):
            ask.read(List(task="none of them"))
        crawling.clear()

        assert ask.read(List(task="none of them")) == []


# --- a paused queue, which no operation of ours sets yet


def test_nothing_is_claimed_from_a_paused_queue(database: Path) -> None:
    with opened(database) as ask:
        ask.set_queue()
        ask.start(2)
        change_by_hand(database, "update queue set paused = 1")
        paused = ask.claim(5)
        change_by_hand(database, "update queue set paused = 0")

        assert paused == []
        assert ask.ids(ask.claim(5)) == [1, 2]
        assert ask.read(Counts()) == {("default", State.RUNNING): 2}


def test_the_schema_is_the_number_of_the_last_migration() -> None:
    folder = resources.files("offload.store") / "migrations"
    numbers = [int(file.name[:4]) for file in folder.iterdir() if file.name.endswith(".sql")]

    assert max(numbers) == SCHEMA
