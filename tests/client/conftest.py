"""A server that is nasty on demand, a real one, and a program that asks it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from offload.client import Client
from offload.client.remote import Remote
from tests.client.nasty import Nasty
from tests.http.site import Site

Open = Callable[..., Site]


@pytest.fixture
def nasty() -> Iterator[Nasty]:
    server = Nasty()
    yield server
    server.close()


@pytest.fixture
def client(nasty: Nasty) -> Iterator[Client]:
    """Asks the nasty server."""
    made = Client(nasty.url, timeout=5, patience=5)
    yield made
    made.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A real server that many tests share; none may fill its queue or stop it."""
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


@pytest.fixture
def far(site: Site) -> Iterator[Remote]:
    """A program that starts its jobs at the real server, and declares no task yet."""
    app = Remote(server=site.address)
    yield app
    app.close()
