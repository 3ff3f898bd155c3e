"""`offload dashboard`: a server elsewhere, looked at from here, with a token that nobody sees."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Request, expect

from tests.dashboard.browser import Look
from tests.dashboard.site import Site

pytestmark = pytest.mark.slow

TOKEN = "k" * 43

START = [sys.executable, "-m", "offload", "dashboard"]


class Front(Site):
    """`offload dashboard` as a process; asks as its browser does."""

    def __init__(self, folder: Path, server: str, token: str = TOKEN) -> None:
        super().__init__(folder)
        environment = {**os.environ, "OFFLOAD_TOKEN": token}
        self.process = subprocess.Popen(
            [*START, "--server", server, "--port", "0", "--json"],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        self.address = json.loads(said)["address"] if said else ""

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal; returns the exit code, and what was complained about."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        _, complaints = self.process.communicate(timeout=20)
        return self.process.returncode, complaints

    def status(self, method: str, path: str, **headers: str) -> int:
        """Ask with these headers; returns the code."""
        server = self.address.removeprefix("http://")
        with contextlib.closing(http.client.HTTPConnection(server, timeout=20)) as connection:
            connection.putrequest(method, path, skip_host="host" in headers)
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            connection.endheaders()
            return connection.getresponse().status


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server that wants a token."""
    site = Site(tmp_path_factory.mktemp("far"), "--token", TOKEN)
    site.token = TOKEN
    site.open()
    yield site
    site.close()


@pytest.fixture(scope="module")
def front(far: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """What all tests look at; none may end it."""
    front = Front(tmp_path_factory.mktemp("front"), far.address)
    yield front
    front.end()


def test_the_dashboard_is_live_and_acts_and_the_browser_never_has_the_token(
    far: Site, front: Front, look: Look
) -> None:
    job_id = far.start("steps", count=2000, seconds=0.05)
    tab = look(front)
    told: list[str] = []

    def note(request: Request) -> None:
        told.append(request.url + json.dumps(request.all_headers()))

    tab.page.on("requestfinished", note)

    page = tab.open(f"jobs/{job_id}")
    bar = page.get_by_role("progressbar")
    before = bar.get_attribute("aria-valuenow")
    expect(bar).not_to_have_attribute("aria-valuenow", before or "")
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.locator(".job-title .badge")).to_have_text("cancelled")

    assert far.state(job_id) == "cancelled"
    assert told
    assert not [each for each in told if TOKEN in each]
    assert TOKEN not in page.content() + page.evaluate("JSON.stringify(sessionStorage)")


def test_events_come_as_they_happen(far: Site, front: Front) -> None:
    headers = {"accept": "text/event-stream"}
    request = urllib.request.Request(f"{front.address}/v1/events", headers=headers)

    with urllib.request.urlopen(request, timeout=20) as stream:
        opened = stream.readline()
        job_id = far.start("echo")
        line = next(line for line in stream if line.startswith(b"data:"))

    assert opened.startswith(b"retry:")
    assert json.loads(line.removeprefix(b"data:"))["job_id"] == job_id


def test_jobs_are_started_through_it(front: Front) -> None:
    job_id = front.finished("echo", value=[1, 2])

    assert front.get(f"/v1/jobs/{job_id}/result") == [1, 2]


def test_it_has_the_element_too(front: Front) -> None:
    assert front.status("GET", "/offload-job.js") == 200


def test_it_refuses_what_a_server_refuses(front: Front) -> None:
    assert front.status("GET", "/", host="evil.example") == 421
    assert front.status("POST", "/v1/jobs/1/cancel", origin="http://evil.example") == 403
    assert front.status("POST", "/v1/jobs/1/cancel", sec_fetch_site="cross-site") == 403
    assert front.status("GET", "/v1/%2e%2e/v1/queues") == 400
    assert front.status("GET", "/login") == 404
    assert front.status("GET", "/v1/queues") == 200


def test_while_the_server_is_gone_it_says_so(far: Site, front: Front, look: Look) -> None:
    tab = look(front)
    page = tab.open()

    far.close()
    assert front.status("GET", "/") == 200
    assert front.status("GET", "/v1/queues") == 502
    tab.shown("The server does not answer.").to_be_visible()
    far.open()

    assert front.status("GET", "/v1/queues") == 200
    expect(page.get_by_text("The server does not answer.")).to_have_count(0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_it_is_told_though_somebody_listens(
    far: Site, tmp_path: Path, number: signal.Signals
) -> None:
    front = Front(tmp_path, far.address)
    headers = {"accept": "text/event-stream"}
    request = urllib.request.Request(f"{front.address}/v1/events", headers=headers)

    with urllib.request.urlopen(request, timeout=20) as stream:
        stream.readline()
        ended = front.end(number)

        assert stream.read().endswith(b"\n")

    assert ended == (0, "")


def test_a_wrong_token_is_told_at_once(far: Site, tmp_path: Path) -> None:
    front = Front(tmp_path, far.address, token="wrong")

    code, said = front.end()

    assert code == 2
    assert "not valid" in said


def test_a_server_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    front = Front(tmp_path, "http://127.0.0.1:9")

    code, said = front.end()

    assert code == 6
    assert "http://127.0.0.1:9" in said
