"""SQLite connections for tests: the same in everything but that nothing waits for the disk."""

import sqlite3
from typing import Any


class _Hasty(sqlite3.Connection):
    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if sql == "pragma synchronous = full":
            sql = "pragma synchronous = off"
        return super().execute(sql, parameters)


def connect_without_fsync(*args: Any, **options: Any) -> sqlite3.Connection:
    """Open a connection that never calls fsync; for the argument `connect` of `SQLiteStore`.

    Commits still survive the process; they would not survive a loss of power.
    """
    return sqlite3.connect(*args, factory=_Hasty, **options)
