"""The file of `<offload-job>` in a Flask app: beside the routes, for everybody, fetched once."""

import gzip

import pytest
from flask import Flask, url_for
from werkzeug.routing import BuildError

from offload.contrib.flask import FlaskOffload
from offload.dashboard.element import element
from tests.contrib.conftest import MakeApp


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """Outside debug and testing, with nobody said to be let in: its routes are closed."""
    return make_app(FlaskOffload(), TESTING=False)


def test_it_stands_beside_the_routes_and_is_given_to_everybody(app: Flask) -> None:
    with app.test_request_context():
        address = url_for("offload.element")
    browser = app.test_client()

    answer = browser.get(address)

    assert address == "/offload/offload-job.js"
    assert browser.get("/offload/status?id=1").status_code == 403
    assert answer.status_code == 200
    assert answer.data == element().body
    assert answer.content_type == "text/javascript; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_browser_gets_it_compressed_and_only_once(app: Flask) -> None:
    browser = app.test_client()

    first = browser.get("/offload/offload-job.js", headers={"Accept-Encoding": "br, gzip"})
    again = browser.get("/offload/offload-job.js", headers={"If-None-Match": first.headers["ETag"]})

    assert first.headers["Content-Encoding"] == "gzip"
    assert first.headers["Vary"] == "accept-encoding"
    assert first.headers["Cache-Control"] == "no-cache"
    assert gzip.decompress(first.data) == element().body
    assert (again.status_code, again.data) == (304, b"")


def test_it_can_only_be_read(app: Flask) -> None:
    assert app.test_client().post("/offload/offload-job.js").status_code == 405


def test_an_app_without_routes_has_no_address_for_it(make_app: MakeApp) -> None:
    app = make_app(FlaskOffload(url_prefix=None))

    with app.test_request_context(), pytest.raises(BuildError):
        url_for("offload.element")
