"""Whole queues, tasks and groups paused, with real processes: over restarts, and in order."""

from pathlib import Path

import pytest

from tests.control.conftest import Sites, pausable_site
from tests.control.pausable import ORDERED
from tests.control.pausing import (
    ASYNC,
    KINDS,
    UVLOOP,
    await_shown,
    finish,
    is_silent,
    pause,
)
from tests.control.site import Site
from tests.support import eventually

pytestmark = pytest.mark.slow


def begun_in_order(site: Site, ids: list[int]) -> list[int]:
    """These jobs by the order in which they were claimed."""
    claimed = {
        job_id: next(e["id"] for e in site.client.history(job_id) if e["kind"] == "claimed")
        for job_id in ids
    }
    return sorted(ids, key=claimed.__getitem__)


def reason(site: Site, job_id: int) -> str:
    found: str = site.client.status(job_id)["reason"]
    return found


@pytest.mark.parametrize("fate", ["shut down", "killed"])
@pytest.mark.promise("P3", "P5")
def test_a_paused_queue_and_a_paused_task_survive_a_restart(
    tmp_path: Path, compiled: Path, fate: str
) -> None:
    with pausable_site(tmp_path, compiled) as site:
        site.set_limit("lane", 10)
        running = ASYNC.start(site, queue="lane")
        site.client.pause_all("queues", "lane", "the licence server is down")
        site.client.pause_all("tasks", "brief")
        in_queue = site.start("async", {"queue": "lane"})
        of_task = [site.start("brief") for _ in range(3)]

        went_on = not is_silent(site, running)
        said = [reason(site, job_id) for job_id in (in_queue, of_task[0])]
        finish(site, running)
        if fate == "killed":
            site.kill_all()
        else:
            site.shut_down()
        site.serve()
        other = site.start("loop_of_the_worker")
        site.ended(other, 20)  # so it claims; and leaves these
        states = [site.shown(each) for each in (in_queue, *of_task)]
        [lane] = [queue for queue in site.client.queues() if queue["name"] == "lane"]
        site.client.resume_all("queues", "lane")
        site.client.resume_all("tasks", "brief")

        assert went_on
        assert "paused" in said[0]
        assert "the licence server is down" in said[0]
        assert "brief" in said[1]
        assert "paused" in said[1]
        assert states == ["queued"] * 4
        assert (lane["paused"], lane["paused_reason"]) == (True, "the licence server is down")
        assert finish(site, in_queue)["state"] == "succeeded"
        assert [site.ended(each, 20)["state"] for each in of_task] == ["succeeded"] * 3
        assert begun_in_order(site, of_task) == of_task


@pytest.mark.promise("P5", "S10")
def test_what_runs_in_a_queue_is_paused_with_it_where_that_is_said(sites: Sites) -> None:
    site = sites(UVLOOP)
    site.set_limit("whole", 20)
    kinds = [kind for kind in KINDS if kind.loop == UVLOOP]
    ids = {kind: kind.start(site, queue="whole") for kind in kinds}

    said = site.client.pause_all("queues", "whole", include_running=True)
    for job_id in ids.values():
        await_shown(site, job_id, "paused")
    silent = is_silent(site, *ids.values())
    plainly = site.client.resume_all("queues", "whole")
    still = [site.shown(job_id) for job_id in ids.values()]
    with_them = site.client.resume_all("queues", "whole", include_running=True)
    for kind, job_id in ids.items():
        await_shown(site, job_id, kind.going)
        finish(site, job_id)

    assert silent
    assert (said["paused"], said["changed"]) == (True, len(ids))
    assert (plainly["paused"], plainly["changed"]) == (False, 0)
    assert still == ["paused"] * len(ids)
    assert with_them["changed"] == len(ids)


def test_a_job_that_is_resumed_in_a_paused_queue_waits_for_the_queue(sites: Sites) -> None:
    site = sites(UVLOOP)
    site.set_limit("shut", 5)
    job_id = ASYNC.start(site, queue="shut")
    pause(site, job_id)
    site.client.pause_all("queues", "shut", "over night")

    asked = site.client.resume(job_id)
    silent = is_silent(site, job_id)
    why = reason(site, job_id)
    site.client.resume_all("queues", "shut")
    await_shown(site, job_id, "running")

    assert asked["state"] == "resuming"
    assert silent
    assert why
    assert "paused" in why
    finish(site, job_id)


@pytest.mark.promise("P8", "S9", "S13")
def test_a_held_job_keeps_its_place(sites: Sites) -> None:
    site = sites(UVLOOP)
    site.set_limit("places", 1)
    running = ASYNC.start(site, queue="places")
    ids = [site.start("brief", {"queue": "places"}) for _ in range(4)]

    site.client.pause(ids[1])
    site.client.pause(ids[2])
    site.client.resume(ids[2])
    site.client.resume(ids[1])
    finish(site, running)
    for job_id in ids:
        site.ended(job_id, 20)

    assert begun_in_order(site, ids) == ids


@pytest.mark.promise("P8", "S9", "S13")
def test_a_held_job_is_passed_and_never_begins(sites: Sites) -> None:
    site = sites(UVLOOP)
    site.set_limit("passed", 1)
    running = ASYNC.start(site, queue="passed")
    held, after = (site.start("poll", {"queue": "passed"}) for _ in range(2))

    site.client.pause(held)
    finish(site, running)
    finish(site, after)

    assert site.shown(held) == "paused"
    assert site.witness(held) == []
    site.client.resume(held)
    eventually(lambda: site.witness(held, ORDERED))
    finish(site, held)


def test_a_group_is_paused_and_resumed_as_one(sites: Sites) -> None:
    site = sites(UVLOOP)
    site.set_limit("grouped", 2)
    options = {"queue": "grouped"}
    group = site.client.start_group([{"task": "async", "options": options}] * 4)
    ids = group["jobs"]
    eventually(lambda: [site.shown(each) for each in ids].count("running") == 2)

    paused = site.client.pause_group(group["group"], "wait for the data")
    for job_id in ids:
        await_shown(site, job_id, "paused")
    silent = is_silent(site, *ids)
    modes = sorted(site.client.status(each)["pause"]["mode"] for each in ids)
    resumed = site.client.resume_group(group["group"])
    for job_id in ids:
        assert finish(site, job_id)["state"] == "succeeded"

    assert (paused["changed"], resumed["changed"]) == (4, 4)
    assert silent
    assert modes == ["frozen", "frozen", "held", "held"]
