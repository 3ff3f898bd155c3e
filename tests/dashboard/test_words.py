"""What the pages say: each thing under one name, nothing that is not so, nothing twice."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.dashboard.browser import Look
from tests.dashboard.site import Site
from tests.support import eventually

pytestmark = pytest.mark.slow


def test_a_job_is_created_then_started_then_ended(site: Site, look: Look) -> None:
    job_id = site.finished("echo", value=1)
    tab = look(site)

    page = tab.open(f"jobs/{job_id}")

    terms = page.locator(".facts dt").all_inner_texts()
    times = [each for each in terms if each in {"Created", "Started", "Ended", "Began"}]
    assert times == ["Created", "Started", "Ended"]
    expect(page.locator(".events")).to_contain_text(re.compile(r"started on worker \d+"))
    expect(page.locator(".events li").last.locator("b")).to_have_text("created")
    tab.open("jobs")
    expect(page.get_by_role("columnheader", name="Created")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Started")).to_have_count(0)


def test_dates_stand_on_one_line(site: Site, look: Look) -> None:
    job_id = site.finished("echo", value=1)
    tab = look(site)

    page = tab.open(f"jobs/{job_id}")

    ended = page.locator(".facts > div", has_text="Ended").locator("time")
    expect(ended).to_have_text(re.compile(r"^[A-Z][a-z]{2} \d+, \d\d:\d\d:\d\d$"))
    size = ended.bounding_box()
    assert size is not None
    assert size["height"] < 24


def test_a_queue_of_held_jobs_is_never_said_to_be_empty_soon(own_site: Site, look: Look) -> None:
    own_site.open()
    for value in range(3):
        own_site.finished("echo", value=value)
    own_site.post("/v1/tasks/boom/pause", {"reason": "until it is mended"})
    own_site.start("boom")
    later = {"params": {"count": 5}, "options": {"delay": 3600}}  # it has not begun when it is held
    held = own_site.post("/v1/tasks/steps/jobs", later)["id"]
    own_site.post(f"/v1/jobs/{held}/pause", {})
    eventually(lambda: own_site.state(held) == "paused")
    tab = look(own_site)

    page = tab.open("queues")
    rate = page.locator("td[data-name=Rate]")

    expect(rate).to_contain_text(re.compile(r"per min\s*in the last \d+ s"))
    waiting = page.locator("td[data-name=Waiting]")
    expect(waiting).to_contain_text("1 queued, 1 paused")
    expect(waiting.locator(".why")).to_have_text("held by a pause")
    expect(rate).not_to_contain_text("empty in")


def test_a_row_shows_parameters_and_beside_them_why_it_waits(own_site: Site, look: Look) -> None:
    own_site.open()
    own_site.post("/v1/tasks/boom/pause", {"reason": "until it is mended"})
    job_id = own_site.start("boom", message="later")
    tab = look(own_site)

    page = tab.open("jobs")
    row = page.locator("tr.open", has_text=f"#{job_id}")

    expect(row.locator(".params")).to_have_text('message="later"')
    cause = row.locator(".c-progress .cause")
    expect(cause).to_have_class(re.compile(r"\bwhy\b"))
    expect(cause).to_have_attribute("title", "the task 'boom' is paused: until it is mended")


def test_buttons_of_rows_are_large_enough_for_fingers(site: Site, look: Look) -> None:
    job_id = site.start("steps", count=2000, seconds=30)
    tab = look(site, width=375)

    page = tab.open("jobs?state=running")
    size = page.get_by_role("button", name=f"Cancel job {job_id}", exact=True).bounding_box()

    assert size is not None
    assert (size["width"], size["height"]) == (40, 40)
    bars = page.locator(".c-progress .bar").all()
    assert len({round(box["width"]) for bar in bars if (box := bar.bounding_box())}) <= 1
    site.post(f"/v1/jobs/{job_id}/cancel")


def test_a_pause_tells_since_when_by_whom_and_why(site: Site, look: Look) -> None:
    job_id = site.start("steps", count=2000, seconds=0.05)
    eventually(lambda: (site.get(f"/v1/jobs/{job_id}")["progress"] or {}).get("done", 0) > 2)
    site.post(f"/v1/jobs/{job_id}/pause", {"reason": "lunch"})
    eventually(lambda: site.state(job_id) == "paused")
    tab = look(site)

    page = tab.open(f"jobs/{job_id}")

    said = re.compile(r"^Paused (just now|\d+ s ago) over HTTP: “lunch”$")
    expect(page.locator(".sentence")).to_have_text(said)
    stops = page.locator(".card", has=page.get_by_role("heading", name="Stops and pauses"))
    expect(stops).to_contain_text("it keeps its memory")
    expect(stops).to_contain_text(
        re.compile(
            r"Stood still (\d+ ms|\d\.\d s) after it was asked to\. "
            r"Threads and processes that it started go on\."
        )
    )
    expect(page.locator(".progress.large")).not_to_contain_text("per second")
    site.post(f"/v1/jobs/{job_id}/cancel")


def test_activity_tells_a_pause_by_its_sign_and_no_address_that_all_have(
    own_site: Site, look: Look
) -> None:
    own_site.open()
    job_id = own_site.start("steps", count=2000, seconds=0.05)
    eventually(lambda: own_site.state(job_id) == "running")
    own_site.post(f"/v1/jobs/{job_id}/pause", {"reason": "lunch"})
    tab = look(own_site)

    page = tab.open("activity")
    row = page.locator(".events li", has_text="pause requested")

    expect(row).to_have_class("is-paused")
    expect(row).to_contain_text("“lunch”")
    expect(row.get_by_text("over HTTP")).to_have_attribute("title", "http 127.0.0.1")
    expect(page.locator(".events")).not_to_contain_text("127.0.0.1")


def test_addresses_are_told_where_there_are_several(own_site: Site, look: Look) -> None:
    own_site.open()
    own_site.finished("echo", value=1)
    own_site.finished("echo", value=2)
    tab = look(own_site)

    def change(answer: Any) -> None:
        response = answer.fetch()
        document = response.json()
        created = [each for each in document["items"] if each["kind"] == "queued"]
        created[0]["actor"] = "http 10.0.0.7"
        answer.fulfill(response=response, body=json.dumps(document))

    tab.page.route(re.compile(r"/v1/events\?after"), change)
    page = tab.open("activity")

    expect(page.locator(".events")).to_contain_text("over HTTP from 10.0.0.7")
    expect(page.locator(".events")).to_contain_text("over HTTP from 127.0.0.1")


def test_one_group_of_errors_has_one_button_and_says_what_holds_retries(
    own_site: Site, look: Look
) -> None:
    own_site.open()
    own_site.finished("boom", message="one")
    own_site.finished("boom", message="two")
    own_site.post("/v1/tasks/boom/pause", {"reason": "until it is mended"})
    tab = look(own_site)

    page = tab.open("errors")

    expect(page.get_by_role("button", name="Retry all 2")).to_be_visible()
    expect(page.get_by_role("button", name="Retry every failed job")).to_have_count(0)
    group = page.locator(".card.is-bad")
    expect(group).to_contain_text(
        "The task boom is paused (“until it is mended”): retries wait until it goes on."
    )
    expect(group).to_contain_text(re.compile(r"2 jobs, first .+, last (just now|\d+ s ago)The"))


def test_a_page_tells_one_duration_in_one_way(site: Site, look: Look) -> None:
    job_id = site.finished("steps", count=3, seconds=0.07)
    tab = look(site)

    page = tab.open(f"jobs/{job_id}")
    ran = page.locator("td[data-name=Ran]").inner_text()

    expect(page.locator(".sentence")).to_contain_text(f"after {ran}.")
    expect(page.locator(".legend")).to_contain_text(f"ran {ran}")
    expect(page.locator(".legend")).to_contain_text(re.compile(r"succeeded \d\d:\d\d:\d\d"))


def test_swatches_look_like_what_they_name(site: Site, look: Look) -> None:
    asked = {"params": {"count": 1}, "options": {"delay": "0.05s"}}  # no span is of no length
    job_id = site.post("/v1/tasks/steps/jobs", asked)["id"]
    site.get(f"/v1/jobs/{job_id}?wait=20&until=done")
    tab = look(site)
    script = """() => ["is-queued", "is-running"].map((state) =>
        [".track .span", ".legend .key"].map((place) => {
            const found = document.querySelector(`.timeline ${place}.${state}`);
            return getComputedStyle(found.querySelector(".dot") ?? found).background;
        }))"""

    page = tab.open(f"jobs/{job_id}")
    page.locator(".timeline .legend .end").wait_for()

    assert all(bar == swatch for bar, swatch in page.evaluate(script))


def test_a_form_marks_what_is_required_and_names_what_it_adds(site: Site, look: Look) -> None:
    tab = look(site)

    page = tab.open("tasks/everything")

    expect(page.locator("form.form")).not_to_contain_text("optional")
    expect(page.locator("form.form .needed")).to_have_count(2)
    expect(page.get_by_label("colour").locator("option")).to_have_text(["red (default)", "blue"])
    expect(page.get_by_role("button", name="Add a number to numbers")).to_be_visible()
    expect(page.get_by_label("Set point")).to_be_visible()
    expect(page.get_by_label("size")).not_to_have_attribute("placeholder", re.compile("."))
    tab.shown("whole number from 1 to 10").to_be_visible()
    expect(page.get_by_role("button", name="Start everything")).to_be_in_viewport(ratio=1)


def test_tasks_have_no_row_of_dark_buttons(site: Site, look: Look) -> None:
    tab = look(site)

    page = tab.open("tasks")
    page.get_by_role("link", name="Start echo").wait_for()

    expect(page.locator("main .button.primary")).to_have_count(0)


def test_to_retry_a_job_and_to_copy_it_are_told_apart(site: Site, look: Look) -> None:
    job_id = site.finished("boom")
    tab = look(site)

    page = tab.open(f"jobs/{job_id}")

    retry = page.get_by_role("button", name="Retry")
    expect(retry).to_have_attribute("title", re.compile("another attempt"))
    copy = page.get_by_role("link", name="Start a copy…")
    expect(copy).to_have_attribute("title", re.compile("an id of its own"))
