"""The start form: what is secret stays so, and an instant is the one that was meant."""

import re
from datetime import datetime

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.browser import Look
from tests.dashboard.site import Site
from tests.support import eventually

pytestmark = pytest.mark.slow


def started(page: Page, task: str) -> str:
    """Press the button; returns the id of the job."""
    page.get_by_role("button", name=f"Start {task}").click()
    expect(page).to_have_url(re.compile(r"/jobs/\d+$"))
    return page.url.rpartition("/")[2]


def test_a_secret_is_never_begun_from(site: Site, look: Look) -> None:
    job_id = site.finished("opening", door="front", token="open sesame", pin=4321)
    tab = look(site)

    page = tab.open(f"jobs/{job_id}")
    expect(page.locator(".copies")).not_to_contain_text("open sesame")
    page.get_by_role("link", name="Start a copy").click()
    tab.shown(f"Filled in from job {job_id}").to_be_visible()
    token = page.get_by_label("token")

    expect(page.get_by_label("door")).to_have_value("front")
    for each in (token, page.get_by_label("pin")):
        expect(each).to_have_value("")
        expect(each).to_have_attribute("type", "password")
        expect(each).to_have_attribute("aria-required", "true")
        expect(each).to_have_accessible_description(re.compile("shown to nobody"))
    page.get_by_role("button", name="Start opening").click()
    expect(token).to_be_focused()
    expect(token).to_have_attribute("aria-invalid", "true")
    token.fill("open sesame")
    page.get_by_label("pin").fill("4321")
    again = started(page, "opening")

    eventually(lambda: site.get(f"/v1/jobs/{again}")["result"] is True)


def test_recent_parameters_leave_a_secret_empty(site: Site, look: Look) -> None:
    site.finished("opening", door="back", token="open sesame")
    tab = look(site)

    page = tab.open("tasks/opening")
    page.get_by_role("button", name=re.compile('door="back"')).click()

    expect(page.get_by_label("door")).to_have_value("back")
    expect(page.get_by_label("token")).to_have_value("")
    expect(page.get_by_label("pin")).not_to_have_attribute("aria-required", "true")


def test_lines_to_copy_do_not_tell_a_secret_that_is_being_typed(site: Site, look: Look) -> None:
    tab = look(site)

    page = tab.open("tasks/opening")
    page.get_by_label("door").fill("side")
    page.get_by_label("token").fill("open sesame")
    page.get_by_label("door").fill("cellar")
    lines = page.locator(".card", has_text="The same from elsewhere")

    expect(lines).to_contain_text("cellar")
    expect(lines).to_contain_text("***")
    expect(lines).to_contain_text("Put token in the place of ***.")
    expect(lines).not_to_contain_text("sesame")


@pytest.mark.parametrize(
    ("zone", "offset"),
    [("Australia/Adelaide", "+10:30"), ("America/St_Johns", "-03:30"), ("UTC", "+00:00")],
)
def test_an_instant_is_of_the_browser_s_time_zone(
    site: Site, look: Look, zone: str, offset: str
) -> None:
    tab = look(site, timezone_id=zone)

    page = tab.open("tasks/everything")
    page.get_by_label("size").fill("1")
    page.get_by_label("name").fill("it")
    when = page.get_by_label("when")
    expect(when).to_have_attribute("type", "datetime-local")
    expect(page.get_by_label("day")).to_have_attribute("type", "date")
    tab.shown(zone).to_be_visible()
    when.fill("2026-01-01T12:30")
    job_id = started(page, "everything")

    said = site.get(f"/v1/jobs/{job_id}")["params"]["when"]
    assert datetime.fromisoformat(said).isoformat() == f"2026-01-01T12:30:00{offset}"
    tab.open(f"tasks/everything?from={job_id}")
    expect(page.get_by_label("when")).to_have_value("2026-01-01T12:30")
