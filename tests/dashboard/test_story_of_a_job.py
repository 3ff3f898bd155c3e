"""A job's page tells its whole story: what it wrote, its attempts, and what was asked of it."""

import pytest
from playwright.sync_api import expect

from tests.dashboard.browser import Look
from tests.dashboard.site import Site

pytestmark = pytest.mark.slow


def test_what_a_job_writes_is_shown_as_it_comes(site: Site, look: Look) -> None:
    job_id = site.start("talk", lines=200, seconds=0.05)
    tab = look(site)

    page = tab.open(f"jobs/{job_id}")
    log = page.get_by_role("log")
    expect(log).to_contain_text("line 3")
    page.get_by_label("Search the log").fill("line 20")

    expect(log).to_contain_text("line 20")
    expect(log).not_to_contain_text("line 3")
    page.get_by_label("Search the log").fill("")
    page.get_by_label("Level").select_option("WARNING")
    expect(log).to_contain_text("it is warm")
    expect(log).not_to_contain_text("line 3")
    site.post(f"/v1/jobs/{job_id}/cancel")


def test_a_cancelled_job_has_its_receipt_and_its_attempt(site: Site, look: Look) -> None:
    job_id = site.start("steps", count=600, seconds=0.1)
    tab = look(site)
    page = tab.open(f"jobs/{job_id}")

    page.get_by_role("button", name="Cancel", exact=True).click()

    expect(page.locator(".receipts > li")).to_have_count(1)
    expect(page.get_by_role("region", name="Attempts")).to_contain_text("stopped")
