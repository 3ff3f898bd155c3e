"""What every store promises of paused jobs, queues and tasks: who holds what, and who is next."""

from typing import Any

import pytest
from msgspec.structs import replace

from offload import lifecycle
from offload.lanes import lane_text
from offload.model import Crashed, Job, Lane, Mode, QueueSettings, State, Succeeded, Wish
from offload.store.base import Frozen, Full, Keep, Kept, Look, PausedTasks, Save, SetQueue, SetTask
from tests.store.asking import BY, Asker, a_new_job


def wish(ask: Asker, job: Job, what: Wish) -> Job:
    """Apply a wish, and return the job as it then is."""
    change = lifecycle.request(ask.job(job.id), what, ask.now, BY, "lunch")
    assert change is not None
    ask.apply(change)
    return ask.job(job.id)


def freeze(ask: Asker, job: Job, mode: Mode = Mode.FROZEN) -> Job:
    """Pause a running job, as its holder does."""
    change = lifecycle.pause(wish(ask, job, Wish.PAUSE), mode, ask.now, BY)
    assert change is not None
    ask.apply(change)
    return ask.job(job.id)


def keep(ask: Asker, job: Job, value: bytes, steps: tuple[tuple[str, bytes], ...] = ()) -> bool:
    """Keep a checkpoint, and say whether the job was this holder's."""
    [is_ours] = ask.do(Save((Keep(job.id, job.token, value, steps),), ask.now))
    return is_ours


def a_waiting_job(ask: Asker, **fields: Any) -> Job:
    """Have a job whose work goes on elsewhere."""
    ask.insert(a_new_job(kind="polling", **fields))
    [job] = ask.claim(1)
    ask.apply(lifecycle.wait(job, b"7", ask.now + 5, BY))
    return ask.job(job.id)


def ids(jobs: list[Job]) -> list[int]:
    return [job.id for job in jobs]


@pytest.mark.promise("S12")
def test_a_frozen_job_gives_its_slot_to_another_one(ask: Asker) -> None:
    ask.set_queue(limit=1)
    worker = ask.enter()
    ask.start(2)
    [first] = ask.claim(5)

    frozen = freeze(ask, first)
    claimed = ask.claim(5)

    assert (frozen.state, frozen.worker, frozen.occupies_slot) == (State.PAUSED, worker, False)
    assert ids(claimed) == [2]
    assert ask.read(Frozen(worker)) == 1


@pytest.mark.promise("P8")
def test_its_owner_takes_a_resumed_job_back_ahead_of_all_others(ask: Asker) -> None:
    ask.set_queue(limit=1)
    ask.enter()
    ask.start(1)
    frozen = freeze(ask, ask.claim(1)[0])
    ask.start(1, priority=9)

    wish(ask, frozen, Wish.RESUME)
    claimed = ask.claim(5)

    assert ids(claimed) == [frozen.id]
    assert (claimed[0].state, claimed[0].token, claimed[0].attempt) == (State.RUNNING, 1, 1)
    assert claimed[0].occupies_slot
    assert claimed[0].pause is None


@pytest.mark.promise("S12")
@pytest.mark.promise("P7")
def test_a_resumed_job_waits_for_a_slot_and_no_other_worker_takes_it(ask: Asker) -> None:
    ask.set_queue(limit=1)
    owner, other = ask.enter(), ask.enter()
    ask.start(3)
    frozen = freeze(ask, ask.claim(1, worker=owner)[0])
    [second] = ask.claim(1, worker=other)
    wish(ask, frozen, Wish.RESUME)

    while_it_is_full = ask.claim(5, worker=owner)
    ask.conclude(second, Succeeded(b"1"))
    by_the_other = ask.claim(5, worker=other)
    by_its_owner = ask.claim(5, worker=owner)

    assert while_it_is_full == []
    assert by_the_other == []
    assert ids(by_its_owner) == [frozen.id]


@pytest.mark.promise("S12")
def test_a_frozen_job_gives_its_named_limit_back_and_takes_it_again(ask: Asker) -> None:
    ask.enter()
    lane = lane_text(Lane(limits={"gpu": 1}))
    ask.insert(a_new_job(lane=lane), a_new_job(lane=lane))
    frozen = freeze(ask, ask.claim(5)[0])
    [second] = ask.claim(5)
    wish(ask, frozen, Wish.RESUME)

    while_it_is_taken = ask.claim(5)
    ask.conclude(second, Succeeded(b"1"))
    resumed = ask.claim(5)

    assert while_it_is_taken == []
    assert ids(resumed) == [frozen.id]
    assert ask.read(Look()).holdings == {"gpu": 1}


@pytest.mark.promise("S12")
def test_work_elsewhere_that_nobody_looks_at_holds_its_named_limit_on(ask: Asker) -> None:
    ask.enter()
    lane = lane_text(Lane(limits={"gpu": 1}))
    paused = freeze(ask, a_waiting_job(ask, lane=lane), Mode.NOT_CHECKING)
    ask.insert(a_new_job(lane=lane))

    claimed = ask.claim(5)
    resuming = wish(ask, paused, Wish.RESUME)
    ask.apply(lifecycle.resume(resuming, ask.now, BY))

    assert claimed == []
    assert ask.claim(5) == []
    assert ask.read(Look()).holdings == {"gpu": 1}


