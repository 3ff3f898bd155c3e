"""The brief's routes in a Flask app: the same answers as at the server of our own."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from offload import current
from offload.contrib.flask import FlaskOffload
from offload.wire.problems import KINDS
from tests.contrib.conftest import MakeApp
from tests.support import eventually


class Shop:
    """An app with tasks, and a client that asks it."""

    def __init__(self, make_app: MakeApp, **config: Any) -> None:
        self.gate = threading.Event()
        self.offload = FlaskOffload()
        self._register()
        self.app: Flask = make_app(self.offload, **config)
        self.client: FlaskClient = self.app.test_client()

    def _register(self) -> None:
        @self.offload.task
        async def add(a: int, b: int = 1) -> int:
            return a + b

        @self.offload.task(aliases=["failing"])
        async def boom(message: str = "it broke") -> None:
            raise RuntimeError(message)

        @self.offload.task(key="only")
        async def once() -> int:
            return 1

        @self.offload.task
        def hold(times: list[int] | None = None) -> str | None:
            while not self.gate.wait(0.01):
                if current().should_stop:
                    return None
            return "held"

    def get(self, target: str, **headers: str) -> TestResponse:
        return self.client.get(f"/offload{target}", headers=_named(headers))

    def post(self, target: str, value: object = None, **headers: str) -> TestResponse:
        if value is None:
            return self.client.post(f"/offload{target}", headers=_named(headers))
        return self.client.post(f"/offload{target}", json=value, headers=_named(headers))

    def start(self, target: str, value: object = None) -> int:
        answer = self.post(f"/start/{target}", value)
        assert answer.status_code == 202, answer.data
        assert answer.json is not None
        job_id: int = answer.json["id"]
        return job_id

    def reaches(self, job_id: int, state: str) -> None:
        eventually(lambda: self.get(f"/status?id={job_id}").json["state"] == state)  # type: ignore[index]

    def finished(self, target: str) -> int:
        job_id = self.start(target)
        assert self.app.extensions["offload"].get(job_id).wait(20)
        return job_id


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture
def shop(make_app: MakeApp) -> Iterator[Shop]:
    shop = Shop(make_app)
    yield shop
    shop.gate.set()


def problem(answer: TestResponse) -> tuple[int, str]:
    """The code and the kind of problem; fails if it is none, as RFC 9457 has it."""
    assert answer.content_type == "application/problem+json", answer.data
    document = answer.get_json(force=True)
    assert document["status"] == answer.status_code
    assert {"type", "title", "detail", "instance"} <= document.keys()
    kind: str = document["type"].removeprefix("/problems/")
    return answer.status_code, kind


def test_the_brief_s_session_goes_through_flask(make_app: MakeApp) -> None:
    shop = Shop(make_app, OFFLOAD_CONCURRENCY=3, OFFLOAD_CAPACITY=10, OFFLOAD_KEEP=1000)

    ids = [shop.start("hold") for _ in range(6)]
    ids.append(shop.start("failing?message=late"))
    shop.reaches(3, "running")
    states = [shop.get(f"/status?id={job_id}").json for job_id in ids]

    assert ids == [1, 2, 3, 4, 5, 6, 7]
    assert [each and each["status"] for each in states] == ["running"] * 3 + ["queued"] * 4
    assert shop.post("/cancel?id=4").status_code == 200
    assert problem(shop.get("/result?id=7")) == (409, "not-finished")
    assert problem(shop.get("/status?id=99")) == (404, "unknown-job")

    shop.gate.set()
    shop.reaches(7, "failed")
    assert shop.get("/result?id=1").json == {
        "id": 1,
        "task_id": 1,
        "state": "succeeded",
        "status": "succeeded",
        "result": "held",
    }
    assert problem(shop.get("/result?id=7")) == (409, "job-failed")
    assert problem(shop.get("/result?id=4")) == (409, "job-cancelled")


def test_a_start_is_answered_with_the_job_s_address(shop: Shop) -> None:
    answer = shop.post("/start/add?a=1")

    assert answer.status_code == 202
    assert answer.headers["Location"] == "/offload/status?id=1"
    assert answer.headers["Retry-After"] == "1"
    assert answer.json == {
        "id": 1,
        "task_id": 1,
        "task": "add",
        "state": "queued",
        "status": "queued",
    }


def test_a_job_s_links_lead_to_these_routes(shop: Shop) -> None:
    job_id = shop.finished("add?a=1")

    shown = shop.get(f"/status?id={job_id}").json

    assert shown is not None
    assert shown["links"] == {"self": "/offload/status?id=1", "result": "/offload/result?id=1"}
    for link in shown["links"].values():
        assert shop.client.get(link).status_code == 200


def test_parameters_may_come_as_a_json_body(shop: Shop) -> None:
    job_id = shop.start("add", {"a": 2**70, "b": 0})
    shop.reaches(job_id, "succeeded")

    assert f'"result":{2**70}'.encode() in shop.get(f"/result?id={job_id}").data


def test_prefer_wait_gives_the_result_in_the_answer(shop: Shop) -> None:
    answer = shop.post("/start/add?a=1", Prefer="wait=5")
    late = shop.post("/start/hold", Prefer="wait=0")

    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == "wait=5"
    assert answer.json is not None
    assert answer.json["result"] == 2
    assert late.status_code == 202


def test_an_idempotency_key_starts_one_job(shop: Shop) -> None:
    first = shop.post("/start/add?a=1&b=2", Idempotency_Key="k")
    again = shop.post("/start/add?b=2&a=1", Idempotency_Key="k")
    other = shop.post("/start/add?a=9", Idempotency_Key="k")

    assert first.json == again.json
    assert problem(other) == (422, "idempotency-key-reused")


def test_a_start_whose_key_is_known_gives_the_job_that_has_it(shop: Shop) -> None:
    with shop.app.app_context():
        waiting = shop.offload.find("once").using(delay=3600).start()

    answer = shop.post("/start/once")

    assert answer.status_code == 200
    assert answer.json is not None
    assert (answer.json["id"], answer.json["changed"]) == (waiting.id, False)


def test_a_cancel_that_comes_too_late_is_told_apart(shop: Shop) -> None:
    job_id = shop.finished("add?a=1")

    strict = shop.post(f"/cancel?id={job_id}")
    lenient = shop.post(f"/cancel?id={job_id}", Prefer="handling=lenient")

    assert problem(strict) == (409, "already-finished")
    assert lenient.status_code == 200
    assert lenient.json is not None
    assert lenient.json["changed"] is False


def test_a_running_job_is_cancelling_until_it_has_stopped(shop: Shop) -> None:
    job_id = shop.start("hold")
    shop.reaches(job_id, "running")

    answer = shop.post(f"/cancel?id={job_id}")

    assert answer.json is not None
    assert (answer.status_code, answer.json["changed"]) in {(202, True), (200, True)}
    shop.reaches(job_id, "cancelled")


REFUSED: list[tuple[str, str, bytes | None, int, str]] = [
    ("POST", "/start/ad", None, 404, "unknown-task"),
    ("POST", "/start/add?b=x&c=1", None, 422, "invalid-parameters"),
    ("POST", "/start/add?a=1&a=2", None, 400, "malformed-request"),
    ("POST", "/start/add?a=%ff", None, 400, "malformed-request"),
    ("POST", "/start/%ff", None, 400, "malformed-request"),
    ("POST", "/start/add", b"{", 400, "malformed-request"),
    ("POST", "/start/add?a=1", b'{"a": 1}', 400, "malformed-request"),
    ("POST", "/start/add", b"[" * 2_000_000, 413, "body-too-large"),
    ("POST", f"/start/add?a={'1' * 9000}", None, 414, "request-line-too-long"),
    ("POST", "/cancel?id=1", b'{"a": 1}', 422, "invalid-parameters"),
    ("GET", "/status", None, 422, "invalid-id"),
    ("GET", "/status?id=0", None, 422, "invalid-id"),
    ("GET", "/status?id=1_0", None, 422, "invalid-id"),
    ("GET", "/status?id=9223372036854775808", None, 422, "invalid-id"),
    ("GET", "/status?id=1&id=1", None, 400, "malformed-request"),
    ("GET", "/status?id=77", None, 404, "unknown-job"),
    ("GET", "/start/add?a=1", None, 405, "wrong-method"),
    ("GET", "/cancel?id=1", None, 405, "wrong-method"),
    ("DELETE", "/status?id=1", None, 405, "wrong-method"),
]


@pytest.mark.parametrize("refused", REFUSED)
def test_a_refusal_is_the_one_of_the_published_table(
    shop: Shop, refused: tuple[str, str, bytes | None, int, str]
) -> None:
    method, target, body, code, kind = refused
    answer = shop.client.open(
        f"/offload{target}", method=method, data=body, content_type="application/json"
    )

    assert problem(answer) == (code, kind)
    assert KINDS[kind].status == code
    assert shop.offload.list() == []


def test_a_body_that_is_no_json_is_415(shop: Shop) -> None:
    answer = shop.client.post("/offload/start/add", data={"a": "1"})

    assert problem(answer) == (415, "wrong-media-type")


def test_a_full_queue_is_429(make_app: MakeApp) -> None:
    shop = Shop(make_app, OFFLOAD_CONCURRENCY=1, OFFLOAD_CAPACITY=1)
    first = shop.start("hold")
    shop.reaches(first, "running")
    shop.start("hold")

    answer = shop.post("/start/hold")

    shop.gate.set()
    assert problem(answer) == (429, "queue-full")
    assert answer.headers["Retry-After"] == "1"


def test_what_is_evicted_is_410(make_app: MakeApp) -> None:
    shop = Shop(make_app, OFFLOAD_KEEP=1)
    first = shop.finished("add?a=1")
    shop.finished("add?a=2")

    eventually(lambda: shop.get(f"/status?id={first}").status_code == 410)

    assert problem(shop.get(f"/result?id={first}")) == (410, "evicted")


def test_head_and_options_are_answered(shop: Shop) -> None:
    job_id = shop.finished("add?a=1")

    head = shop.client.head(f"/offload/status?id={job_id}")
    options = shop.client.options("/offload/status")

    assert (head.status_code, head.data) == (200, b"")
    assert (options.status_code, options.headers["Allow"]) == (204, "GET, HEAD, OPTIONS")


def test_every_answer_says_that_it_must_not_be_kept_or_framed(shop: Shop) -> None:
    for answer in (shop.post("/start/add?a=1"), shop.get("/status?id=1"), shop.get("/status")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
