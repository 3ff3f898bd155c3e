"""`<offload-job>` on other people's pages, in a real browser, under a policy that forbids more."""

import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from offload.dashboard.element import element
from tests.dashboard.browser import Look
from tests.dashboard.plain_page import elsewhere, html, place
from tests.dashboard.site import Site
from tests.support import eventually

pytestmark = pytest.mark.slow

Guarded = tuple[Site, str, dict[str, str]]

ROOT = Path(__file__).parents[2]

AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


def show(look: Look, site: Site, job_id: int, attributes: str = "", **settings: Any) -> Page:
    """Open a page of somebody's with one job on it."""
    tab = look(site, **settings)
    text = html(f'<offload-job src="/v1/jobs/{job_id}" {attributes}></offload-job>')
    tab.page.goto(place(tab.page, site.address, text))
    return tab.page


def test_it_is_light() -> None:
    assert len(element().packed) < 8_000


def test_a_server_gives_it_to_every_page(site: Site) -> None:
    with urllib.request.urlopen(f"{site.address}/offload-job.js", timeout=10) as answer:
        assert answer.read() == element().body
        assert answer.headers.get_all("cross-origin-resource-policy") == ["cross-origin"]
        assert answer.headers.get_all("cache-control") == ["no-cache"]


def test_it_shows_how_far_a_job_is_until_it_has_ended(site: Site, look: Look) -> None:
    job_id = site.start("steps", count=60, seconds=0.05)

    page = show(look, site, job_id)

    bar = page.get_by_role("progressbar", name=f"progress of steps #{job_id}")
    expect(bar).to_have_attribute("aria-valuemax", "60")
    expect(page.locator("offload-job .state")).to_have_text("running")
    expect(page.locator("offload-job .far")).to_contain_text("s left")
    expect(page.locator("offload-job .state")).to_have_text("succeeded")
    expect(bar).to_have_attribute("aria-valuenow", "60")
    assert page.locator("offload-job .fill").evaluate("each => each.clientWidth") > 100


def test_its_buttons_act(site: Site, look: Look) -> None:
    job_id = site.start("steps", count=2000, seconds=0.05)
    page = show(look, site, job_id, "cancel pause")
    state = page.locator("offload-job .state")

    page.get_by_role("button", name="Pause").click()
    expect(state).to_have_text("paused")
    page.get_by_role("button", name="Resume").click()
    expect(state).to_have_text("running")
    page.get_by_role("button", name="Cancel").click()
    expect(state).to_have_text("cancelled")

    expect(page.get_by_role("button")).to_have_count(0)
    assert site.state(job_id) == "cancelled"


def test_without_leave_it_has_no_buttons(site: Site, look: Look) -> None:
    job_id = site.start("steps", count=2000, seconds=0.05)

    page = show(look, site, job_id)

    expect(page.locator("offload-job .state")).to_have_text("running")
    expect(page.get_by_role("button")).to_have_count(0)
    site.post(f"/v1/jobs/{job_id}/cancel")


def test_a_page_can_keep_a_button_from_acting(site: Site, look: Look) -> None:
    job_id = site.start("steps", count=2000, seconds=0.05)
    page = show(look, site, job_id, "cancel")
    page.evaluate(
        """addEventListener("offload-act", (event) => {
            event.preventDefault();
            window.asked = event.detail.verb;
        })"""
    )

    page.get_by_role("button", name="Cancel").click()

    assert page.evaluate("window.asked") == "cancel"
    assert site.state(job_id) == "running"
    site.post(f"/v1/jobs/{job_id}/cancel")


def test_it_has_the_last_lines_that_the_job_has_written(site: Site, look: Look) -> None:
    job_id = site.start("talk", lines=12, seconds=0.02)

    page = show(look, site, job_id, 'log="3"')

    expect(page.get_by_role("log")).to_have_text("it is warm\nline 11\nline 12")


