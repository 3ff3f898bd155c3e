"""Nothing that a job says is ever more than text, and the page runs its own files only."""

import re

import pytest
from playwright.sync_api import expect

from offload.dashboard import POLICY
from tests.dashboard.browser import Look
from tests.dashboard.site import Site

pytestmark = pytest.mark.slow

MARKS = [
    "<script>{}</script>",
    "</script><script>{}</script>",
    "<img src=x onerror={}>",
    "<svg/onload={}>",
    "<svg><animate onbegin={} attributeName=x dur=1s>",
    '" onmouseover="{}" autofocus onfocus="{}" x="',
    "' onclick='{}",
    "<iframe srcdoc='<script>{}</script>'>",
    "<details open ontoggle={}>",
    "<math><mtext></mtext><mglyph><style><img src=x onerror={}>",
    "<a href='javascript:{}'>x</a>",
    "javascript:{}",
    "data:text/html,<script>{}</script>",
    "${{{}}}",
    "{{{{constructor.constructor('{}')()}}}}",
    "<template><script>{}</script></template>",
    "<base href='//evil.example/'>",
    "<meta http-equiv=refresh content='0;url=javascript:{}'>",
    "<link rel=stylesheet href='data:text/css,*{{color:red}}'>",
    "<form action='javascript:{}'><button>",
    "<object data='javascript:{}'>",
    "<embed src='javascript:{}'>",
    "<video><source onerror={}></video>",
    "<body onload={}>",
    "<style>@import 'javascript:{}';</style>",
    "<!--><script>{}</script>",
    "]]><script>{}</script>",
    "<input onfocus={} autofocus>",
    "<marquee onstart={}>",
    "<select autofocus onfocus={}>",
]
"""Ways in, each with the place for what it would run."""

ODD = [
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "\u202egnp.exe\u2066",
    "\ufeff",
    "\u0000",
    "\x1b[31mred\x1b[0m",
    "a\u0300" * 200,
    "W" * 3000,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "line\nbreak\r\ttab",
    "%00%2e%2e%2f",
    "../../../etc/passwd",
    "#/jobs/1",
    "?state=failed&x=<b>",
    "'; drop table job; --",
    "&lt;b&gt;&amp;&#60;",
    "=cmd|' /C calc'!A0",
    "NaN",
    "null",
    "undefined",
    "-0",
    "1e999",
    " ",
    "\\",
    '"',
    "'",
    "`",
    "\u2028\u2029",
]

HOSTILE = [mark.format(*["window.__ran=1"] * mark.count("{}")) for mark in MARKS] + ODD


def test_no_hostile_text_runs_on_any_page(own_site: Site, look: Look) -> None:
    own_site.open()
    ids = []
    for text in HOSTILE:
        options = {"owner": text[:100], "tags": [text[:60]]}
        own_site.post(
            "/v1/tasks/echo/jobs", {"params": {"value": {text: [text]}}, "options": options}
        )
        ids.append(own_site.finished("boom", message=text))
    tab = look(own_site)
    tab.page.on("dialog", lambda dialog: tab.faults.append(f"a dialog: {dialog.message}"))

    for place in ("", "jobs", "jobs?q=%3Cimg%20src%3Dx%3E", "errors", "activity", "tasks/echo"):
        page = tab.open(place)
        page.wait_for_timeout(400)
        assert page.evaluate("window.__ran") is None
    for job_id in ids[::4]:
        page = tab.open(f"jobs/{job_id}")
        expect(page.locator(".trace")).to_be_visible()
        page = tab.open(f"jobs/{job_id - 1}")
        expect(page.get_by_label("parameters", exact=True)).to_be_visible()
        assert page.evaluate("window.__ran") is None
    allowed = page.evaluate(
        "document.querySelectorAll('iframe, object, embed, base, form[action]')"
    )
    assert not allowed or len(allowed) == 0
    assert len(HOSTILE) >= 60


def test_a_hostile_address_is_only_text(site: Site, look: Look) -> None:
    tab = look(site)

    for place in (
        "jobs?tag=%3Cimg%20src%3Dx%20onerror%3Dwindow.__ran%3D1%3E",
        "tasks/%3Cscript%3Ewindow.__ran%3D1%3C%2Fscript%3E",
        "jobs/javascript%3Aalert(1)",
        "nowhere/%E0%A4%A",
    ):
        page = tab.open(place)
        page.wait_for_timeout(200)

        assert page.evaluate("window.__ran") is None


def test_the_page_may_not_run_or_fetch_anything_else(site: Site, look: Look) -> None:
    tab = look(site)
    page = tab.open()

    refused = page.evaluate(
        """() => {
            try { document.body.innerHTML = "<b>x</b>"; return "HTML was taken"; }
            catch (error) { return error.name; }
        }"""
    )

    assert refused == "TypeError"
    tab.faults.clear()  # the browser tells of it
    for part in ("default-src 'none'", "frame-ancestors 'none'", "require-trusted-types-for"):
        assert part in POLICY
    assert "unsafe" not in POLICY


def test_big_integers_stay_exact(site: Site, look: Look) -> None:
    tab = look(site)
    page = tab.open()

    read = page.evaluate(
        """async () => {
            const at = document.querySelector('script[type=module]').src;
            const { read, write } = await import(new URL("../core/json.js", at));
            return write(read('{"a":12345678901234567890,"b":[-9007199254740993,1.5],"c":"é"}'));
        }"""
    )

    assert read == '{"a":12345678901234567890,"b":[-9007199254740993,1.5],"c":"é"}'


def test_it_asks_this_server_only(site: Site, look: Look) -> None:
    tab = look(site)
    asked: set[str] = set()
    tab.page.on(
        "request", lambda each: asked.add(re.sub(r"^(\w+://[^/]+|data:).*", r"\1", each.url))
    )

    for place in ("", "jobs", "tasks", "queues", "workers", "schedules", "errors", "activity"):
        tab.open(place)

    assert asked <= {site.address, "data:"}
