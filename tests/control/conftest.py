"""Servers for the rows of the table: one for all that does not end it, one for each end of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.control.site import Site


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the servers keep their compiled modules."""
    return tmp_path_factory.mktemp("compiled")


def a_site(folders: pytest.TempPathFactory, compiled: Path) -> Iterator[Site]:
    site = Site(folders.mktemp("site"), compiled)
    try:
        yield site
    finally:
        site.clean_up()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, compiled: Path) -> Iterator[Site]:
    """A server that lives through all tests of a file, and leaves nothing when it ends."""
    for site in a_site(tmp_path_factory, compiled):
        yield site
        site.shut_down()
        assert site.survivors() == set()


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory, compiled: Path) -> Iterator[Site]:
    """A server whose worker is killed."""
    yield from a_site(tmp_path_factory, compiled)


@pytest.fixture(scope="module")
def restarted(tmp_path_factory: pytest.TempPathFactory, compiled: Path) -> Iterator[Site]:
    """A server that is ended and begun again."""
    yield from a_site(tmp_path_factory, compiled)
