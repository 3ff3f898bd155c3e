"""Which code when: each condition of the published table, at both faces where both have it."""

import itertools
import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from offload.http.routes import ROUTES
from tests.http.conftest import Open
from tests.http.site import ABSENT_ID, Site
from tests.support import eventually

# --- starting


def test_accepted_is_202_and_finished_within_prefer_wait_is_200(site: Site) -> None:
    at_once = site.post("/start/add?a=1")
    waited = site.post("/start/add?a=1", Prefer="wait=20")
    waited_v1 = site.post("/v1/tasks/add/jobs", {"params": {"a": 1}}, Prefer="wait=20")

    assert at_once.status == 202
    assert "preference-applied" not in at_once.headers
    for answer in (waited, waited_v1):
        assert answer.status == 200
        assert answer.headers["preference-applied"] == "wait=20"
        assert answer.headers["location"] == f"/v1/jobs/{answer.json['id']}"
        assert "retry-after" not in answer.headers
        assert (answer.json["state"], answer.json["result"]) == ("succeeded", 2)
    assert waited.json["task_id"] == waited.json["id"]
    assert "task_id" not in waited_v1.json


def test_not_finished_within_prefer_wait_is_202(open_site: Open) -> None:
    site = open_site()

    answer = site.post("/start/hold", Prefer="respond-async, wait=0")

    assert answer.status == 202
    assert answer.headers["preference-applied"] == "wait=0"


def test_a_preference_that_is_none_is_passed_over_and_a_long_one_is_cut(site: Site) -> None:
    answers = [
        site.post("/start/add?a=1", Prefer=said)
        for said in ("wait=x", "wait", "wait=-1", "wait=²", "", ";;,,=", 'wait="90"')
    ]

    assert [answer.status for answer in answers[:-1]] == [202] * 6
    assert answers[-1].headers["preference-applied"] == "wait=60"


@pytest.mark.parametrize("target", ["/start/ad", "/v1/tasks/ad/jobs"])
def test_an_unknown_task_name_is_404_with_the_nearest_names(site: Site, target: str) -> None:
    answer = site.post(target)

    assert (answer.status, answer.problem) == (404, "unknown-task")
    assert answer.json["nearest"] == ["add"]


def test_missing_unexpected_or_wrongly_typed_parameters_are_422_all_of_them_named(
    site: Site,
) -> None:
    by_query = site.post("/start/add?b=x&c=1")
    by_body = site.post("/start/add", {"b": "x", "c": 1})
    by_v1 = site.post("/v1/tasks/add/jobs", {"params": {"b": "x", "c": 1}})
    by_texts = site.post("/v1/tasks/add/jobs", {"texts": {"b": ["x"], "c": ["1"]}})

    for answer in (by_query, by_body, by_v1, by_texts):
        assert (answer.status, answer.problem) == (422, "invalid-parameters")
        faults = {fault["parameter"]: fault["problem"] for fault in answer.json["errors"]}
        assert faults.keys() == {"a", "b", "c"}
        assert faults["a"] == "missing"
        assert "integer" in faults["b"]
        assert "unexpected" in faults["c"]


