"""Long lists and logs: all of it can be reached, little of it is in the page."""

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.browser import Look
from tests.dashboard.site import Site
from tests.support import eventually

pytestmark = pytest.mark.slow

JOBS = 10_000
AT_ONCE = 1000
MOST_ROWS = 300
STEPS = 30

STEP = """async (share) => {
    scrollTo(0, (document.documentElement.scrollHeight - innerHeight) * share);
    for (let frame = 0; frame < 4; frame += 1) await new Promise(requestAnimationFrame);
    return document.querySelectorAll("tbody tr").length;
}"""


def fill(site: Site, jobs: int) -> None:
    site.post("/v1/queues/default/pause", {})
    site.change("/v1/queues/default", {"capacity": 2 * jobs})
    for first in range(0, jobs, AT_ONCE):
        made = [{"task": "echo", "params": {"value": first + at}} for at in range(AT_ONCE)]
        site.post("/v1/jobs", made)


def read_all(page: Page) -> None:
    """Scroll to the end until there is no more, as a person with patience would."""
    shown = page.locator(".after .figure")

    def has_all() -> bool:
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        return (shown.text_content() or "").startswith(f"{JOBS:,} ")

    eventually(has_all, 90)


def test_of_ten_thousand_rows_only_those_near_the_eye_are_in_the_page(
    own_site: Site, look: Look
) -> None:
    own_site.open()
    fill(own_site, JOBS)
    tab = look(own_site)
    page = tab.open("jobs")
    expect(page.get_by_label(f"Select job {JOBS}", exact=True)).to_be_visible()
    read_all(page)

    rows = [page.evaluate(STEP, step / STEPS) for step in range(STEPS + 1)]

    expect(page.get_by_label("Select job 1", exact=True)).to_be_visible()
    assert max(rows) <= MOST_ROWS
    assert page.locator("table").get_attribute("aria-rowcount") == str(JOBS + 1)


def test_a_long_log_is_whole_and_only_partly_in_the_page(site: Site, look: Look) -> None:
    job_id = site.finished("talk", lines=3000, seconds=0)
    tab = look(site)

    page = tab.open(f"jobs/{job_id}")
    box = page.locator(".log-lines")
    box.get_by_text("line 3000", exact=True).wait_for()
    drawn = page.locator(".log-line").count()
    box.hover()
    page.mouse.wheel(0, -100)
    expect(page.get_by_role("switch", name="Follow")).not_to_be_checked()
    box.evaluate("each => each.scrollTo(0, 0)")

    expect(box.get_by_text("line 1", exact=True)).to_be_visible()
    assert drawn <= MOST_ROWS
    assert page.locator(".log-line").count() <= MOST_ROWS


def test_a_long_queue_hides_nothing_of_what_has_ended(own_site: Site, look: Look) -> None:
    own_site.open()
    own_site.finished("boom", message="before the crowd came")
    fill(own_site, AT_ONCE)
    tab = look(own_site)

    page = tab.open()

    expect(page.locator(".tile", has_text="Queued")).to_contain_text("1,000")
    expect(page.locator(".tile", has_text="Failed").locator("b")).to_have_text("1")
    tab.shown("Queue default is paused").to_be_visible()
