"""Jobs that are held from the start."""

import pytest

from tests.http.conftest import Open

HELD = {"params": {"a": 1}, "options": {"paused": True}}


@pytest.mark.promise("P4")
def test_a_job_that_is_started_paused_is_held_until_it_is_resumed(open_site: Open) -> None:
    site = open_site()
    job_id = site.start("/v1/tasks/add/jobs", HELD)
    site.finished("/start/add?a=2")

    held = site.get(f"/v1/jobs/{job_id}").json
    resumed = site.post(f"/v1/jobs/{job_id}/resume")

    assert (held["state"], held["pause"]["mode"], held["version"]) == ("paused", "held", 2)
    assert resumed.json["changed"] is True
    site.reaches(job_id, "succeeded")
    story = [event["kind"] for event in site.get(f"/v1/jobs/{job_id}/events").json["items"]]
    assert story[:3] == ["queued", "held", "released"]


def test_one_that_is_put_off_keeps_its_instant(open_site: Open) -> None:
    site = open_site(work=False)
    options = {"paused": True, "run_at": "2040-01-01T00:00:00Z"}

    job_id = site.start("/v1/tasks/add/jobs", {"params": {"a": 1}, "options": options})
    site.post(f"/v1/jobs/{job_id}/resume")

    assert site.get(f"/v1/jobs/{job_id}").json["state"] == "scheduled"


def test_a_held_job_counts_against_the_capacity(open_site: Open) -> None:
    site = open_site(work=False, capacity=1)
    site.start("/v1/tasks/add/jobs", HELD)

    refused = site.post("/start/add?a=1")

    assert (refused.status, refused.problem) == (429, "queue-full")
    assert site.get("/v1/queues/default").json["counts"] == {"paused": 1}