def test_after_the_end_it_asks_nothing_more_and_says_so(site: Site, look: Look) -> None:
    job_id = site.start("steps", count=10, seconds=0.05)
    tab = look(site)
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url))
    tab.page.add_init_script(
        "window.ends = []; addEventListener('offload-end', e => window.ends.push(e.detail.state))"
    )
    text = html(f'<offload-job src="/v1/jobs/{job_id}"></offload-job>')

    tab.page.goto(place(tab.page, site.address, text))
    expect(tab.page.locator("offload-job .state")).to_have_text("succeeded")
    before = len(asked)
    tab.page.wait_for_timeout(2500)

    assert len(asked) == before
    assert tab.page.evaluate("window.ends") == ["succeeded"]
    eventually(lambda: "\noffload_http_streams 0" in metrics(site))


def metrics(site: Site) -> str:
    with urllib.request.urlopen(f"{site.address}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def test_hostile_text_stays_text(site: Site, look: Look) -> None:
    message = "<img src=x onerror=window.__ran=1><script>window.__ran=1</script>"
    job_id = site.finished("boom", message=message)

    page = show(look, site, job_id, 'log label="<b>x</b>"')

    expect(page.locator("offload-job .why")).to_have_text(message)
    assert page.evaluate("window.__ran") is None


def test_a_failed_job_says_why(site: Site, look: Look) -> None:
    job_id = site.finished("boom", message="no beam")

    page = show(look, site, job_id, "cancel pause")

    expect(page.locator("offload-job .state")).to_have_text("failed")
    expect(page.locator("offload-job .why")).to_have_text("no beam")


def test_what_is_not_there_is_said(site: Site, look: Look) -> None:
    page = show(look, site, 999_999)

    expect(page.locator("offload-job .why")).to_contain_text("999999")
    expect(page.locator("offload-job .state")).to_have_text("not shown")


def test_many_of_them_do_not_hold_up_the_page(site: Site, look: Look) -> None:
    ids = [site.start("steps", count=30, seconds=0.05) for _ in range(10)]
    tab = look(site)
    text = html(*(f'<offload-job src="/v1/jobs/{each}"></offload-job>' for each in ids))

    tab.page.goto(place(tab.page, site.address, text))

    for at in range(10):
        expect(tab.page.locator("offload-job .state").nth(at)).to_have_text("succeeded")


def test_it_outlives_a_restart_of_the_server(own_site: Site, look: Look) -> None:
    own_site.open()
    job_id = own_site.start("steps", count=2000, seconds=0.05)
    page = show(look, own_site, job_id, "cancel")
    expect(page.locator("offload-job .state")).to_have_text("running")

    own_site.close()
    expect(page.locator("offload-job .why")).to_have_text(
        "No connection to the server. Trying again."
    )
    own_site.open()

    expect(page.locator("offload-job .why")).to_be_hidden()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("offload-job .state")).to_have_text("cancelled")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_violates_no_rule_of_accessibility(site: Site, look: Look, theme: str) -> None:
    job_id = site.start("steps", count=2000, seconds=0.05)
    page = show(look, site, job_id, "cancel pause log", color_scheme=theme)
    page.evaluate("document.documentElement.style.colorScheme = 'light dark'")
    page.get_by_role("progressbar").wait_for()

    page.evaluate(AXE)
    violations = page.evaluate("axe.run()")["violations"]

    assert [(each["id"], each["nodes"][0]["failureSummary"]) for each in violations] == []
    site.post(f"/v1/jobs/{job_id}/cancel")


def test_it_takes_the_colours_of_the_page(site: Site, look: Look) -> None:
    job_id = site.finished("echo")
    page = show(look, site, job_id)
    page.evaluate(
        "document.documentElement.style.setProperty('--offload-succeeded', 'rgb(1, 2, 3)')"
    )

    colour = page.locator("offload-job .state").evaluate("each => getComputedStyle(each).color")

    assert colour == "rgb(1, 2, 3)"


