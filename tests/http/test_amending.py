"""`PATCH /v1/jobs/{id}`: what has not begun can be altered, and all else stays as it is."""

import json

import pytest

from offload.model import QueueSettings
from tests.http.conftest import Open
from tests.http.site import Answer, Site

FAR = "2040-01-01T00:00:00Z"


def patch(site: Site, job_id: int, value: object) -> Answer:
    sent = json.dumps(value).encode()
    return site.ask("PATCH", f"/v1/jobs/{job_id}", sent, {"Content-Type": "application/json"})


def test_a_queued_job_gets_another_priority_queue_tags_and_instant(open_site: Open) -> None:
    site = open_site(work=False)
    site.app.set_queue(QueueSettings(), QueueSettings(), "slow")
    job_id = site.start("/start/add?a=1")

    answer = patch(
        site, job_id, {"priority": 7, "queue": "slow", "tags": ["b", "a", "b"], "run_at": FAR}
    )

    assert (answer.status, answer.json["changed"], answer.json["version"]) == (200, True, 2)
    names = ("state", "priority", "queue", "tags", "run_at")
    assert [answer.json[name] for name in names] == [
        "scheduled", 7, "slow", ["b", "a"], "2040-01-01T00:00:00.000Z",
    ]  # fmt: skip
    assert site.get(f"/v1/jobs/{job_id}").headers["etag"] == answer.headers["etag"]
    counts = {queue["name"]: queue["counts"] for queue in site.get("/v1/queues").json["items"]}
    assert counts["slow"] == {"queued": 1}
    assert counts["default"].get("queued", 0) == 0
    event = site.get(f"/v1/jobs/{job_id}/events").json["items"][-1]
    assert (event["kind"], event["door"]) == ("amended", "http")
    assert event["reason"] == (
        "queue default → slow; priority 0 → 7; due at another time; tags b, a"
    )


def test_what_is_so_already_changes_nothing(open_site: Open) -> None:
    site = open_site(work=False)
    job_id = site.start("/start/add?a=1")

    same: list[dict[str, object]] = [
        {}, {"priority": 0}, {"run_at": None}, {"tags": []}, {"queue": "default"},
    ]  # fmt: skip
    answers = [patch(site, job_id, value) for value in same]

    assert [(a.status, a.json["changed"], a.json["version"]) for a in answers] == [
        (200, False, 1)
    ] * 5


def test_a_job_that_is_no_longer_put_off_runs_at_once(open_site: Open) -> None:
    site = open_site()
    job_id = site.start("/v1/tasks/add/jobs", {"params": {"a": 1}, "options": {"run_at": FAR}})

    answer = patch(site, job_id, {"run_at": None})

    assert answer.json["state"] == "queued"
    site.reaches(job_id, "succeeded")


def test_a_job_of_a_higher_priority_goes_first(open_site: Open) -> None:
    site = open_site(concurrency=1)
    site.held()
    first, second = site.start("/start/add?a=1"), site.start("/start/add?a=2")

    patch(site, second, {"priority": 1})
    site.gate.open()

    site.reaches(first, "succeeded")
    began = [site.get(f"/v1/jobs/{each}").json["started_at"] for each in (second, first)]
    assert began == sorted(began)


def test_a_held_job_is_altered_and_stays_held(open_site: Open) -> None:
    site = open_site()
    job_id = site.start("/v1/tasks/add/jobs", {"params": {"a": 1}, "options": {"run_at": FAR}})
    site.post(f"/v1/jobs/{job_id}/pause")

    answer = patch(site, job_id, {"run_at": None, "priority": 3})

    assert (answer.json["state"], answer.json["priority"]) == ("paused", 3)
    site.post(f"/v1/jobs/{job_id}/resume")
    site.reaches(job_id, "succeeded")


def test_a_running_job_is_409_not_amendable(open_site: Open) -> None:
    site = open_site()
    [job_id] = site.held()

    answer = patch(site, job_id, {"priority": 1})

    assert (answer.status, answer.problem, answer.json["id"]) == (409, "not-amendable", job_id)
    assert site.get(f"/v1/jobs/{job_id}").json["priority"] == 0


def test_a_finished_job_is_409_and_an_absent_one_404(site: Site) -> None:
    job_id = site.finished("/start/add?a=1")

    finished, absent = patch(site, job_id, {"priority": 1}), patch(site, 10**12, {})

    assert (finished.status, finished.problem) == (409, "already-finished")
    assert (absent.status, absent.problem) == (404, "unknown-job")


@pytest.mark.promise("P7")
def test_a_queue_at_capacity_takes_no_job_of_another(open_site: Open) -> None:
    site = open_site(work=False)
    site.app.set_queue(QueueSettings(capacity=1), QueueSettings(), "small")
    first, second = site.start("/start/add?a=1"), site.start("/start/add?a=1")

    taken, refused = (patch(site, each, {"queue": "small"}) for each in (first, second))

    assert taken.status == 200
    assert (refused.status, refused.problem) == (429, "queue-full")
    assert refused.json["queue"] == "small"
    assert site.get(f"/v1/jobs/{second}").json["queue"] == "default"
    assert patch(site, first, {"queue": "small", "priority": 2}).status == 200


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ({"priority": None, "queue": None, "tags": None}, ["priority", "queue", "tags"]),
        ({"priority": 40_000, "queue": "a b", "run_at": "soon", "x": 1}, None),
        ({"queue": "nowhere"}, ["queue"]),
        ({"run_at": "2040-01-01T00:00:00"}, ["run_at"]),
    ],
)
def test_what_does_not_fit_is_422_and_changes_nothing(
    open_site: Open, value: dict[str, object], named: list[str] | None
) -> None:
    site = open_site(work=False)
    job_id = site.start("/start/add?a=1")
    before = site.get(f"/v1/jobs/{job_id}").json

    answer = patch(site, job_id, value)

    assert (answer.status, answer.problem) == (422, "invalid-parameters")
    faults = [fault["parameter"] for fault in answer.json["errors"]]
    assert sorted(faults) == sorted(value if named is None else named)
    assert site.get(f"/v1/jobs/{job_id}").json == before
