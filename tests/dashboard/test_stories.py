"""What people do with the dashboard, from a click to what the server says afterwards."""

import re

import pytest
from playwright.sync_api import expect

from tests.dashboard.browser import Look
from tests.dashboard.site import Site
from tests.support import eventually

pytestmark = pytest.mark.slow


def test_a_first_visit_has_a_button_that_starts_a_job(own_site: Site, look: Look) -> None:
    own_site.open()
    tab = look(own_site)

    page = tab.open()
    tab.shown("Nothing has been started yet").to_be_visible()
    page.locator(".card", has_text="echo").get_by_role("button", name="Start").first.click()

    expect(page.locator("h1")).to_contain_text("echo #1")
    tab.shown("succeeded").to_be_visible()


def test_a_job_is_started_from_the_form_and_its_progress_moves(site: Site, look: Look) -> None:
    tab = look(site)

    page = tab.open("tasks/steps")
    page.get_by_label("count").fill("40")
    page.get_by_label("seconds").fill("0.1")
    page.get_by_role("button", name="Start steps").click()

    expect(page.locator("h1")).to_contain_text("steps #")
    bar = page.get_by_role("progressbar")
    bar.wait_for()
    seen = float(bar.get_attribute("aria-valuenow") or 0)
    eventually(lambda: float(bar.get_attribute("aria-valuenow") or 0) > seen + 2)
    tab.shown("left").to_be_visible()


def test_the_server_s_faults_stand_at_their_fields(site: Site, look: Look) -> None:
    tab = look(site)

    page = tab.open("tasks/everything")
    page.get_by_label("size").fill("11")
    page.get_by_label("name").fill("it")
    page.get_by_role("button", name="Start everything").click()

    size = page.get_by_label("size")
    expect(size).to_have_attribute("aria-invalid", "true")
    expect(size).to_be_focused()
    expect(page.get_by_label("name")).not_to_have_attribute("aria-invalid", "true")
    expect(page.locator(".field", has=size).locator(".fault")).to_contain_text("10")


def test_every_kind_of_parameter_can_be_given(site: Site, look: Look) -> None:
    tab = look(site)

    page = tab.open("tasks/everything")
    page.get_by_label("size").fill("3")
    page.get_by_label("name").fill("Zoë 😀")
    page.get_by_label("colour").select_option(label="blue")
    page.get_by_label("is_loud").check()
    page.get_by_label("ratio").fill("0.25")
    page.get_by_label("when").fill("2026-03-01T12:30:00")
    page.get_by_label("day").fill("2026-02-28")
    page.get_by_role("button", name="Add a number").click()
    page.locator("fieldset", has_text="numbers").get_by_role("textbox").fill("9007199254740993")
    page.locator("fieldset", has_text="point").get_by_role("switch").check()
    page.get_by_label("x whole number").fill("1")
    page.get_by_label("more").fill('{"deep": [1, null]}')
    page.get_by_role("button", name="Start everything").click()

    expect(page.locator("h1")).to_contain_text("everything #")
    params = site.get("/v1/jobs/" + (page.url.rpartition("/")[2]))["params"]
    assert params["size"] == 3
    assert params["name"] == "Zoë 😀"
    assert params["colour"] == "blue"
    assert params["is_loud"] is True
    assert params["ratio"] == 0.25
    assert params["when"].startswith("2026-03-01T12:30")
    assert params["day"] == "2026-02-28"
    assert params["numbers"] == [9007199254740993]
    assert params["point"]["x"] == 1
    assert params["more"] == {"deep": [1, None]}


def test_a_running_job_is_cancelled_and_tried_again(site: Site, look: Look) -> None:
    job_id = site.start("steps", count=600, seconds=0.1)
    tab = look(site)

    page = tab.open(f"jobs/{job_id}")
    page.get_by_role("button", name="Cancel", exact=True).click()

    tab.shown("cancelled").to_be_visible()
    eventually(lambda: site.state(job_id) == "cancelled")
    page.get_by_role("button", name="Retry").click()
    expect(page.locator(".job-title .badge")).to_have_text("running")
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.locator(".job-title .badge")).to_have_text("cancelled")


