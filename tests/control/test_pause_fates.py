"""What becomes of paused jobs of every kind when their worker or server ends, however it ends.

All kinds are paused on two servers, one for each kind of event loop; then the same is done to both.
Each end comes to paused jobs of its own; those of the ends before have been resumed and have ended.
"""

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from tests.control.conftest import Sites
from tests.control.pausable import ORDERED, RESULT, STANDS, TOLD_RESUME
from tests.control.pausing import (
    BOX,
    CODE_KINDS,
    ELSEWHERE,
    KINDS,
    POLL,
    Kind,
    await_shown,
    is_complete,
    repeated,
    result,
)
from tests.control.site import Job, Line, Site
from tests.support import eventually

pytestmark = pytest.mark.slow

REPEATED_SECONDS = 1.0
"""Of the items of so long before the pause some may be done again; not of those before."""


def kill_worker(site: Site) -> None:
    """SIGKILL of the worker; the server begins another one."""
    killed = site.kill_worker()
    eventually(lambda: killed not in site.survivors())


def end_worker(site: Site) -> None:
    """SIGTERM of the worker; the server begins another one."""
    ended = site.server.worker()
    os.kill(ended, signal.SIGTERM)
    eventually(lambda: ended not in site.survivors())


def end_server(site: Site) -> None:
    """A deploy."""
    site.shut_down()
    assert site.survivors() == set()
    site.serve()


def kill_everything(site: Site) -> None:
    """A power cut."""
    site.kill_all()
    site.serve()


FATES: dict[str, Callable[[Site], None]] = {
    "its worker is killed": kill_worker,
    "its worker is told to end": end_worker,
    "its server is told to end": end_server,
    "everything is killed": kill_everything,
}


@dataclass(frozen=True)
class Story:
    """What became of one paused job.

    Attributes:
        paused: as it was shown before.
        held: as it was shown afterwards.
        ended: as it was shown in the end.
        before: what it had written down until then.
        meanwhile: what it had written down when it was resumed.
        lines: all of it.
        old: the processes in which it ran before that are still there afterwards.
    """

    site: Site
    job_id: int
    paused: Job
    held: Job
    ended: Job
    before: list[Line]
    meanwhile: list[Line]
    lines: list[Line]
    old: set[int]


def befall(sites: Sites, kinds: list[Kind], variant: str, fate: str) -> dict[str, Story]:
    """Pause a job of each kind, let it happen, resume them, and let them end."""
    at = {kind: sites(kind.loop) for kind in kinds}
    both = {id(site): site for site in at.values()}.values()
    ids = {kind: kind.start(site, variant) for kind, site in at.items()}
    for kind, site in at.items():
        site.client.pause(ids[kind], "over night")
    paused = {kind: await_shown(site, ids[kind], "paused") for kind, site in at.items()}
    before = {kind: site.witness(ids[kind]) for kind, site in at.items()}
    for site in both:
        FATES[fate](site)
    held = {kind: await_held(site, ids[kind]) for kind, site in at.items()}
    survivors = {pid for site in both for pid in site.survivors()}
    meanwhile = {kind: site.witness(ids[kind]) for kind, site in at.items()}
    for kind, site in at.items():
        if not held[kind]["done"]:
            site.client.resume(ids[kind])
            kind.await_steps(site, ids[kind])
            site.tell("end", ids[kind])
    ended = {kind: site.ended(ids[kind], 30) for kind, site in at.items()}
    return {
        str(kind): Story(
            site,
            ids[kind],
            paused[kind],
            held[kind],
            ended[kind],
            before[kind],
            meanwhile[kind],
            site.witness(ids[kind]),
            {line.pid for line in before[kind]} & survivors,
        )
        for kind, site in at.items()
    }


def without_tidying(lines: list[Line]) -> list[Line]:
    """What is not written as code is unwound, which it is when its worker is told to end."""
    return [line for line in lines if line.word != STANDS]


def await_held(site: Site, job_id: int) -> Job:
    """Wait until nobody owns a job any more."""
    eventually(lambda: site.client.status(job_id)["worker"] is None)
    return site.client.status(job_id)


@pytest.fixture(scope="module", params=FATES)
def stories(request: pytest.FixtureRequest, sites: Sites) -> Mapping[str, Story]:
    return befall(sites, KINDS, "", request.param)


of_each_kind = pytest.mark.parametrize("kind", KINDS, ids=str)
of_each_with_code_here = pytest.mark.parametrize("kind", CODE_KINDS, ids=str)


@of_each_kind
@pytest.mark.promise("P3", "P5", "S10", "L2")
def test_it_is_still_paused_and_nobody_runs_it(stories: Mapping[str, Story], kind: Kind) -> None:
    story = stories[str(kind)]

    pause = story.held["pause"]
    assert story.paused["pause"]["mode"] == kind.mode
    assert (story.held["state"], pause["mode"]) == ("paused", "held")
    assert (pause["reason"], pause["since"]) == ("over night", story.paused["pause"]["since"])
    assert without_tidying(story.meanwhile) == story.before
    assert story.old == set()


@of_each_with_code_here
@pytest.mark.promise("P3", "P6", "S18", "S19")
def test_it_goes_on_from_its_last_checkpoint_and_has_the_right_result(
    stories: Mapping[str, Story], kind: Kind
) -> None:
    story = stories[str(kind)]

    paused_at = max(line.at for line in story.before if line.number >= 0)
    again = repeated(story.lines)
    assert result(story.site, story.job_id) == RESULT
    assert is_complete(story.lines)
    assert all(line.at > paused_at - REPEATED_SECONDS for line in again)
    assert len([line for line in story.lines if line.word == ORDERED]) == 1
    assert (story.ended["attempt"], story.ended["crashes"]) == (1, 0)


@pytest.mark.promise("P2", "P3", "S19")
def test_work_elsewhere_is_adopted_started_once_and_told_that_it_goes_on(
    stories: Mapping[str, Story],
) -> None:
    story = stories[str(POLL)]

    words = [line.word for line in story.lines]
    assert words.count(ORDERED) == 1
    assert words.count(TOLD_RESUME) == 1
    assert result(story.site, story.job_id) == RESULT
    assert (story.ended["attempt"], story.ended["crashes"]) == (1, 0)


@pytest.mark.promise("P3", "S19")
def test_a_black_box_is_made_anew(stories: Mapping[str, Story]) -> None:
    story = stories[str(BOX)]

    assert [line.word for line in story.lines].count(ORDERED) == 2
    assert result(story.site, story.job_id) == RESULT
    assert (story.ended["attempt"], story.ended["crashes"]) == (1, 0)


@pytest.mark.parametrize("fate", ["its worker is killed", "its server is told to end"])
@pytest.mark.promise("P3", "P5")
def test_what_must_not_be_repeated_is_lost_with_its_worker(sites: Sites, fate: str) -> None:
    told = befall(sites, CODE_KINDS, "_once", fate)

    for story in told.values():
        assert (story.ended["state"], story.ended["error"]["code"]) == ("failed", "lost")
        assert without_tidying(story.lines) == story.before
        assert story.old == set()


def test_every_kind_is_there() -> None:
    assert {*CODE_KINDS, *ELSEWHERE} == {*KINDS}