MALFORMED = {
    "the same parameter twice": ("POST", "/start/add?a=1&a=2", None),
    "the same id twice": ("GET", "/status?id=1&id=1", None),
    "invalid UTF-8 in the query": ("POST", "/start/words?text=%ff", None),
    "half a surrogate pair in the query": ("POST", "/start/words?text=%ED%A0%80", None),
    "an escape that is none": ("POST", "/start/words?text=100%", None),
    "invalid UTF-8 in the path": ("POST", "/start/%ff", None),
    "malformed JSON": ("POST", "/start/add", b"{"),
    "malformed JSON on v1": ("POST", "/v1/tasks/add/jobs", b"{]"),
    "NaN, which is no JSON": ("POST", "/start/add", b'{"a": NaN}'),
    "invalid UTF-8 in the body": ("POST", "/start/words", b'{"text": "\xff"}'),
    "a byte order mark": ("POST", "/start/add", b'\xef\xbb\xbf{"a": 1}'),
    "a lone surrogate": ("POST", "/start/words", b'{"text": "\\ud800"}'),
    "a body that is no object": ("POST", "/start/add", b"[1]"),
    "the same member twice": ("POST", "/start/add", b'{"a": 1, "a": 2}'),
    "both body and query": ("POST", "/start/add?a=1", b'{"a": 1}'),
    "deeper than 64 levels": ("POST", "/start/echo", b'{"value":%b1%b}' % (b"[" * 64, b"]" * 64)),
    "deeper than any stack": ("POST", "/start/echo", b'{"value":' + b"[" * 500_000),
    "more than 1,000 parameters in the body": (
        "POST",
        "/start/add",
        json.dumps({f"p{n}": 1 for n in range(1001)}).encode(),
    ),
    "more than 1,000 parameters in the query": (
        "POST",
        "/start/add?" + "&".join(["a=1"] * 1001),
        None,
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_request_is_400(site: Site, name: str) -> None:
    method, target, body = MALFORMED[name]
    headers = {} if body is None else {"Content-Type": "application/json"}

    answer = site.ask(method, target, body, headers)

    assert (answer.status, answer.problem) == (400, "malformed-request")


def test_64_levels_and_1000_parameters_are_still_read(site: Site) -> None:
    deep = site.ask(
        "POST",
        "/start/echo",
        b'{"value":%b1%b}' % (b"[" * 63, b"]" * 63),
        {"Content-Type": "application/json"},
    )
    many = site.post("/start/add", {f"p{n}": 1 for n in range(1000)})

    assert deep.status == 202
    assert (many.status, len(many.json["errors"])) == (422, 1001)


@pytest.mark.promise("P7")
def test_a_queue_at_capacity_is_429_and_nothing_is_lost(open_site: Open) -> None:
    site = open_site(concurrency=3, capacity=10)
    running = site.held(3)
    queued = [site.start("/start/hold") for _ in range(10)]

    refused = site.post("/start/hold")
    refused_v1 = site.post("/v1/tasks/hold/jobs")

    for answer in (refused, refused_v1):
        assert (answer.status, answer.problem) == (429, "queue-full")
        assert answer.headers["retry-after"] == "1"
    site.gate.open()
    for job_id in running + queued:
        site.reaches(job_id, "succeeded")


def test_draining_is_503_for_a_start_and_all_else_is_answered(open_site: Open) -> None:
    site = open_site()
    [job_id] = site.held()

    site.server.draining = True

    for target in ("/start/add?a=1", "/v1/tasks/hold/jobs"):
        answer = site.post(target)
        assert (answer.status, answer.problem) == (503, "draining")
        assert int(answer.headers["retry-after"]) > 0
    assert site.get(f"/status?id={job_id}").status == 200
    assert site.get(f"/v1/jobs/{job_id}?wait=60&until=done").json["state"] == "running"
    assert site.post(f"/cancel?id={job_id}").status == 202


def test_a_store_that_does_not_answer_is_503_and_says_nothing_of_the_inside(
    open_site: Open, tmp_path_factory: pytest.TempPathFactory
) -> None:
    database = tmp_path_factory.mktemp("secret-folder") / "jobs.db"
    database.write_bytes(b"this is no database" * 1000)
    site = open_site(db=str(database), work=False)

    answers = [site.post("/start/add?a=1"), site.get("/status?id=1"), site.get("/v1/jobs")]

    for answer in answers:
        assert (answer.status, answer.problem) == (503, "store-unavailable")
        assert answer.headers["retry-after"] == "1"
        assert b"secret-folder" not in answer.body
    assert site.get("/healthz").status == 200


# --- ids

NO_IDS = ["", "0", "-1", "+1", "7.0", "1_0", "07", "0x7", "%207", "7%20", "7%0A", "1e3", "true"]
NO_IDS += ["%D9%A7", "%EF%BC%97", "²", "9" * 19, str(2**63), "9" * 5000, "1;drop", "../1"]


@pytest.mark.parametrize("text", [pytest.param(t, id=f"{t[:12]}:{len(t)}") for t in NO_IDS])
def test_an_id_that_is_none_is_422_and_404_in_a_path(site: Site, text: str) -> None:
    text = text.replace("²", "%C2%B2")

    answers = [
        site.get(f"/status?id={text}"),
        site.get(f"/result?id={text}"),
        site.post(f"/cancel?id={text}"),
    ]

    assert [(answer.status, answer.problem) for answer in answers] == [(422, "invalid-id")] * 3
    if text and "/" not in text:
        in_path = site.get(f"/v1/jobs/{text}")
        assert (in_path.status, in_path.problem) == (404, "invalid-id")


def test_an_id_that_is_missing_is_422(site: Site) -> None:
    answers = [site.get("/status"), site.get("/result?"), site.post("/cancel")]

    assert [(answer.status, answer.problem) for answer in answers] == [(422, "invalid-id")] * 3


def test_the_highest_id_is_an_id(site: Site) -> None:
    assert site.get(f"/status?id={2**63 - 1}").problem == "unknown-job"


def test_a_parameter_that_a_route_does_not_know_is_422_and_named(site: Site) -> None:
    answers = [
        site.get("/status?id=1&x=1"),
        site.get("/v1/jobs?stat=queued"),
        site.get("/v1/tasks?x=1"),
        site.get("/v1/jobs/1?untill=done"),
    ]

    for answer, name in zip(answers, ("x", "stat", "x", "untill"), strict=True):
        assert (answer.status, answer.problem) == (422, "invalid-parameters")
        assert [fault["parameter"] for fault in answer.json["errors"]] == [name]


@pytest.mark.promise("S7")
def test_never_issued_is_404_everywhere(site: Site) -> None:
    answers = [
        site.get(f"/status?id={ABSENT_ID}"),
        site.get(f"/result?id={ABSENT_ID}"),
        site.post(f"/cancel?id={ABSENT_ID}"),
        site.get(f"/v1/jobs/{ABSENT_ID}"),
        site.get(f"/v1/jobs/{ABSENT_ID}?wait=20"),
        site.get(f"/v1/jobs/{ABSENT_ID}/result"),
        site.post(f"/v1/jobs/{ABSENT_ID}/cancel"),
        site.post(f"/v1/jobs/{ABSENT_ID}/retry"),
        site.ask("DELETE", f"/v1/jobs/{ABSENT_ID}"),
    ]

    for answer in answers:
        assert (answer.status, answer.problem, answer.json["id"]) == (404, "unknown-job", ABSENT_ID)


@pytest.mark.slow
@pytest.mark.promise("P9", "S7")
def test_issued_and_no_longer_kept_is_410_everywhere(open_site: Open) -> None:
    site = open_site(keep=0)
    job_id = site.start("/start/add?a=1")

    eventually(lambda: site.get(f"/status?id={job_id}").status == 410)

    answers = [
        site.get(f"/result?id={job_id}"),
        site.post(f"/cancel?id={job_id}"),
        site.get(f"/v1/jobs/{job_id}"),
        site.get(f"/v1/jobs/{job_id}/result"),
        site.post(f"/v1/jobs/{job_id}/cancel"),
        site.post(f"/v1/jobs/{job_id}/retry"),
        site.ask("DELETE", f"/v1/jobs/{job_id}"),
    ]
    for answer in answers:
        assert (answer.status, answer.problem, answer.json["id"]) == (410, "evicted", job_id)


# --- results


@pytest.mark.promise("S7")
def test_the_result_while_unfinished_is_409_with_retry_after(open_site: Open) -> None:
    site = open_site(concurrency=1)
    [running] = site.held()
    queued = site.start("/start/add?a=1")

    for job_id, state in ((running, "running"), (queued, "queued")):
        for target in (f"/result?id={job_id}", f"/v1/jobs/{job_id}/result"):
            answer = site.get(target)
            assert (answer.status, answer.problem) == (409, "not-finished")
            assert (answer.json["id"], answer.json["state"]) == (job_id, state)
            assert answer.headers["retry-after"] == "1"


@pytest.mark.promise("S7")
def test_the_result_of_a_failed_job_is_409_with_its_error(site: Site) -> None:
    job_id = site.finished("/start/boom?message=out%20of%20luck")

    for target in (f"/result?id={job_id}", f"/v1/jobs/{job_id}/result"):
        answer = site.get(target)
        assert (answer.status, answer.problem) == (409, "job-failed")
        assert (answer.json["id"], answer.json["state"]) == (job_id, "failed")
        error = answer.json["error"]
        assert (error["code"], error["type"]) == ("exception", "RuntimeError")
        assert (error["message"], error["retryable"]) == ("out of luck", True)
        assert "RuntimeError: out of luck" in error["traceback"]
        assert "Traceback" not in answer.json["detail"]
        assert "retry-after" not in answer.headers


@pytest.mark.promise("S7")
def test_the_result_of_a_cancelled_job_is_409(open_site: Open) -> None:
    site = open_site(work=False)
    job_id = site.start("/start/add?a=1")
    site.post(f"/cancel?id={job_id}")

    for target in (f"/result?id={job_id}", f"/v1/jobs/{job_id}/result"):
        answer = site.get(target)
        assert (answer.status, answer.problem) == (409, "job-cancelled")
        assert (answer.json["id"], answer.json["state"]) == (job_id, "cancelled")


def test_a_value_that_json_cannot_carry_fails_the_job_and_says_so(site: Site) -> None:
    job_id = site.finished("/start/strange")

    answer = site.get(f"/result?id={job_id}")

    assert answer.problem == "job-failed"
    assert answer.json["error"]["code"] == "not-serializable"
    assert answer.json["error"]["retryable"] is False


# --- cancelling


@pytest.mark.promise("S9")
def test_cancel_of_a_queued_or_scheduled_job_is_200_cancelled(open_site: Open) -> None:
    site = open_site(work=False)
    queued = site.start("/start/add?a=1")
    scheduled = site.start("/v1/tasks/add/jobs", {"params": {"a": 1}, "options": {"delay": 3600}})
    assert site.state(scheduled) == "scheduled"

    for target in (f"/cancel?id={queued}", f"/v1/jobs/{scheduled}/cancel"):
        answer = site.post(target)
        assert answer.status == 200
        assert (answer.json["state"], answer.json["changed"]) == ("cancelled", True)
        assert "cancel" not in answer.json["links"]


@pytest.mark.promise("P4")
def test_cancel_of_a_running_job_is_202_cancelling_until_its_holder_confirms(
    open_site: Open,
) -> None:
    site = open_site()
    jobs = [site.start("/start/stubborn"), site.start("/start/stubborn")]
    for job_id in jobs:
        site.reaches(job_id, "running")
    targets = (f"/cancel?id={jobs[0]}", f"/v1/jobs/{jobs[1]}/cancel")

    first = [site.post(target) for target in targets]
    again = [site.post(target) for target in targets]

    assert [answer.status for answer in (*first, *again)] == [202] * 4
    assert [answer.json["state"] for answer in (*first, *again)] == ["cancelling"] * 4
    assert [answer.json["changed"] for answer in (*first, *again)] == [True, True, False, False]
    assert site.get(f"/result?id={jobs[0]}").json["state"] == "cancelling"


def test_cancel_again_already_so_is_200_and_changes_nothing(open_site: Open) -> None:
    site = open_site(work=False)
    job_id = site.start("/start/add?a=1")
    site.post(f"/cancel?id={job_id}")

    for target in (f"/cancel?id={job_id}", f"/v1/jobs/{job_id}/cancel"):
        answer = site.post(target)
        assert answer.status == 200
        assert (answer.json["state"], answer.json["changed"]) == ("cancelled", False)


@pytest.mark.promise("S5")
def test_cancel_of_a_finished_job_is_409_unless_the_client_is_lenient(site: Site) -> None:
    jobs = [site.finished("/start/add?a=1"), site.finished("/start/boom")]

    for job_id, state in zip(jobs, ("succeeded", "failed"), strict=True):
        for target in (f"/cancel?id={job_id}", f"/v1/jobs/{job_id}/cancel"):
            strict = site.post(target)
            lenient = site.post(target, Prefer="handling=lenient")
            assert (strict.status, strict.problem) == (409, "already-finished")
            assert (strict.json["id"], strict.json["state"]) == (job_id, state)
            assert lenient.status == 200
            assert (lenient.json["state"], lenient.json["changed"]) == (state, False)
            assert lenient.headers["preference-applied"] == "handling=lenient"


def test_cancel_reads_no_body_but_an_empty_one(site: Site) -> None:
    job_id = site.finished("/start/add?a=1")

    said = site.post(f"/cancel?id={job_id}", {"id": 1})
    empty = site.post(f"/cancel?id={job_id}", {})

    assert said.problem == "invalid-parameters"
    assert empty.problem == "already-finished"


# --- idempotency keys


@pytest.mark.promise("S17")
def test_an_idempotency_key_with_the_same_request_gives_the_first_answer(site: Site) -> None:
    requests = [
        ("/start/words?text=x&times=1", None),
        ("/v1/tasks/words/jobs", {"params": {"text": "x"}, "options": {"delay": 900}}),
    ]
    reordered = [
        ("/start/words?times=1&text=x", None),
        ("/v1/tasks/words/jobs", {"options": {"delay": 900}, "params": {"text": "x"}}),
    ]

    for number, (first, again) in enumerate(zip(requests, reordered, strict=True)):
        key = f"same-{number}"
        answers = [site.post(*request, Idempotency_Key=key) for request in (first, first, again)]
        assert [answer.status for answer in answers] == [202] * 3
        assert answers[0].body == answers[1].body == answers[2].body
        assert answers[0].headers["location"] == answers[2].headers["location"]


@pytest.mark.promise("S17")
def test_an_idempotency_key_with_another_request_is_422(site: Site) -> None:
    first = site.post("/start/add?a=1", Idempotency_Key="other")

    others = [
        site.post("/start/add?a=2", Idempotency_Key="other"),
        site.post("/start/echo?value=1", Idempotency_Key="other"),
        site.post("/v1/tasks/add/jobs", {"params": {"a": 1}}, Idempotency_Key="other"),
    ]

    for answer in others:
        assert (answer.status, answer.problem) == (422, "idempotency-key-reused")
        assert answer.json["id"] == first.json["id"]


@pytest.mark.slow
@pytest.mark.promise("S17")
def test_an_idempotency_key_answers_even_after_the_job_was_evicted(open_site: Open) -> None:
    site = open_site(keep=0)
    first = site.post("/start/add?a=1", Idempotency_Key="gone")
    eventually(lambda: site.get(f"/status?id={first.json['id']}").status == 410)

    again = site.post("/start/add?a=1", Idempotency_Key="gone", Prefer="wait=10")

    assert (again.status, again.body) == (202, first.body)


@pytest.mark.promise("S17")
def test_requests_with_one_key_at_the_same_time_start_one_job(open_site: Open) -> None:
    site = open_site(work=False)
    request = (
        f"POST /start/add?a=1 HTTP/1.1\r\nHost: {site.host}\r\nConnection: close\r\n"
        "Idempotency-Key: once\r\nContent-Length: 0\r\n\r\n"
    ).encode()

    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(site.raw, [request] * 8))

    assert all(b'\r\n\r\n{"id":1,' in answer for answer in answers)
    assert site.get("/status?id=2").status == 404


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "é"])
def test_an_idempotency_key_that_cannot_be_kept_is_400(site: Site, key: str) -> None:
    answer = site.post("/start/add?a=1", Idempotency_Key=key)

    assert (answer.status, answer.problem) == (400, "malformed-request")


