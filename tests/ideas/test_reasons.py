"""Why a job waits: the first cause that is true is told, and what to do about it."""

from typing import Any

import pytest

from offload.lanes import lane_text
from offload.model import Lane, Queue, State, WorkerInfo
from offload.reasons import why_queued, why_running
from offload.store.base import Situation
from offload.units import Rate
from tests.ideas.samples import a_job

NOW = 1005.0


def a_worker(**fields: Any) -> WorkerInfo:
    given: dict[str, Any] = {
        "id": 3,
        "host": "here",
        "boot_id": "boot",
        "pid": 12,
        "lock_file": "worker-12.lock",
        "queues": (),
        "tasks": ("render",),
        "slots": 100,
        "started_at": 1.0,
        "seen_at": 1.0,
    }
    return WorkerInfo(**(given | fields))


def a_queue(**fields: Any) -> Queue:
    given: dict[str, Any] = {
        "name": "default",
        "limit": None,
        "capacity": None,
        "keep": 10,
        "keep_seconds": 10.0,
        "keep_bytes": 10,
        "paused": False,
    }
    return Queue(**(given | fields))


def some_facts(
    queues: list[Queue], counts: dict[tuple[str, State], int], **fields: Any
) -> Situation:
    return Situation(workers=[], queues=queues, counts=counts, **fields)


def test_a_job_that_is_due_later_says_when() -> None:
    said = why_queued(a_job(run_at=NOW + 30), [], some_facts([a_queue(paused=True)], {}), NOW)

    assert said == "it is due in 30 s"


@pytest.mark.parametrize("run_at", [None, NOW - 1, NOW])
def test_a_job_that_is_due_is_not_said_to_be_due_later(run_at: float | None) -> None:
    said = why_queued(a_job(run_at=run_at), [a_worker()], some_facts([a_queue()], {}), NOW)

    assert said is None


def test_a_paused_queue_is_told_before_missing_workers() -> None:
    said = why_queued(a_job(), [], some_facts([a_queue(paused=True)], {}), NOW)

    assert said == "the queue 'default' is paused"


@pytest.mark.parametrize("alive", [[], [a_worker(queues=("other",))]])
def test_nobody_who_serves_the_queue_is_told_with_what_to_do(alive: list[WorkerInfo]) -> None:
    said = why_queued(a_job(), alive, some_facts([a_queue()], {}), NOW)

    assert said == "no live worker serves the queue 'default'; start one with `offload worker`"


def test_nobody_who_knows_the_task_is_told_with_what_to_do() -> None:
    alive = [a_worker(tasks=("other",)), a_worker(queues=("elsewhere",))]

    said = why_queued(a_job(), alive, some_facts([a_queue()], {}), NOW)

    assert said is not None
    assert said.startswith("no live worker knows the task 'render'; start one with")


def test_a_full_queue_says_how_many_places_it_has() -> None:
    queues = [a_queue(name="other", limit=1), a_queue(limit=3)]
    counts = {("default", State.RUNNING): 3, ("other", State.RUNNING): 1}

    said = why_queued(a_job(), [a_worker()], some_facts(queues, counts), NOW)

    assert said == "all 3 places of the queue 'default' are taken"


@pytest.mark.parametrize("limit", [None, 4])
def test_with_room_left_the_job_s_own_reason_stands(limit: int | None) -> None:
    job = a_job(reason="its worker died (1 of 3)")
    counts = {("default", State.RUNNING): 3}

    said = why_queued(job, [a_worker()], some_facts([a_queue(limit=limit)], counts), NOW)

    assert said == "its worker died (1 of 3)"


def test_a_queue_without_a_row_has_no_limit() -> None:
    assert why_queued(a_job(), [a_worker()], some_facts([], {}), NOW) is None


def test_a_job_that_will_be_tried_again_says_when_and_what_failed() -> None:
    job = a_job(run_at=NOW + 30, reason="attempt 1 of 4 failed: ValueError: no")

    said = why_queued(job, [a_worker()], some_facts([a_queue()], {}), NOW)

    assert said == "it is due in 30 s; attempt 1 of 4 failed: ValueError: no"


@pytest.mark.parametrize(
    ("held", "expected"), [(0, None), (1, "the limit 'gpu' is reached: 1 at once")]
)
def test_a_named_limit_that_is_reached_is_named(held: int, expected: str | None) -> None:
    job = a_job(lane=lane_text(Lane(limits={"gpu": 1})))
    facts = some_facts([a_queue()], {}, holdings={"gpu": held})

    assert why_queued(job, [a_worker()], facts, NOW) == expected


def test_a_rate_that_is_reached_is_named() -> None:
    job = a_job(lane=lane_text(Lane(rates={"render": Rate(2, 60.0)})))
    facts = some_facts([a_queue()], {}, begun={"render": {int(NOW) - 59: 1, int(NOW): 1}})

    said = why_queued(job, [a_worker()], facts, NOW)

    assert said == "the rate of 'render' is reached: 2 in 60 s"


def test_what_only_a_program_can_run_says_so_when_it_has_ended() -> None:
    job = a_job(bound_to=5)

    said = why_queued(job, [a_worker(house=6)], some_facts([a_queue()], {}), NOW)

    assert said == "the program that alone can run it has no worker (any more)"


def test_a_running_job_of_a_silent_worker_says_what_to_do() -> None:
    job = a_job(State.RUNNING, lease_until=NOW - 1, worker=3)
    silent = a_worker(seen_at=NOW - 31, pid=12)

    said = why_running(job, [silent], NOW)

    assert said == (
        "its worker (pid 12) has given no sign of life for 31 s; if it stays so, end it: kill -9 12"
    )


def test_a_running_job_of_a_live_worker_has_its_own_reason() -> None:
    job = a_job(State.RUNNING, lease_until=NOW + 9, worker=3)

    assert why_running(job, [a_worker()], NOW) is None


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ([], "it goes on when one is started: `offload worker`"),
        ([4], "another one gives it back within seconds"),
    ],
)
def test_a_running_job_whose_worker_is_gone_says_so(others: list[int], said: str) -> None:
    alive = [a_worker(id=other) for other in others]

    assert why_running(a_job(State.RUNNING, worker=3), alive, NOW) == f"its worker is gone; {said}"
