"""Stores for the tests: each test of the contract runs on every store that there is."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from offload.store.base import Store
from offload.store.sqlite import SQLiteStore
from tests.store.asking import Asker
from tests.store.connections import tapped, without_waiting_for_the_disk

StoreFactory = Callable[[], Store]


@pytest.fixture(params=["sqlite"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> StoreFactory:
    """Open the same database once more, as another process would."""
    assert request.param == "sqlite"
    connect = tapped(without_waiting_for_the_disk)
    return lambda: SQLiteStore(tmp_path / "offload.db", connect=connect)


@pytest.fixture
def ask(open_store: StoreFactory) -> Iterator[Asker]:
    """Ask a new, empty store."""
    store = open_store()
    yield Asker(store)
    store.close()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Where a test's SQLite file goes; it is not there yet."""
    return tmp_path / "offload.db"
