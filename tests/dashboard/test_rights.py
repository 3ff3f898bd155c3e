"""Who may only look is shown no buttons: the dashboard asks what they may do."""

import json

import pytest
from playwright.sync_api import Route, expect

from tests.dashboard.browser import Look
from tests.dashboard.site import Site

pytestmark = pytest.mark.slow

ACTIONS = "main button:text-matches('Pause|Resume|Cancel|Retry|Limits|Run now|^Start')"
WAYS_TO_START = "a.button:text-matches('^Start')"
PLACES = ("", "jobs", "tasks", "tasks/steps", "queues", "schedules", "errors")


def told(scopes: list[str]) -> str:
    return json.dumps({"name": "somebody", "scopes": scopes})


@pytest.mark.parametrize("scopes", [["read"], ["read", "submit", "control", "admin"]])
def test_only_who_may_act_sees_how(site: Site, look: Look, scopes: list[str]) -> None:
    failed = site.finished("boom")
    running = site.start("steps", count=2000, seconds=0.1)
    tab = look(site)

    def answer(route: Route) -> None:
        route.fulfill(status=200, content_type="application/json", body=told(scopes))

    tab.page.route("**/v1/session", answer)
    found = 0

    for place in (*PLACES, f"jobs/{failed}", f"jobs/{running}"):
        page = tab.open(place)
        page.wait_for_timeout(400)
        found += page.locator(ACTIONS).count() + page.locator(WAYS_TO_START).count()
        found += page.locator("main .c-actions button, main .c-select").count()

    site.post(f"/v1/jobs/{running}/cancel")
    assert bool(found) is (len(scopes) > 1)


def test_keys_do_nothing_that_is_not_allowed(site: Site, look: Look) -> None:
    running = site.start("steps", count=2000, seconds=0.1)
    tab = look(site)
    tab.page.route(
        "**/v1/session",
        lambda route: route.fulfill(
            status=200, content_type="application/json", body=told(["read"])
        ),
    )
    page = tab.open(f"jobs/{running}")
    expect(page.get_by_role("progressbar")).to_be_visible()

    page.keyboard.press("c")
    page.keyboard.press("p")
    page.wait_for_timeout(300)

    assert site.state(running) == "running"
    site.post(f"/v1/jobs/{running}/cancel")
