"""Pause and resume at every door: Python, the brief's routes, `/v1`, the terminal, Flask, afar.

At each door the same is done to a job that is held and to one that runs, and everybody sees it.
"""

import asyncio
import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask

from offload import Offload
from offload.cli.program import group as offload_command
from offload.contrib.flask import FlaskOffload
from tests.control.conftest import pausable_site
from tests.control.pausing import ASYNC, await_shown, finish
from tests.control.site import CLOSED, Site

pytestmark = pytest.mark.slow

Verb = Callable[[str, int], bool]
"""Asks `pause` or `resume` of a job; says whether that changed anything."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, compiled: Path) -> Iterator[Site]:
    with pausable_site(tmp_path_factory.mktemp("doors"), compiled) as site:
        yield site


def post(site: Site, target: str) -> bool:
    request = urllib.request.Request(f"{site.client.url}{target}", b"", method="POST")
    with urllib.request.urlopen(request, timeout=20) as answer:
        changed: bool = json.loads(answer.read())["changed"]
    return changed


def by_the_brief_s_route(site: Site) -> Iterator[Verb]:
    yield lambda verb, job_id: post(site, f"/{verb}?id={job_id}")


def by_v1(site: Site) -> Iterator[Verb]:
    yield lambda verb, job_id: post(site, f"/v1/jobs/{job_id}/{verb}")


def by_python(site: Site) -> Iterator[Verb]:
    with Offload(site.folder / "offload.db", worker="off") as app:

        def ask(verb: str, job_id: int) -> bool:
            job = app.get(job_id)
            return job.pause("because") if verb == "pause" else job.resume()

        yield ask


def by_python_on_a_loop(site: Site) -> Iterator[Verb]:
    with Offload(site.folder / "offload.db", worker="off") as app:

        def ask(verb: str, job_id: int) -> bool:
            job = app.get(job_id)
            return asyncio.run(job.apause("because") if verb == "pause" else job.aresume())

        yield ask


def by_python_from_afar(site: Site) -> Iterator[Verb]:
    with Offload(server=site.client.url) as app:

        def ask(verb: str, job_id: int) -> bool:
            job = app.get(job_id)
            return job.pause("because") if verb == "pause" else job.resume()

        yield ask


def by_a_loop_from_afar(site: Site) -> Iterator[Verb]:
    with Offload(server=site.client.url) as app:

        def ask(verb: str, job_id: int) -> bool:
            job = app.get(job_id)
            return asyncio.run(job.apause("because") if verb == "pause" else job.aresume())

        yield ask


def typed(verb: str, job_id: int, *way: str) -> bool:
    reason = ("--reason", "because") if verb == "pause" else ()
    result = CliRunner().invoke(offload_command, [verb, str(job_id), *reason, "--json", *way])
    assert result.exit_code == 0, result.output
    changed: bool = json.loads(result.stdout)["changed"]
    return changed


def by_terminal(site: Site) -> Iterator[Verb]:
    way = ("--db", str(site.folder / "offload.db"))
    yield lambda verb, job_id: typed(verb, job_id, *way)


def by_terminal_from_afar(site: Site) -> Iterator[Verb]:
    yield lambda verb, job_id: typed(verb, job_id, "--server", site.client.url)


def by_flask(site: Site) -> Iterator[Verb]:
    app = Flask("door", instance_path=str(site.folder / "instance"))
    app.config["OFFLOAD_DB"] = str(site.folder / "offload.db")
    app.config |= {"OFFLOAD_WORKER": "off", "TESTING": True}
    FlaskOffload().init_app(app)
    client = app.test_client()

    def ask(verb: str, job_id: int) -> bool:
        answer: Any = client.post(f"/offload/{verb}?id={job_id}")
        assert answer.status_code in (200, 202), answer.data
        changed: bool = answer.json["changed"]
        return changed

    yield ask
    app.extensions["offload"].close()


DOORS = [
    by_python,
    by_python_on_a_loop,
    by_python_from_afar,
    by_a_loop_from_afar,
    by_the_brief_s_route,
    by_v1,
    by_terminal,
    by_terminal_from_afar,
    by_flask,
]


@pytest.fixture(params=DOORS, ids=lambda door: door.__name__)
def ask(request: pytest.FixtureRequest, site: Site) -> Iterator[Verb]:
    yield from request.param(site)


@pytest.mark.promise("P5")
def test_a_job_is_paused_and_resumed_by(site: Site, ask: Verb) -> None:
    held = site.start("brief", {"queue": CLOSED})
    running = ASYNC.start(site)

    first = [ask("pause", job_id) for job_id in (held, running)]
    await_shown(site, running, "paused")
    again = [ask("pause", job_id) for job_id in (held, running)]
    modes = [site.client.status(job_id)["pause"]["mode"] for job_id in (held, running)]
    resumed = [ask("resume", job_id) for job_id in (held, running)]
    await_shown(site, running, "running")
    at_last = ask("resume", running)

    assert (first, again, resumed, at_last) == ([True, True], [False, False], [True, True], False)
    assert modes == ["held", "frozen"]
    assert site.shown(held) == "queued"
    assert finish(site, running)["state"] == "succeeded"
    site.client.cancel(held)


@pytest.mark.parametrize("far", [False, True], ids=["here", "from afar"])
def test_a_queue_a_task_and_a_group_by_python(site: Site, far: bool) -> None:
    place: dict[str, Any] = {"server": site.client.url} if far else {}
    if not far:
        place = {"db": site.folder / "offload.db", "worker": "off"}
    group = site.client.start_group([{"task": "brief", "options": {"queue": CLOSED}}] * 2)
    with Offload(**place) as app:
        of_group = [
            app.pause(group=group["group"], reason="later"),
            app.resume(group=group["group"]),
            app.get_group(group["group"]).pause(),
            app.get_group(group["group"]).resume(),
        ]
        app.pause(queue=CLOSED, reason="stocktaking", include_running=True)
        app.pause(task="brief")
        reason = app.reason(app.get(group["jobs"][0]).read())
        asyncio.run(app.aresume(queue=CLOSED))
        asyncio.run(app.aresume(task="brief"))
        app.get_group(group["group"]).cancel()

    assert of_group == [2, 2, 2, 2]
    assert reason is not None
    assert "paused" in reason


@pytest.mark.parametrize("far", [False, True], ids=["here", "from afar"])
def test_a_queue_and_a_task_by_terminal(site: Site, far: bool) -> None:
    way = ("--server", site.client.url) if far else ("--db", str(site.folder / "offload.db"))

    def type_words(*words: str) -> str:
        result = CliRunner().invoke(offload_command, [*words, *way])
        assert result.exit_code == 0, result.output
        return result.stdout

    said = [
        type_words("pause", "--queue", CLOSED, "--reason", "stocktaking"),
        type_words("pause", "--task", "brief"),
        type_words("resume", "--queue", CLOSED),
        type_words("resume", "--task", "brief"),
    ]

    assert said == [
        "the queue closed is paused\n",
        "the task brief is paused\n",
        "the queue closed goes on\n",
        "the task brief goes on\n",
    ]