def test_a_page_of_an_allowed_site_shows_a_job_with_a_token_for_it(
    guarded: Guarded, look: Look
) -> None:
    site, origin, pages = guarded
    job_id = site.start("steps", count=60, seconds=0.05)
    token = site.post(f"/v1/jobs/{job_id}/token", {"expires": "1h"})["token"]
    src = f"{site.address}/v1/jobs/{job_id}"
    pages["/"] = html(f'<offload-job src="{src}" token="{token}" cancel pause log></offload-job>')
    tab = look(site)

    tab.page.goto(f"{origin}/")

    expect(tab.page.locator("offload-job .state")).to_have_text("running")
    expect(tab.page.get_by_role("button")).to_have_count(0)
    expect(tab.page.locator("offload-job .state")).to_have_text("succeeded")


def test_a_page_of_an_allowed_site_can_act_with_a_token_that_may(
    guarded: Guarded, look: Look
) -> None:
    site, origin, pages = guarded
    job_id = site.start("steps", count=2000, seconds=0.05)
    src = f"{site.address}/v1/jobs/{job_id}"
    pages["/"] = html(f'<offload-job src="{src}" token="{site.token}" cancel></offload-job>')
    tab = look(site)

    tab.page.goto(f"{origin}/")
    tab.page.get_by_role("button", name="Cancel").click()

    expect(tab.page.locator("offload-job .state")).to_have_text("cancelled")


def test_a_token_that_is_not_valid_is_said_and_another_one_is_taken(
    guarded: Guarded, look: Look
) -> None:
    site, origin, pages = guarded
    job_id = site.finished("echo")
    token = site.post(f"/v1/jobs/{job_id}/token")["token"]
    src = f"{site.address}/v1/jobs/{job_id}"
    pages["/"] = html(f'<offload-job src="{src}" token="ofj_old"></offload-job>')
    tab = look(site)
    tab.page.goto(f"{origin}/")
    expect(tab.page.locator("offload-job .why")).to_contain_text("token")

    tab.page.locator("offload-job").evaluate(
        "(each, token) => each.setAttribute('token', token)", token
    )

    expect(tab.page.locator("offload-job .state")).to_have_text("succeeded")


def test_a_page_of_a_flask_app_shows_its_job(tmp_path: Path, look: Look) -> None:
    with program("flask_page", str(tmp_path / "jobs.db")) as process:
        assert process.stdout is not None
        tab = look(Site(tmp_path))

        tab.page.goto(f"{process.stdout.readline().strip()}/reports/2000")

        expect(tab.page.locator("offload-job .state")).to_have_text("running")
        expect(tab.page.locator("offload-job .far")).to_contain_text("/ 2,000 days")
        tab.page.get_by_role("button", name="Pause").click()
        expect(tab.page.locator("offload-job .state")).to_have_text("paused")
        tab.page.get_by_role("button", name="Resume").click()
        expect(tab.page.locator("offload-job .state")).to_have_text("running")
        tab.page.get_by_role("button", name="Cancel").click()
        expect(tab.page.locator("offload-job .state")).to_have_text("cancelled")


def test_a_page_of_an_asgi_app_shows_a_job_that_is_at_a_server(
    tmp_path_factory: pytest.TempPathFactory, look: Look
) -> None:
    # The page's port is held until the server, which is told of it, has one of its own.
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = str(held.getsockname()[1])
        origin = f"http://127.0.0.1:{port}"
        with server_for(origin, tmp_path_factory.mktemp("far")) as site:
            held.close()
            with program("asgi_page", site.address, site.token, port):
                eventually(lambda: answers(f"{origin}/offload-job.js"))
                tab = look(site)

                tab.page.goto(f"{origin}/report")

                expect(tab.page.locator("offload-job .state")).to_have_text("running")
                expect(tab.page.locator("offload-job .state")).to_have_text("succeeded")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A server with a token, and an origin that it allows, with what stands there."""
    with elsewhere() as (origin, pages), server_for(origin, tmp_path_factory.mktemp("far")) as site:
        yield site, origin, pages


@contextmanager
def server_for(origin: str, folder: Path) -> Iterator[Site]:
    site = Site(folder, "--allow-origin", origin, "--token", "k" * 43)
    site.token = "k" * 43
    site.open()
    try:
        yield site
    finally:
        site.close()


@contextmanager
def program(name: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a page's program."""
    command = [sys.executable, "-m", f"tests.dashboard.{name}", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return bool(answer.read())
    except OSError:
        return False
