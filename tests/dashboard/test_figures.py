"""What the server measures is what is shown: rates, ends, bars, ages, and how workers do."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.dashboard.browser import Look, Tab
from tests.dashboard.site import Site

pytestmark = pytest.mark.slow


def altered(tab: Tab, path: str, change: Any) -> None:
    """Let the server's answers at a path be other ones: nobody can wait for a slow loop."""

    def answer(route: Route) -> None:
        response = route.fetch()
        document = response.json()
        change(document)
        route.fulfill(response=response, body=json.dumps(document))

    tab.page.route(re.compile(re.escape(tab.address + path) + r"(\?|$)"), answer)


def test_the_rate_and_the_end_are_those_of_the_server(site: Site, look: Look) -> None:
    job_id = site.start("steps", count=2000, seconds=30)
    tab = look(site)

    def change(job: dict[str, Any]) -> None:
        job["progress"] = {
            **{"done": 7, "total": 40, "message": None, "unit": "step", "bars": []},
            **{"rate": 3.5, "eta": "2099-01-01T00:00:00Z"},
        }

    altered(tab, f"/v1/jobs/{job_id}", change)
    page = tab.open(f"jobs/{job_id}")

    far = page.locator(".progress.large .far")
    expect(far).to_contain_text("7 / 40 steps")
    expect(far).to_contain_text("3.5 steps per second")
    expect(far).to_contain_text(re.compile(r"\d{5} d left"))
    site.post(f"/v1/jobs/{job_id}/cancel")


def test_a_job_s_page_has_its_bars_by_name(site: Site, look: Look) -> None:
    job_id = site.start("loading", steps=2000)
    tab = look(site)

    page = tab.open(f"jobs/{job_id}")

    bar = page.get_by_role("progressbar", name=f"rooms of job {job_id}")
    expect(bar).to_have_attribute("aria-valuenow", "3")
    expect(bar).to_have_attribute("aria-valuemax", "4")
    expect(page.locator(".bars")).to_contain_text("3 / 4 rooms")
    expect(page.get_by_role("progressbar", name=f"progress of job {job_id}")).to_be_visible()
    site.post(f"/v1/jobs/{job_id}/cancel")


def test_queues_and_the_overview_say_how_old_the_oldest_is(own_site: Site, look: Look) -> None:
    own_site.open()
    own_site.post("/v1/queues/default/pause", {})
    for _ in range(3):
        own_site.start("echo")
    tab = look(own_site)

    def change(queues: dict[str, Any]) -> None:
        queues["items"][0]["oldest_at"] = "2020-01-01T00:00:00Z"

    page = tab.open("queues")
    expect(page.locator("td[data-name=Oldest]")).to_have_text(re.compile(r"\d s$"))
    altered(tab, "/v1/queues", change)
    page = tab.open()

    expect(page.locator(".tile", has_text="Queued")).to_contain_text(re.compile(r"oldest \d{4} d"))


def test_a_queue_s_words_count_what_its_bar_counts(site: Site, look: Look) -> None:
    tab = look(site)

    def change(queues: dict[str, Any]) -> None:
        default = next(each for each in queues["items"] if each["name"] == "default")
        default |= {"counts": {"queued": 3, "paused": 2}, "admitted": 4}

    altered(tab, "/v1/queues", change)
    page = tab.open("queues")

    expect(page.locator("td[data-name=Waiting]")).to_contain_text("3 queued, 1 paused")
    meter = page.get_by_role("meter", name="queued, of those that may wait")
    expect(meter).to_have_attribute("aria-valuenow", "4")


def test_workers_say_how_they_do(site: Site, look: Look) -> None:
    tab = look(site)

    def change(workers: dict[str, Any]) -> None:
        workers["items"][0] |= {"memory": 123_000_000, "cpu": 0.42, "loop_lag": 3.25}

    altered(tab, "/v1/workers", change)
    page = tab.open("workers")

    tab.shown("123 MB").to_be_visible()
    tab.shown("42 % of a core").to_be_visible()
    expect(page.locator(".facts .is-failed")).to_have_text("3.3 s code blocks it")
    site.finished("echo")
    tab.open()
    tab.shown("is late by 3.3 s").to_be_visible()


