"""Servers for the rows of the table: one for all that does not end it, one for each end of it."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.control.pausing import ASYNCIO, PAUSABLE, UVLOOP
from tests.control.site import Site

Sites = Callable[[str], Site]


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


@contextlib.contextmanager
def pausable_site(
    folder: Path, compiled: Path, *, loop: str = UVLOOP, settings: tuple[str, ...] = ()
) -> Iterator[Site]:
    """A server of tasks that can be paused, on one kind of event loop."""
    surroundings = {}
    if loop == ASYNCIO:  # a module that cannot be imported stands before the real one
        (folder / "without").mkdir()
        (folder / "without" / "uvloop.py").write_text("raise ImportError('not in this test')\n")
        path = (str(folder / "without"), os.environ.get("PYTHONPATH", ""))
        surroundings["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    settings = ("--grace", "1.5", *settings)
    site = Site(folder, compiled, tasks=PAUSABLE, settings=settings, **surroundings)
    try:
        yield site
        site.shut_down()
        assert site.survivors() == set()
    finally:
        site.clean_up()


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory, compiled: Path) -> Iterator[Sites]:
    """Servers of tasks that can be paused, one for each kind of event loop that is asked for."""
    found: dict[str, Site] = {}
    with contextlib.ExitStack() as stack:

        def on(loop: str) -> Site:
            if loop not in found:
                folder = tmp_path_factory.mktemp(f"pausable-{loop}")
                found[loop] = stack.enter_context(pausable_site(folder, compiled, loop=loop))
            return found[loop]

        yield on
