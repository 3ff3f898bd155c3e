"""Every row of the table of control, with real processes: a job of each kind, and what befalls it.

What is true is told by what the code has written down as it ran, and by a look at all processes;
the database and the server are only asked what people are shown.
"""

import threading
import time
from dataclasses import dataclass

import pytest

from offload.errors import AlreadyFinished
from tests.control.kinds import (
    BEGUN_KINDS,
    CODE_KINDS,
    FIVE_TIMES,
    IS_ADOPTED,
    RUNS_AGAIN,
    TABLE,
    Kind,
)
from tests.control.site import CLOSED, GRACE, Site
from tests.control.tasks import BEGUN, ENDED, GOES_ON, STANDS
from tests.support import eventually

pytestmark = pytest.mark.slow

RESCUE_SECONDS = 2.0
of_each_kind = pytest.mark.parametrize("kind", TABLE, ids=str)
of_each_that_begins = pytest.mark.parametrize("kind", BEGUN_KINDS, ids=str)
of_each_with_code_here = pytest.mark.parametrize("kind", CODE_KINDS, ids=str)


# --- cancel


@of_each_kind
@pytest.mark.promise("P4", "S10", "L3")
def test_a_cancel_stops_it_and_is_said_when_its_code_stands_still(site: Site, kind: Kind) -> None:
    job_id = kind.start(site)

    asked_at = time.monotonic()
    asked = site.client.cancel(job_id)
    job = site.ended(job_id, FIVE_TIMES * kind.stops_in)
    took = time.monotonic() - asked_at

    lines = site.witness(job_id)
    assert asked["changed"]
    assert job["state"] == "cancelled"
    assert took < FIVE_TIMES * kind.stops_in
    assert [line.word for line in lines[-1:]] == ([STANDS] if kind.begins else [])
    assert not site.has_result(job_id)


@of_each_that_begins
@pytest.mark.promise("P4", "S10")
def test_until_then_it_is_cancelling(site: Site, kind: Kind) -> None:
    job_id = kind.start(site, holds=True)

    asked = site.client.cancel(job_id)["state"]
    before = len(site.witness(job_id, GOES_ON))
    if kind.after_a_crash != IS_ADOPTED:  # the code goes on, and so does what is said of it
        eventually(lambda: len(site.witness(job_id, GOES_ON)) > before + 1)
    shown, stood = site.shown(job_id), site.witness(job_id, STANDS)
    site.tell("let-go", job_id)
    job = site.ended(job_id, FIVE_TIMES * kind.stops_in)

    assert (asked, shown, stood) == ("cancelling", "cancelling", [])
    assert job["state"] == "cancelled"
    assert site.witness(job_id)[-1].word == STANDS


@pytest.mark.parametrize("kind", [kind for kind in TABLE if not kind.begins], ids=str)
@pytest.mark.promise("P4", "S9")
def test_what_had_not_begun_never_begins(site: Site, kind: Kind) -> None:
    job_id = kind.start(site)

    job = site.client.cancel(job_id)
    site.set_limit(CLOSED, 10)
    other = site.start("coroutine", {"queue": CLOSED})
    site.await_words([other], BEGUN)
    site.set_limit(CLOSED, 0)

    assert (job["state"], job["done"]) == ("cancelled", True)
    assert site.witness(job_id) == []
    site.client.cancel(other)


@of_each_that_begins
@pytest.mark.promise("P3", "S5", "S7")
def test_of_a_cancel_and_an_end_exactly_one_wins(site: Site, kind: Kind) -> None:
    rounds = [kind.start(site) for _ in range(8)]

    for turn, job_id in enumerate(rounds):
        site.tell("end", job_id)
        threading.Event().wait(turn * 0.008)  # so that now one is first, and now the other
        try:
            site.client.cancel(job_id)
        except AlreadyFinished:
            assert site.shown(job_id) == "succeeded"

    for job_id in rounds:
        state = site.ended(job_id, FIVE_TIMES * kind.stops_in)["state"]
        assert state in {"succeeded", "cancelled"}
        assert bool(site.witness(job_id, STANDS)) == (state == "cancelled")
        assert bool(site.witness(job_id, ENDED)) or state == "cancelled"
        assert site.has_result(job_id) == (state == "succeeded")
        assert sum(each in {"succeeded", "stopped"} for each in site.moves(job_id)) == 1


# --- timeout and deadline


@of_each_with_code_here
@pytest.mark.promise("S10")
def test_a_timeout_ends_its_code_and_fails_it(site: Site, kind: Kind) -> None:
    job_id = site.start(f"{kind.task}_timed")

    job = site.ended(job_id, FIVE_TIMES * (0.5 + kind.stops_in))

    lines = site.witness(job_id)
    assert (job["state"], job["error"]["code"]) == ("failed", "timeout")
    assert (lines[0].word, lines[-1].word) == (BEGUN, STANDS)
    assert lines[-1].at - lines[0].at >= 0.4


@pytest.mark.promise("S10")
def test_a_timeout_of_a_polling_task_counts_no_more_once_it_waits(site: Site) -> None:
    job_id = site.start("poll_timed")
    site.await_words([job_id], BEGUN)

    eventually(lambda: site.witness(job_id)[-1].at > site.witness(job_id)[0].at + 0.7)

    assert site.shown(job_id) == "waiting"
    site.client.cancel(job_id)


@pytest.fixture(scope="module")
def due(site: Site) -> dict[str, int]:
    """A job of each kind, with a deadline that passes before it ends, or before it begins."""
    return {kind.name: kind.start(site, "_due") for kind in TABLE}


