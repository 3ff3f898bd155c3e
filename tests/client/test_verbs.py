"""What `Client` asks and what it makes of an answer."""

import json
from typing import Any

import pytest

from offload import errors
from offload.client import Client
from tests.client import nasty as acts
from tests.client.nasty import Nasty, good, problem
from tests.http.site import Site


def test_a_token_and_a_path_before_the_routes_are_sent(nasty: Nasty) -> None:
    nasty.acts = [good({"items": [], "next_cursor": None})]
    client = Client(f"{nasty.url}/behind/a/proxy/", "a-secret")

    assert client.list() == []

    assert nasty.paths == ["/behind/a/proxy/v1/jobs?limit=100"]
    assert nasty.asked[0].headers["authorization"] == "Bearer a-secret"
    client.close()


def test_a_list_goes_through_the_pages(nasty: Nasty, client: Client) -> None:
    nasty.acts = [
        good({"items": [{"id": 9}, {"id": 8}], "next_cursor": "8"}),
        good({"items": [{"id": 7}], "next_cursor": "7"}),
    ]

    assert [job["id"] for job in client.list(state="failed", limit=3)] == [9, 8, 7]
    assert nasty.paths[1] == "/v1/jobs?state=failed&limit=1&cursor=8"


def test_a_wait_asks_until_the_end(nasty: Nasty, client: Client) -> None:
    nasty.acts = [good({"id": 7, "done": False}), acts.drop, good({"id": 7, "done": True})]

    assert client.wait(7)["done"] is True
    assert set(nasty.paths) == {"/v1/jobs/7?wait=30.000&until=done"}


def test_a_wait_of_no_time_asks_once(nasty: Nasty, client: Client) -> None:
    nasty.acts = [good({"id": 7, "done": False})]

    assert client.wait(7, 0)["done"] is False
    assert nasty.paths == ["/v1/jobs/7?wait=0.000&until=done"]


@pytest.mark.parametrize(
    ("ask", "route", "body"),
    [
        (lambda c: c.pause(7, "lunch"), "POST /v1/jobs/7/pause", {"reason": "lunch"}),
        (lambda c: c.pause(7), "POST /v1/jobs/7/pause", None),
        (lambda c: c.resume(7), "POST /v1/jobs/7/resume", None),
        (lambda c: c.pause_group(3, "x"), "POST /v1/groups/3/pause", {"reason": "x"}),
        (lambda c: c.resume_group(3), "POST /v1/groups/3/resume", None),
        (lambda c: c.cancel_group(3), "POST /v1/groups/3/cancel", None),
        (lambda c: c.retry_group(3), "POST /v1/groups/3/retry", None),
        (lambda c: c.remove(7), "DELETE /v1/jobs/7", None),
        (lambda c: c.set_queue("a b", {"limit": 2}), "PATCH /v1/queues/a%20b", {"limit": 2}),
        (lambda c: c.task("a/b"), "GET /v1/tasks/a%2Fb", None),
        (lambda c: c.stats(), "GET /v1/stats", None),
    ],
)
def test_each_verb_has_its_route(
    nasty: Nasty, client: Client, ask: Any, route: str, body: Any
) -> None:
    nasty.acts = [good({"id": 7})]

    ask(client)

    [asked] = nasty.asked
    assert f"{asked.method} {asked.path}" == route
    assert (json.loads(asked.body) if asked.body else None) == body
    assert asked.headers.get("content-type") == (None if body is None else "application/json")


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (acts.page(200), r"is no offload server \(it answered 200, text/html"),
        (acts.page(404, "text/plain"), "is no offload server"),
        (acts.answer(302, {}, Location="/elsewhere"), "is no offload server"),
    ],
    ids=["html", "plain text", "redirect"],
)
def test_another_server_is_told_apart(
    nasty: Nasty, client: Client, act: acts.Act, words: str
) -> None:
    nasty.acts = [act]

    with pytest.raises(errors.ConfigError, match=words):
        client.status(7)


def test_a_proxy_without_a_server_is_told_apart(nasty: Nasty) -> None:
    nasty.acts = [acts.page(502)]
    client = Client(nasty.url, patience=0)

    with pytest.raises(errors.StoreUnavailable, match=r"stands before the server.*answered 502"):
        client.status(7)
    client.close()


def test_an_answer_that_cannot_be_read(nasty: Nasty, client: Client) -> None:
    nasty.acts = [acts.raw(b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\n"
                           b"Content-Length: 8\r\n\r\n{\"id\": 7")]  # fmt: skip

    with pytest.raises(errors.StoreUnavailable, match="cannot be read"):
        client.status(7)


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8080",
        "localhost",
        "ftp://127.0.0.1",
        "http://",
        "http://127.0.0.1:x",
        "http://127.0.0.1:70000",
        "http://127.0.0.1/?a=1",
        "http://me@127.0.0.1",
        "http://[::1",
        "http://a b",
        "http://a..b",
        "http://127.0.0.1/\n",
        "http://Häuser.example",
        "",
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(errors.ConfigError, match="is no address of a server; write http"):
        Client(url)


@pytest.mark.parametrize("url", ["https://example.org", "http://[::1]:8080/"])
def test_what_is_an_address(url: str) -> None:
    assert Client(url).url == url


@pytest.mark.parametrize("token", ["a-secret\n", "geheim-ß"])
def test_what_is_no_token(token: str) -> None:
    with pytest.raises(errors.ConfigError, match="was it copied whole"):
        Client("http://127.0.0.1:1", token)


def test_a_certificate_that_nobody_vouches_for_is_refused(nasty: Nasty) -> None:
    nasty.acts = [acts.drop]
    client = Client(nasty.url.replace("http://", "https://"), timeout=1, patience=0)

    with pytest.raises(errors.StoreUnavailable, match="cannot be reached"):
        client.status(7)
    client.close()


def test_a_problem_keeps_what_the_server_said(nasty: Nasty, client: Client) -> None:
    failed = {"code": "exception", "type": "ValueError", "message": "no", "traceback": None}
    nasty.acts = [
        problem(409, "job-failed", id=7, state="failed", error=failed),
        problem(422, "invalid-parameters", errors=[{"parameter": "n", "problem": "missing"}]),
        problem(409, "already-finished", id=7, state="succeeded"),
    ]

    with pytest.raises(errors.JobFailed, match="it is job-failed") as job_failed:
        client.result(7)
    with pytest.raises(errors.InvalidParameters) as invalid:
        client.start("mow")
    with pytest.raises(errors.AlreadyFinished) as finished:
        client.cancel(7)

    assert (job_failed.value.job_id, job_failed.value.remote_message) == (7, "no")
    assert invalid.value.faults == (errors.Fault("n", "missing"),)
    assert finished.value.state == "succeeded"


def test_a_real_server_is_asked(site: Site) -> None:
    client = Client(site.address)

    started = client.start("echo", params={"value": 2**200})
    job = client.wait(started["id"], 20)

    assert job["state"] == "succeeded"
    assert client.result(started["id"]) == 2**200
    assert [event["state"] for event in client.history(job["id"])][-1] == "succeeded"
    client.close()