@pytest.mark.promise("S12")
def test_work_elsewhere_that_is_held_lets_go_of_its_named_limit(ask: Asker) -> None:
    ask.enter()
    lane = lane_text(Lane(limits={"gpu": 1}))
    paused = freeze(ask, a_waiting_job(ask, lane=lane), Mode.NOT_CHECKING)

    ask.apply(lifecycle.conclude(paused, Crashed(), ask.now, BY))

    assert ask.job(paused.id).state is State.PAUSED
    assert ask.read(Look()).holdings == {}


def test_what_is_only_looked_at_again_waits_for_no_claim(ask: Asker) -> None:
    ask.set_queue(limit=1)
    owner, other = ask.enter(), ask.enter()
    paused = freeze(ask, a_waiting_job(ask), Mode.NOT_CHECKING)
    wish(ask, paused, Wish.RESUME)
    ask.start(1)

    of_others = ask.claim(5, worker=other)

    assert ids(of_others) == [2]
    assert ask.claim(5, worker=owner) == []


def test_of_a_paused_queue_nothing_begins_and_nothing_goes_on(ask: Asker) -> None:
    ask.enter()
    ask.start(2)
    frozen = freeze(ask, ask.claim(1)[0])
    wish(ask, frozen, Wish.RESUME)

    ask.do(SetQueue("default", QueueSettings(paused=True, paused_reason="tests")))
    while_it_is_paused = ask.claim(5)
    ask.do(SetQueue("default", QueueSettings(paused=False)))

    assert while_it_is_paused == []
    assert ids(ask.claim(5)) == [1, 2]


@pytest.mark.parametrize("bound_to", [None, 7])
def test_of_a_paused_task_nothing_begins_and_what_has_begun_goes_on(
    ask: Asker, bound_to: int | None
) -> None:
    ask.enter()
    ask.insert(a_new_job(bound_to=bound_to), a_new_job(bound_to=bound_to))
    first = replace(ask.a_claim(1), house=7)
    frozen = freeze(ask, ask.do(first)[0])
    ask.do(SetTask("render", True, "tests", ask.now, BY))
    wish(ask, frozen, Wish.RESUME)

    while_it_is_paused = ask.do(replace(first, free={"slots": 5}))
    told = ask.read(PausedTasks())
    ask.do(SetTask("render", False, None, ask.now, BY))

    assert ids(while_it_is_paused) == [1]
    assert told["render"].reason == "tests"
    assert ids(ask.do(replace(first, free={"slots": 5}))) == [2]


@pytest.mark.promise("P8")
def test_what_was_held_after_it_had_begun_goes_ahead_of_its_queue(ask: Asker) -> None:
    ask.enter()
    ask.start(2)
    frozen = freeze(ask, ask.claim(5)[1])
    ask.apply(lifecycle.conclude(frozen, Crashed(), ask.now, BY))
    ask.start(1, priority=9)

    wish(ask, frozen, Wish.RESUME)

    assert ids(ask.claim(1)) == [frozen.id]


def test_frozen_jobs_count_for_no_capacity_and_held_ones_do(ask: Asker) -> None:
    ask.set_queue(capacity=2)
    ask.enter()
    ask.start(1)
    freeze(ask, ask.claim(1)[0])

    ask.start(1)
    held = wish(ask, ask.job(2), Wish.PAUSE)
    ask.start(1)

    assert held.state is State.PAUSED
    assert isinstance(ask.insert(a_new_job()), Full)
    assert ask.counts() == {("default", State.PAUSED): 2, ("default", State.QUEUED): 1}


@pytest.mark.promise("P6")
@pytest.mark.promise("S18")
def test_a_stale_holder_keeps_nothing(ask: Asker) -> None:
    from_first = ask.enter()
    ask.start(1)
    [first] = ask.claim(1, worker=from_first)
    keep(ask, first, b"1")
    ask.apply(lifecycle.conclude(ask.job(first.id), Crashed(), ask.now, BY))
    [second] = ask.claim(1, worker=ask.enter())
    keep(ask, second, b"2")

    is_ours = keep(ask, first, b"9", steps=(("load", b"9"),))

    assert not is_ours
    kept = ask.read(Kept(first.id))
    assert (kept.value, kept.steps) == (b"2", {})


@pytest.mark.promise("P6")
def test_what_a_paused_job_has_kept_outlives_its_worker(ask: Asker) -> None:
    ask.enter()
    ask.start(1)
    [job] = ask.claim(1)
    keep(ask, job, b"1", steps=(("load", b"3"),))
    held = lifecycle.conclude(freeze(ask, job), Crashed(), ask.now, BY)
    ask.apply(held)

    wish(ask, job, Wish.RESUME)
    [again] = ask.claim(1)

    kept = ask.read(Kept(again.id))
    assert (kept.value, kept.steps) == (b"1", {"load": b"3"})
    assert again.saved_at == ask.now