@of_each_kind
@pytest.mark.promise("S10")
def test_a_deadline_ends_it_whether_it_has_begun_or_not(
    site: Site, due: dict[str, int], kind: Kind
) -> None:
    job_id = due[kind.name]

    job = site.ended(job_id, FIVE_TIMES * (2.5 + kind.stops_in))

    words = [line.word for line in site.witness(job_id)]
    assert (job["state"], job["error"]["code"]) == ("failed", "deadline")
    assert words[:1] == ([BEGUN] if kind.begins else [])
    if kind in CODE_KINDS:
        assert words[-1] == STANDS


# --- a crash of the worker


@dataclass(frozen=True)
class Fallen:
    """A server whose worker was killed with a job of each kind."""

    site: Site
    ids: dict[str, int]
    once: dict[str, int]
    killed: int
    at: float


@pytest.fixture(scope="module")
def fallen(mortal: Site) -> Fallen:
    ids = {kind.name: kind.start(mortal) for kind in TABLE}
    once = {kind.name: kind.start(mortal, "_once") for kind in CODE_KINDS}
    at = time.monotonic()
    return Fallen(mortal, ids, once, mortal.kill_worker(), at)


@of_each_kind
@pytest.mark.promise("P3", "L2", "S20")
def test_after_a_crash_it_goes_on_as_the_table_says(fallen: Fallen, kind: Kind) -> None:
    site, job_id = fallen.site, fallen.ids[kind.name]
    bound = fallen.at + FIVE_TIMES * RESCUE_SECONDS
    killed = site.witness(job_id)[0].pid if kind.begins else fallen.killed

    if kind.begins:
        eventually(lambda: site.witness(job_id)[-1].pid != killed)
        later = [line for line in site.witness(job_id) if line.pid != killed]
        assert later[0].at < bound
    eventually(lambda: site.shown(job_id) == kind.shown)

    job = site.client.status(job_id)
    begun = 2 if kind.after_a_crash == RUNS_AGAIN else int(kind.begins)
    assert len(site.witness(job_id, BEGUN)) == begun
    assert (job["attempt"], job["crashes"]) == (int(kind.begins), kind.counts_a_crash)


@of_each_that_begins
@pytest.mark.promise("P2", "S10")
def test_nothing_of_the_dead_worker_runs_beside_its_successor(fallen: Fallen, kind: Kind) -> None:
    site, job_id = fallen.site, fallen.ids[kind.name]
    first = site.witness(job_id)[0].pid
    eventually(lambda: site.witness(job_id)[-1].pid != first)

    pids = [line.pid for line in site.witness(job_id)]

    assert pids == sorted(pids, key=list(dict.fromkeys(pids)).index)
    assert not {first, fallen.killed} & site.survivors()


@of_each_with_code_here
@pytest.mark.promise("P3", "L2")
def test_what_must_not_be_repeated_is_lost(fallen: Fallen, kind: Kind) -> None:
    site, job_id = fallen.site, fallen.once[kind.name]

    job = site.ended(job_id, FIVE_TIMES * RESCUE_SECONDS)

    assert (job["state"], job["error"]["code"]) == ("failed", "lost")
    assert len(site.witness(job_id, BEGUN)) == 1


# --- a restart


@dataclass(frozen=True)
class Deployed:
    """A server that was ended with a job of each kind, and begun again."""

    site: Site
    ids: dict[str, int]
    once: dict[str, int]
    seconds: float
    left: set[int]
    lines: dict[str, int]


@pytest.fixture(scope="module")
def deployed(restarted: Site) -> Deployed:
    ids = {kind.name: kind.start(restarted) for kind in TABLE}
    once = {kind.name: kind.start(restarted, "_once") for kind in CODE_KINDS}
    seconds = restarted.shut_down()
    left = restarted.survivors()
    lines = {name: len(restarted.witness(job_id)) for name, job_id in ids.items()}
    restarted.serve()
    return Deployed(restarted, ids, once, seconds, left, lines)


@pytest.mark.promise("P10", "L6")
def test_a_server_that_is_told_to_end_does_so_in_time_and_leaves_no_process(
    deployed: Deployed,
) -> None:
    assert deployed.seconds < GRACE + FIVE_TIMES * 1
    assert deployed.left == set()


@of_each_kind
@pytest.mark.promise("P10", "S19")
def test_a_restart_uses_up_no_attempt_and_it_goes_on(deployed: Deployed, kind: Kind) -> None:
    site, job_id = deployed.site, deployed.ids[kind.name]

    if kind.begins:
        eventually(lambda: len(site.witness(job_id)) > deployed.lines[kind.name])
    eventually(lambda: site.shown(job_id) == kind.shown)

    job = site.client.status(job_id)
    begun = 2 if kind.after_a_crash == RUNS_AGAIN else int(kind.begins)
    assert len(site.witness(job_id, BEGUN)) == begun
    assert (job["attempt"], job["crashes"]) == (int(kind.begins), 0)
    assert ("interrupted" in site.moves(job_id)) == kind.begins


@of_each_with_code_here
@pytest.mark.promise("P10")
def test_what_must_not_be_repeated_and_has_stopped_in_time_is_told_apart(
    deployed: Deployed, kind: Kind
) -> None:
    site, job_id = deployed.site, deployed.once[kind.name]

    job = site.ended(job_id, FIVE_TIMES * RESCUE_SECONDS)

    assert (job["state"], job["error"]["code"]) == ("failed", "lost")
    assert len(site.witness(job_id, BEGUN)) == 1


@of_each_that_begins
@pytest.mark.promise("P3", "L7")
def test_what_went_on_ends_with_its_result(deployed: Deployed, kind: Kind) -> None:
    site, job_id = deployed.site, deployed.ids[kind.name]

    site.tell("end", job_id)

    assert site.ended(job_id, 10)["state"] == "succeeded"
    assert site.has_result(job_id)
    assert len(site.witness(job_id, ENDED)) == 1