def test_a_failed_job_shows_its_traceback_and_alike_ones_are_one_group(
    site: Site, look: Look
) -> None:
    job_id = site.finished("boom", message="the valve is stuck")
    site.finished("boom", message="the valve is stuck")
    tab = look(site)

    page = tab.open(f"jobs/{job_id}")
    tab.shown("the valve is stuck").to_be_visible()
    expect(page.locator(".trace")).to_contain_text("raise RuntimeError(message)")
    tab.open("errors")

    tab.shown("RuntimeError").to_be_visible()
    expect(page.locator(".card.is-bad", has_text="boom")).to_have_count(1)


def test_several_jobs_are_cancelled_together(site: Site, look: Look) -> None:
    options = {"tags": ["together"]}
    body = {"params": {"count": 600, "seconds": 0.1}, "options": options}
    ids = [site.post("/v1/tasks/steps/jobs", body)["id"] for _ in range(3)]
    tab = look(site)

    page = tab.open("jobs?tag=together")
    for job_id in ids:
        page.get_by_label(f"Select job {job_id}").check()
    tab.shown("3 jobs selected").to_be_visible()
    page.locator(".bulk").get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel 3").click()

    eventually(lambda: {site.state(job_id) for job_id in ids} == {"cancelled"})


def test_filters_stand_in_the_address(site: Site, look: Look) -> None:
    failed = site.finished("boom")
    succeeded = site.finished("echo", value=1)
    tab = look(site)

    page = tab.open("jobs")
    page.get_by_role("link", name=re.compile("^failed")).click()
    page.get_by_label("Task").select_option("boom")

    expect(page).to_have_url(re.compile(r"state=failed&task=boom"))
    expect(page.get_by_label(f"Select job {failed}")).to_be_visible()
    expect(page.get_by_label(f"Select job {succeeded}")).to_have_count(0)
    page.go_back()
    expect(page.get_by_label("Task")).to_have_value("")


def test_a_job_is_started_again_with_its_parameters(site: Site, look: Look) -> None:
    job_id = site.finished("echo", value={"big": 2**80})
    tab = look(site)

    page = tab.open(f"jobs/{job_id}")
    expect(page.get_by_label("result", exact=True)).to_contain_text(str(2**80))
    page.get_by_role("link", name="Start a copy").click()
    expect(page.get_by_label("value")).to_have_value(re.compile(str(2**80)))
    page.get_by_role("button", name="Start echo").click()

    expect(page).to_have_url(re.compile(r"/jobs/\d+$"))
    again = page.url.rpartition("/")[2]
    eventually(lambda: site.get(f"/v1/jobs/{again}")["result"] == {"big": 2**80})


def test_a_queue_s_limits_are_set(site: Site, look: Look) -> None:
    tab = look(site)

    page = tab.open("queues")
    page.get_by_role("button", name="Limits").click()
    page.get_by_role("dialog").get_by_label("Waiting").fill("777")
    page.get_by_role("button", name="Set").click()

    tab.shown("of 777 may wait").to_be_visible()
    assert site.get("/v1/queues/default")["capacity"] == 777


def test_what_somebody_asked_for_is_told(site: Site, look: Look) -> None:
    job_id = site.start("steps", count=600, seconds=0.1)
    tab = look(site)
    page = tab.open("activity")
    page.locator(".events li").first.wait_for()

    site.post(f"/v1/jobs/{job_id}/cancel")

    expect(page.locator(".events li", has_text=f"#{job_id}").first).to_contain_text("cancel")


