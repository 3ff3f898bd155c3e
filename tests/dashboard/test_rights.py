"""Who may only look is shown no buttons: the dashboard asks what they may do."""

import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.dashboard.browser import Look, Tab
from tests.dashboard.site import Site

pytestmark = pytest.mark.slow

WAYS_TO_START = "main button:text-matches('^Start|Run now'), a.button:text-matches('^Start')"
WAYS_TO_ACT = (
    "main button:text-matches('Pause|Resume|Cancel|Retry|Limits'), main .c-actions button, "
    "main .c-select"
)
PLACES = ("", "jobs", "tasks", "tasks/steps", "queues", "schedules", "errors")


class Guarded(Site):
    """A server that wants a token in every request."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "--concurrency", "20")
        self._database = folder / "jobs.db"
        self._numbers = count(1)
        self.token = self.new_token("admin")
        self.open()

    def new_token(self, scope: str) -> str:
        """Make a token, as somebody does who has the database."""
        name = f"{scope} {next(self._numbers)}"
        command = [sys.executable, "-m", "offload", "token", "create", name]
        command += ["--scope", scope, "--db", str(self._database)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def entered_by(self, tab: Tab, scope: str) -> None:
        """Log a browser in with a token of this scope."""
        tab.page.goto(f"{self.address}/login")
        tab.page.get_by_label("Token").fill(self.new_token(scope))
        tab.page.get_by_role("button", name="Log in").click()
        tab.page.locator("h1").first.wait_for()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    site = Guarded(tmp_path_factory.mktemp("guarded"))
    yield site
    site.close()


@pytest.mark.parametrize(
    ("scope", "may_start", "may_act"),
    [
        ("read", False, False),
        ("submit", True, False),
        ("control", False, True),
        ("admin", True, True),
    ],
)
def test_only_who_may_act_sees_how(
    guarded: Guarded, look: Look, scope: str, may_start: bool, may_act: bool
) -> None:
    failed = guarded.finished("boom")
    running = guarded.start("steps", count=2000, seconds=0.1)
    tab = look(guarded)
    guarded.entered_by(tab, scope)
    to_start = to_act = 0

    for place in (*PLACES, f"jobs/{failed}", f"jobs/{running}"):
        page = tab.open(place)
        page.wait_for_timeout(400)
        to_start += page.locator(WAYS_TO_START).count()
        to_act += page.locator(WAYS_TO_ACT).count()

    guarded.post(f"/v1/jobs/{running}/cancel")
    assert (to_start > 0, to_act > 0) == (may_start, may_act)


def test_keys_do_nothing_that_is_not_allowed(guarded: Guarded, look: Look) -> None:
    running = guarded.start("steps", count=2000, seconds=0.1)
    tab = look(guarded)
    guarded.entered_by(tab, "read")
    page = tab.open(f"jobs/{running}")
    expect(page.get_by_role("progressbar")).to_be_visible()

    page.keyboard.press("c")
    page.keyboard.press("p")
    page.wait_for_timeout(300)

    assert guarded.state(running) == "running"
    guarded.post(f"/v1/jobs/{running}/cancel")
