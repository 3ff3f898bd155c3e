"""`/v1/jobs/{id}/attempts`: who ran a job, what was asked of it, and where its time went."""

import os

import pytest

from tests.http.conftest import Open
from tests.http.site import ABSENT_ID, Site
from tests.support import eventually


def test_a_finished_job_tells_its_attempt(site: Site) -> None:
    job_id = site.finished("/start/add?a=1")

    answer = site.get(f"/v1/jobs/{job_id}/attempts")

    assert answer.status == 200
    [attempt] = answer.json["items"]
    assert (attempt["number"], attempt["token"], attempt["ended"]) == (1, 1, "succeeded")
    assert attempt["pid"] == os.getpid()
    assert attempt["ended_at"] >= attempt["began_at"]
    assert attempt["active_seconds"] >= 0
    assert (answer.json["receipts"], answer.json["is_whole"]) == ([], True)
    assert {span["stage"] for span in answer.json["timeline"]} <= {"queued", "running"}


def test_a_cancel_has_a_receipt(open_site: Open) -> None:
    site = open_site()
    [job_id] = site.held()

    site.post(f"/cancel?id={job_id}")
    site.reaches(job_id, "cancelled")

    [receipt] = site.get(f"/v1/jobs/{job_id}/attempts").json["receipts"]
    assert (receipt["asked"], receipt["outcome"], receipt["ended"]) == ("cancel", "done", "stopped")
    assert (receipt["by"], receipt["door"]) == ("http 127.0.0.1", "http")
    assert receipt["seconds"] >= 0
    assert "cancelled" in receipt["says"]


def test_a_job_that_waits_has_a_timeline_and_no_attempts(open_site: Open) -> None:
    site = open_site(work=False)
    job_id = site.start("/start/add?a=1")

    told = site.get(f"/v1/jobs/{job_id}/attempts").json

    assert told["items"] == []
    [span] = told["timeline"]
    assert (span["stage"], span["ended_at"], span["attempt"]) == ("queued", None, 0)


def test_a_job_links_to_its_attempts(site: Site) -> None:
    job_id = site.finished("/start/add?a=1")

    linked = site.get(f"/v1/jobs/{job_id}").json["links"]["attempts"]

    assert site.get(linked).status == 200


@pytest.mark.promise("S7")
def test_attempts_of_no_job_are_404_and_of_an_evicted_one_410(open_site: Open) -> None:
    site = open_site(keep=0)
    job_id = site.start("/start/add?a=1")
    eventually(lambda: site.get(f"/v1/jobs/{job_id}").status == 410)

    absent = site.get(f"/v1/jobs/{ABSENT_ID}/attempts")
    evicted = site.get(f"/v1/jobs/{job_id}/attempts")
    no_id = site.get("/v1/jobs/07/attempts")
    asked = site.get(f"/v1/jobs/{job_id}/attempts?x=1")

    assert [(each.status, each.problem) for each in (absent, evicted, no_id, asked)] == [
        (404, "unknown-job"),
        (410, "evicted"),
        (404, "invalid-id"),
        (422, "invalid-parameters"),
    ]
