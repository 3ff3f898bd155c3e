"""SQLite: one file, several processes, every commit on disk before it is acknowledged.

WAL and `synchronous=FULL`: an acknowledged transaction survives power loss (sqlite.org/wal.html,
sqlite.org/pragma.html#pragma_synchronous). A write transaction begins IMMEDIATE, so it never fails
half-way for want of the lock. Several processes wait for that lock with a short random back-off of
our own: SQLite's busy handler sleeps up to 100 ms at a time and starves its neighbours (waits of
430 to 1,530 ms measured; 59 ms with this one).
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from msgspec import UNSET, UnsetType

from offload import chance
from offload.errors import QueryTooSlow, SchemaTooNew, StoreError, StoreUnavailable, StoreUnreadable
from offload.model import Job
from offload.store.base import CommitUnknown, Effects, Insert, Operation, Query
from offload.store.queries import load_queries
from offload.store.rows import Row, job_reader
from offload.store.sql import Transaction

T = TypeVar("T")

SCHEMA = 7
"""The newest schema that this code knows: the number of the last migration."""

APPLICATION_ID = 0x0FF10AD
"""Marks the file as ours (sqlite.org/pragma.html#pragma_application_id)."""

OLDEST_SQLITE = (3, 35, 0)
"""`returning` came with 3.35 (March 2021)."""

PATIENCE_SECONDS = 30.0
"""How long a writer waits for the file's lock before it says that the database is unavailable."""

READ_SECONDS = 5.0
"""How long a reading query may take: a page for people must not hold the file for ever."""


class SQLiteStore:
    """A database file.

    Writing is for one thread at a time, reading for another one; each has its own connection.
    The first write creates the file, private to the user; reading never does.

    Args:
        path: the file.
        connect: opens a connection, as `sqlite3.connect` does.
        sleep: waits for some seconds while another process holds the lock.
        monotonic: the clock that limits this waiting.
    """

    def __init__(
        self,
        path: Path,
        *,
        connect: Callable[..., Any] = sqlite3.connect,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = chance.draw,
    ) -> None:
        self.path = path.absolute()
        self._connect = connect
        self._sleep = sleep
        self._monotonic = monotonic
        self._draw = draw
        self._queries = load_queries()
        self._writer: Any = None
        self._reader: Any = None
        self._job_of: Callable[[Row], Job] | None = None
        self._before_batch = 0
        self._opening = threading.Lock()
        self._writing = threading.Lock()
        self._reading = threading.Lock()

    # --- the promises

    def run(self, operations: Sequence[Operation[Any]]) -> tuple[list[Any], Effects]:
        """Run all operations in one durable transaction; see `Store.run`."""
        with self._writing, self._translated():
            connection = self._open_writer()
            self._begin(connection)
            try:
                transaction = self._transaction(connection)
                if any(isinstance(operation, Insert) for operation in operations):
                    self._before_batch = transaction.issued()
                result = transaction.run(operations)
            except BaseException:
                self._roll_back(connection)
                raise
            self._commit(connection)
            return result

    def recover(self, operation: Operation[Any]) -> Any | UnsetType:
        """Look up an insert by its token; every other operation may be run again safely.

        A repeated change finds its own version already there, and a claim whose answer was lost is
        given back at the next renewal, which lists all that its worker owns.
        """
        if not isinstance(operation, Insert):
            return UNSET
        with self._writing, self._translated():
            found = self._transaction(self._open_writer()).inserted(operation, self._before_batch)
        return UNSET if found is None else found

    def read(self, query: Query[T]) -> T:
        """Answer a query from one snapshot; see `Store.read`."""
        with self._reading, self._translated():
            connection = self._open_reader()
            stop_at = self._monotonic() + READ_SECONDS
            connection.set_progress_handler(lambda: self._monotonic() > stop_at, 10_000)
            with _one_snapshot(connection):
                answer: T = self._transaction(connection).read(query)
            return answer

    def close(self) -> None:
        """Close both connections."""
        with self._writing, self._reading:
            self._close()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Hold everybody off, with no connection open, while this process forks.

        SQLite keeps a table of its open files per process. A child that inherits an entry of it
        believes in locks that it does not have, and is then locked out for ever, or writes into a
        file that is being rebuilt (sqlite.org/howtocorrupt.html, 2.6). So there must be none.
        """
        with self._writing, self._reading:
            self._close()
            yield

    def _close(self) -> None:
        for connection in (self._reader, self._writer):
            if connection is not None:
                connection.close()
        self._reader = self._writer = None

    # --- transactions

    def _transaction(self, connection: Any) -> Transaction:
        assert self._job_of is not None
        return Transaction(connection, self._queries, self._job_of)

    def _begin(self, connection: Any) -> None:
        give_up_at = self._monotonic() + PATIENCE_SECONDS
        while True:
            try:
                connection.execute("begin immediate")
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or self._monotonic() > give_up_at:
                    raise
                self._sleep(0.0001 + 0.0009 * self._draw())
            else:
                return

    def _roll_back(self, connection: Any) -> None:
        try:
            if connection.in_transaction:
                connection.execute("rollback")
        except sqlite3.Error:
            self._drop_writer()

    def _commit(self, connection: Any) -> None:
        """Commit; after an error ask the connection what became of it.

        Where it still stands in its transaction nothing was stored. Anything else is not known,
        and the connection is not trusted any more.
        """
        try:
            connection.execute("commit")
        except sqlite3.Error as error:
            if connection.in_transaction:
                self._roll_back(connection)
                raise
            self._drop_writer()
            raise CommitUnknown from error

    def _drop_writer(self) -> None:
        connection, self._writer = self._writer, None
        if connection is not None:
            connection.close()

    # --- opening

    def _open_writer(self) -> Any:
        if self._writer is None:
            with self._opening:
                self._check_before_opening(create=True)
                self._writer = self._connect_to("rwc", self._prepare_writer)
        return self._writer

    def _open_reader(self) -> Any:
        if self._reader is None:
            with self._opening:
                self._check_before_opening(create=False)
                self._reader = self._connect_to("rw", self._prepare_reader)
        return self._reader

    def _connect_to(self, mode: str, prepare: Callable[[Any], None]) -> Any:
        """Open a connection and prepare it; one that turns out to be of no use is closed."""
        uri = f"{self.path.as_uri()}?mode={mode}"
        connection = self._connect(
            uri, uri=True, isolation_level=None, timeout=0.0, check_same_thread=False
        )
        try:
            prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare_writer(self, connection: Any) -> None:
        self._set_up(connection)
        self._migrate(connection)
        self._learn_columns(connection)

    def _prepare_reader(self, connection: Any) -> None:
        schema = self._check_version(connection)
        if schema == 0:
            raise self._no_database()  # another process is just making it, or died at that
        if schema < SCHEMA:  # nobody has written to it since this program was updated
            self._migrate(connection)
        connection.execute("pragma query_only = on")
        self._learn_columns(connection)

    def _check_before_opening(self, *, create: bool) -> None:
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise StoreUnreadable(
                f"this Python carries SQLite {sqlite3.sqlite_version}; offload needs 3.35 or newer"
            )
        if not self.path.parent.is_dir():
            raise StoreUnreadable(
                f"there is no folder {self.path.parent} for the database; create it first"
            )
        if self.path.exists():
            return
        if not create:
            raise self._no_database()
        # Private from the first moment on; SQLite gives its -wal and -shm files the same mode.
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))

    def _no_database(self) -> StoreUnreadable:
        return StoreUnreadable(
            f"there is no database {self.path}; it is created when the first job is started, "
            "or name another one (--db, OFFLOAD_DB)"
        )

    def _set_up(self, connection: Any) -> None:
        self._check_version(connection)
        self._patiently(connection, "pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute("pragma journal_size_limit = 67108864")

    def _patiently(self, connection: Any, statement: str) -> None:
        """Run a statement for which SQLite does not wait by itself: changing the journal mode."""
        connection.execute(f"pragma busy_timeout = {int(PATIENCE_SECONDS * 1000)}")
        give_up_at = self._monotonic() + PATIENCE_SECONDS
        while True:
            try:
                connection.execute(statement)
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or self._monotonic() > give_up_at:
                    raise
                self._sleep(0.001 + 0.009 * self._draw())
            else:
                break
        connection.execute("pragma busy_timeout = 0")

    def _check_version(self, connection: Any) -> int:
        """Return the file's schema; refuse, untouched, what is not ours or newer than this code."""
        connection.execute("pragma busy_timeout = 5000")
        with _one_snapshot(connection):
            tables: int = connection.execute("select count(*) from sqlite_master").fetchone()[0]
            application: int = connection.execute("pragma application_id").fetchone()[0]
            schema: int = connection.execute("pragma user_version").fetchone()[0]
            if tables and application != APPLICATION_ID:
                raise StoreUnreadable(
                    f"{self.path} belongs to another program; name another file (--db, OFFLOAD_DB)"
                )
            if schema > SCHEMA and self._oldest_code(connection, schema) > SCHEMA:
                raise SchemaTooNew(
                    f"{self.path} was written by a newer offload (schema {schema}; this one knows "
                    f"{SCHEMA}); it was not touched. Upgrade offload, or name another file"
                )
        return schema

    def _oldest_code(self, connection: Any, schema: int) -> int:
        """Return the oldest schema whose code may use the file; a file that does not say: none."""
        if not connection.execute("select 1 from sqlite_master where name = 'meta'").fetchone():
            return schema
        row = connection.execute("select value from meta where key = 'oldest_code'").fetchone()
        return schema if row is None else int(row[0])

    def _migrate(self, connection: Any) -> None:
        """Bring the schema up to date; several processes may try at once, one does it."""
        if self._check_version(connection) >= SCHEMA:
            connection.execute("pragma busy_timeout = 0")
            return
        connection.execute("pragma busy_timeout = 0")
        self._begin(connection)
        schema: int = connection.execute("pragma user_version").fetchone()[0]
        for number, script in _migrations():
            if number > schema:
                for statement in _statements(script):
                    connection.execute(statement)
        connection.execute(f"pragma application_id = {APPLICATION_ID}")
        connection.execute(f"pragma user_version = {max(schema, SCHEMA)}")
        connection.execute("commit")

    def _learn_columns(self, connection: Any) -> None:
        cursor = connection.execute("select * from job limit 0")
        self._job_of = job_reader([column[0] for column in cursor.description])

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn SQLite's errors into ours, each with a sentence that says what to do."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._translate(error) from error
        except OSError as error:
            raise self._unopenable(error.strerror) from error

    def _translate(self, error: sqlite3.Error) -> StoreError:
        name = getattr(error, "sqlite_errorname", "")
        if name == "SQLITE_INTERRUPT":
            return QueryTooSlow(
                f"the query took longer than {READ_SECONDS:g} s and was stopped; ask for less"
            )
        if name == "SQLITE_NOTADB":
            return StoreUnreadable(
                f"{self.path} is not a database; name another file (--db, OFFLOAD_DB)"
            )
        if name in {"SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_READONLY"}:
            return self._unopenable(error)
        if _is_busy(error):
            return StoreUnavailable(
                f"another process has kept {self.path} locked for {PATIENCE_SECONDS:g} s; "
                "nothing was stored. Find it with `fuser`, or try again"
            )
        if isinstance(error, sqlite3.OperationalError):
            return StoreUnavailable(f"the database {self.path} did not answer: {error}")
        return StoreError(f"the database {self.path} refused: {error}")

    def _unopenable(self, why: object) -> StoreUnreadable:
        return StoreUnreadable(
            f"{self.path} cannot be opened for writing ({why}); check its permissions"
        )


@contextmanager
def _one_snapshot(connection: Any) -> Iterator[None]:
    """Read what belongs together from one state, whatever others write meanwhile."""
    connection.execute("begin")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("rollback")


def _is_busy(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _migrations() -> list[tuple[int, str]]:
    """Return (number, script) of every migration, in order."""
    folder = resources.files("offload.store").joinpath("migrations")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=str)
    return [(int(file.name[:4]), file.read_text("utf-8")) for file in files]


def _statements(script: str) -> Iterator[str]:
    """Split a script: `executescript` would commit first, and a migration is one transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
