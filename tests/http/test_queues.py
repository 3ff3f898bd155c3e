"""Queues, workers and counts over HTTP."""

import pytest

from offload.model import QueueSettings
from tests.http.conftest import Open
from tests.http.site import Answer, Site
from tests.support import eventually


def patch(site: Site, target: str, body: bytes) -> Answer:
    return site.ask("PATCH", target, body, {"Content-Type": "application/json"})


def test_queues_are_listed_with_their_settings_and_counts(open_site: Open) -> None:
    site = open_site(work=False, concurrency=3)
    site.app.set_queue(QueueSettings(keep=7), QueueSettings(), "small")
    site.start("/start/add?a=1")
    site.post(f"/cancel?id={site.start('/start/add?a=1')}")

    default, small = site.get("/v1/queues").json["items"]

    assert (default["name"], default["limit"], default["paused"]) == ("default", 3, False)
    assert default["counts"] == {"queued": 1, "cancelled": 1}
    assert (small["name"], small["keep"], small["counts"]) == ("small", 7, {})
    assert site.get(default["links"]["self"]).json == default
    assert len(site.get(default["links"]["jobs"]).json["items"]) == 2


def test_a_queue_says_since_when_somebody_waits(open_site: Open) -> None:
    site = open_site(concurrency=1)
    site.app.set_queue(QueueSettings(), QueueSettings(), "idle")
    [running] = site.held()
    first, _ = site.start("/start/add?a=1"), site.start("/start/add?a=2")
    site.start("/v1/tasks/add/jobs", {"params": {"a": 1}, "options": {"delay": 3600}})

    default, idle = site.get("/v1/queues").json["items"]
    alone = site.get("/v1/queues/default").json
    since = site.get(f"/v1/jobs/{first}").json["created_at"]
    site.gate.open()
    site.reaches(running, "succeeded")

    assert (default["oldest_at"], alone["oldest_at"], idle["oldest_at"]) == (since, since, None)
    eventually(lambda: site.get("/v1/queues/default").json["oldest_at"] is None)


def test_a_queue_says_how_much_of_its_capacity_is_taken(open_site: Open) -> None:
    site = open_site(concurrency=1, capacity=5)
    site.app.set_queue(QueueSettings(), QueueSettings(), "without")
    [frozen] = site.held()
    site.post(f"/v1/jobs/{frozen}/pause")
    site.reaches(frozen, "paused")
    site.held()
    held = site.start("/start/add?a=1")
    site.post(f"/v1/jobs/{held}/pause")
    site.start("/start/add?a=2")

    default, without = site.get("/v1/queues").json["items"]

    assert default["counts"] == {"running": 1, "paused": 2, "queued": 1}
    assert default["admitted"] == 2
    assert without["admitted"] is None


def test_a_queue_is_set_and_what_is_not_said_stays(open_site: Open) -> None:
    site = open_site(work=False, concurrency=3)
    site.start("/start/add?a=1")

    answer = patch(site, "/v1/queues/default", b'{"capacity": 5, "keep": 9}')
    unlimited = patch(site, "/v1/queues/default", b'{"limit": null}')

    assert answer.status == unlimited.status == 200
    assert [answer.json[name] for name in ("limit", "capacity", "keep")] == [3, 5, 9]
    assert [unlimited.json[name] for name in ("limit", "capacity", "keep")] == [None, 5, 9]
    assert site.get("/v1/queues/default").json == unlimited.json


def test_a_higher_limit_lets_the_next_job_begin(open_site: Open) -> None:
    site = open_site(concurrency=1)
    site.held()
    second = site.start("/start/hold")

    patch(site, "/v1/queues/default", b'{"limit": 2}')

    site.reaches(second, "running")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b'{"limit": -1}', ["limit"]),
        (b'{"limit": 1.5, "keep": null, "x": 1}', ["limit", "keep", "x"]),
        (b'{"capacity": "5"}', ["capacity"]),
        (b'{"paused": true}', ["paused"]),
    ],
)
def test_a_setting_that_does_not_fit_is_422_and_named(
    site: Site, body: bytes, named: list[str]
) -> None:
    answer = patch(site, "/v1/queues/default", body)

    assert (answer.status, answer.problem) == (422, "invalid-parameters")
    assert [fault["parameter"] for fault in answer.json["errors"]] == named


def test_a_queue_that_nobody_set_or_used_is_404(site: Site) -> None:
    for answer in (site.get("/v1/queues/none"), patch(site, "/v1/queues/none", b"{}")):
        assert (answer.status, answer.problem) == (404, "unknown-queue")
        assert "default" in answer.json["detail"]


def test_workers_say_what_they_run(open_site: Open) -> None:
    site = open_site()
    eventually(lambda: bool(site.get("/v1/workers").json.get("items")))

    [worker] = site.get("/v1/workers").json["items"]

    assert (worker["alive"], worker["stopping"], worker["queues"]) == (True, False, [])
    assert {"add", "hold"} <= set(worker["tasks"])


def test_workers_say_how_they_do(open_site: Open) -> None:
    site = open_site()
    eventually(lambda: bool(site.get("/v1/workers").json.get("items")))

    [worker] = site.get("/v1/workers").json["items"]

    assert worker["memory"] > 1 << 20
    assert worker["loop_lag"] >= 0
    assert worker["cpu"] is None  # it is known with the second sign of life


def test_stats_count_by_queue_and_state(open_site: Open) -> None:
    site = open_site()
    site.finished("/start/add?a=1")
    site.finished("/start/boom")

    stats = site.get("/v1/stats").json

    assert stats["jobs"] == {"failed": 1, "succeeded": 1}
    assert stats["queues"] == {"default": stats["jobs"]}
    assert (stats["workers"], stats["slots"] > 0) == (1, True)


def test_nobody_is_at_work_where_there_is_no_worker(open_site: Open) -> None:
    site = open_site(work=False)
    site.start("/start/add?a=1")

    stats = site.get("/v1/stats").json

    assert (stats["jobs"], stats["workers"], stats["slots"]) == ({"queued": 1}, 0, 0)
    assert site.get("/v1/workers").json == {"items": []}