def test_a_worker_s_jobs_are_listed(site: Site, look: Look) -> None:
    job_id = site.start("steps", count=2000, seconds=30)
    tab = look(site)
    worker = site.get("/v1/workers")["items"][0]["id"]

    page = tab.open("workers")
    page.get_by_role("link", name=f"Jobs of worker {worker}").click()

    expect(page).to_have_url(re.compile(rf"/jobs\?worker={worker}$"))
    expect(page.get_by_label("Worker")).to_have_value(str(worker))
    expect(page.get_by_label(f"Select job {job_id}")).to_be_visible()
    page.get_by_label("Worker").select_option("")
    expect(page).to_have_url(re.compile(r"/jobs$"))
    site.post(f"/v1/jobs/{job_id}/cancel")


def test_a_task_is_paused_with_a_reason_and_goes_on(own_site: Site, look: Look) -> None:
    own_site.open()
    tab = look(own_site)

    page = tab.open("tasks")
    page.get_by_role("button", name="Pause the task echo").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("the mirror is away")
    page.get_by_role("dialog").get_by_role("button", name="Pause").click()

    card = page.locator(".card", has_text="the mirror is away")
    expect(card.locator(".badge")).to_have_text("paused")
    assert own_site.get("/v1/tasks/echo")["paused_reason"] == "the mirror is away"
    card.get_by_role("link", name="echo", exact=True).click()
    expect(page.locator(".standing")).to_contain_text("the mirror is away")
    page.get_by_role("button", name="Resume the task echo").click()
    page.get_by_role("dialog").get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause the task echo")).to_be_visible()
    assert own_site.finished("echo")


COUNTING = r"""
    const fetched = window.fetch;
    window.asked = [];
    window.most = 0;
    let now = 0;
    window.fetch = async (address, ...more) => {
        if (!/\/v1\/jobs\/\d+$/.test(String(address))) return fetched(address, ...more);
        window.asked.push(Number(String(address).split("/").at(-1)));
        window.most = Math.max(window.most, (now += 1));
        return await fetched(address, ...more).finally(() => (now -= 1));
    };
"""


def test_failed_jobs_are_read_once_and_few_at_a_time(own_site: Site, look: Look) -> None:
    own_site.open()
    ids = {own_site.finished("boom", message=f"fault {number % 2}") for number in range(9)}
    tab = look(own_site)
    tab.page.add_init_script(COUNTING)

    page = tab.open("errors")
    expect(page.locator(".card.is-bad")).to_have_count(1)
    tab.shown("9 jobs").to_be_visible()
    tab.open("jobs")
    tab.open("errors")
    tab.shown("9 jobs").to_be_visible()

    assert sorted(page.evaluate("window.asked")) == sorted(ids)
    assert page.evaluate("window.most") <= 4


NOTES = """async (instants) => {
    const app = document.querySelector("script[type=module]").src;
    const { attention } = await import(new URL("../parts/attention.js", app));
    const jobs = [{ id: 7, task: "box", state: "cancelling", pause: null }];
    const sample = { failed: 0, ended: 0 };
    const nothing = { queues: [], tasks: [], workers: [], recent: [], sample };
    const known = { ...nothing, jobs, isWhole: true, seen: new Map() };
    return instants.map((now) => attention({ ...known, now }).map((note) => note.subject));
}"""


def test_a_cancel_is_called_slow_after_half_a_minute(site: Site, look: Look) -> None:
    page = look(site).open()

    notes = page.evaluate(NOTES, [1000, 1029, 1031])

    assert notes == [[], [], ["Job 7 is cancelling since 31 s"]]
