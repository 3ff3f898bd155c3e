"""What an attempt takes for its job's row, and what it says of it when it has ended."""

from msgspec.structs import replace

from offload.model import Job, State
from offload.worker.attempt import Attempt
from tests.ideas.samples import a_job
from tests.worker.rigs import VirtualRig


def claimed(**fields: object) -> Job:
    return a_job(State.RUNNING, worker=7, token=3, version=5, **fields)


def test_a_newer_row_is_news_and_an_older_one_is_not(rig: VirtualRig) -> None:
    attempt = Attempt(claimed(params=b'{"a":1}'), rig.worker())
    newer = replace(attempt.job, version=7, reason="asked", params=None)

    heard = [attempt.hear(newer), attempt.hear(replace(newer, version=6, reason="late"))]

    assert heard == [True, False]
    assert (attempt.job.reason, attempt.job.params) == ("asked", b'{"a":1}')


def test_a_row_that_was_taken_from_its_worker_is_nothing_to_decide_from(rig: VirtualRig) -> None:
    attempt = Attempt(claimed(), rig.worker())
    rescued = replace(attempt.job, version=9, state=State.QUEUED, worker=None)

    assert not attempt.hear(rescued)
    assert attempt.job.state is State.RUNNING


def test_an_attempt_that_has_kept_something_says_so_at_its_end(rig: VirtualRig) -> None:
    job = claimed(saved_at=None)
    silent, diligent = Attempt(job, rig.worker()), Attempt(job, rig.worker())
    diligent.keep(b"1")

    assert silent.ended.saved_at is None
    assert diligent.ended.saved_at == rig.clock.now()


def test_when_earlier_attempts_have_kept_something_that_instant_stands(rig: VirtualRig) -> None:
    attempt = Attempt(claimed(saved_at=12.5), rig.worker())
    attempt.keep(b"1")

    assert attempt.ended.saved_at == 12.5
