"""`POST /v1/jobs/cancel|pause|resume|retry`: one verb for all jobs that a filter leaves."""

import pytest

from offload import bulk
from offload.model import QueueSettings
from tests.http.conftest import Open
from tests.http.site import Answer, Site


def ask(site: Site, verb: str, narrowed: dict[str, object], **more: object) -> Answer:
    answer = site.post(f"/v1/jobs/{verb}", {"filter": narrowed, **more})
    assert answer.status == 200, answer
    return answer


def states(site: Site) -> list[str]:
    """The states of all jobs, in the order in which they were started."""
    return [job["state"] for job in reversed(site.get("/v1/jobs?limit=500").json["items"])]


def test_an_empty_filter_is_all_that_the_verb_is_about(open_site: Open) -> None:
    site = open_site(work=False)
    for number in range(4):
        site.start(f"/start/add?a={number}")
    site.post("/cancel?id=1")

    paused = ask(site, "pause", {}, reason="disk is full")
    resumed = ask(site, "resume", {})
    cancelled = ask(site, "cancel", {})
    retried = ask(site, "retry", {})

    counted = [answer.json["changed"] for answer in (paused, resumed, cancelled, retried)]
    assert counted == [3, 3, 3, 4]
    assert paused.json == {
        "preview": False, "matched": 3, "changed": 3, "unchanged": 0, "refused": {},
        "next_cursor": None,
    }  # fmt: skip
    assert states(site) == ["queued"] * 4
    story = site.get("/v1/jobs/2/events").json["items"]
    assert [event["reason"] for event in story if event["kind"] == "held"] == ["disk is full"]


def test_a_preview_counts_and_changes_nothing(open_site: Open) -> None:
    site = open_site(work=False)
    for number in range(3):
        site.start(f"/start/add?a={number}")
    before = site.get("/v1/jobs").json

    preview = ask(site, "cancel", {"q": "param.a:1"}, preview=True)
    all_of_them = ask(site, "cancel", {}, preview=True)

    assert (preview.json["preview"], preview.json["changed"]) == (True, 1)
    assert all_of_them.json["changed"] == 3
    assert site.get("/v1/jobs").json == before


def test_the_filter_is_that_of_a_list(open_site: Open) -> None:
    site = open_site(work=False)
    site.app.set_queue(QueueSettings(), QueueSettings(), "slow")
    site.start("/v1/tasks/add/jobs", {"params": {"a": 1}, "options": {"tags": ["red"]}})
    site.start("/v1/tasks/add/jobs", {"params": {"a": 2}, "options": {"queue": "slow"}})
    site.start("/start/hold")
    group = site.post("/v1/jobs", {"jobs": [{"task": "hold"}], "group": True}).json["group"]

    filters: list[dict[str, object]] = [
        {"tag": "red"},
        {"queue": "slow"},
        {"task": "hold"},
        {"group": str(group)},
        {"since": "1h"},
        {"since": "2999-01-01T00:00:00Z"},
        {"state": "running"},
        {"state": "queued", "task": "add"},
        {"ids": [1, 3]},
        {"worker": "999"},
    ]
    counted = [ask(site, "cancel", each, preview=True).json["changed"] for each in filters]

    assert counted == [1, 1, 2, 1, 4, 0, 0, 2, 2, 0]


def test_all_that_a_worker_has_is_paused_and_nothing_else(open_site: Open) -> None:
    site = open_site(concurrency=2)
    held = site.held(2)
    waiting = site.start("/start/hold")
    worker = site.get(f"/v1/jobs/{held[0]}").json["worker"]

    answer = ask(site, "pause", {"worker": str(worker)})

    assert (answer.json["matched"], answer.json["changed"]) == (2, 2)
    for job_id in held:
        site.reaches(job_id, "paused")
    assert site.get(f"/v1/jobs/{waiting}").json["pause"] is None


def test_what_cannot_be_done_is_counted_by_its_kind_of_problem(open_site: Open) -> None:
    site = open_site()
    done = site.finished("/start/add?a=1")
    [running] = site.held()
    failed = site.finished("/start/boom")

    cancelled = ask(site, "cancel", {"ids": [done, 10**12]}).json
    retried = ask(site, "retry", {"ids": [done, running, failed]}).json

    assert cancelled["matched"] == 2
    assert cancelled["refused"] == {"already-finished": 1, "unknown-job": 1}
    assert (retried["matched"], retried["changed"]) == (3, 1)
    assert retried["refused"] == {"already-finished": 1, "not-finished": 1}


def test_what_is_so_already_is_unchanged(open_site: Open) -> None:
    site = open_site(work=False)
    site.start("/start/add?a=1")
    site.post("/cancel?id=1")

    answer = ask(site, "cancel", {"state": "cancelled"})

    assert (answer.json["changed"], answer.json["unchanged"]) == (0, 1)


@pytest.mark.promise("P7")
def test_a_retry_for_which_there_is_no_room_is_refused(open_site: Open) -> None:
    site = open_site(work=False)
    for number in range(3):
        site.start(f"/start/add?a={number}")
    ask(site, "cancel", {})
    site.app.set_queue(QueueSettings(capacity=2), QueueSettings())

    answer = ask(site, "retry", {}).json

    assert (answer["matched"], answer["changed"], answer["refused"]) == (3, 2, {"queue-full": 1})


def test_running_jobs_are_stopped_too(open_site: Open) -> None:
    site = open_site()
    ids = site.held(3)

    answer = ask(site, "cancel", {"task": "hold"})

    assert answer.json["changed"] == 3
    for job_id in ids:
        site.reaches(job_id, "cancelled")


def test_a_long_one_is_gone_on_with_by_its_cursor(
    open_site: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "PAGE", 3)
    monkeypatch.setattr(bulk, "MOST_JOBS", 6)
    site = open_site(work=False)
    for number in range(8):
        site.start(f"/start/add?a={number}")

    preview = ask(site, "cancel", {}, preview=True).json
    first = ask(site, "cancel", {}).json
    second = ask(site, "cancel", {}, cursor=first["next_cursor"]).json
    by_ids = ask(site, "retry", {"ids": list(range(1, 9))}).json

    assert preview == first | {"preview": True}
    assert (first["changed"], second["changed"]) == (6, 2)
    assert second["next_cursor"] is None
    assert (by_ids["changed"], by_ids["next_cursor"]) == (6, "3")


@pytest.mark.parametrize("verb", ["cancel", "pause", "resume", "retry"])
@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "filter"),
        ({"filter": None}, "filter"),
        ({"filter": {"stat": "queued"}}, "filter"),
        ({"filter": {"state": "waiting"}}, "state"),
        ({"filter": {"q": "x" * 501}}, "q"),
        ({"filter": {"ids": [1], "task": "add"}}, "filter.task"),
        ({"filter": {"ids": [0]}}, "filter"),
        ({"filter": {}, "cursor": "x"}, "cursor"),
        ({"filter": {}, "preview": 1}, "preview"),
        ({"filter": {}, "reason": "x" * 501}, "reason"),
    ],
)
def test_what_does_not_fit_is_422(site: Site, verb: str, body: object, named: str) -> None:
    answer = site.post(f"/v1/jobs/{verb}", body)

    assert (answer.status, answer.problem) == (422, "invalid-parameters")
    [fault] = answer.json["errors"]
    assert fault["parameter"].startswith(named)
