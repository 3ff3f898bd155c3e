"""Takes the pictures of the dashboard that the documentation shows, from a real server at work.

    python -m scripts.draw_dashboard        into docs/images

Needs the test requirements and Chromium, and takes half a minute: something must have happened.
"""

import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.dashboard.browser import find
from tests.dashboard.site import Site

IMAGES = Path(__file__).parents[1] / "docs" / "images"
WIDE, NARROW = (1200, 760), (375, 720)
QUICK = 25
RUN_SECONDS = 12
SETTLE_MILLISECONDS = 1200


def main() -> None:
    """Take them."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=["--no-sandbox"])
        site = Site(Path(folder), "--concurrency", "6", tasks="offload.examples")
        site.open()
        try:
            job_id = _make_busy(site)
            _take(browser, site, "overview", "")
            _take(browser, site, "job", f"jobs/{job_id}")
            _take(browser, site, "form", "tasks/power_sim")
            _take(browser, site, "narrow", "jobs", size=NARROW, theme="dark")
        finally:
            site.close()
            browser.close()


def _make_busy(site: Site) -> int:
    """Let jobs run, stand still, wait and fail; returns the one that is shown by itself."""
    for number in range(QUICK):
        site.finished("power_sim", a=2, b=number, delay_seconds=0.01)
    for number in (3, 5):
        site.finished("failing_sim", a=number, delay_seconds=0.1)
    shown = site.start("power_sim", a=3, b=40, delay_seconds=1)
    halted = site.start("patient_sim", steps=60, delay_seconds=0.5)
    site.start("patient_sim", steps=90, delay_seconds=0.4)
    site.start("remote_sim", seconds=120)
    for exponent in (60, 80):
        site.start("power_sim", a=7, b=exponent, delay_seconds=0.8)
    for exponent in (12, 14, 16):
        site.start("power_sim", a=5, b=exponent, delay_seconds=1)
    time.sleep(RUN_SECONDS)
    site.post(f"/v1/jobs/{halted}/pause", {"reason": "the cluster is needed until noon"})
    time.sleep(RUN_SECONDS / 2)
    return shown


def _take(
    browser: Browser,
    site: Site,
    name: str,
    place: str,
    *,
    size: tuple[int, int] = WIDE,
    theme: str = "light",
) -> None:
    page = browser.new_page(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if theme == "dark" else "light",
    )
    page.goto(f"{site.address}/#/{place}")
    page.wait_for_timeout(SETTLE_MILLISECONDS)
    page.screenshot(path=IMAGES / f"dashboard-{name}.png")
    page.close()


if __name__ == "__main__":
    main()
