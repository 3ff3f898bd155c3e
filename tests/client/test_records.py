"""A job as a server tells it, as the record that a database here would give."""

from typing import Any

import pytest
from msgspec.structs import asdict

from offload import errors, verbs
from offload.client.records import job_of
from offload.client.remote import Remote
from offload.lifecycle import Shown
from offload.model import Mode, State, Wish
from offload.values import decode
from tests.client.programs import declare
from tests.http.site import Site

THEIRS = frozenset(
    {"token", "lane", "options", "size", "claimable", "ahead", "occupies_slot", "forgiven"}
    | {"lease_until", "bound_to", "handle", "told", "explained"}
)
"""What is the server's own business."""

INSTANTS = ("created_at", "started_at", "finished_at")


def view(site: Site, job_id: int) -> dict[str, Any]:
    told: dict[str, Any] = site.get(f"/v1/jobs/{job_id}").json
    return told


@pytest.mark.parametrize("task", ["add", "boom"])
def test_a_record_is_the_one_that_is_stored(site: Site, far: Remote, task: str) -> None:
    declared = declare(far)
    job: Any = declared.add.start(1, 2) if task == "add" else declared.boom.start()
    job.wait(20)

    there, here = asdict(site.app.read_job(job.id)), asdict(job.read())

    for name in there.keys() - THEIRS - {*INSTANTS}:
        assert here[name] == there[name], name
    for name in INSTANTS:
        assert here[name] == pytest.approx(there[name], abs=0.001)
    assert there.keys() <= here.keys()


@pytest.mark.parametrize(
    ("shown", "state", "wish"),
    [
        ("scheduled", State.QUEUED, None),
        ("waiting", State.RUNNING, None),
        ("cancelling", State.RUNNING, Wish.CANCEL),
        ("pausing", State.RUNNING, Wish.PAUSE),
        ("resuming", State.PAUSED, Wish.RESUME),
        ("paused", State.PAUSED, None),
        ("failed", State.FAILED, None),
    ],
)
def test_what_is_shown_tells_what_is_stored(
    site: Site, shown: str, state: State, wish: Wish | None
) -> None:
    told = view(site, site.finished("/start/add?a=1")) | {"state": shown}

    job = job_of(told)

    assert (job.state, job.requested, job.told) == (state, wish, Shown(shown))


def test_a_pause_is_told(site: Site) -> None:
    pause = {
        **{"mode": "frozen", "since": "2026-01-02T03:04:06.000Z", "reason": "lunch"},
        **{"asked_at": "2026-01-02T03:04:05.000Z", "by": "me", "door": "cli"},
        **{"keeps": "memory", "frees": "its slot"},
    }
    told = view(site, site.finished("/start/add?a=1")) | {"state": "paused", "pause": pause}

    job = job_of(told)

    assert job.pause is not None
    assert (job.pause.mode, job.pause.reason, job.pause.actor) == (Mode.FROZEN, "lunch", "me")
    assert (job.pause.since or 0) - job.pause.asked_at == 1


def test_a_result_that_only_its_program_holds_is_not_null(site: Site) -> None:
    told = view(site, site.finished("/start/echo"))

    null = job_of(told)
    withheld = job_of(told | {"reason": "only that program has it"})

    assert decode(verbs.value(null, null.told)) is None
    with pytest.raises(errors.NotKept, match="only that program has it"):
        verbs.value(withheld, withheld.told)


def test_what_a_later_server_tells_besides_is_passed_over(site: Site) -> None:
    told = view(site, site.finished("/start/add?a=1"))

    assert job_of(told | {"colour": "blue", "usage": {"pid": 1}}) == job_of(told)
