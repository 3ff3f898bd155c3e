"""The rules of pausing, with real processes: what is refused, withdrawn, outrun and counted."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from offload.errors import AlreadyFinished, BeingCancelled, NotPausable
from tests.control.conftest import Sites, pausable_site
from tests.control.pausable import ITEM, RESULT, STANDS
from tests.control.pausing import (
    ASYNC,
    CODE_KINDS,
    KINDS,
    POLL,
    PROCESS,
    SOON,
    THREAD,
    UVLOOP,
    Kind,
    await_shown,
    finish,
    is_silent,
    pause,
    repeated,
    result,
)
from tests.control.site import Site
from tests.support import eventually

pytestmark = pytest.mark.slow

of_each_kind = pytest.mark.parametrize("kind", KINDS, ids=str)
of_each_with_code_here = pytest.mark.parametrize("kind", CODE_KINDS, ids=str)


@pytest.fixture(scope="module")
def tight(tmp_path_factory: pytest.TempPathFactory, compiled: Path) -> Iterator[Site]:
    """A server whose worker holds one paused job in memory."""
    folder = tmp_path_factory.mktemp("tight")
    with pausable_site(folder, compiled, settings=("--max-frozen", "1")) as site:
        yield site


# --- what is refused


def test_a_thread_without_checkpoints_is_refused_with_the_way_out(sites: Sites) -> None:
    site = sites(UVLOOP)
    job_id = site.start("deaf")
    await_shown(site, job_id, "running")

    with pytest.raises(NotPausable) as refused:
        site.client.pause(job_id)

    assert "let it take a Context and call checkpoint()" in str(refused.value)
    assert site.shown(job_id) == "running"
    assert "pause" not in site.client.status(job_id)["links"]
    assert "pause-requested" not in site.moves(job_id)
    finish(site, job_id)


def test_before_it_has_begun_even_that_is_held(sites: Sites) -> None:
    site = sites(UVLOOP)
    job_id = site.start("deaf", {"queue": "closed"})

    held = site.client.pause(job_id)
    resumed = site.client.resume(job_id)

    assert (held["state"], held["pause"]["mode"]) == ("paused", "held")
    assert resumed["state"] == "queued"
    site.client.cancel(job_id)


def test_more_than_fit_in_memory_are_refused(tight: Site) -> None:
    first, second = ASYNC.start(tight), PROCESS.start(tight)
    pause(tight, first)

    with pytest.raises(NotPausable) as refused:
        tight.client.pause(second)
    poll = POLL.start(tight)
    pause(tight, poll)  # it keeps nothing in memory

    assert "max_frozen" in str(refused.value)
    assert "resume or cancel" in str(refused.value)
    assert tight.shown(second) == "running"
    for job_id in (first, second, poll):
        tight.client.cancel(job_id)
        tight.ended(job_id, SOON)


def test_of_two_that_are_asked_at_once_the_worker_refuses_one(tight: Site) -> None:
    """The first one has not come true when the second is asked: only their worker can tell."""
    ids = [tight.start("far_from_a_checkpoint") for _ in range(2)]
    tight.await_words(ids, ITEM)

    for job_id in ids:
        assert tight.client.pause(job_id)["state"] == "pausing"
    eventually(lambda: sorted(tight.shown(each) for each in ids) == ["pausing", "running"], SOON)

    [refused] = [each for each in ids if tight.shown(each) == "running"]
    [other] = {*ids} - {refused}
    assert "pause-refused" in tight.moves(refused)
    assert "max_frozen" in tight.client.status(refused)["reason"]
    for job_id in ids:
        tight.tell("let-go", job_id)
    await_shown(tight, other, "paused")
    assert tight.client.status(refused)["pause"] is None
    tight.client.resume(other)
    for job_id in ids:
        assert finish(tight, job_id)["state"] == "succeeded"


def test_a_job_that_is_being_cancelled_cannot_be_paused(sites: Sites) -> None:
    site = sites(UVLOOP)
    job_id = site.start("far_from_a_checkpoint")
    site.await_words([job_id], ITEM)
    site.client.cancel(job_id)

    with pytest.raises(BeingCancelled):
        site.client.pause(job_id)

    site.tell("let-go", job_id)
    assert site.ended(job_id, SOON)["state"] == "cancelled"


# --- what is taken back


def test_a_pause_that_has_not_come_true_is_withdrawn(sites: Sites) -> None:
    site = sites(UVLOOP)
    job_id = site.start("far_from_a_checkpoint")
    site.await_words([job_id], ITEM)

    asked = site.client.pause(job_id)
    withdrawn = site.client.resume(job_id)
    site.tell("let-go", job_id)
    eventually(lambda: len(site.witness(job_id, ITEM)) > 3)

    assert (asked["state"], asked["changed"]) == ("pausing", True)
    assert (withdrawn["state"], withdrawn["changed"], withdrawn["pause"]) == ("running", True, None)
    assert "paused" not in site.moves(job_id)
    assert finish(site, job_id)["state"] == "succeeded"


@pytest.mark.promise("P4")
def test_a_cancel_outranks_a_pause_that_has_not_come_true(sites: Sites) -> None:
    site = sites(UVLOOP)
    job_id = site.start("far_from_a_checkpoint")
    site.await_words([job_id], ITEM)

    site.client.pause(job_id)
    asked = site.client.cancel(job_id)
    site.tell("let-go", job_id)
    job = site.ended(job_id, SOON)

    assert asked["state"] == "cancelling"
    assert job["state"] == "cancelled"
    assert "paused" not in site.moves(job_id)
    assert len(site.witness(job_id, ITEM)) == 1


def test_a_resume_that_waits_for_a_place_is_withdrawn(sites: Sites) -> None:
    site = sites(UVLOOP)
    site.set_limit("one", 1)
    first = ASYNC.start(site, queue="one")
    pause(site, first)
    second = ASYNC.start(site, queue="one")

    assert site.client.resume(first)["state"] == "resuming"
    again = site.client.pause(first)
    finish(site, second)

    assert (again["state"], again["changed"]) == ("paused", True)
    assert is_silent(site, first)
    assert site.shown(first) == "paused"
    site.client.resume(first)
    assert finish(site, first)["state"] == "succeeded"


def test_a_cancel_of_one_that_waits_for_its_place_needs_none(sites: Sites) -> None:
    site = sites(UVLOOP)
    site.set_limit("lone", 1)
    first = ASYNC.start(site, queue="lone")
    pause(site, first)
    second = ASYNC.start(site, queue="lone")
    site.client.resume(first)

    site.client.cancel(first)

    assert site.ended(first, SOON)["state"] == "cancelled"
    assert site.shown(second) == "running"
    finish(site, second)


# --- time


@of_each_with_code_here
@pytest.mark.promise("S10", "S11")
def test_a_timeout_does_not_run_while_it_is_paused(sites: Sites, kind: Kind) -> None:
    site = sites(kind.loop)
    job_id = kind.start(site, "_timed")

    pause(site, job_id)
    threading.Event().wait(1.7)  # longer than its timeout
    shown = site.shown(job_id)
    before = len(site.witness(job_id, ITEM))
    site.client.resume(job_id)
    eventually(lambda: len(site.witness(job_id, ITEM)) > before)
    job = site.ended(job_id, SOON)

    assert shown == "paused"
    assert (job["state"], job["error"]["code"]) == ("failed", "timeout")
    assert site.witness(job_id, STANDS)


@of_each_kind
@pytest.mark.promise("S10")
def test_a_deadline_does(sites: Sites, kind: Kind) -> None:
    site = sites(kind.loop)
    if kind.name == "box":
        job_id = kind.start(site, deadline=2.5)
    else:
        job_id = kind.start(site, "_due")

    pause(site, job_id)
    before = len(site.witness(job_id, kind.word))
    job = site.ended(job_id, SOON)

    assert (job["state"], job["error"]["code"]) == ("failed", "deadline")
    assert len(site.witness(job_id, kind.word)) <= before + 1


# --- at the same time


def pause_at_its_end(site: Site, kind: Kind, turn: int) -> None:
    """Pause a job that ends at this moment, and see that nothing is stuck whoever was first."""
    job_id = kind.start(site)
    site.tell("end", job_id)
    threading.Event().wait(turn % 10 * 0.01)  # so that now one is first, and now the other
    try:
        site.client.pause(job_id)
    except AlreadyFinished:
        assert site.shown(job_id) == "succeeded"
    shown = await_shown(site, job_id, "succeeded", "paused")["state"]
    if shown == "paused":
        site.client.resume(job_id)
    job = site.ended(job_id, SOON)
    assert (job["state"], result(site, job_id)) == ("succeeded", RESULT)
    assert repeated(site.witness(job_id)) == []


@of_each_kind
@pytest.mark.promise("P3", "S5", "S7")
def test_of_a_pause_and_an_end_either_is_first_and_nothing_is_stuck(
    sites: Sites, kind: Kind
) -> None:
    for turn in range(5):
        pause_at_its_end(sites(kind.loop), kind, turn)


@pytest.mark.long
@of_each_kind
@pytest.mark.promise("P3", "S5", "S7")
def test_so_it_is_a_hundred_times(sites: Sites, kind: Kind) -> None:
    for turn in range(100):
        pause_at_its_end(sites(kind.loop), kind, turn)


def in_quick_turn(site: Site, kind: Kind, times: int) -> None:
    """Pause and resume a job without waiting for either, and see that it ends right."""
    job_id = kind.start(site)
    for turn in range(times):
        site.client.pause(job_id)
        threading.Event().wait(turn % 5 * 0.005)
        site.client.resume(job_id)
        threading.Event().wait(turn % 3 * 0.005)
    await_shown(site, job_id, kind.going)
    kind.await_steps(site, job_id)
    job = finish(site, job_id)
    assert (job["state"], job["attempt"], result(site, job_id)) == ("succeeded", 1, RESULT)
    assert repeated(site.witness(job_id)) == []


@of_each_kind
@pytest.mark.promise("P5", "S7")
def test_pauses_and_resumes_in_quick_turn_leave_it_running(sites: Sites, kind: Kind) -> None:
    in_quick_turn(sites(kind.loop), kind, 12)


@pytest.mark.long
@of_each_kind
@pytest.mark.promise("P5", "S7")
def test_so_they_do_fifty_times(sites: Sites, kind: Kind) -> None:
    for _ in range(3):
        in_quick_turn(sites(kind.loop), kind, 50)


def test_a_parked_thread_may_be_paused_again_at_once(sites: Sites) -> None:
    site = sites(UVLOOP)
    job_id = THREAD.start(site)

    for _ in range(5):
        pause(site, job_id)
        assert is_silent(site, job_id)
        site.client.resume(job_id)
        await_shown(site, job_id, "running")
        THREAD.await_steps(site, job_id, 1)

    assert result(site, finish(site, job_id)["id"]) == RESULT
