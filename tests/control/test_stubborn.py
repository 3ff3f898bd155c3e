"""Processes that do not want to stop, under a real server: they are made to, with all below."""

import time
from dataclasses import dataclass

import pytest

from tests.control.kinds import FIVE_TIMES
from tests.control.site import GRACE, Job, Site
from tests.control.tasks import BEGUN

pytestmark = pytest.mark.slow

STUBBORN = ["spins", "is_deaf", "hides_others", "makes_a_daemon"]
STOPS_IN = GRACE + 1
of_each = pytest.mark.parametrize("task", STUBBORN)


@dataclass(frozen=True)
class Told:
    """What became of stubborn jobs that were told to stop, all at once.

    Attributes:
        jobs: as they ended, by task.
        seconds: how long each took, from the word on.
        alive: who of the processes of a job was there when its end was told.
    """

    jobs: dict[str, Job]
    seconds: dict[str, float]
    alive: dict[str, set[int]]


def told(site: Site, ids: dict[str, int], begun_at: float) -> Told:
    jobs, seconds, alive = {}, {}, {}
    for task, job_id in ids.items():
        jobs[task] = site.ended(job_id, FIVE_TIMES * STOPS_IN)
        seconds[task] = time.monotonic() - begun_at
        own = {line.pid for line in site.witness(job_id)}
        alive[task] = own & site.survivors()
    return Told(jobs, seconds, alive)


@pytest.fixture(scope="module")
def cancelled(site: Site) -> Told:
    ids = {task: site.start(task) for task in STUBBORN}
    site.await_words(list(ids.values()), BEGUN)
    begun_at = time.monotonic()
    for job_id in ids.values():
        assert site.client.cancel(job_id)["state"] == "cancelling"
    return told(site, ids, begun_at)


@pytest.fixture(scope="module")
def timed_out(site: Site) -> Told:
    begun_at = time.monotonic()
    return told(site, {task: site.start(f"{task}_timed") for task in STUBBORN}, begun_at)


@of_each
@pytest.mark.promise("P4", "S10", "L3")
def test_a_cancel_stops_it(cancelled: Told, task: str) -> None:
    assert cancelled.jobs[task]["state"] == "cancelled"
    assert cancelled.seconds[task] < FIVE_TIMES * STOPS_IN
    assert cancelled.alive[task] == set()


@of_each
@pytest.mark.promise("S10")
def test_a_timeout_stops_it(timed_out: Told, task: str) -> None:
    job = timed_out.jobs[task]

    assert (job["state"], job["error"]["code"]) == ("failed", "timeout")
    assert timed_out.seconds[task] < FIVE_TIMES * (0.5 + STOPS_IN)
    assert timed_out.alive[task] == set()


@pytest.mark.promise("P4", "S10")
def test_nothing_that_they_started_is_left(site: Site, cancelled: Told, timed_out: Told) -> None:
    assert site.hidden() == set()


@pytest.mark.promise("S10")
def test_a_job_over_its_limit_of_memory_is_ended_with_what_it_started(site: Site) -> None:
    job_id = site.start("holds_memory")

    job = site.ended(job_id, FIVE_TIMES * 2)

    error = job["error"]
    assert (job["state"], error["code"]) == ("failed", "out-of-memory")
    assert 120 << 20 < error["peak_memory"] < 400 << 20
    assert site.hidden() == set()
    assert job["attempt"] == 1


@pytest.mark.promise("P3", "L2", "S10")
def test_none_of_them_outlives_its_worker(mortal: Site) -> None:
    ids = {task: mortal.start(task) for task in STUBBORN}
    mortal.await_words(list(ids.values()), BEGUN)
    before, hidden = mortal.survivors(), mortal.hidden()

    mortal.kill_worker()
    mortal.await_words(list(ids.values()), BEGUN, times=2)

    assert len(hidden) == 4
    assert before & mortal.survivors() == {mortal.server.pid}
    assert all(mortal.client.status(job_id)["crashes"] == 1 for job_id in ids.values())


@pytest.mark.promise("P10", "L6")
def test_none_of_them_outlives_its_server(restarted: Site) -> None:
    ids = {task: restarted.start(task) for task in STUBBORN}
    restarted.await_words(list(ids.values()), BEGUN)

    seconds = restarted.shut_down()
    left = restarted.survivors()
    restarted.serve()

    assert seconds < GRACE + FIVE_TIMES * 1
    assert left == set()
    restarted.await_words(list(ids.values()), BEGUN, times=2)
    for job_id in ids.values():
        job = restarted.client.status(job_id)
        assert (job["attempt"], job["crashes"], job["interrupts"]) == (1, 0, 1)
