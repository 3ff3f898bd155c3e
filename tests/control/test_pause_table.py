"""Every kind of work paused, resumed and cancelled, with real processes.

What is true is told by what the code has written down as it ran, and by a look at all processes.
"""

import pytest

from tests.control.conftest import Sites
from tests.control.pausable import (
    CLEANED,
    LOOKS,
    ORDERED,
    RESULT,
    STANDS,
    TOLD_PAUSE,
    TOLD_RESUME,
)
from tests.control.pausing import (
    ASYNC,
    ASYNC_ON_ASYNCIO,
    CODE_KINDS,
    KINDS,
    POLL,
    Kind,
    await_shown,
    finish,
    is_complete,
    is_silent,
    pause,
    repeated,
    result,
)
from tests.support import eventually

pytestmark = pytest.mark.slow

of_each_kind = pytest.mark.parametrize("kind", KINDS, ids=str)
of_each_with_code_here = pytest.mark.parametrize("kind", CODE_KINDS, ids=str)


@pytest.mark.parametrize("kind", [ASYNC, ASYNC_ON_ASYNCIO], ids=str)
def test_both_kinds_of_event_loops_are_tried(sites: Sites, kind: Kind) -> None:
    site = sites(kind.loop)

    job_id = site.start("loop_of_the_worker")

    site.ended(job_id, 10)
    assert result(site, job_id) == kind.loop


@of_each_kind
@pytest.mark.promise("P5", "S10", "S11")
def test_a_paused_job_stands_still_and_goes_on_where_it_was(sites: Sites, kind: Kind) -> None:
    site = sites(kind.loop)
    job_id = kind.start(site)

    asked = site.client.pause(job_id, "the disk is full")
    job = await_shown(site, job_id, "paused")
    stood_still = is_silent(site, job_id)
    moved = site.client.status(job_id)["progress"] != job["progress"]
    again = site.client.pause(job_id)
    resumed = site.client.resume(job_id)
    await_shown(site, job_id, kind.going)
    kind.await_steps(site, job_id)
    ended = finish(site, job_id)

    assert asked["changed"]
    assert asked["state"] in {"pausing", "paused"}
    assert stood_still
    assert not moved
    assert (job["pause"]["mode"], job["reason"]) == (kind.mode, "the disk is full")
    assert job["pause"]["keeps"]
    assert job["pause"]["frees"]
    assert (again["changed"], again["state"]) == (False, "paused")
    assert resumed["changed"]
    assert resumed["state"] in {"resuming", kind.going}
    lines = site.witness(job_id)
    assert (ended["state"], result(site, job_id)) == ("succeeded", RESULT)
    assert ended["attempt"] == 1
    assert 0.1 < ended["paused_seconds"] < 60
    assert repeated(lines) == []
    assert is_complete(lines)
    assert len(site.witness(job_id, ORDERED)) == 1
    assert [
        each for each in site.moves(job_id) if each not in {"queued", "claimed", "waiting"}
    ] == [
        "pause-requested",
        "paused",
        *(["resume-requested"]),
        "resumed",
        "succeeded",
    ]


@of_each_kind
@pytest.mark.promise("P4", "P5", "S10", "L3")
def test_a_cancel_of_a_paused_job_stops_it(sites: Sites, kind: Kind) -> None:
    site = sites(kind.loop)
    job_id = kind.start(site)
    pause(site, job_id)
    before = len(site.witness(job_id, kind.word))

    asked = site.client.cancel(job_id)
    job = site.ended(job_id, 25)

    assert asked["state"] in {"cancelling", "cancelled"}
    assert job["state"] == "cancelled"
    assert len(site.witness(job_id, kind.word)) <= before + 1  # the item that it was to begin
    eventually(lambda: site.witness(job_id, STANDS))
    assert not {line.pid for line in site.witness(job_id)} & site.hidden()
    assert is_silent(site, job_id)


@of_each_kind
@pytest.mark.promise("P7", "S12")
def test_its_place_is_given_back_and_it_goes_on_ahead_of_its_queue(
    sites: Sites, kind: Kind
) -> None:
    site = sites(kind.loop)
    queue = f"narrow-{kind.name}"
    site.set_limit(queue, 1)
    first = kind.start(site, queue=queue)

    pause(site, first)
    second = site.start("async", {"queue": queue})
    ASYNC.await_steps(site, second)
    third = site.start("brief", {"queue": queue})
    asked = site.client.resume(first)
    shown = site.shown(first)
    waits = is_silent(site, first)
    states = [site.shown(each) for each in (first, second, third)]
    finish(site, second)
    await_shown(site, first, kind.going)
    if kind.has_code:
        kind.await_steps(site, first)
        assert site.shown(third) == "queued"
    finish(site, first)
    site.ended(third, 20)

    assert asked["changed"]
    if kind.has_code:
        assert (asked["state"], shown, waits) == ("resuming", "resuming", True)
        assert states == ["resuming", "running", "queued"]
    else:  # what waits for work elsewhere needs no place
        assert not waits
    assert result(site, first) == RESULT


@pytest.mark.promise("P5")
def test_the_other_side_of_a_polling_job_is_told_of_it(sites: Sites) -> None:
    site = sites(POLL.loop)
    job_id = POLL.start(site)

    pause(site, job_id)
    looks = len(site.witness(job_id, LOOKS))
    site.client.resume(job_id)
    POLL.await_steps(site, job_id)
    finish(site, job_id)

    words = [line.word for line in site.witness(job_id)]
    told = words.index(TOLD_PAUSE)
    assert [word for word in words if word != LOOKS] == [ORDERED, TOLD_PAUSE, TOLD_RESUME, CLEANED]
    assert words[:told].count(LOOKS) == looks
    assert words[told : words.index(TOLD_RESUME)].count(LOOKS) == 0


@of_each_with_code_here
@pytest.mark.promise("S7")
def test_the_result_of_a_paused_job_is_not_there_and_nobody_is_told_to_ask_again(
    sites: Sites, kind: Kind
) -> None:
    site = sites(kind.loop)
    job_id = kind.start(site)
    pause(site, job_id)

    shape = site.client.status(job_id)

    assert (shape["done"], shape["result"]) == (False, None)
    assert {"resume", "cancel"} <= shape["links"].keys()
    assert "pause" not in shape["links"]
    assert shape["worker"] is not None
    site.client.cancel(job_id)
    site.ended(job_id, 25)
