"""The browser that looks at the dashboard: Chromium, found on this machine."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, expect
from playwright.sync_api._generated import LocatorAssertions

FINDER = Path(__file__).parents[2] / "scripts" / "chromium"
WAIT_MILLISECONDS = 15_000


def find() -> str:
    """Return the program.

    Raises:
        AssertionError: there is none; says what to do.
    """
    found = subprocess.run([FINDER], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr.strip().rpartition("\n")[2]
    return found.stdout.strip()


class Tab:
    """A page of the dashboard, which must be without errors all the time.

    Args:
        context: where it is opened.
        address: of the server.

    Attributes:
        page: Playwright's page.
        faults: what the browser complained about: script errors, refusals of the policy.
    """

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.page: Page = context.new_page()
        self.page.set_default_timeout(WAIT_MILLISECONDS)
        expect.set_options(timeout=WAIT_MILLISECONDS)
        self.address = address
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", self._heard)

    def open(self, place: str = "") -> Page:
        """Go to a place; returns when it is drawn."""
        self.page.goto(f"{self.address}/#/{place}")
        self.page.locator("h1").first.wait_for()
        return self.page

    def shown(self, text: str, within: str = "main") -> LocatorAssertions:
        """Return what expects a text to be seen."""
        return expect(self.page.locator(within).get_by_text(text).first)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.faults.append(message.text)


Look = Callable[..., Tab]
