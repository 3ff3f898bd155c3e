"""The resource API: lists, waiting, tags of answers, options of a start."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from offload.model import QueueSettings, State
from tests.http.conftest import Open
from tests.http.site import Answer, Site
from tests.support import eventually

FIELDS = [
    "id", "task", "kind", "queue", "state", "done", "version", "params", "result", "error",
    "progress", "checkpoint", "pause", "reason", "attempt", "retries", "crashes", "interrupts",
    "group", "owner", "priority", "tags", "key", "created_at", "run_at", "next_check_at",
    "deadline_at", "started_at", "finished_at", "kept_until", "active_seconds",
    "paused_seconds", "worker", "usage", "links",
]  # fmt: skip


# --- a job


def test_a_job_has_the_published_fields(site: Site) -> None:
    job_id = site.finished("/start/add?a=1")

    job = site.get(f"/v1/jobs/{job_id}").json

    assert list(job) == FIELDS
    assert (job["task"], job["params"], job["result"]) == ("add", {"a": 1}, 2)
    assert (job["state"], job["done"], job["error"]) == ("succeeded", True, None)
    for name in ("created_at", "started_at", "finished_at"):
        moment = datetime.fromisoformat(job[name])
        assert moment.tzinfo == UTC
        assert job[name] == moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_links_name_only_what_would_work_now(open_site: Open) -> None:
    site = open_site()
    [running] = site.held()
    stopping = site.start("/start/stubborn")
    site.reaches(stopping, "running")
    site.post(f"/cancel?id={stopping}")
    succeeded, failed = site.finished("/start/add?a=1"), site.finished("/start/boom")

    links = {
        job_id: set(site.get(f"/v1/jobs/{job_id}").json["links"])
        for job_id in (running, stopping, succeeded, failed)
    }

    looks = {"self", "events", "logs", "attempts"}
    assert links == {
        running: looks | {"cancel", "pause"},
        stopping: looks,
        succeeded: looks | {"result"},
        failed: looks | {"retry"},
    }
    result = site.get(f"/v1/jobs/{succeeded}").json["links"]["result"]
    assert site.get(result).json == 2


def test_progress_is_shown(open_site: Open) -> None:
    site = open_site()
    [job_id] = site.held()

    eventually(lambda: site.get(f"/status?id={job_id}").json["progress"] is not None)

    progress = {"done": 1, "total": 4, "message": "waiting", "unit": "step"}
    progress |= {"rate": None, "eta": None, "bars": []}
    assert site.get(f"/v1/jobs/{job_id}").json["progress"] == progress


def test_a_job_that_nobody_can_take_says_so(open_site: Open) -> None:
    site = open_site(work=False)
    job_id = site.start("/start/add?a=1")

    assert "no live worker" in site.get(f"/v1/jobs/{job_id}").json["reason"]
    assert "no live worker" in site.get(f"/status?id={job_id}").json["reason"]
    assert "no live worker" in site.get("/v1/jobs").json["items"][0]["reason"]


def test_each_job_of_a_list_says_why_it_waits(open_site: Open) -> None:
    site = open_site(concurrency=1)
    [running] = site.held()
    waiting = site.start("/start/add?a=1")
    scheduled = site.start("/v1/tasks/add/jobs", {"params": {"a": 1}, "options": {"delay": 900}})

    reasons = {job["id"]: job["reason"] for job in site.get("/v1/jobs").json["items"]}

    assert "the only place of the queue" in reasons[waiting]
    assert (reasons[running], reasons[scheduled]) == (None, None)


@pytest.mark.promise("S22")
def test_the_events_of_a_job_are_its_history_without_a_gap(site: Site) -> None:
    job_id = site.finished("/start/add?a=1")

    events = site.get(f"/v1/jobs/{job_id}/events").json["items"]

    assert [event["kind"] for event in events] == ["queued", "claimed", "succeeded"]
    assert [event["version"] for event in events] == [1, 2, 3]
    assert events[0]["door"] == "http"
    assert site.get("/v1/jobs/999999999/events").problem == "unknown-job"


# --- the tag of an answer


def test_what_the_client_has_already_is_304(site: Site) -> None:
    job_id = site.finished("/start/add?a=1")
    first = site.get(f"/v1/jobs/{job_id}")
    tag = first.headers["etag"]

    for known in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
        answer = site.get(f"/v1/jobs/{job_id}", If_None_Match=known)
        assert (answer.status, answer.body) == (304, b"")
        assert answer.headers["etag"] == tag
    assert site.get(f"/v1/jobs/{job_id}", If_None_Match='"x"').status == 200


def test_the_tag_changes_with_the_state_and_with_progress_too(open_site: Open) -> None:
    site = open_site()
    job_id = site.start("/start/hold")
    tags: set[str] = set()

    def note() -> bool:
        answer = site.get(f"/v1/jobs/{job_id}")
        tags.add(f"{answer.headers['etag']} of {answer.json['state']} {answer.json['progress']}")
        return answer.json["progress"] is not None

    eventually(note)
    site.gate.open()
    site.reaches(job_id, "succeeded")
    note()

    assert len(tags) >= 2
    assert len({tag.partition(" of ")[0] for tag in tags}) == len(tags)


# --- waiting


def test_waiting_for_the_end_answers_when_it_comes(open_site: Open) -> None:
    site, other = open_site(), threading.Event()
    [job_id] = site.held()

    def wait() -> Answer:
        connection = site.second()
        other.set()
        return connection.get(f"/v1/jobs/{job_id}?wait=30&until=done")

    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(wait)
        other.wait(10)
        site.gate.open()
        answer = waiting.result(20)

    assert answer.json["state"] == "succeeded"


def test_waiting_for_a_change_answers_at_the_next_one(open_site: Open) -> None:
    site = open_site()
    job_id = site.start("/start/stubborn")
    site.reaches(job_id, "running")
    before = site.get(f"/v1/jobs/{job_id}")

    with ThreadPoolExecutor(1) as thread:
        other = site.second()
        waiting = thread.submit(
            other.get, f"/v1/jobs/{job_id}?wait=30", If_None_Match=before.headers["etag"]
        )
        site.post(f"/cancel?id={job_id}")
        answer = waiting.result(20)

    assert answer.json["state"] == "cancelling"


def test_waiting_for_a_change_tells_at_once_what_the_client_does_not_know(
    open_site: Open,
) -> None:
    site = open_site()
    [job_id] = site.held()

    answer = site.get(f"/v1/jobs/{job_id}?wait=60", If_None_Match='W/"1-00000000"')

    assert (answer.status, answer.json["state"]) == (200, "running")


def test_waiting_for_what_has_ended_is_answered_at_once(site: Site) -> None:
    job_id = site.finished("/start/add?a=1")

    for query in ("wait=60", "wait=60&until=done"):
        tag = site.get(f"/v1/jobs/{job_id}?{query}").headers["etag"]
        assert site.get(f"/v1/jobs/{job_id}?{query}", If_None_Match=tag).status == 304


def test_waiting_in_vain_answers_with_the_job_as_it_is(open_site: Open) -> None:
    site = open_site(work=False)
    job_id = site.start("/start/add?a=1")

    assert site.get(f"/v1/jobs/{job_id}?wait=0.01&until=done").json["state"] == "queued"
    assert site.get(f"/v1/jobs/{job_id}?wait=0").json["state"] == "queued"


@pytest.mark.parametrize("query", ["wait=x", "wait=-1", "wait=nan", "until=soon", "wait="])
def test_a_wait_that_cannot_be_read_is_422(site: Site, query: str) -> None:
    job_id = site.finished("/start/add?a=1")

    assert site.get(f"/v1/jobs/{job_id}?{query}").problem == "invalid-parameters"


def test_who_waits_and_goes_away_is_forgotten(open_site: Open) -> None:
    site = open_site()
    [job_id] = site.held()
    other = site.second()
    other.send("GET", f"/v1/jobs/{job_id}?wait=60&until=done")
    eventually(lambda: site.waiting(job_id) == 1)

    other.hang_up()

    eventually(lambda: site.waiting(job_id) == 0)


# --- lists


def test_a_list_goes_from_the_newest_to_the_oldest_page_by_page(open_site: Open) -> None:
    site = open_site(work=False)
    ids = [site.start(f"/start/add?a={n}") for n in range(7)]

    pages, query = [], "limit=3"
    while query:
        page = site.get(f"/v1/jobs?{query}").json
        pages.append([job["id"] for job in page["items"]])
        query = page["next_cursor"] and f"limit=3&cursor={page['next_cursor']}"

    assert pages == [ids[6:3:-1], ids[3:0:-1], ids[:1]]


def test_a_list_that_ends_with_its_page_has_no_next_one(open_site: Open) -> None:
    site = open_site(work=False)
    for n in range(3):
        site.start(f"/start/add?a={n}")

    assert site.get("/v1/jobs?limit=3").json["next_cursor"] is None
    assert site.get("/v1/jobs?limit=100000").json["next_cursor"] is None


def test_a_list_is_narrowed_by_state_task_and_queue(open_site: Open) -> None:
    site = open_site(work=False)
    first = site.start("/start/add?a=1")
    second = site.start("/start/failing")
    site.app.set_queue(QueueSettings(), QueueSettings(), "q.2")
    third = site.start("/v1/tasks/add/jobs", {"params": {"a": 1}, "options": {"queue": "q.2"}})
    site.post(f"/cancel?id={first}")

    def ids(query: str) -> list[int]:
        return [job["id"] for job in site.get(f"/v1/jobs?{query}").json["items"]]

    assert ids("state=cancelled") == [first]
    assert ids("state=queued") == [third, second]
    assert ids("state=queued,cancelled&task=add") == [third, first]
    assert ids("task=failing") == [second]
    assert ids("task=boom") == [second]
    assert ids("task=unknown") == []
    assert ids("queue=q.2") == [third]


def test_jobs_of_a_list_are_whole_but_for_result_and_error(open_site: Open) -> None:
    site = open_site()
    site.finished("/start/boom")

    [job] = site.get("/v1/jobs").json["items"]

    assert list(job) == [name for name in FIELDS if name not in ("result", "error")]


@pytest.mark.parametrize(
    "query", ["state=done", "state=queued,", "limit=0", "limit=x", "cursor=0", "cursor=x"]
)
def test_a_list_that_cannot_be_asked_for_is_422(site: Site, query: str) -> None:
    answer = site.get(f"/v1/jobs?{query}")

    assert (answer.status, answer.problem) == (422, "invalid-parameters")
    assert answer.json["errors"][0]["parameter"] == query.partition("=")[0]


def test_a_state_that_is_unknown_is_answered_with_those_there_are(site: Site) -> None:
    problem = site.get("/v1/jobs?state=scheduled").json["errors"][0]["problem"]

    assert all(state in problem for state in State)


# --- tasks


def test_tasks_describe_themselves(site: Site) -> None:
    listed = site.get("/v1/tasks").json["items"]
    by_name = {task["name"]: task for task in listed}

    assert sorted(by_name) == [task["name"] for task in listed]
    assert by_name["boom"]["aliases"] == ["failing"]
    assert by_name["stubborn"]["kind"] == "blocking"
    assert by_name["add"]["signature"] == "add(a: int, b: int = 1)"
    assert by_name["add"]["summary"] == "Add two numbers."
    assert by_name["add"]["params"]["required"] == ["a"]
    assert by_name["add"]["params"]["properties"]["b"] == {"type": "integer", "default": 1}
    assert site.get(by_name["add"]["links"]["self"]).json == by_name["add"]
    assert site.get("/v1/tasks/failing").json == by_name["boom"]
    assert site.get("/v1/tasks/nothing").problem == "unknown-task"


# --- starting with options


def test_a_client_cannot_make_a_queue_without_a_limit(open_site: Open) -> None:
    site = open_site(work=False)
    body = {"params": {"a": 1}, "options": {"queue": "mine"}}
    site.start("/start/add?a=1")

    answer = site.post("/v1/tasks/add/jobs", body)

    assert (answer.status, answer.problem) == (422, "invalid-parameters")
    assert "there is no queue 'mine'" in answer.json["errors"][0]["problem"]
    assert [queue.name for queue in site.app.queues()] == ["default"]


def test_a_start_takes_params_and_options(open_site: Open) -> None:
    site = open_site(work=False)
    site.app.set_queue(QueueSettings(), QueueSettings(), "big")

    answer = site.post(
        "/v1/tasks/add/jobs",
        {
            "params": {"a": 1},
            "options": {"queue": "big", "priority": -5, "owner": "zoë", "tags": ["x", "y"]},
        },
    )

    job_id = answer.json["id"]
    links = {"self": f"/v1/jobs/{job_id}", "cancel": f"/v1/jobs/{job_id}/cancel"}
    assert answer.json == {"id": job_id, "task": "add", "state": "queued", "links": links}
    job = site.get(answer.headers["location"]).json
    assert (job["queue"], job["priority"]) == ("big", -5)
    assert (job["owner"], job["tags"]) == ("zoë", ["x", "y"])


@pytest.mark.promise("S20")
def test_a_start_may_be_delayed(open_site: Open) -> None:
    site = open_site()
    options = [{"delay": 3600}, {"run_at": "2999-12-31T23:59:59+01:00"}]

    answers = [
        site.post("/v1/tasks/add/jobs", {"params": {"a": 1}, "options": each}) for each in options
    ]

    assert [answer.json["state"] for answer in answers] == ["scheduled", "scheduled"]
    job = site.get(f"/v1/jobs/{answers[1].json['id']}").json
    assert (job["state"], job["run_at"]) == ("scheduled", "2999-12-31T22:59:59.000Z")
    past = {"params": {"a": 1}, "options": {"run_at": "1999-12-31T23:59:59Z"}}
    assert site.post("/v1/tasks/add/jobs", past).json["state"] == "queued"


def test_a_start_without_a_body_starts_with_defaults(open_site: Open) -> None:
    site = open_site(work=False)

    assert site.post("/v1/tasks/boom/jobs").status == 202
    assert site.post("/v1/tasks/boom/jobs", {}).status == 202


def test_a_start_may_give_its_parameters_as_texts(site: Site) -> None:
    texts = {"text": ["7"], "times": ["1", "2"]}

    answer = site.post("/v1/tasks/words/jobs", {"texts": texts}, Prefer="wait=20")

    assert answer.json["params"] == {"text": "7", "times": [1, 2]}
    assert answer.json["result"] == "7"


BAD_BODIES = [
    ({"option": {}}, ["option"]),
    ({"params": []}, ["params"]),
    ({"options": 1}, ["options"]),
    ({"texts": {"a": "1"}}, ["texts"]),
    ({"texts": {}, "params": {}}, ["texts"]),
    ({"options": {"priorty": 1}}, ["options.priorty"]),
    ({"options": {"priority": 40_000}}, ["options.priority"]),
    ({"options": {"priority": "high"}}, ["options.priority"]),
    ({"options": {"delay": -1}}, ["options.delay"]),
    ({"options": {"delay": 1e300}}, ["options.delay"]),
    ({"options": {"delay": 1, "run_at": "2999-01-01T00:00:00Z"}}, ["options.run_at"]),
    ({"options": {"run_at": "2999-01-01T00:00:00"}}, ["options.run_at"]),
    ({"options": {"run_at": "tomorrow"}}, ["options.run_at"]),
    ({"options": {"queue": ""}}, ["options.queue"]),
    ({"options": {"queue": "a/b"}}, ["options.queue"]),
    ({"options": {"tags": "x"}}, ["options.tags"]),
    ({"options": {"tags": [1], "owner": 7}}, ["options.owner", "options.tags[0]"]),
]


@pytest.mark.parametrize(("body", "named"), BAD_BODIES, ids=lambda value: str(value)[:50])
def test_an_option_that_is_unknown_or_does_not_fit_is_422_and_named(
    site: Site, body: dict[str, object], named: list[str]
) -> None:
    answer = site.post("/v1/tasks/boom/jobs", body)

    assert (answer.status, answer.problem) == (422, "invalid-parameters")
    assert sorted(fault["parameter"] for fault in answer.json["errors"]) == named


def test_faults_of_params_and_options_are_told_together(site: Site) -> None:
    answer = site.post(
        "/v1/tasks/add/jobs", {"params": {"a": "x"}, "options": {"delay": "x"}, "more": 1}
    )

    named = [fault["parameter"] for fault in answer.json["errors"]]
    assert named == ["more", "a", "options.delay"]


# --- more of lists, retries, removals


def test_a_list_is_narrowed_by_tag_group_and_time(open_site: Open) -> None:
    site = open_site(work=False)
    old = site.start("/start/add?a=1")
    start = {"params": {"a": 1}, "options": {"tags": ["it's", "x"]}}
    tagged = site.start("/v1/tasks/add/jobs", start)
    starts = [{"task": "add", "params": {"a": n}} for n in range(3)]
    grouped = site.post("/v1/jobs", {"jobs": starts, "group": True}).json["jobs"]
    since = site.get(f"/v1/jobs/{tagged}").json["created_at"]

    def ids(query: str) -> list[int]:
        return [job["id"] for job in site.get(f"/v1/jobs?{query}").json["items"]]

    assert ids("tag=it%27s") == ids("tag=x") == [tagged]
    assert ids("tag=it") == []
    assert ids("group=1") == grouped[::-1]
    assert ids("group=1&limit=1") == grouped[-1:]
    assert ids(f"group=1&cursor={grouped[1]}") == grouped[:1]
    assert ids("group=1&state=running") == ids("group=2") == []
    assert ids(f"since={since}") in ([*grouped[::-1], tagged], [*grouped[::-1], tagged, old])
    assert ids("since=1h") == [*grouped[::-1], tagged, old]
    assert ids("since=2999-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    "query",
    [
        "group=0",
        "group=x",
        "worker=0",
        "worker=x",
        "since=x",
        "since=-1",
        "since=2026-01-01",
        "tag=a&tag=b",
    ],
)
def test_a_filter_that_cannot_be_read_is_refused(site: Site, query: str) -> None:
    assert site.get(f"/v1/jobs?{query}").problem in ("invalid-parameters", "malformed-request")


def test_a_list_has_500_jobs_at_most(open_site: Open) -> None:
    site = open_site(work=False)
    site.post("/v1/jobs", [{"task": "add", "params": {"a": n}} for n in range(501)])

    page = site.get("/v1/jobs?limit=100000").json

    assert (len(page["items"]), page["next_cursor"]) == (500, "2")


def test_retry_of_a_failed_or_cancelled_job_is_202_and_the_same_job(open_site: Open) -> None:
    site = open_site()
    failed = site.finished("/start/boom")
    cancelled = site.start("/v1/tasks/boom/jobs", {"options": {"delay": 900}})
    site.post(f"/v1/jobs/{cancelled}/cancel")

    for job_id in (failed, cancelled):
        answer = site.post(site.get(f"/v1/jobs/{job_id}").json["links"]["retry"])
        assert (answer.status, answer.json["id"], answer.json["changed"]) == (202, job_id, True)
        assert answer.headers["location"] == f"/v1/jobs/{job_id}"
        assert answer.headers["retry-after"] == "1"
        site.reaches(job_id, "failed")
        events = site.get(f"/v1/jobs/{job_id}/events").json["items"]
        assert "retried" in [event["kind"] for event in events]


def test_retry_of_a_job_that_succeeded_or_has_not_ended_is_409(open_site: Open) -> None:
    site = open_site()
    succeeded, [running] = site.finished("/start/add?a=1"), site.held()

    late, early = (site.post(f"/v1/jobs/{job_id}/retry") for job_id in (succeeded, running))

    assert (late.status, late.problem, late.json["id"]) == (409, "already-finished", succeeded)
    assert (early.status, early.problem, early.json["id"]) == (409, "not-finished", running)


def test_retry_of_a_job_that_finds_no_room_is_429(open_site: Open) -> None:
    site = open_site(work=False, capacity=1)
    job_id = site.start("/start/add?a=1")
    site.post(f"/v1/jobs/{job_id}/cancel")
    site.start("/start/add?a=1")

    answer = site.post(f"/v1/jobs/{job_id}/retry")

    assert (answer.status, answer.problem) == (429, "queue-full")
    assert answer.headers["retry-after"] == "1"
    assert site.state(job_id) == "cancelled"


def test_a_finished_job_can_be_removed_and_counts_as_evicted(open_site: Open) -> None:
    site = open_site()
    job_id, [running] = site.finished("/start/add?a=1"), site.held()

    removed = site.ask("DELETE", f"/v1/jobs/{job_id}")
    again = site.ask("DELETE", f"/v1/jobs/{job_id}")
    unfinished = site.ask("DELETE", f"/v1/jobs/{running}")

    assert (removed.status, removed.body) == (204, b"")
    assert (again.status, again.problem) == (410, "evicted")
    assert (unfinished.status, unfinished.problem) == (409, "not-finished")
    assert (unfinished.json["id"], unfinished.json["state"]) == (running, "running")
    assert site.get("/v1/stats").json["jobs"] == {"running": 1}
