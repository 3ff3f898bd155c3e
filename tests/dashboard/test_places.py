"""Where the dashboard may stand: under any prefix, and behind a token."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.dashboard.browser import Look
from tests.dashboard.prefix import proxied
from tests.dashboard.site import Site

pytestmark = pytest.mark.slow


def test_it_works_under_a_prefix(site: Site, look: Look) -> None:
    tab = look(site)
    with proxied(site.address, "/tools/offload") as address:
        tab.address = address
        page = tab.open("tasks/echo")
        page.get_by_label("value").fill('"through a proxy"')
        page.get_by_role("button", name="Start echo").click()

        expect(page.locator(".job-title .badge")).to_have_text("succeeded")
        expect(page.locator("button.live")).to_have_text("live")
        expect(page.locator(".copies")).to_contain_text(f"{address}/v1/tasks/echo/jobs")
        page.close()


def test_who_the_server_does_not_know_logs_in_and_out(tmp_path: Path, look: Look) -> None:
    site = Site(tmp_path, "--token", "open-sesame")
    site.token = "open-sesame"
    site.open()
    try:
        tab = look(site)
        page = tab.page
        page.goto(site.address)
        page.get_by_label("Token").fill(site.token)
        page.keyboard.press("Enter")

        tab.shown("Nothing has been started yet").to_be_visible()
        expect(page.locator("button.live")).to_have_text("live")
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_label("Token")).to_be_visible()
        page.goto(f"{site.address}/#/tasks")
        expect(page.get_by_label("Token")).to_be_visible()
    finally:
        site.close()


def test_before_any_script_has_come_there_is_a_frame_to_look_at(site: Site, look: Look) -> None:
    tab = look(site, java_script_enabled=False)

    tab.page.goto(site.address)

    expect(tab.page.get_by_role("link", name="Schedules")).to_be_visible()
