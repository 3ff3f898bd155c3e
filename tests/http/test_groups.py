"""Groups over HTTP: started all or none, looked at, cancelled and tried anew as one."""

import pytest

from tests.http.conftest import Open
from tests.http.site import ABSENT_ID, Site
from tests.support import eventually


def adds(count: int) -> dict[str, object]:
    return {"jobs": [{"task": "add", "params": {"a": n}} for n in range(count)], "group": True}


def test_a_group_is_started_watched_and_listed(open_site: Open) -> None:
    site = open_site()
    answer = site.post("/v1/jobs", adds(5))

    eventually(lambda: site.get("/v1/groups/1").json["done"])

    assert answer.status == 202
    assert (answer.json["group"], answer.json["jobs"]) == (1, [1, 2, 3, 4, 5])
    assert answer.headers["location"] == answer.json["links"]["self"] == "/v1/groups/1"
    group = site.get("/v1/groups/1").json
    assert (group["id"], group["size"], group["counts"]) == (1, 5, {"succeeded": 5})
    progress = {name: group["progress"][name] for name in ("done", "total", "message", "unit")}
    assert progress == {"done": 5, "total": 5, "message": None, "unit": "job"}
    assert set(group["links"]) == {"self", "jobs"}
    listed = site.get(group["links"]["jobs"]).json["items"]
    assert [(job["id"], job["group"]) for job in listed] == [(n, 1) for n in (5, 4, 3, 2, 1)]


def test_a_group_is_refused_as_a_whole_with_every_fault(open_site: Open) -> None:
    site = open_site()
    jobs = [{"task": "add", "params": {"a": 1}}, {"task": "ad"}, {"task": "add"}, 7]

    answer = site.post("/v1/jobs", {"jobs": jobs, "group": True})

    assert (answer.status, answer.problem) == (422, "invalid-parameters")
    named = [fault["parameter"] for fault in answer.json["errors"]]
    assert named == ["jobs[1].task", "jobs[2].a", "jobs[3].task"]
    assert "did you mean add" in answer.json["errors"][0]["problem"]
    assert site.get("/v1/jobs").json["items"] == []


def test_a_group_that_finds_no_room_is_429_and_nothing_of_it_is_started(open_site: Open) -> None:
    site = open_site(work=False, capacity=2)

    answer = site.post("/v1/jobs", adds(3))

    assert (answer.status, answer.problem) == (429, "queue-full")
    assert answer.headers["retry-after"] == "1"
    assert site.get("/v1/jobs").json["items"] == []


@pytest.mark.promise("S17")
def test_a_group_with_an_idempotency_key_is_started_once(open_site: Open) -> None:
    site = open_site(work=False)

    first, again = (site.post("/v1/jobs", adds(2), Idempotency_Key="g") for _ in range(2))
    other = site.post("/v1/jobs", adds(3), Idempotency_Key="g")

    assert first.body == again.body
    assert other.problem == "idempotency-key-reused"
    assert len(site.get("/v1/jobs").json["items"]) == 2


def test_cancel_of_a_group_is_202_until_all_stand_still(open_site: Open) -> None:
    site = open_site()
    jobs = [{"task": "stubborn"}, {"task": "add", "params": {"a": 1}, "options": {"delay": 900}}]
    site.post("/v1/jobs", {"jobs": jobs, "group": True})
    site.reaches(1, "running")

    first, again = (site.post("/v1/groups/1/cancel") for _ in range(2))
    site.gate.open()
    eventually(lambda: site.get("/v1/groups/1").json["done"])
    late = site.post("/v1/groups/1/cancel")

    assert (first.status, first.json["changed"]) == (202, 2)
    assert first.json["counts"] == {"running": 1, "cancelled": 1}
    assert (again.status, again.json["changed"]) == (202, 0)
    assert (late.status, late.json["changed"]) == (200, 0)


def test_retry_of_a_group_tries_what_failed_anew(open_site: Open) -> None:
    site = open_site()
    jobs = [{"task": "boom"}, {"task": "add", "params": {"a": 1}}, {"task": "boom"}]
    site.post("/v1/jobs", {"jobs": jobs, "group": True})
    eventually(lambda: site.get("/v1/groups/1").json["done"])
    before = site.get("/v1/groups/1").json

    answer = site.post(before["links"]["retry"])

    assert (answer.status, answer.json["changed"]) == (202, 2)
    eventually(lambda: site.get("/v1/groups/1").json["done"])
    events = site.get("/v1/jobs/1/events").json["items"]
    assert [event["kind"] for event in events][-3:] == ["retried", "claimed", "failed"]


def test_retry_of_a_group_goes_as_far_as_there_is_room(open_site: Open) -> None:
    site = open_site(capacity=10)
    site.post("/v1/jobs", {"jobs": [{"task": "boom"}] * 3, "group": True})
    eventually(lambda: site.get("/v1/groups/1").json["done"])
    limits = {"capacity": 2, "limit": 0}
    site.ask("PATCH", "/v1/queues/default", b'{"capacity": 2, "limit": 0}', JSON)

    first, again = (site.post("/v1/groups/1/retry") for _ in range(2))

    queue = site.get("/v1/queues/default").json
    assert {name: queue[name] for name in limits} == limits
    assert (first.status, first.json["changed"]) == (202, 2)
    assert (again.status, again.problem) == (429, "queue-full")


def test_retry_of_a_group_without_failures_changes_nothing(open_site: Open) -> None:
    site = open_site()
    site.post("/v1/jobs", adds(1))
    eventually(lambda: site.get("/v1/groups/1").json["done"])

    answer = site.post("/v1/groups/1/retry")

    assert (answer.status, answer.json["changed"]) == (200, 0)


JSON = {"Content-Type": "application/json"}


def test_a_group_that_never_was_is_404_everywhere(site: Site) -> None:
    target = f"/v1/groups/{ABSENT_ID}"

    answers = [site.get(target), site.post(f"{target}/cancel"), site.post(f"{target}/retry")]

    for answer in answers:
        assert (answer.status, answer.problem) == (404, "unknown-group")
        assert answer.json["group"] == ABSENT_ID


@pytest.mark.parametrize("text", ["0", "x", "01", "9" * 19])
def test_what_is_no_id_of_a_group_is_404(site: Site, text: str) -> None:
    assert site.get(f"/v1/groups/{text}").problem == "invalid-id"
    assert site.get(f"/v1/jobs?group={text}").problem == "invalid-parameters"
