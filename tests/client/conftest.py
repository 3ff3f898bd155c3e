"""A server that is nasty on demand, a real one, and a program that asks it."""

from collections.abc import Iterator

import pytest

from offload.client import Client
from offload.client.remote import Remote
from tests.client.nasty import Nasty
from tests.http.site import Site
from tests.http.sites import Open, open_site, site

__all__ = ["Open", "client", "far", "nasty", "open_site", "site"]


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


@pytest.fixture
def far(site: Site) -> Iterator[Remote]:
    """A program that starts its jobs at the real server, and declares no task yet."""
    app = Remote(server=site.address)
    yield app
    app.close()