# --- bodies, lines, media types, methods


def test_a_body_over_1_mib_is_413_and_one_of_it_is_read(site: Site) -> None:
    def body_of(size: int) -> bytes:
        return b'{"text": "%b"}' % (b"x" * (size - 12))

    too_large = site.ask(
        "POST", "/start/words", body_of(2**20 + 1), {"Content-Type": "application/json"}
    )
    fits = site.ask("POST", "/start/words", body_of(2**20), {"Content-Type": "application/json"})

    assert (too_large.status, too_large.problem) == (413, "body-too-large")
    assert fits.status == 202


def test_a_request_line_over_8_kib_is_414(site: Site) -> None:
    target = "/start/words?text="
    longest = "x" * (8192 - len("POST  HTTP/1.1\r\n") - len(target))

    too_long = site.post(target + longest + "x")
    fits = site.post(target + longest)

    assert (too_long.status, too_long.problem) == (414, "request-line-too-long")
    assert fits.status == 202


@pytest.mark.parametrize(
    "media_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"],
)
def test_a_wrong_media_type_is_415(site: Site, media_type: str) -> None:
    takes_json = ALLOWED.keys() - {"/login"}  # that one is a form
    bodies = [("POST", target) for target in takes_json if "POST" in ALLOWED[target]]
    bodies += [("PATCH", "/v1/queues/default"), ("DELETE", "/v1/jobs/1")]
    for method, path in bodies:
        target = f"{path}?id=1" if path in ("/cancel", "/pause", "/resume") else path
        answer = site.ask(method, target, b'{"a": 1}', {"Content-Type": media_type})

        assert (answer.status, answer.problem) == (415, "wrong-media-type")
        assert answer.headers["accept"] == "application/json"