def test_a_search_finds_by_id_and_by_text(site: Site, look: Look) -> None:
    job_id = site.finished("echo", value="needle-in-the-hay")
    tab = look(site)

    page = tab.open()
    page.keyboard.press("/")
    page.keyboard.type("needle-in")
    page.keyboard.press("Enter")
    expect(page.get_by_label(f"Select job {job_id}")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type(str(job_id))
    page.keyboard.press("Enter")

    expect(page.locator("h1")).to_contain_text(f"echo #{job_id}")


def test_a_running_job_is_paused_and_goes_on(site: Site, look: Look) -> None:
    job_id = site.start("steps", count=600, seconds=0.1)
    tab = look(site)
    page = tab.open(f"jobs/{job_id}")
    badge = page.locator(".job-title .badge")
    expect(badge).to_have_text("running")
    page.get_by_role("progressbar").wait_for()

    page.get_by_role("button", name="Pause", exact=True).click()

    expect(badge).to_have_text("paused")
    assert site.state(job_id) == "paused"
    tab.shown("While it stands still, it keeps its memory").to_be_visible()
    expect(page.locator(".timeline .span.is-paused")).to_have_count(1)
    page.get_by_role("button", name="Resume", exact=True).click()
    expect(badge).to_have_text("running")
    site.post(f"/v1/jobs/{job_id}/cancel")
    expect(badge).to_have_text("cancelled")
    tab.shown("Stops and pauses").to_be_visible()


def test_a_queue_is_paused_with_a_reason(own_site: Site, look: Look) -> None:
    own_site.open()
    own_site.finished("echo")
    tab = look(own_site)

    page = tab.open("queues")
    page.get_by_role("button", name="Pause the queue default").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("the disk is full")
    page.get_by_role("dialog").get_by_role("button", name="Pause").click()

    tab.shown("the disk is full").to_be_visible()
    assert own_site.get("/v1/queues/default")["paused"]
    page.get_by_role("button", name="Resume the queue default").click()
    page.get_by_role("dialog").get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause the queue default")).to_be_visible()


def test_all_jobs_that_match_are_cancelled_on_the_server(own_site: Site, look: Look) -> None:
    own_site.open()
    own_site.post("/v1/queues/default/pause", {})
    job = {"task": "echo", "params": {}, "options": {"tags": ["many"]}}
    own_site.change("/v1/queues/default", {"capacity": 500})
    own_site.post("/v1/jobs", [job] * 130)
    other = own_site.start("echo")
    tab = look(own_site)

    page = tab.open("jobs?tag=many")
    page.get_by_label("Select job 130", exact=True).check()
    page.get_by_role("button", name="Select all 100 shown").click()
    page.get_by_role("button", name="Select all that match the filters").click()
    page.locator(".bulk").get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog", name="Cancel 130 jobs?").get_by_role("button", name="Cancel").click()

    eventually(lambda: own_site.get("/v1/stats")["jobs"].get("cancelled") == 130)
    assert own_site.state(other) == "queued"


def test_the_timeline_shows_where_a_job_would_go_on_from(site: Site, look: Look) -> None:
    job_id = site.finished("saving", count=5)
    tab = look(site)

    page = tab.open(f"jobs/{job_id}")

    expect(page.locator(".timeline .track .kept")).to_have_count(1)
    expect(page.locator(".timeline .legend")).to_contain_text("last checkpoint")


def test_every_failed_job_is_tried_again_on_the_server(own_site: Site, look: Look) -> None:
    own_site.open()
    ids = [own_site.finished("boom", message="one"), own_site.finished("crack")]
    tab = look(own_site)

    page = tab.open("errors")
    page.get_by_role("button", name="Retry every failed job").click()
    page.get_by_role("dialog", name="Retry 2 jobs?").get_by_role("button", name="Retry").click()

    expect(page.locator(".toast").last).to_contain_text("2 jobs tried again")
    for job_id in ids:
        events = own_site.get(f"/v1/jobs/{job_id}/events")["items"]
        assert "retried" in {each["kind"] for each in events}


def test_the_search_proposes_parameters_that_jobs_have(site: Site, look: Look) -> None:
    site.finished("echo", value="proposed")
    tab = look(site)

    page = tab.open("jobs?task=echo")

    expect(page.locator("datalist option[value='param.value:proposed']")).to_have_count(1)


def test_a_queue_says_how_fast_it_is(site: Site, look: Look) -> None:
    for value in range(3):
        site.finished("echo", value=value)
    tab = look(site)

    page = tab.open("queues")

    tab.shown("per min").to_be_visible()
    expect(page.get_by_role("columnheader", name="Rate")).to_be_visible()
