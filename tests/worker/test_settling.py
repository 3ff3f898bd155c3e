"""From a decision to a stored row: whose change it was that the store has."""

import asyncio

import pytest

from offload import lifecycle
from offload.model import By, Change, Crashed, Job, Mode, State, Wish
from offload.store.base import Gone
from offload.testing import FakeClock
from offload.worker import settling
from offload.worker.settling import by_worker, store
from tests.ideas.samples import a_job

NOW = 1_000.0
CARE = By(actor="worker 2", door="care")
SOMEBODY = By(actor="somebody", door="python")


class Desk(settling.Desk):
    """A worker whose store answers what it was told to, once.

    Attributes:
        sent: the changes that it was given.
    """

    def __init__(self, answer: Job | Gone | None) -> None:
        self.clock = FakeClock()
        self.draw = lambda: 0.5
        self._answers = [answer]
        self.sent: list[Change] = []

    async def apply(self, change: Change) -> Job | Gone | None:
        self.sent.append(change)
        return self._answers.pop(0)

    async def completed(self, job_id: int) -> bytes | None:
        return None


@pytest.fixture
def job() -> Job:
    """A job that runs, and is to stand still."""
    running = a_job(State.RUNNING, worker=1, token=3, attempt=1)
    change = lifecycle.request(running, Wish.PAUSE, NOW, SOMEBODY)
    assert change is not None
    return change.after


def frozen(job: Job) -> Change | None:
    return lifecycle.pause(job, Mode.FROZEN, NOW, by_worker(job))


def stored(job: Job, desk: Desk) -> Job | None:
    return asyncio.run(store(job, frozen, desk))


@pytest.mark.promise("D1")
def test_a_change_whose_answer_was_lost_is_known_for_ones_own(job: Job) -> None:
    first = frozen(job)
    assert first is not None
    desk = Desk(first.after)

    assert stored(job, desk) == first.after
    assert len(desk.sent) == 1


@pytest.mark.promise("S4")
def test_what_a_rescuer_has_made_of_it_is_not_taken_for_ones_own(job: Job) -> None:
    """Both say `paused`, in the same version: nobody owns the one."""
    held = lifecycle.conclude(job, Crashed(), NOW, CARE).after
    first = frozen(job)
    assert first is not None
    assert (held.version, held.state) == (first.after.version, first.after.state)

    assert stored(job, Desk(held)) is None