def test_a_compressed_body_is_415(site: Site) -> None:
    answer = site.post("/start/add", {"a": 1}, Content_Encoding="gzip")

    assert (answer.status, answer.problem) == (415, "wrong-media-type")


def test_an_empty_body_needs_no_media_type(site: Site) -> None:
    curl_with_empty_data = {"Content-Type": "application/x-www-form-urlencoded"}

    assert site.ask("POST", "/start/add?a=1", b"", curl_with_empty_data).status == 202
    assert site.post("/start/add?a=1", Content_Type="application/json").status == 202


def test_a_json_media_type_may_name_its_charset(site: Site) -> None:
    for media_type in ("application/json;charset=utf-8", 'Application/JSON; charset="UTF-8"'):
        answer = site.ask("POST", "/start/add", b'{"a": 1}', {"Content-Type": media_type})

        assert answer.status == 202


ALLOWED = {
    "/start/add": "OPTIONS, POST",
    "/status": "GET, HEAD, OPTIONS",
    "/result": "GET, HEAD, OPTIONS",
    "/cancel": "OPTIONS, POST",
    "/pause": "OPTIONS, POST",
    "/resume": "OPTIONS, POST",
    "/v1/jobs": "GET, HEAD, OPTIONS, POST",
    "/v1/jobs/cancel": "OPTIONS, POST",
    "/v1/jobs/pause": "OPTIONS, POST",
    "/v1/jobs/resume": "OPTIONS, POST",
    "/v1/jobs/retry": "OPTIONS, POST",
    "/v1/jobs/1": "DELETE, GET, HEAD, OPTIONS, PATCH",
    "/v1/jobs/1/result": "GET, HEAD, OPTIONS",
    "/v1/jobs/1/events": "GET, HEAD, OPTIONS",
    "/v1/jobs/1/attempts": "GET, HEAD, OPTIONS",
    "/v1/jobs/1/logs": "GET, HEAD, OPTIONS",
    "/v1/jobs/1/cancel": "OPTIONS, POST",
    "/v1/jobs/1/pause": "OPTIONS, POST",
    "/v1/jobs/1/resume": "OPTIONS, POST",
    "/v1/jobs/1/retry": "OPTIONS, POST",
    "/v1/jobs/1/token": "OPTIONS, POST",
    "/v1/groups/1": "GET, HEAD, OPTIONS",
    "/v1/groups/1/cancel": "OPTIONS, POST",
    "/v1/groups/1/pause": "OPTIONS, POST",
    "/v1/groups/1/resume": "OPTIONS, POST",
    "/v1/groups/1/retry": "OPTIONS, POST",
    "/v1/queues": "GET, HEAD, OPTIONS",
    "/v1/queues/default": "GET, HEAD, OPTIONS, PATCH",
    "/v1/queues/default/pause": "OPTIONS, POST",
    "/v1/queues/default/resume": "OPTIONS, POST",
    "/v1/session": "GET, HEAD, OPTIONS",
    "/v1/workers": "GET, HEAD, OPTIONS",
    "/v1/stats": "GET, HEAD, OPTIONS",
    "/v1/schedules": "GET, HEAD, OPTIONS",
    "/v1/tasks": "GET, HEAD, OPTIONS",
    "/v1/tasks/add": "GET, HEAD, OPTIONS",
    "/v1/tasks/add/jobs": "OPTIONS, POST",
    "/v1/tasks/add/pause": "OPTIONS, POST",
    "/v1/tasks/add/resume": "OPTIONS, POST",
    "/v1/events": "GET, HEAD, OPTIONS",
    "/v1/openapi.json": "GET, HEAD, OPTIONS",
    "/docs": "GET, HEAD, OPTIONS",
    "/": "GET, HEAD, OPTIONS",
    "/login": "GET, HEAD, OPTIONS, POST",
    "/logout": "OPTIONS, POST",
    "/healthz": "GET, HEAD, OPTIONS",
    "/readyz": "GET, HEAD, OPTIONS",
    "/metrics": "GET, HEAD, OPTIONS",
    "/problems/queue-full": "GET, HEAD, OPTIONS",
}


