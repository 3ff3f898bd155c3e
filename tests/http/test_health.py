"""Health, request ids and the access log."""

import logging
import sqlite3

import pytest

from offload.http.access_log import log as access_log
from tests.http.conftest import Open
from tests.http.site import Site
from tests.support import eventually


def test_a_server_with_a_worker_and_a_store_is_ready(open_site: Open) -> None:
    site = open_site()
    site.finished("/start/add?a=1")

    answer = site.get("/readyz")

    assert (answer.status, answer.json) == (200, {"status": "ready", "reasons": []})


def test_a_server_without_a_worker_is_not_ready_and_says_so(open_site: Open) -> None:
    site = open_site(work=False)
    site.start("/start/add?a=1")

    answer = site.get("/readyz")

    assert answer.status == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json["reasons"] == ["no worker is at work; start one with `offload worker`"]


def test_a_server_without_a_store_turns_and_is_not_ready(open_site: Open) -> None:
    site = open_site(work=False)

    ready, healthy = site.get("/readyz"), site.get("/healthz")

    assert (ready.status, healthy.status) == (503, 200)
    assert ready.json["reasons"] == ["the database does not answer"]
    assert str(site.app.database) not in str(ready.json)


def test_a_server_that_drains_is_not_ready(open_site: Open) -> None:
    site = open_site()
    site.finished("/start/add?a=1")
    site.server.draining = True

    answer = site.get("/readyz")

    assert answer.status == 503
    assert answer.json["reasons"] == ["the server is stopping"]


def test_a_database_of_a_newer_offload_is_named(open_site: Open) -> None:
    site = open_site(work=False)
    site.start("/start/add?a=1")
    site.app.open().store.close()
    with sqlite3.connect(site.app.database) as database:
        database.execute("update meta set value = '9999' where key = 'oldest_code'")
        database.execute("pragma user_version = 9999")
    database.close()

    answer = site.get("/readyz")

    assert answer.json["reasons"] == ["the database belongs to a newer offload"]


def test_readiness_needs_no_token_and_tells_no_details(open_site: Open) -> None:
    site = open_site(token="t0ken")
    site.finished("/start/add?a=1")
    site.token = ""

    assert site.get("/readyz").status == 200
    assert site.get("/v1/events").status == 401


def test_every_answer_has_an_id_and_keeps_the_one_that_came(site: Site) -> None:
    made = site.get("/healthz").headers["x-request-id"]
    other = site.get("/nothing").headers["x-request-id"]
    kept = site.get("/healthz", X_Request_Id="a-1.b:c_2").headers["x-request-id"]
    refused = site.get("/healthz", X_Request_Id='a"b').headers["x-request-id"]
    too_long = site.get("/healthz", X_Request_Id="x" * 101).headers["x-request-id"]

    assert len({made, other, refused, too_long}) == 4
    assert all(len(each) == 16 for each in (made, other, refused, too_long))
    assert kept == "a-1.b:c_2"


def test_the_access_log_has_no_arguments_in_it(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, access_log.name)

    site.get("/status?id=0&password=hunter2", X_Request_Id="mine")
    site.get("/a%0Ab?x=hunter2")

    eventually(lambda: len(caplog.records) == 2)
    first, second = (record.getMessage() for record in caplog.records)
    assert first.startswith("GET /status 422 ")
    assert first.endswith(" ms mine 127.0.0.1")
    assert second.startswith("GET /a%0Ab 404 ")
    assert "hunter2" not in first + second


def test_the_access_log_is_silent_until_somebody_asks_for_it(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    site.get("/healthz")

    assert [record for record in caplog.records if record.name == access_log.name] == []
