"""What is shown as paused uses no processor, as the operating system tells, and writes nothing."""

import os
import threading
from pathlib import Path

import pytest

from offload.worker import family
from tests.control.conftest import Sites
from tests.control.pausable import BEATS, ITEM
from tests.control.pausing import CODE_KINDS, KINDS, PROCESS, UVLOOP, await_shown, pause
from tests.control.site import Line, Site
from tests.support import eventually

pytestmark = pytest.mark.slow

WHILE = 1.2
"""For so many seconds they are watched: more than a hundred ticks of the kernel's clock."""


def ticks(pid: int) -> int:
    """What a process has used of a processor, in ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def state(pid: int) -> str:
    """How the kernel has it: `R` is running, `T` stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.promise("P5", "S10")
def test_a_frozen_process_and_all_below_it_use_no_tick_at_all(sites: Sites) -> None:
    site = sites(UVLOOP)
    job_id = site.start("spins")
    site.await_words([job_id], ITEM)
    [pid] = {line.pid for line in site.witness(job_id)}
    eventually(lambda: any(ticks(each) > 3 for each in site.hidden()))  # its child spins, too

    pause(site, job_id)
    frozen = {pid, *(kin.pid for kin in family.descendants(pid)), *site.hidden()}
    before = {each: ticks(each) for each in frozen}
    threading.Event().wait(WHILE)
    after = {each: ticks(each) for each in frozen}
    states = {state(each) for each in frozen}
    site.client.resume(job_id)
    eventually(lambda: all(ticks(each) > after[each] for each in frozen))
    site.client.cancel(job_id)
    site.ended(job_id, 25)

    assert len(frozen) >= 2
    assert after == before
    assert states == {"T"}
    assert not frozen & site.survivors()


@pytest.mark.promise("P5", "S10", "S11")
def test_from_the_moment_that_a_job_is_shown_as_paused_it_writes_nothing(sites: Sites) -> None:
    """All kinds at once, again and again: each look at the file is right behind the answer."""
    for _ in range(3):
        ids = {kind: (sites(kind.loop), kind.start(sites(kind.loop))) for kind in KINDS}
        for site, job_id in ids.values():
            site.client.pause(job_id)
        seen: dict[str, tuple[Site, int, list[Line]]] = {}
        for kind, (site, job_id) in ids.items():
            eventually(lambda site=site, job_id=job_id: site.shown(job_id) == "paused")  # type: ignore[misc]
            seen[str(kind)] = (site, job_id, site.witness(job_id))
        threading.Event().wait(0.4)
        wrote = {
            name for name, (site, job_id, before) in seen.items() if site.witness(job_id) != before
        }
        for site, job_id in ids.values():
            site.client.cancel(job_id)
            site.ended(job_id, 25)
        assert wrote == set()


@pytest.mark.promise("P5", "S10")
def test_child_tasks_and_other_processes_of_a_job_stand_still_with_it(sites: Sites) -> None:
    for kind in CODE_KINDS:
        if kind.name == "thread":
            continue  # it has no other steps than its own
        site = sites(kind.loop)
        job_id = kind.start(site)
        site.await_words([job_id], BEATS, times=3)

        pause(site, job_id)
        before = len(site.witness(job_id, BEATS))
        threading.Event().wait(0.4)
        after = len(site.witness(job_id, BEATS))
        site.client.resume(job_id)
        site.await_words([job_id], BEATS, times=after + 3)

        assert after == before, kind
        site.client.cancel(job_id)
        site.ended(job_id, 25)


@pytest.mark.promise("S10")
def test_a_worker_whose_jobs_are_all_paused_is_nearly_idle(sites: Sites) -> None:
    site = sites(UVLOOP)
    kinds = [kind for kind in KINDS if kind.loop == UVLOOP]
    ids = [kind.start(site) for kind in kinds for _ in range(3)]
    for job_id in ids:
        site.client.pause(job_id)
    for job_id in ids:
        await_shown(site, job_id, "paused")
    worker = site.server.worker()

    before = ticks(worker)
    threading.Event().wait(2.0)
    used = (ticks(worker) - before) / os.sysconf("SC_CLK_TCK")

    for job_id in ids:
        site.client.cancel(job_id)
    for job_id in ids:
        site.ended(job_id, 25)
    assert used < 0.3


def test_a_process_stands_still_within_a_second(sites: Sites) -> None:
    site = sites(UVLOOP)
    job_id = PROCESS.start(site)

    job = pause(site, job_id)

    events = {event["kind"]: event for event in site.client.history(job_id)}
    assert job["pause"]["since"] is not None
    assert _seconds(events["paused"]["at"]) - _seconds(events["pause-requested"]["at"]) < 5
    site.client.cancel(job_id)
    site.ended(job_id, 25)


def _seconds(instant: str) -> float:
    hours, minutes, seconds = instant.partition("T")[2].rstrip("Z").split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
