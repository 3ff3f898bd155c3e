"""Everybody can use it: by keyboard alone, in the dark, on a telephone, and without seeing it."""

from importlib.resources import files

import pytest
from playwright.sync_api import expect

from tests.dashboard.browser import Look
from tests.dashboard.site import Site

pytestmark = pytest.mark.slow

PLACES = (
    "",
    "jobs",
    "jobs?state=paused&tag=nothing-is-like-this",
    "tasks",
    "tasks/everything",
    "queues",
    "workers",
    "schedules",
    "errors",
    "activity",
    "nowhere",
)


AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


@pytest.fixture(scope="module")
def busy(site: Site) -> dict[str, int]:
    """Jobs of every kind, so that every page has something on it."""
    return {
        "succeeded": site.finished("echo", value={"a": [1, 2]}),
        "failed": site.finished("boom"),
        "running": site.start("steps", count=2000, seconds=0.1),
    }


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_violates_the_rules_of_accessibility(
    site: Site, busy: dict[str, int], look: Look, theme: str
) -> None:
    tab = look(site, color_scheme=theme)
    violations = []

    for place in (*PLACES, *(f"jobs/{job_id}" for job_id in busy.values())):
        page = tab.open(place)
        page.wait_for_timeout(300)
        page.evaluate(AXE)
        for each in page.evaluate("axe.run()")["violations"]:
            where = [node["target"] for node in each["nodes"]][:3]
            violations.append((place, each["id"], where, each["nodes"][0]["failureSummary"]))

    assert violations == []


@pytest.mark.parametrize("width", [320, 375, 768])
def test_no_page_is_wider_than_the_screen(
    site: Site, busy: dict[str, int], look: Look, width: int
) -> None:
    tab = look(site, width=width)

    for place in (*PLACES, *(f"jobs/{job_id}" for job_id in busy.values())):
        page = tab.open(place)
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, place


def test_a_job_is_found_and_cancelled_by_keyboard_alone(site: Site, look: Look) -> None:
    job_id = site.start("steps", count=2000, seconds=0.1)
    tab = look(site)
    page = tab.open()

    page.keyboard.press("g")
    page.keyboard.press("j")
    expect(page.get_by_label(f"Select job {job_id}")).to_be_visible()
    page.keyboard.press("j")
    expect(page.locator("tr.at")).to_contain_text(f"#{job_id}")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text(f"#{job_id}")
    page.keyboard.press("c")

    expect(page.locator(".job-title .badge")).to_have_text("cancelled")


def test_a_job_is_started_by_keyboard_alone(site: Site, look: Look) -> None:
    tab = look(site)
    page = tab.open()

    page.keyboard.press("n")
    expect(page.locator("h1")).to_have_text("Tasks")
    page.get_by_role("link", name="Start echo").focus()
    page.keyboard.press("Enter")
    page.get_by_label("value").focus()
    page.keyboard.type('"by hand"')
    page.get_by_role("button", name="Start echo").focus()
    page.keyboard.press("Enter")

    expect(page.locator("h1")).to_contain_text("echo #")


def test_rows_are_selected_by_keyboard_and_acted_on(site: Site, look: Look) -> None:
    ids = [site.finished("boom", message="by keyboard") for _ in range(2)]
    tab = look(site)
    page = tab.open("jobs?task=boom")
    expect(page.get_by_label(f"Select job {ids[1]}")).to_be_visible()

    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    tab.shown("2 jobs selected").to_be_visible()
    page.keyboard.press("r")
    page.get_by_role("dialog").get_by_role("button", name="Retry 2").focus()
    page.keyboard.press("Enter")

    expect(page.locator(".toast").last).to_contain_text("2 jobs tried again")


def test_what_has_the_focus_keeps_it_through_updates(site: Site, look: Look) -> None:
    job_id = site.start("steps", count=2000, seconds=0.05)
    tab = look(site)
    page = tab.open(f"jobs/{job_id}")
    button = page.get_by_role("button", name="Cancel", exact=True)
    bar = page.get_by_role("progressbar")
    bar.wait_for()
    button.focus()
    before = bar.get_attribute("aria-valuenow")

    expect(bar).not_to_have_attribute("aria-valuenow", before or "")

    expect(button).to_be_focused()
    site.post(f"/v1/jobs/{job_id}/cancel")


def test_a_dialog_gives_the_focus_back(site: Site, look: Look) -> None:
    tab = look(site)
    page = tab.open("queues")
    button = page.get_by_role("button", name="Limits")

    button.click()
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(button).to_be_focused()


def test_the_keys_are_explained(site: Site, look: Look) -> None:
    tab = look(site)
    page = tab.open()

    page.keyboard.press("?")

    expect(page.get_by_role("dialog")).to_contain_text("pause or resume")


def test_the_theme_is_chosen_and_kept(site: Site, look: Look) -> None:
    tab = look(site, color_scheme="light")
    page = tab.open()
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)

    page.get_by_role("button", name="Theme: system").click()
    page.get_by_role("button", name="Theme: light").click()
    dark = page.evaluate(ground)
    page.reload()
    page.locator("h1").wait_for()

    assert dark != light
    assert page.evaluate(ground) == dark


def test_who_wants_less_motion_gets_none(site: Site, look: Look) -> None:
    tab = look(site, reduced_motion="reduce")
    job_id = site.start("steps", count=50, seconds=0.1)
    page = tab.open(f"jobs/{job_id}")
    page.locator(".fill").first.wait_for()

    fill = page.locator(".fill").first
    assert fill.evaluate("each => getComputedStyle(each).transitionDuration") == "0s"
