"""Connections to SQLite whose every statement passes a tap, where a test can hold or break it."""

import sqlite3
from collections.abc import Callable, Iterable
from typing import Any

Tap = Callable[[str, Callable[[], sqlite3.Cursor]], sqlite3.Cursor]
"""Is given a statement and what runs it; runs it, or does not."""


def let_it_run(statement: str, run: Callable[[], sqlite3.Cursor]) -> sqlite3.Cursor:
    """A tap that is open."""
    return run()


class TappedConnection:
    """What a store uses of a connection, statement by statement through the tap."""

    def __init__(self, connection: sqlite3.Connection, tap: Tap) -> None:
        self.real = connection
        self._tap = tap

    @property
    def in_transaction(self) -> bool:
        return self.real.in_transaction

    def execute(self, statement: str, parameters: Any = (), /) -> sqlite3.Cursor:
        return self._tap(statement, lambda: self.real.execute(statement, parameters))

    def executemany(self, statement: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        return self._tap(statement, lambda: self.real.executemany(statement, parameters))

    def set_progress_handler(self, handler: Callable[[], bool], steps: int, /) -> None:
        self.real.set_progress_handler(handler, steps)

    def close(self) -> None:
        self.real.close()


def tapped(tap: Tap) -> Callable[..., TappedConnection]:
    """Return what opens a tapped connection, in the place of `sqlite3.connect`."""
    return lambda *args, **kwargs: TappedConnection(sqlite3.connect(*args, **kwargs), tap)


def without_waiting_for_the_disk(
    statement: str, run: Callable[[], sqlite3.Cursor]
) -> sqlite3.Cursor:
    """A tap for tests of many thousand transactions, none of which is about durability."""
    cursor = run()
    if statement.startswith("pragma synchronous"):
        cursor.connection.execute("pragma synchronous = off")
    return cursor


def is_commit(statement: str) -> bool:
    return statement == "commit"
