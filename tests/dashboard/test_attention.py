"""Bad news says what is so, why, and what to press; where all is well, what is ready."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.browser import Look, Tab
from tests.dashboard.site import Site
from tests.support import eventually

pytestmark = pytest.mark.slow

NOTES = """async ([queues, jobs]) => {
    const app = document.querySelector("script[type=module]").src;
    const { attention } = await import(new URL("../parts/attention.js", app));
    const nothing = { tasks: [], workers: [], recent: [], sample: { failed: 0, ended: 0 } };
    const known = { ...nothing, queues, jobs, isWhole: true, seen: new Map(), now: 1000 };
    return attention(known).map(({ how, subject, why }) => [how, subject, why]);
}"""

SPARKS = """async (values) => {
    const app = document.querySelector("script[type=module]").src;
    const { spark } = await import(new URL("../parts/charts.js", app));
    return values.map((each) => spark(each) !== null);
}"""


@pytest.fixture
def unmanned(tmp_path: Path) -> Iterator[Site]:
    """A server without a worker."""
    site = Site(tmp_path, "--workers", "0")
    site.open()
    yield site
    site.close()


def resume(page: Page, what: str) -> None:
    page.get_by_role("button", name=f"Resume the {what}").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Resume").click()


def hold(site: Site, *tasks: str) -> None:
    """Pause the queue, with a job that waits in it; and tasks."""
    site.post("/v1/queues/default/pause", {"reason": "the disk is full"})
    for task in tasks:
        site.post(f"/v1/tasks/{task}/pause", {"reason": "no detector"})
    site.start("echo")


def test_without_a_worker_it_says_what_else_holds_the_jobs(unmanned: Site, look: Look) -> None:
    hold(unmanned, "echo", "boom")
    tab = look(unmanned)

    page = tab.open("jobs")
    banner = page.locator(".banner")
    expect(banner).to_contain_text("1 job waits for one. Start it with: offload worker")
    expect(banner).to_contain_text("the queue default is paused: the disk is full")
    expect(banner).to_contain_text("the task echo is paused: no detector")
    expect(page.locator("button.live")).to_have_text("no worker")
    resume(page, "queue default")

    expect(banner).not_to_contain_text("the queue default")
    expect(banner).not_to_contain_text("boom")
    assert not unmanned.get("/v1/queues/default")["paused"]


def test_the_command_that_starts_a_worker_is_copied(unmanned: Site, look: Look) -> None:
    unmanned.start("echo")
    tab = look(unmanned, permissions=["clipboard-read", "clipboard-write"])

    page = tab.open()
    page.get_by_role("button", name="Copy the command").click()

    expect(page.locator(".toast")).to_have_text("Command copied")
    assert page.evaluate("navigator.clipboard.readText()") == "offload worker"


def test_what_is_paused_is_resumed_where_it_is_told(own_site: Site, look: Look) -> None:
    own_site.open()
    hold(own_site, "echo")
    tab = look(own_site)

    page = tab.open()
    notes = page.locator(".notes li")
    expect(notes.filter(has_text="Queue default is paused")).to_contain_text(
        "the disk is full; 1 job waits"
    )
    expect(notes.filter(has_text="Task echo is paused")).to_contain_text("no detector")
    resume(page, "task echo")
    expect(notes).to_have_count(1)
    resume(page, "queue default")

    tab.shown("Nothing right now.").to_be_visible()
    eventually(lambda: own_site.state(1) == "succeeded")


def test_failures_are_told_with_their_error_and_counted_beside_the_page(
    own_site: Site, look: Look
) -> None:
    own_site.open()
    for _ in range(3):
        own_site.finished("boom")
    tab = look(own_site)

    page = tab.open()
    note = page.locator(".notes li", has_text="3 jobs failed in 1 hour")
    expect(note).to_contain_text("boom: RuntimeError")
    expect(page.get_by_role("link", name="Errors 3 failed in 1 hour")).to_be_visible()
    own_site.finished("boom", message="again")
    expect(page.get_by_role("link", name="Errors 4 failed in 1 hour")).to_be_visible()
    page.get_by_role("link", name="View failures").click()

    expect(page.locator("h1")).to_have_text("Errors")


def queue(capacity: int, queued: int) -> dict[str, Any]:
    """A queue with two paused jobs, one of which has begun: only the other takes up capacity."""
    counts = {"queued": queued, "paused": 2}
    admitted = {"capacity": capacity, "admitted": queued + 1}
    return {"name": "beam", **admitted, "counts": counts, "paused": False}


def test_a_queue_counts_what_it_admits_and_names_the_difference(site: Site, look: Look) -> None:
    page = look(site).open()

    def told(capacity: int, queued: int) -> Any:
        return page.evaluate(NOTES, [[queue(capacity, queued)], []])

    assert told(100, 78) == []
    assert told(100, 82) == [
        ["warn", "Queue `beam` is 83 % full: 83 of 100", "82 queued + 1 paused"]
    ]
    assert told(100, 98)[0][:2] == ["warn", "Queue `beam` is 99 % full: 99 of 100"]
    assert told(100, 1099)[0][:2] == [
        "bad",
        "Queue `beam` is full: new jobs are refused (1,100 of 100)",
    ]


def test_a_few_points_are_no_line(site: Site, look: Look) -> None:
    page = look(site).open()
    unknown = [None] * 44

    drawn = page.evaluate(SPARKS, [[0] * 48, [0] * 45 + [1, 2, 3], [*unknown, 1, 2, 3, 4]])

    assert drawn == [False, False, True]


def test_tiles_say_of_which_jobs_and_of_which_time(site: Site, look: Look) -> None:
    site.finished("echo")
    page = look(site).open("?over=24h")

    tiles = page.locator(".tile")

    expect(tiles.filter(has_text="Wait (p95)")).to_contain_text("started in 24 hours")
    expect(tiles.filter(has_text="Run time (p95)")).to_contain_text("ended in 24 hours")
    expect(tiles.filter(has_text="Throughput")).to_contain_text("per minute, over 24 hours")
    sizes = "all => [...new Set(all.map((each) => getComputedStyle(each).fontSize))]"
    assert len(page.locator(".tile b").evaluate_all(sizes)) == 1


SAMPLE = """async (jobs) => {
    const app = document.querySelector("script[type=module]").src;
    const { take } = await import(new URL("../parts/sample.js", app));
    const { wait, run } = take(jobs, Date.parse("2026-01-01T01:00:00Z") / 1000, 3600);
    return [wait, run];
}"""


def test_waits_are_of_jobs_that_have_begun_though_they_still_run(site: Site, look: Look) -> None:
    page = look(site).open()
    job = {"attempt": 1, "created_at": "2026-01-01T00:30:00Z", "paused_seconds": 0}
    begun = {**job, "state": "running", "started_at": "2026-01-01T00:30:07Z"}
    again = {**begun, "started_at": "2026-01-01T00:50:00Z", "paused_seconds": 600}
    early = {**begun, "created_at": "2025-12-31T23:00:00Z", "started_at": "2025-12-31T23:30:00Z"}
    ended = {**early, "state": "succeeded", "finished_at": "2026-01-01T00:30:00Z"}

    assert page.evaluate(SAMPLE, [begun, again, early]) == [7, None]
    assert page.evaluate(SAMPLE, [ended]) == [None, 3600]


def tops(tab: Tab) -> list[str]:
    """Return how the page begins, from above."""
    tab.page.locator(".tiles").wait_for()
    headings = tab.page.locator("main h1, main h2, main .tiles")
    words: list[str] = headings.evaluate_all(
        "all => all.map((each) => each.matches('.tiles') ? 'tiles' : each.textContent)"
    )
    return words


def test_a_telephone_shows_first_what_needs_attention(own_site: Site, look: Look) -> None:
    own_site.open()
    own_site.finished("echo")
    narrow, wide = look(own_site, width=375), look(own_site)

    narrow.open()
    calm = tops(narrow)
    hold(own_site)
    narrow.open()
    narrow.shown("Queue default is paused").to_be_visible()
    wide.open()
    wide.shown("Queue default is paused").to_be_visible()

    assert calm[:3] == ["Overview", "tiles", "Running now"]
    assert tops(narrow)[:3] == ["Overview", "Needs attention", "tiles"]
    assert tops(wide)[:3] == ["Overview", "tiles", "Running now"]


def test_a_server_that_is_gone_is_told_with_the_time_of_what_is_seen(
    own_site: Site, look: Look
) -> None:
    own_site.open()
    own_site.finished("echo")
    tab = look(own_site)
    page = tab.open()
    tab.shown("Finished jobs").to_be_visible()

    own_site.close()
    banner = page.locator(".banner")
    expect(banner).to_contain_text(re.compile(r"What you see is from \d\d:\d\d:\d\d\."))
    expect(page.locator("button.live")).to_have_text("no answer")
    page.get_by_role("button", name="Retry now").click()
    expect(page.locator(".toast")).to_have_text("The server still does not answer.")
    own_site.open()

    expect(banner).to_have_count(0)
    expect(page.locator("button.live")).to_have_text("live")


def test_a_first_visit_offers_what_is_calm_and_says_that_a_worker_is_ready(
    own_site: Site, look: Look
) -> None:
    own_site.open()
    tab = look(own_site)

    page = tab.open()

    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing has been started yet")
    ready = re.compile(r"A worker is ready: it runs \d+ jobs at once")
    expect(page.locator(".welcome")).to_contain_text(ready)
    expect(page.locator(".choices .card h2").first).to_have_text("echo")
    expect(page.locator(".choices")).not_to_contain_text("boom")
    page.get_by_role("link", name=re.compile(r"All \d tasks")).click()
    expect(page.locator("h1")).to_have_text("Tasks")


def test_a_first_visit_says_that_no_worker_is_ready(unmanned: Site, look: Look) -> None:
    tab = look(unmanned)

    tab.open()

    tab.shown("No worker is ready yet").to_be_visible()


FADE = """each => {
    const fade = getComputedStyle(each, "::after");
    return [fade.position, each.scrollWidth > each.clientWidth, fade.backgroundImage];
}"""


def test_the_strip_of_pages_fades_where_it_goes_on(site: Site, look: Look) -> None:
    page = look(site, width=375).open("jobs")

    place, goes_on, image = page.locator("nav.places").evaluate(FADE)

    assert (place, goes_on) == ("sticky", True)
    assert image.startswith("linear-gradient")
