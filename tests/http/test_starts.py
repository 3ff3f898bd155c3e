"""Starting over the resource API: options, unique keys, many jobs in one request."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from offload.model import QueueSettings
from tests.http.conftest import Open
from tests.http.site import Site
from tests.support import eventually

ADD = "/v1/tasks/add/jobs"


# --- options


def test_a_job_keeps_the_options_that_it_was_started_with(open_site: Open) -> None:
    site = open_site(work=False)
    options = {
        "retries": 3,
        "backoff": {"first": "1s", "factor": 3, "most": "1h", "jitter": 0},
        "timeout": "10m",
        "deadline": 7200,
        "memory": "512M",
        "on_crash": "fail",
        "retain": "7d",
        "key": "movie-7",
    }

    job_id = site.start(ADD, {"params": {"a": 1}, "options": options})

    job, kept = site.get(f"/v1/jobs/{job_id}").json, site.app.read_job(job_id).options
    assert (job["retries"], job["key"]) == (3, "movie-7")
    assert job["deadline_at"] > job["created_at"]
    assert (kept.timeout, kept.deadline, kept.memory) == (600, 7200, 512 << 20)
    assert (kept.backoff.first, kept.backoff.most, kept.on_crash) == (1, 3600, "fail")
    assert (kept.retain, job["kept_until"]) == (604_800, None)


@pytest.mark.slow
def test_a_job_tells_until_when_it_is_kept_once_it_has_ended(open_site: Open) -> None:
    site = open_site(keep=0)

    job_id = site.finished(ADD, {"params": {"a": 1}, "options": {"retain": 86_400}})
    other = site.finished(ADD, {"params": {"a": 1}})
    eventually(lambda: site.get(f"/v1/jobs/{other}").status == 410)

    job = site.get(f"/v1/jobs/{job_id}").json
    ended, until = (datetime.fromisoformat(job[name]) for name in ("finished_at", "kept_until"))
    assert (until - ended).total_seconds() == 86_400
    assert site.get("/v1/jobs").json["items"][0]["kept_until"] == job["kept_until"]
    assert site.ask("DELETE", f"/v1/jobs/{job_id}").status == 204
    assert site.get(f"/v1/jobs/{job_id}").status == 410


def test_a_deadline_may_be_an_instant_and_a_wait_always_the_same(open_site: Open) -> None:
    site = open_site(work=False)
    options = {"deadline": "2999-12-31T23:59:59+01:00", "backoff": "90s", "delay": "1h30m"}

    job_id = site.start(ADD, {"params": {"a": 1}, "options": options})

    job, kept = site.get(f"/v1/jobs/{job_id}").json, site.app.read_job(job_id).options
    assert job["deadline_at"] == "2999-12-31T22:59:59.000Z"
    assert (kept.backoff.first, kept.backoff.factor) == (90, 1)
    assert job["state"] == "scheduled"


def test_what_is_null_among_the_options_is_not_said(open_site: Open) -> None:
    site = open_site(work=False)

    job_id = site.start(ADD, {"params": {"a": 1}, "options": {"timeout": None, "tags": None}})

    assert site.app.read_job(job_id).options.timeout is None


BAD_OPTIONS: dict[str, list[object]] = {
    "timeout": [0, -1, "soon", "", [], True, 1e300],
    "deadline": ["tomorrow", "2999-01-01T00:00:00", -1, {}],
    "delay": ["1 fortnight", -1],
    "retries": [-1, 1.5, "3", 2_000_000],
    "backoff": ["x", -1, {"first": "x"}, {"factor": 0.5}, {"most": -1}, {"jitter": 2}, {"x": 1}],
    "memory": ["512X", 0, -1, 1.5, "a lot"],
    "on_crash": ["never", 1],
    "retain": [-1, "soon", "", [], True, 1e300, "3651d"],
    "on_conflict": ["maybe"],
    "key": ["", "x" * 501, 7],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD_OPTIONS.items() for value in values]
)
def test_an_option_that_does_not_fit_is_422_and_named(site: Site, name: str, value: object) -> None:
    answer = site.post(ADD, {"params": {"a": 1}, "options": {name: value}})

    assert (answer.status, answer.problem) == (422, "invalid-parameters")
    [fault] = answer.json["errors"]
    assert fault["parameter"].startswith(f"options.{name}")


def test_faults_of_all_options_are_told_at_once(site: Site) -> None:
    options = {"timeout": "soon", "memory": "x", "delay": 1, "run_at": "2999-01-01T00:00:00Z"}

    answer = site.post(ADD, {"params": {}, "options": options})

    assert [fault["parameter"] for fault in answer.json["errors"]] == [
        "a",
        "options.timeout",
        "options.memory",
        "options.run_at",
    ]


# --- unique keys


@pytest.mark.promise("S21")
def test_a_start_whose_key_is_known_is_200_with_that_job_and_changes_nothing(
    open_site: Open,
) -> None:
    site = open_site(work=False)
    start = {"params": {"a": 1}, "options": {"key": "movie-7"}}
    first = site.post(ADD, start)

    again = site.post(ADD, start)

    assert (first.status, again.status) == (202, 200)
    assert (again.json["id"], again.json["changed"]) == (first.json["id"], False)
    assert (again.json["state"], again.json["key"]) == ("queued", "movie-7")
    assert again.headers["location"] == first.headers["location"]
    assert len(site.get("/v1/jobs").json["items"]) == 1


def test_a_repeated_request_is_answered_as_it_was_the_first_time(open_site: Open) -> None:
    site = open_site(work=False)
    start = {"params": {"a": 1}, "options": {"key": "movie-7"}}

    answers = [site.post(ADD, start, Idempotency_Key="once") for _ in range(2)]

    assert [answer.status for answer in answers] == [202, 202]
    assert answers[0].body == answers[1].body


def test_a_start_that_refuses_a_known_key_is_409_and_names_the_job(open_site: Open) -> None:
    site = open_site(work=False)
    start = {"params": {"a": 1}, "options": {"key": "movie-7", "on_conflict": "refuse"}}
    first = site.start(ADD, start)

    answer = site.post(ADD, start)

    assert (answer.status, answer.problem) == (409, "key-taken")
    assert (answer.json["id"], answer.json["key"]) == (first, "movie-7")


# --- many


def test_each_item_of_a_list_has_an_outcome_of_its_own(open_site: Open) -> None:
    site = open_site(work=False)

    answer = site.post(
        "/v1/jobs",
        [
            {"task": "add", "params": {"a": 1}},
            {"task": "ad", "params": {"a": 1}},
            {"task": "add", "params": {"a": "x"}, "options": {"timeout": "soon"}},
            7,
            {"task": "add", "params": {"a": 2}, "options": {"delay": 60, "tags": ["x"]}},
        ],
    )

    assert (answer.status, answer.json["started"], answer.json["refused"]) == (207, 2, 3)
    first, unknown, unfit, nothing, last = answer.json["items"]
    assert (first["id"], first["state"], first["links"]["self"]) == (1, "queued", "/v1/jobs/1")
    assert (last["id"], last["state"]) == (2, "scheduled")
    assert (unknown["status"], unknown["nearest"]) == (404, ["add"])
    assert [fault["parameter"] for fault in unfit["errors"]] == ["a", "options.timeout"]
    assert nothing["type"] == "/problems/invalid-parameters"
    assert site.get("/v1/jobs/2").json["tags"] == ["x"]


def test_a_list_all_of_which_was_started_is_202(open_site: Open) -> None:
    site = open_site()

    answer = site.post("/v1/jobs", [{"task": "add", "params": {"a": n}} for n in range(300)])

    assert (answer.status, answer.json["refused"]) == (202, 0)
    assert [item["id"] for item in answer.json["items"]] == list(range(1, 301))
    for job_id in (1, 300):
        site.get(f"/v1/jobs/{job_id}?wait=30&until=done")
        assert site.get(f"/v1/jobs/{job_id}/result").json == job_id


def test_a_list_is_started_as_far_as_the_queue_has_room(open_site: Open) -> None:
    site = open_site(work=False, capacity=2)

    answer = site.post("/v1/jobs", [{"task": "add", "params": {"a": n}} for n in range(3)])

    assert (answer.status, answer.json["started"]) == (207, 2)
    refused = answer.json["items"][2]
    assert (refused["status"], refused["type"]) == (429, "/problems/queue-full")


@pytest.mark.promise("S17")
def test_a_list_with_an_idempotency_key_is_started_once(open_site: Open) -> None:
    site = open_site(work=False)
    starts = [{"task": "add", "params": {"a": n}} for n in range(3)]

    first, again = (site.post("/v1/jobs", starts, Idempotency_Key="list") for _ in range(2))
    other = site.post("/v1/jobs", starts[:2], Idempotency_Key="list")
    alone = site.post("/start/add?a=1", Idempotency_Key="list")

    assert first.body == again.body
    assert {item["type"] for item in other.json["items"]} == {"/problems/idempotency-key-reused"}
    assert alone.problem == "idempotency-key-reused"
    assert len(site.get("/v1/jobs").json["items"]) == 3


def test_an_item_whose_key_is_known_says_that_it_changed_nothing(open_site: Open) -> None:
    site = open_site(work=False)
    item = {"task": "add", "params": {"a": 1}, "options": {"key": "k"}}
    known = site.start(ADD, {"params": {"a": 1}, "options": {"key": "k"}})

    answer = site.post("/v1/jobs", [item])

    [started] = answer.json["items"]
    assert (answer.status, started["id"], started["changed"]) == (202, known, False)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (None, "jobs"),
        ({}, "jobs"),
        ([], "jobs"),
        (7, "jobs"),
        ({"jobs": {}}, "jobs"),
        ([{"task": "add"}] * 1001, "jobs"),
        ({"jobs": [{"task": "add"}], "group": 1}, "group"),
        ({"jobs": [{"task": "add"}], "more": 1}, "more"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_body_that_is_no_list_of_starts_is_422(site: Site, body: object, named: str) -> None:
    answer = site.post("/v1/jobs", body)

    assert (answer.status, answer.problem) == (422, "invalid-parameters")
    assert named in {fault["parameter"] for fault in answer.json["errors"]}


def test_a_client_cannot_make_a_queue_by_a_list_of_starts(open_site: Open) -> None:
    site = open_site(work=False)
    site.app.set_queue(QueueSettings(), QueueSettings(), "big")
    items = [
        {"task": "add", "params": {"a": 1}, "options": {"queue": name}} for name in ("big", "new")
    ]

    answer = site.post("/v1/jobs", items)

    assert [item.get("status", "started") for item in answer.json["items"]] == ["started", 422]
    assert site.get("/v1/jobs/1").json["queue"] == "big"


# --- unique keys, further


def test_a_task_with_a_key_of_its_own_is_answered_alike_on_both_faces(open_site: Open) -> None:
    site = open_site(work=False)

    @site.app.task(key="movie-{movie_id}")
    async def render(movie_id: int) -> None:
        """Render a movie."""

    first = site.post("/start/render?movie_id=7")
    by_brief = site.post("/start/render?movie_id=7")
    by_v1 = site.post("/v1/tasks/render/jobs", {"params": {"movie_id": 7}}, Prefer="wait=0")
    another = site.post("/start/render?movie_id=8")

    assert [answer.status for answer in (first, by_brief, by_v1, another)] == [202, 200, 200, 202]
    for answer in (by_brief, by_v1):
        assert (answer.json["id"], answer.json["changed"]) == (first.json["id"], False)
        assert answer.json["key"] == "movie-7"
    assert by_brief.json["task_id"] == first.json["id"]
    assert by_v1.headers["preference-applied"] == "wait=0"


def test_a_known_job_that_ends_in_time_is_shown_with_its_result(open_site: Open) -> None:
    site = open_site()
    start = {"options": {"key": "k"}}
    job_id = site.start("/v1/tasks/hold/jobs", start)
    site.reaches(job_id, "running")

    with ThreadPoolExecutor(1) as thread:
        other = site.second()
        asking = thread.submit(other.post, "/v1/tasks/hold/jobs", start, Prefer="wait=20")
        eventually(lambda: site.waiting(job_id) == 1)
        site.gate.open()
        answer = asking.result(20)

    assert (answer.status, answer.json["id"], answer.json["result"]) == (200, job_id, "held")
    assert answer.json["changed"] is False
