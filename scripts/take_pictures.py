"""Take pictures of the dashboard: every page, wide and narrow, light and dark, empty, busy, broken.

    python scripts/take_pictures.py [folder] [--quick]

They are made from a real server with real jobs, on Chromium, and put into `folder`
(`pictures` without one). Needs the test requirements.
"""

import argparse
import itertools
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, ViewportSize, sync_playwright

from tests.dashboard.browser import find
from tests.dashboard.site import Site

SIZES = {1440: 900, 1024: 768, 375: 760}
PAGES = {
    "overview": "",
    "jobs": "jobs",
    "tasks": "tasks",
    "form": "tasks/everything",
    "queues": "queues",
    "workers": "workers",
    "schedules": "schedules",
    "errors": "errors",
    "activity": "activity",
}
MANY = 10_000
AT_ONCE = 1000
SETTLE_MILLISECONDS = 900


def main() -> None:
    """Take them all."""
    asked = _arguments()
    asked.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=["--no-sandbox"])
        try:
            _take_all(browser, Path(folder), asked.folder, is_quick=asked.quick)
        finally:
            browser.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", default=Path("pictures"))
    parser.add_argument("--quick", action="store_true", help="one size and one theme")
    return parser.parse_args()


def _take_all(browser: Browser, database: Path, folder: Path, *, is_quick: bool) -> None:
    looks = list(_looks(is_quick=is_quick))
    site = Site(database, "--capacity", "1000", "--concurrency", "6")
    site.open()
    for look in looks:
        _take(browser, site, folder, look, {"empty-overview": "", "empty-jobs": "jobs"})
    jobs = _make_busy(site)
    for look in looks:
        _take(browser, site, folder, look, PAGES | jobs)
    _make_many(site)
    for look in looks:
        _take(browser, site, folder, look, {"many-overview": "", "many-jobs": "jobs"})
    site.close()
    unmanned = Site(database, "--workers", "0")
    unmanned.open()
    for look in looks:
        _take(browser, unmanned, folder, look, {"no-worker": ""})
    unmanned.close()
    for look in looks:
        _take_broken(browser, site, folder, look)


Look = tuple[int, str]


def _looks(*, is_quick: bool) -> Iterator[Look]:
    if is_quick:
        yield 1440, "light"
    else:
        yield from itertools.product(SIZES, ("light", "dark"))


def _make_busy(site: Site) -> dict[str, str]:
    """Start jobs of every kind; returns the pages of those that are worth a picture."""
    succeeded = site.finished("echo", value={"energy": 13.6, "levels": [1, 2, 3]})
    for message in ("the detector is off", "the detector is off", "no beam"):
        failed = site.finished("boom", message=message)
    for count in range(30):
        site.finished("echo", value=count)
    site.post("/v1/tasks/boom/pause", {"reason": "until the detector is mended"})
    site.start("boom", message="later")
    running = site.start("steps", count=400, seconds=0.5)
    paused = site.start("steps", count=300, seconds=0.4)
    for count in (900, 1200, 60):
        site.start("steps", count=count, seconds=0.3)
    time.sleep(2)  # some steps: a job that was paused at its beginning shows little
    site.post(f"/v1/jobs/{paused}/pause", {"reason": "lunch"})
    site.start("steps", count=5000, seconds=0.1)
    time.sleep(1)  # and until the rate of the newest is known
    ids = {"running": running, "paused": paused, "failed": failed, "succeeded": succeeded}
    return {f"job-{name}": f"jobs/{job_id}" for name, job_id in ids.items()}


def _make_many(site: Site) -> None:
    """Let thousands wait in a queue that stands still."""
    site.post("/v1/queues/default/pause", {"reason": "until the disk is changed"})
    site.change("/v1/queues/default", {"capacity": 12_000})
    for _ in range(MANY // AT_ONCE):
        site.post("/v1/jobs", [{"task": "echo", "params": {"value": "late"}}] * AT_ONCE)


def _take(browser: Browser, site: Site, folder: Path, look: Look, pages: dict[str, str]) -> None:
    width, theme = look
    size = ViewportSize(width=width, height=SIZES[width])
    page = browser.new_page(viewport=size, color_scheme="dark" if theme == "dark" else "light")
    for name, place in pages.items():
        page.goto(f"{site.address}/#/{place}")
        page.wait_for_timeout(SETTLE_MILLISECONDS)
        page.screenshot(path=folder / f"{name}-{width}-{theme}.png")
    page.close()


def _take_broken(browser: Browser, site: Site, folder: Path, look: Look) -> None:
    """With the server gone while somebody looks."""
    width, theme = look
    size = ViewportSize(width=width, height=SIZES[width])
    site.open()
    page = browser.new_page(viewport=size, color_scheme="dark" if theme == "dark" else "light")
    page.goto(f"{site.address}/#/")
    page.wait_for_timeout(SETTLE_MILLISECONDS)
    site.close()
    page.wait_for_timeout(3 * SETTLE_MILLISECONDS)
    page.screenshot(path=folder / f"broken-{width}-{theme}.png")
    page.close()


if __name__ == "__main__":
    main()
