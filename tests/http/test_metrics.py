"""Figures for Prometheus."""

import re

import pytest

from offload import Offload
from tests.http.conftest import Open
from tests.http.site import Site
from tests.support import eventually


def figure(site: Site, name: str, **labels: str) -> float | None:
    """One figure of a scrape; None if it is not told."""
    answer = site.get("/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    wanted = "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}"
    pattern = "^" + re.escape(name + (wanted if labels else "")) + r" (\S+)$"
    found = re.search(pattern, answer.body.decode(), re.MULTILINE)
    return None if found is None else float(found[1])


def test_jobs_are_counted_by_queue_and_state(open_site: Open) -> None:
    site = open_site()
    site.finished("/start/add?a=1")
    site.finished("/start/boom")
    site.held(2)

    assert figure(site, "offload_jobs", queue="default", state="succeeded") == 1
    assert figure(site, "offload_jobs", queue="default", state="failed") == 1
    assert figure(site, "offload_jobs", queue="default", state="running") == 2


def test_what_happens_between_two_scrapes_is_counted(open_site: Open) -> None:
    site = open_site()
    site.finished("/start/add?a=1")
    site.get("/metrics")
    for _ in range(3):
        site.finished("/start/add?a=1")
    site.finished("/start/boom")

    assert figure(site, "offload_jobs_started_total", task="add") == 3
    assert figure(site, "offload_attempts_total", task="add") == 3
    assert figure(site, "offload_jobs_finished_total", state="succeeded", task="add") == 3
    assert figure(site, "offload_jobs_finished_total", state="failed", task="boom") == 1
    assert figure(site, "offload_job_wait_seconds_count", task="add") == 3
    assert figure(site, "offload_job_run_seconds_count", task="add") == 3


def test_the_server_and_its_workers_tell_of_themselves(open_site: Open) -> None:
    site = open_site()
    site.finished("/start/add?a=1")

    assert figure(site, "offload_workers") == 1
    assert figure(site, "offload_slots") == 100
    assert figure(site, "offload_http_connections") == 1
    assert figure(site, "offload_http_streams") == 0
    eventually(lambda: figure(site, "offload_loop_lag_seconds") != 0)


def test_what_is_paused_is_told(open_site: Open) -> None:
    site = open_site()
    [job_id] = site.held()
    site.post(f"/v1/jobs/{job_id}/pause")
    site.reaches(job_id, "paused")
    site.post("/v1/queues/default/pause")
    site.post("/v1/tasks/add/pause")

    assert figure(site, "offload_jobs", queue="default", state="paused") == 1
    assert figure(site, "offload_jobs_frozen") == 1
    assert figure(site, "offload_queues_paused", queue="default") == 1
    assert figure(site, "offload_tasks_paused", task="add") == 1

    site.post("/v1/queues/default/resume")
    site.post("/v1/tasks/add/resume")

    assert figure(site, "offload_queues_paused", queue="default") is None
    assert figure(site, "offload_tasks_paused", task="add") is None


def test_each_transaction_is_counted_by_how_long_it_took(open_site: Open) -> None:
    site = open_site(work=False)

    for started in (1, 2, 3):
        site.start("/start/add?a=1")
        # Counted when all are answered: whoever was answered may be a moment ahead of that.
        eventually(lambda: figure(site, "offload_commit_seconds_count") == started)  # noqa: B023

    assert (figure(site, "offload_commit_seconds_sum") or 0) > 0
    assert figure(site, "offload_commit_seconds_bucket", le="+Inf") == 3


def test_names_that_this_program_does_not_know_make_no_series(open_site: Open) -> None:
    site = open_site(work=False)
    site.start("/start/add?a=1")
    site.get("/metrics")
    stranger = Offload(site.app.database, worker="off")

    for number in range(20):
        stranger.task(name=f"strange-{number}", queue=f"far-{number}")(_nothing).start()
        site.post(f"/start/unknown-{number}")
    stranger.close()

    assert figure(site, "offload_jobs", queue="other", state="queued") == 20
    assert figure(site, "offload_jobs_started_total", task="other") == 20
    assert b"strange-" not in site.get("/metrics").body
    assert b"far-" not in site.get("/metrics").body


async def _nothing() -> None:
    """Do nothing."""


def test_figures_need_the_token_where_there_is_one(open_site: Open) -> None:
    site = open_site(token="t0ken", work=False)
    site.start("/start/add?a=1")
    site.token = ""

    assert site.get("/metrics").status == 401


@pytest.mark.parametrize("target", ["/metrics?x=1", "/readyz?x=1"])
def test_there_is_nothing_to_ask_for(site: Site, target: str) -> None:
    assert site.get(target).problem == "invalid-parameters"
