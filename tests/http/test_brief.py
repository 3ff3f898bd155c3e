"""The brief's session, over HTTP."""

import pytest

from tests.http.conftest import Open
from tests.http.site import Site
from tests.support import eventually


def test_the_brief_s_session_goes_as_its_author_meant_it(open_site: Open) -> None:
    site = open_site(concurrency=3, capacity=10, keep=1000)

    started = [site.post("/start/hold") for _ in range(6)]
    started.append(site.post("/start/failing?message=late"))

    assert [answer.status for answer in started] == [202] * 7
    assert [answer.json["id"] for answer in started] == [1, 2, 3, 4, 5, 6, 7]
    site.reaches(3, "running")
    assert site.get("/status?id=1").json["status"] == "running"
    assert site.get("/status?id=7").json["status"] == "queued"
    assert site.post("/cancel?id=4").status == 200
    assert site.get("/result?id=7").status == 409
    assert site.get("/status?id=99").status == 404

    site.gate.open()
    site.reaches(7, "failed")
    assert site.get("/result?id=1").json == {
        "id": 1,
        "task_id": 1,
        "state": "succeeded",
        "status": "succeeded",
        "result": "held",
    }
    assert "late" in site.get("/result?id=7").json["error"]["message"]
    assert site.get("/status?id=4").json["state"] == "cancelled"


def test_a_start_is_answered_with_the_job_s_address(site: Site) -> None:
    answer = site.post("/start/add?a=1")

    job_id = answer.json["id"]
    assert answer.status == 202
    assert answer.headers["location"] == f"/v1/jobs/{job_id}"
    assert answer.headers["retry-after"] == "1"
    assert answer.json == {
        "id": job_id,
        "task_id": job_id,
        "task": "add",
        "state": "queued",
        "status": "queued",
    }


def test_an_alias_starts_its_task(site: Site) -> None:
    answer = site.post("/start/failing?message=x")

    assert answer.json["task"] == "boom"


def test_parameters_may_come_as_a_json_body(site: Site) -> None:
    job_id = site.finished("/start/add", {"a": 40, "b": 2})

    assert site.get(f"/result?id={job_id}").json["result"] == 42


def test_a_status_has_the_names_of_the_brief_beside_those_of_v1(site: Site) -> None:
    job_id = site.finished("/start/add?a=1")

    brief, v1 = site.get(f"/status?id={job_id}").json, site.get(f"/v1/jobs/{job_id}").json

    assert brief.pop("task_id") == job_id
    assert brief.pop("status") == "succeeded"
    assert brief == v1


def test_a_repeated_name_makes_a_list_where_the_parameter_is_one(site: Site) -> None:
    job_id = site.start("/start/words?text=x&times=1&times=2")

    assert site.get(f"/status?id={job_id}").json["params"] == {"text": "x", "times": [1, 2]}


@pytest.mark.slow
@pytest.mark.promise("S7")
def test_what_is_evicted_is_gone_and_what_never_was_is_unknown(open_site: Open) -> None:
    site = open_site(keep=1)
    first, second = site.finished("/start/add?a=1"), site.finished("/start/add?a=2")

    eventually(lambda: site.get(f"/status?id={first}").status == 410)

    assert site.get(f"/result?id={first}").problem == "evicted"
    assert site.get(f"/result?id={second}").status == 200
    assert site.get(f"/status?id={second + 1}").status == 404


def test_the_server_starts_the_next_job_by_itself_when_one_ends(open_site: Open) -> None:
    site = open_site(concurrency=1)
    [first] = site.held()
    second = site.start("/start/add?a=1")
    assert site.state(second) == "queued"

    site.gate.open()

    site.reaches(first, "succeeded")
    site.reaches(second, "succeeded")
