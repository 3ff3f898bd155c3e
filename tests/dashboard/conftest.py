"""A server and a browser for the tests of the dashboard."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ViewportSize, sync_playwright

from tests.dashboard.browser import Look, Tab, find
from tests.dashboard.site import Site


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for each file: while it is open its loop runs in this thread, and tests of other files
    that are run in between could not begin a loop of their own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server that the tests share; none may end it."""
    site = Site(tmp_path_factory.mktemp("dashboard"), "--capacity", "1000", "--concurrency", "20")
    site.open()
    yield site
    site.close()


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[Site]:
    """A server of the test's own, not yet open."""
    site = Site(tmp_path)
    yield site
    site.close()


@pytest.fixture
def look(browser: Browser) -> Iterator[Look]:
    """Opens a tab; at the end none of them may have complained."""
    tabs: list[Tab] = []
    contexts: list[BrowserContext] = []

    def open_one(
        site: Site, *, beside: Tab | None = None, width: int = 1280, **settings: Any
    ) -> Tab:
        if beside is None:
            size = ViewportSize(width=width, height=900)
            contexts.append(browser.new_context(viewport=size, **settings))
        tab = Tab(contexts[-1] if beside is None else beside.page.context, site.address)
        tabs.append(tab)
        return tab

    yield open_one
    for tab in tabs:  # or an answer that is under way is lost in the midst of the next test
        if not tab.page.is_closed():
            tab.page.unroute_all(behavior="ignoreErrors")
    for context in contexts:
        context.close()
    assert [fault for tab in tabs for fault in tab.faults] == []
