"""The files of the dashboard: light, whole, and kept by the browser while they are the same."""

import re
import urllib.error
import urllib.request
from email.message import Message
from importlib.resources import files

import pytest

from offload.dashboard import FOLDERS, dashboard
from tests.dashboard.site import Site

MOST_BYTES = 120_000


def fetch(site: Site, path: str, **headers: str) -> tuple[int, Message, bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(site.address + path, headers=named)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_all_of_it_is_light() -> None:
    assert dashboard().weight < MOST_BYTES


def test_every_file_is_served_and_named_by_the_page() -> None:
    static = files("offload.dashboard") / "static"
    there = {f"{folder}/{each.name}" for folder in FOLDERS for each in (static / folder).iterdir()}
    page = dashboard().page.body.decode()

    assert there == {"/".join(place) for place in dashboard().assets}
    for name in there:
        assert f"assets/{dashboard().version}/{name}" in page


def test_the_page_has_no_script_or_style_of_its_own() -> None:
    page = dashboard().page.body.decode()

    assert not re.search(r"<style|\son\w+=|\sstyle=", page)
    assert re.findall(r"<script(?![^>]* src=)", page) == []
    assert not re.search(r'(?:href|src)="(?:/|\w+:)', page), "an address that is not relative"


def test_the_page_brings_all_modules_at_once_and_a_frame_to_look_at_meanwhile() -> None:
    page = dashboard().page.body.decode()
    frame = dashboard().assets["shell", "frame.js"].body.decode()
    places = re.findall(r'^  \["(\w*)", "(\w+)"\],$', frame, re.M)

    assert len(places) == 8
    assert re.findall(r'<a href="#/(\w*)"><svg class="icon"></svg><span>(\w+)<', page) == places
    for folder, name in dashboard().assets:
        is_brought = f'modulepreload" href="assets/{dashboard().version}/{folder}/{name}"' in page
        assert is_brought is (name.endswith(".js") and name != "theme.js"), name


def test_modules_import_what_is_there() -> None:
    known = {"/".join(place) for place in dashboard().assets}

    for (folder, name), asset in dashboard().assets.items():
        for found in re.findall(r'^(?:import|export)[^"\n]*"(\.[^"]+)"', asset.body.decode(), re.M):
            path = found.removeprefix("../") if found.startswith("../") else f"{folder}/{found[2:]}"
            assert path in known, f"{folder}/{name} imports {found}"


HTML_OF_TEXT = r"(inner|outer|insertAdjacent)HTML|document\.write|\beval\(|new Function"


def test_no_module_makes_html_of_text() -> None:
    for (folder, name), asset in dashboard().assets.items():
        if name.endswith(".js"):
            made = re.search(HTML_OF_TEXT, asset.body.decode())
            assert made is None, f"{folder}/{name}: {made}"


def test_a_file_is_kept_for_good_and_the_page_is_not(site: Site) -> None:
    version = dashboard().version

    status, page, _ = fetch(site, "/")
    _, script, body = fetch(site, f"/assets/{version}/shell/app.js")

    assert status == 200
    assert page.get_all("cache-control") == ["no-store"]
    assert script.get_all("cache-control") == ["public, max-age=31536000, immutable"]
    assert script["content-type"] == "text/javascript; charset=utf-8"
    assert script["x-content-type-options"] == "nosniff"
    assert body == dashboard().assets["shell", "app.js"].body


def test_what_the_browser_has_is_not_sent_again(site: Site) -> None:
    _, headers, _ = fetch(site, "/")

    status, _, body = fetch(site, "/", if_none_match=headers["etag"])

    assert (status, body) == (304, b"")


def test_it_is_sent_compressed(site: Site) -> None:
    path = f"/assets/{dashboard().version}/shell/style.css"

    _, headers, body = fetch(site, path, accept_encoding="gzip")

    assert headers["content-encoding"] == "gzip"
    assert body == dashboard().assets["shell", "style.css"].packed


@pytest.mark.parametrize("path", ["none.js", "..%2findex.html", "../index.html", "app.js/x"])
def test_there_are_no_other_files(site: Site, path: str) -> None:
    status, headers, _ = fetch(site, f"/assets/{dashboard().version}/shell/{path}")

    assert status == 404
    assert headers["content-type"] == "application/problem+json"
