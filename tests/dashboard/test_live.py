"""The dashboard follows what happens: through restarts, and with one stream for all tabs."""

import pytest
from playwright.sync_api import Request, Route, expect
from playwright.sync_api._generated import LocatorAssertions

from tests.dashboard.browser import Look, Tab
from tests.dashboard.site import Site
from tests.support import eventually

pytestmark = pytest.mark.slow


def streams(tab: Tab) -> list[Request]:
    """Collect the streams that a tab opens from now on."""
    opened: list[Request] = []
    tab.page.on("request", lambda each: opened.append(each) if "/v1/events" in each.url else None)
    return opened


def live(tab: Tab) -> LocatorAssertions:
    return expect(tab.page.locator("button.live"))


def test_a_new_job_appears_without_a_reload(site: Site, look: Look) -> None:
    tab = look(site)
    page = tab.open("jobs")
    live(tab).to_have_text("live")
    page.mouse.move(5, 5)

    job_id = site.start("echo", value=1)

    expect(page.get_by_label(f"Select job {job_id}")).to_be_visible()
    expect(page.locator("tr", has_text=f"#{job_id}")).to_contain_text("succeeded")


def test_what_happens_before_the_stream_is_open_is_not_missed(site: Site, look: Look) -> None:
    job_id = site.start("steps", count=2000)
    tab = look(site)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    tab.page.route("**/v1/events", hold)
    page = tab.open(f"jobs/{job_id}")
    expect(page.locator(".job-title .badge")).to_have_text("running")
    eventually(lambda: _turn(tab) and held)

    site.post(f"/v1/jobs/{job_id}/cancel")
    eventually(lambda: site.state(job_id) == "cancelled")
    held[0].continue_()

    expect(page.locator(".job-title .badge")).to_have_text("cancelled")


def test_new_rows_wait_while_one_is_selected(site: Site, look: Look) -> None:
    first = site.finished("echo", value=1)
    tab = look(site)
    page = tab.open("jobs")
    page.get_by_label(f"Select job {first}").check()

    later = site.finished("echo", value=2)

    expect(page.get_by_role("button", name="1 new job above")).to_be_visible()
    expect(page.get_by_label(f"Select job {later}")).to_have_count(0)
    page.get_by_role("button", name="1 new job above").click()
    expect(page.get_by_label(f"Select job {later}")).to_be_visible()


def test_after_a_restart_of_the_server_it_goes_on_without_a_reload(
    own_site: Site, look: Look
) -> None:
    own_site.open()
    job_id = own_site.start("steps", count=100, seconds=0.1)
    tab = look(own_site)
    page = tab.open(f"jobs/{job_id}")
    expect(page.locator(".job-title .badge")).to_have_text("running")
    page.evaluate("window.sameDocument = true")

    own_site.close()
    tab.shown("The server does not answer.").to_be_visible()
    own_site.open()

    live(tab).to_have_text("live")
    expect(page.get_by_text("The server does not answer.")).to_have_count(0)
    expect(page.locator(".events")).to_contain_text("interrupted")
    own_site.post(f"/v1/jobs/{job_id}/cancel")
    expect(page.locator(".job-title .badge")).to_have_text("cancelled")
    assert page.evaluate("window.sameDocument")


def test_two_tabs_share_one_stream_and_the_other_takes_over(site: Site, look: Look) -> None:
    first = look(site)
    second = look(site, beside=first)
    of_first, of_second = streams(first), streams(second)
    first.open("jobs")
    live(first).to_have_text("live")
    second.open("jobs")

    live(second).to_have_text("live")
    job_id = site.start("echo", value="both")
    for tab in (first, second):
        expect(tab.page.get_by_label(f"Select job {job_id}")).to_be_visible()
    assert (len(of_first), len(of_second)) == (1, 0)
    first.page.close()
    eventually(lambda: _turn(second) and len(of_second) == 1)
    later = site.start("echo", value="one")
    expect(second.page.get_by_label(f"Select job {later}")).to_be_visible()


def _turn(tab: Tab) -> bool:
    """Let the browser go on; Playwright hears of requests only then."""
    tab.page.wait_for_timeout(10)
    return True


RESTS = """async () => {
    const app = document.querySelector("script[type=module]").src;
    const { Resource } = await import(new URL("../core/store.js", app));
    const longer = () => new Promise((resolve) => setTimeout(resolve, 200));
    let answers = 0;
    const resource = new Resource("v1/stats", () => (answers += 1), 20);
    const asked = resource.load();
    resource.touch();
    resource.rest();
    await asked;
    await longer();
    resource.touch();
    resource.rest();
    await longer();
    return answers;
}"""


def test_what_was_to_be_asked_soon_is_not_asked_when_updates_are_paused(
    site: Site, look: Look
) -> None:
    page = look(site).open()

    assert page.evaluate(RESTS) == 1


def test_updates_can_be_paused_and_nothing_is_missed(site: Site, look: Look) -> None:
    tab = look(site)
    page = tab.open("jobs")
    live(tab).to_have_text("live")

    page.locator("button.live").click()
    live(tab).to_have_text("paused")
    job_id = site.finished("echo", value="meanwhile")
    page.wait_for_timeout(600)
    expect(page.get_by_label(f"Select job {job_id}")).to_have_count(0)
    page.locator("button.live").click()

    page.mouse.move(5, 5)
    expect(page.get_by_label(f"Select job {job_id}")).to_be_visible()
