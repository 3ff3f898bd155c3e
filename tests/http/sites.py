"""Fixtures of real servers on real sockets, for the tests of HTTP and of its client."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.http.site import Site

Open = Callable[..., Site]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server that many tests share; none may fill its queue or stop it."""
    site = Site(tmp_path_factory.mktemp("site") / "jobs.db")
    site.open()
    yield site
    site.close()


@pytest.fixture
def open_site(tmp_path: Path) -> Iterator[Open]:
    """Opens a server of the test's own, with other settings."""
    opened: list[Site] = []

    def open_one(*, work: bool = True, **settings: object) -> Site:
        site = Site(tmp_path / f"jobs-{len(opened)}.db", work=work, **settings)
        opened.append(site)
        site.open()
        return site

    yield open_one
    for site in opened:
        site.close()