def test_every_route_is_among_those_that_are_tried() -> None:
    tried = {
        (method, route.path)
        for route in ROUTES
        for target, methods in ALLOWED.items()
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", route.path), target)
        for method in methods.split(", ")
    }

    assert {(route.method, route.path) for route in ROUTES} - tried == set()


@pytest.mark.parametrize("target", ALLOWED)
def test_a_wrong_method_is_405_with_the_exact_allow(site: Site, target: str) -> None:
    allowed = ALLOWED[target].split(", ")
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"]

    for method in [method for method in methods if method not in allowed]:
        answer = site.ask(method, target)
        assert answer.status == 405
        assert answer.headers["allow"] == ALLOWED[target]
        assert method == "HEAD" or answer.problem == "wrong-method"


@pytest.mark.parametrize("target", ALLOWED)
def test_head_and_options_are_answered_everywhere(site: Site, target: str) -> None:
    options = site.ask("OPTIONS", target)
    head = site.ask("HEAD", target)

    assert (options.status, options.headers["allow"]) == (204, ALLOWED[target])
    assert head.body == b""
    if "HEAD" in ALLOWED[target]:
        assert head.status == site.get(target).status


@pytest.mark.parametrize("target", ["/nothing", "/v1", "/status/", "/start", "/start/a/b", "//"])
def test_an_address_where_nothing_is_is_404(site: Site, target: str) -> None:
    answers = [site.get(target), site.post(target)]

    assert [(answer.status, answer.problem) for answer in answers] == [(404, "not-found")] * 2


def test_no_get_ever_changes_anything(open_site: Open) -> None:
    site = open_site(work=False)
    site.start("/start/add?a=1")
    before = site.get("/v1/jobs").json

    for method, target in itertools.product(("GET", "HEAD", "OPTIONS"), ALLOWED):
        site.ask(method, target)
        site.ask(method, f"{target}?id=1&a=1")

    assert site.get("/v1/jobs").json == before


def test_no_refusal_changes_anything(open_site: Open) -> None:
    site = open_site(work=False)
    site.start("/start/add?a=1")
    before = site.get("/v1/jobs").json

    for method, target, body in MALFORMED.values():
        headers = {} if body is None else {"Content-Type": "application/json"}
        site.ask(method, target, body, headers)
    site.post("/start/add?b=1")
    site.post("/start/nothing?a=1")
    site.ask("POST", "/start/add", b'{"a": 1}', {"Content-Type": "text/plain"})
    site.post("/start/add?a=1", Origin="http://evil.example")

    assert site.get("/v1/jobs").json == before
