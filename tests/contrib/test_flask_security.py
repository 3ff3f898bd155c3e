"""Who may use the routes in a Flask app: nobody outside debug, unless the app says who."""

import logging

import pytest
from flask import Flask, abort, request

from offload.contrib.flask import FlaskOffload
from tests.contrib.conftest import MakeApp

ROUTES = [("POST", "start/add"), ("GET", "status"), ("GET", "result"), ("POST", "cancel")]


def _asked(app: Flask, method: str, target: str, **headers: str) -> tuple[int, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = app.test_client().open(f"/offload/{target}", method=method, headers=named)
    document = answer.get_json(force=True)
    return answer.status_code, document.get("type", "").removeprefix("/problems/")


@pytest.mark.parametrize(("method", "target"), ROUTES)
def test_outside_debug_the_routes_are_closed_and_the_log_says_so_once(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture, method: str, target: str
) -> None:
    app = make_app(FlaskOffload(), TESTING=False)

    with caplog.at_level(logging.WARNING):
        answers = [_asked(app, method, target) for _ in range(3)]

    assert answers == [(403, "forbidden")] * 3
    assert [record.name for record in caplog.records] == ["offload.contrib.flask"]
    assert "authorize=" in caplog.text


def test_in_debug_they_answer_to_names_of_this_machine_only(make_app: MakeApp) -> None:
    app = make_app(FlaskOffload(), TESTING=False)
    app.debug = True
    local = ["localhost", "localhost:5000", "127.0.0.1:5000", "[::1]", "[::1]:5000"]
    foreign = ["evil.example", "evil.example:5000", "localhost.evil.example", "127.0.0.2"]

    taken = {host: _asked(app, "GET", "status", Host=host) for host in local}
    refused = {host: _asked(app, "GET", "status", Host=host) for host in foreign}

    assert taken == dict.fromkeys(local, (422, "invalid-id"))
    assert refused == dict.fromkeys(foreign, (421, "wrong-host"))


def test_the_app_s_function_decides_by_request_and_verb(make_app: MakeApp) -> None:
    verbs: list[str] = []

    def authorize(verb: str) -> bool:
        verbs.append(verb)
        return request.headers.get("X-Key") == "right" and verb != "cancel"

    app = make_app(FlaskOffload(authorize=authorize), TESTING=False)

    known = [_asked(app, *route, X_Key="right", Host="shop.example")[1] for route in ROUTES]
    stranger = [_asked(app, *route)[1] for route in ROUTES]

    assert known == ["unknown-task", "invalid-id", "invalid-id", "forbidden"]
    assert stranger == ["forbidden"] * 4
    assert verbs == ["start", "status", "result", "cancel"] * 2


def test_what_the_app_s_function_raises_goes_on_to_flask(make_app: MakeApp) -> None:
    def authorize(verb: str) -> bool:
        abort(401)

    app = make_app(FlaskOffload(authorize=authorize))

    answer = app.test_client().get("/offload/status?id=1")

    assert (answer.status_code, answer.mimetype) == (401, "text/html")


CROSS_SITE = [
    ({"Sec_Fetch_Site": "cross-site"}, True),
    ({"Sec_Fetch_Site": "same-site"}, True),
    ({"Sec_Fetch_Site": "same-origin,cross-site"}, True),
    ({"Origin": "http://evil.example"}, True),
    ({"Origin": "null"}, True),
    ({"Origin": "http://localhost:81"}, True),
    ({"Sec_Fetch_Site": "same-origin"}, False),
    ({"Sec_Fetch_Site": "none"}, False),
    ({"Sec_Fetch_Site": "same-origin", "Origin": "null"}, False),
    ({"Origin": "http://localhost"}, False),
    ({"Origin": "https://localhost"}, False),
    ({}, False),
]


@pytest.mark.parametrize(("headers", "is_refused"), CROSS_SITE)
def test_a_page_of_another_site_changes_nothing(
    make_app: MakeApp, headers: dict[str, str], is_refused: bool
) -> None:
    offload = FlaskOffload()

    @offload.task
    async def add(a: int = 1) -> int:
        return a

    app = make_app(offload)

    started = _asked(app, "POST", "start/add", **headers)

    assert (started == (403, "cross-site")) == is_refused
    assert (len(offload.list()) == 0) == is_refused


def test_without_a_prefix_there_are_no_routes(make_app: MakeApp) -> None:
    app = make_app(FlaskOffload(url_prefix=None))

    assert app.test_client().get("/offload/status?id=1").status_code == 404
    assert app.extensions["offload"] is not None
