"""Black boxes, from handing in to output: one program, a real database, an embedded worker."""

import asyncio
import gc
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest

from offload import (
    ConfigError,
    Evicted,
    Fatal,
    JobCancelled,
    JobFailed,
    NotKept,
    Offload,
    QueueFull,
    StoreUnavailable,
    as_completed,
    current,
)
from offload.examples.boxes import BlockingDouble, PollingDouble, gen_task
from offload.model import State
from tests.app.boxed import Box, Gate, Later, raising
from tests.support import eventually

pytestmark = pytest.mark.promise("P1")

Kind = Literal["blocking", "polling"] | None
FAST = 0.02
"""Seconds between two questions, so that a test need not wait."""


@pytest.fixture
def app() -> Iterator[Offload]:
    app = Offload()
    yield app
    app.close()


# --- the second brief


@pytest.mark.slow
def test_ninety_nine_boxes_of_both_kinds_are_run_watched_and_collected(app: Offload) -> None:
    jobs = [app.submit(gen_task(value, 0.5), interval=0.1) for value in range(99)]

    eventually(lambda: {"running", "waiting"} & set(app.states(jobs).values()))
    eventually(lambda: set(app.states(jobs).values()) == {"succeeded"})
    ended = list(as_completed(jobs, timeout=20))

    assert [job.result(0) for job in jobs] == [2 * value for value in range(99)]
    assert set(ended) == set(jobs)
    assert {job.read().task for job in jobs} == {"BlockingDouble", "PollingDouble"}


def test_boxes_run_at_the_same_time_and_hold_nobody_up(app: Offload) -> None:
    gate = Gate()
    began = time.monotonic()
    jobs = [app.submit(Box(lambda: 1, gate.pass_through)) for _ in range(50)]
    one_more = app.submit(Box(lambda: "quick"))

    assert one_more.result(20) == "quick"
    eventually(lambda: list(app.states(jobs).values()) == ["running"] * 50)
    gate.open()
    assert [job.result(20) for job in jobs] == [1] * 50
    assert time.monotonic() - began < 30


def test_submitting_waits_for_no_disk(app: Offload, tmp_path: Path) -> None:
    first = app.submit(Box(lambda: 1))
    assert first.result(20) == 1
    blocker = sqlite3.connect(app.database, isolation_level=None)
    blocker.execute("begin immediate")
    seconds = []

    for _ in range(99):
        began = time.perf_counter()
        last = app.submit(Box(lambda: 2))
        seconds.append(time.perf_counter() - began)

    assert sorted(seconds)[-3] < 0.5, "handing in has waited for the database"
    assert last.state == "queued"
    assert not last.wait(0.05)
    with pytest.raises(TimeoutError, match="not stored"):
        last.result(0.05)
    blocker.rollback()
    blocker.close()
    assert last.id == 100
    assert last.result(20) == 2


# --- what is an output


@pytest.mark.parametrize("output", [0, "", False, [], {}, 0.0])
@pytest.mark.parametrize("kind", ["blocking", "polling", None])
def test_what_is_empty_is_an_output_all_the_same(app: Offload, output: object, kind: Kind) -> None:
    box = Box(lambda: output)

    job = app.submit(box, kind=kind, interval=FAST)

    assert job.result(20) is output
    assert (box.runs, box.questions) == (1, 1)


def test_none_is_the_output_of_a_blocking_box(app: Offload) -> None:
    box = Box(lambda: None)

    job = app.submit(box, kind="blocking")

    assert job.result(20) is None
    assert box.questions == 1
    assert job.read().result == b"null"


def test_none_means_not_yet_to_a_polling_box(app: Offload) -> None:
    box = Box(Later("there", 3))

    job = app.submit(box, kind="polling", interval=FAST)

    assert job.result(20) == "there"
    assert (box.runs, box.questions) == (1, 4)


@pytest.mark.parametrize("before", ["pending", 0, ("not", "yet"), object()])
def test_another_word_for_not_yet_makes_none_an_output(app: Offload, before: object) -> None:
    box = Box(Later(None, 2, before))

    job = app.submit(box, kind="polling", interval=FAST, pending=before)

    assert job.result(20) is None
    assert box.questions == 3


def test_equal_values_of_two_types_are_not_the_same_word(app: Offload) -> None:
    job = app.submit(Box(lambda: False), kind="polling", interval=FAST, pending=0)

    assert job.result(20) is False


def test_what_a_box_is_is_guessed_and_said(app: Offload) -> None:
    gate = threading.Event()
    job = app.submit(Box(lambda: 7 if gate.is_set() else None), interval=FAST)
    eventually(lambda: job.state == "waiting")

    record = job.read()
    reason = app.reason(record)
    gate.set()

    assert reason is not None
    assert "get_output() is asked every 0.02 s" in reason
    assert "guessed" in reason
    assert not record.occupies_slot
    assert record.next_check_at is not None
    assert job.result(20) == 7


def test_the_class_says_what_its_objects_are(app: Offload) -> None:
    app.register(PollingDouble, kind="polling", interval=FAST)

    job = app.submit(PollingDouble(4, 0.1))

    assert job.result(20) == 8
    assert "guessed" not in (app.reason(job.read()) or "")


def test_the_output_is_the_very_object(app: Offload) -> None:
    output = object()
    job = app.submit(Box(lambda: output))

    assert job.result(20) is output
    assert app.get(job.id).result(20) is output
    assert job.state == "succeeded"


def test_an_output_that_json_cannot_carry_is_kept_here_only(app: Offload) -> None:
    job = app.submit(Box(lambda: {1, 2}))
    assert job.result(20) == {1, 2}

    elsewhere = Offload(app.database, worker="off")

    with pytest.raises(NotKept, match=r"kept only in the program that ran it.*\{1, 2\}"):
        elsewhere.get(job.id).result(20)
    record = elsewhere.read_job(job.id)
    assert (record.state, record.result) == ("succeeded", None)
    assert "kept only in the program that ran it" in (elsewhere.reason(record) or "")
    elsewhere.close()


def test_an_output_that_json_can_carry_is_there_for_everybody(app: Offload) -> None:
    job = app.submit(Box(lambda: {"loss": [1, 2]}))
    assert job.wait(20)

    elsewhere = Offload(app.database, worker="off")

    assert elsewhere.get(job.id).result(20) == {"loss": [1, 2]}
    elsewhere.close()


# --- how it fails


@pytest.mark.parametrize("kind", ["blocking", "polling", None])
@pytest.mark.parametrize("method", ["run", "get_output"])
def test_an_exception_fails_the_job_with_its_traceback(
    app: Offload, kind: Kind, method: str
) -> None:
    broken = raising(ValueError("no luck"))
    box = Box(run=broken) if method == "run" else Box(output=broken)

    job = app.submit(box, kind=kind, interval=FAST)

    with pytest.raises(JobFailed, match="no luck") as caught:
        job.result(20)
    assert (caught.value.code, caught.value.type) == ("exception", "ValueError")
    assert caught.value.traceback is not None
    assert "boxed.py" in caught.value.traceback
    assert "executors" not in caught.value.traceback


def test_a_call_for_the_end_of_the_program_ends_only_the_job(app: Offload) -> None:
    job = app.submit(Box(raising(SystemExit(3)), raising(SystemExit(3))))
    after = app.submit(Box(lambda: 1))

    assert after.result(20) == 1
    assert job.wait(20)
    assert job.state == "failed"


def test_failing_questions_are_forgiven_where_that_was_asked_for(app: Offload) -> None:
    answers = iter([ValueError("a blip"), None, ValueError("a blip"), "there"])

    def output() -> Any:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    job = app.submit(Box(output), kind="polling", interval=FAST, error_budget=2)

    assert job.result(20) == "there"


def test_a_fatal_error_uses_up_no_budget(app: Offload) -> None:
    box = Box(raising(Fatal("gone for ever")))

    job = app.submit(box, kind="polling", interval=FAST, error_budget=100)

    with pytest.raises(JobFailed, match="gone for ever"):
        job.result(20)
    assert box.questions == 1


def test_a_box_is_tried_again_where_that_was_asked_for(app: Offload) -> None:
    def run() -> None:
        if box.runs == 1:
            raise ConnectionError("busy")

    box = Box(lambda: "at last", run)

    job = app.submit(box, retries=1, backoff=0.01)

    assert job.result(20) == "at last"
    assert (box.runs, job.read().attempt) == (2, 2)


def test_a_polling_box_ends_by_its_deadline(app: Offload) -> None:
    job = app.submit(Box(), kind="polling", interval=FAST, deadline=timedelta(seconds=0.2))

    with pytest.raises(JobFailed) as caught:
        job.result(20)
    assert caught.value.code == "deadline"


def test_a_question_that_hangs_holds_nobody_up(app: Offload) -> None:
    gate = Gate()
    hanging = [app.submit(Box(gate.pass_through), kind="polling", interval=FAST) for _ in range(10)]
    assert gate.reached.wait(20)

    others = [app.submit(Box(Later(n, 2)), kind="polling", interval=FAST) for n in range(20)]

    assert [job.result(20) for job in others] == list(range(20))
    assert set(app.states(hanging).values()) <= {"waiting", "running", "queued"}
    gate.open()


# --- coroutine functions


class AsyncBox:
    """Both methods are coroutine functions, which run on the worker's loop."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.was_cancelled = False
        self.threads: set[str] = set()

    async def run(self) -> None:
        self.threads.add(threading.current_thread().name)
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise

    async def get_output(self) -> str:
        self.threads.add(threading.current_thread().name)
        return "awaited"


@pytest.mark.parametrize("kind", ["blocking", "polling", None])
def test_methods_may_be_coroutine_functions(app: Offload, kind: Kind) -> None:
    box = AsyncBox()

    job = app.submit(box, kind=kind, interval=FAST)

    assert job.result(20) == "awaited"
    assert box.threads == {"offload-worker"}


def test_a_coroutine_that_runs_is_cancelled(app: Offload) -> None:
    box = AsyncBox(seconds=30)
    job = app.submit(box)
    eventually(lambda: box.threads)

    job.cancel()

    assert job.wait(20)
    assert (job.state, box.was_cancelled) == ("cancelled", True)


def test_a_box_knows_its_job(app: Offload) -> None:
    job = app.submit(Box(lambda: current().job_id))

    assert job.result(20) == job.id


# --- stopping


def test_a_box_that_has_not_begun_never_runs(app: Offload) -> None:
    box = Box(lambda: 1)
    job = app.submit(box, delay=60)

    assert job.cancel()

    with pytest.raises(JobCancelled):
        job.result(20)
    assert box.runs == 0


def test_a_blocking_box_shows_cancelling_until_its_thread_ends(app: Offload) -> None:
    gate = Gate()
    job = app.submit(Box(lambda: "done all the same", gate.pass_through), kind="blocking")
    assert gate.reached.wait(20)

    job.cancel()

    assert job.state == "cancelling"
    gate.open()
    assert job.result(20) == "done all the same"


class Stoppable(Box):
    """A box that can be told to stop."""

    def __init__(self, gate: Gate) -> None:
        super().__init__(lambda: "half of it", gate.pass_through)
        self.gate = gate
        self.cancels = 0

    def cancel(self) -> None:
        self.cancels += 1
        self.gate.open()


def test_a_box_with_a_cancel_of_its_own_is_told(app: Offload) -> None:
    box = Stoppable(Gate())
    job = app.submit(box, kind="blocking")
    assert box.gate.reached.wait(20)

    job.cancel()

    assert job.wait(20)
    assert (job.state, box.cancels) == ("cancelled", 1)


def test_a_polling_box_is_asked_no_more(app: Offload) -> None:
    box = Box()
    job = app.submit(box, kind="polling", interval=FAST)
    eventually(lambda: box.questions > 1)

    job.cancel()

    assert job.wait(20)
    asked = box.questions
    assert job.state == "cancelled"
    assert not threading.Event().wait(5 * FAST)
    assert box.questions == asked


# --- what is handed in, and how


@pytest.mark.parametrize(
    ("thing", "says"),
    [(7, "int has no run"), (Box, "Box is a class"), (threading.Thread(), "no get_output")],
)
def test_what_is_no_box_is_refused_by_name(app: Offload, thing: object, says: str) -> None:
    with pytest.raises(TypeError, match=says):
        app.submit(thing)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"kind": "lazy"}, "kind can be"),
        ({"interval": 0}, "interval must be longer"),
        ({"interval": "soon"}, "interval"),
        ({"interval": 10, "slowest": 5}, "shorter than the interval"),
        ({"error_budget": 0}, "error_budget must be"),
        ({"priority": "high"}, "priority"),
        ({"deadline": -1}, "deadline"),
    ],
)
def test_an_option_that_does_not_fit_is_refused_before_anything_is_kept(
    app: Offload, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        app.submit(Box(), **options)
    assert len(app.shelf) == 0


def test_an_option_that_there_is_not_is_named(app: Offload) -> None:
    options: dict[str, Any] = {"intervall": 3}

    with pytest.raises(TypeError, match="no option 'intervall'"):
        app.submit(Box(), **options)


def test_a_program_that_runs_no_jobs_takes_no_boxes() -> None:
    app = Offload(worker="off")

    with pytest.raises(ConfigError, match=r"app\.register"):
        app.submit(Box())
    app.close()


def test_a_box_is_a_job_like_all_others(app: Offload) -> None:
    job = app.submit(Box(lambda: 1), name="tuesday", tags=["a"], priority=3, owner="ada")
    job.wait(20)

    record = app.list(task="tuesday")[0]

    assert record.id == job.id
    assert (record.kind, record.priority, record.owner) == ("box", 3, "ada")
    assert record.tags == ("a",)
    assert [event.kind for event in app.history(job.id)] == ["queued", "claimed", "succeeded"]


def test_a_refusal_reaches_whoever_asks_the_handle() -> None:
    app = Offload(concurrency=1, capacity=1)
    gate = Gate()
    running = app.submit(Box(lambda: 1, gate.pass_through))
    assert gate.reached.wait(20)
    queued = app.submit(Box(lambda: 2))
    assert queued.id

    refused = app.submit(Box(lambda: 3))

    with pytest.raises(QueueFull):
        _ = refused.id
    with pytest.raises(QueueFull):
        refused.result(20)
    assert app.states([running, queued, refused]) == {running: "running", queued: "queued"}
    gate.open()
    assert queued.result(20) == 2
    app.close()


def test_many_are_handed_in_as_one_group_all_or_none() -> None:
    app = Offload(capacity=2, concurrency=1)

    refused = app.submit_many([Box(lambda: 1) for _ in range(3)])
    with pytest.raises(QueueFull):
        refused.results(20)

    group = app.submit_many([Box(lambda: "a"), Box(lambda: "b")])
    assert group.results(20) == ["a", "b"]
    assert [job.id for job in group.jobs()] == [1, 2]
    assert app.get_group(group.id).results(20) == ["a", "b"]
    assert (group.progress.done, len(group)) == (2, 2)
    app.close()


def test_an_async_program_has_the_same(app: Offload) -> None:
    async def program() -> None:
        job = await app.asubmit(BlockingDouble(2, 0.01))
        group = await app.asubmit_many([Box(lambda: 1), Box(lambda: 2)])

        assert await job == 4
        assert await app.submit(Box(lambda: 5)) == 5
        assert await group.aresults(20) == [1, 2]
        assert set((await app.astates([job, group])).values()) == {"succeeded"}
        assert await job.astate() == "succeeded"
        with pytest.raises(TimeoutError):
            await app.submit(Box(), kind="polling").aresult(0.05)

    asyncio.run(program())


def test_leaving_the_block_waits_for_the_boxes() -> None:
    with Offload() as app:
        job = app.submit(BlockingDouble(3, 0.2))

    assert job.state == "succeeded"
    assert app.shelf.output(job.id) == 6
    app.close()


# --- what is held, and for how long


def test_an_object_is_let_go_of_when_its_job_has_ended(app: Offload) -> None:
    box = BlockingDouble(1, 0.01)
    ghost = weakref.ref(box)
    job = app.submit(box)
    del box

    assert job.result(20) == 2

    eventually(lambda: gc.collect() is not None and ghost() is None)
    assert len(app.shelf) == 0


class Output:
    """Something that can be referred to weakly."""


def test_an_output_is_kept_for_its_handle_and_else_for_a_while(
    app: Offload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.shelf, "_last", type(app.shelf._last)(maxlen=2))
    held = app.submit(Box(Output))
    ghost = weakref.ref(app.submit(Box(Output)).result(20))

    for _ in range(3):
        app.submit(Box(Output)).wait(20)

    assert isinstance(held.result(20), Output)
    eventually(lambda: gc.collect() is not None and ghost() is None)


def test_an_object_whose_job_another_process_cancelled_is_let_go_of(app: Offload) -> None:
    job = app.submit(Box(), delay=60)
    elsewhere = Offload(app.database, worker="off")

    elsewhere.cancel(job.id)

    eventually(lambda: len(app.shelf) == 0)
    elsewhere.close()


def test_a_box_cannot_be_retried_and_says_what_to_do(app: Offload) -> None:
    job = app.submit(Box(raising(ValueError("no"))))
    job.wait(20)
    eventually(lambda: len(app.shelf) == 0)

    job.retry()

    with pytest.raises(JobFailed, match="submit it anew"):
        job.result(20)


def test_closing_ends_what_was_not_begun_and_what_runs_as_lost(app: Offload) -> None:
    gate = Gate()
    jobs = [
        app.submit(Box(lambda: 1, gate.pass_through)),
        app.submit(Box(), kind="polling", interval=FAST),
        app.submit(Box(), delay=60),
    ]
    eventually(lambda: list(app.states(jobs).values()) == ["running", "waiting", "scheduled"])

    app.close()
    gate.open()

    for job in jobs:
        with pytest.raises(JobFailed) as caught:
            job.result(20)
        assert caught.value.code == "lost"


def test_a_handle_of_a_job_that_is_no_longer_kept_says_so() -> None:
    app = Offload(keep=1)
    first = app.submit(Box(lambda: 1))
    first.wait(20)

    for _ in range(3):
        app.submit(Box(lambda: 2)).wait(20)

    eventually(lambda: app.counts().get(("default", State.SUCCEEDED)) == 1)
    with pytest.raises(Evicted):
        first.read()
    assert app.states([first]) == {}
    app.close()


def test_a_box_is_kept_for_as_long_as_it_says_itself() -> None:
    app = Offload(keep=0)
    kept = app.submit(Box(lambda: 1), retain="1h")
    gone = app.submit(Box(lambda: 2))
    kept.wait(20)
    gone.wait(20)

    eventually(lambda: app.counts() == {("default", State.SUCCEEDED): 1})
    read = kept.read()
    assert read.finished_at is not None
    assert read.kept_until == read.finished_at + 3600
    app.close()


def test_a_database_that_cannot_be_opened_reaches_whoever_asks(tmp_path: Path) -> None:
    file = tmp_path / "no-database"
    file.write_text("this is no database, and long enough to be taken for one" * 50)
    app = Offload(file)

    job = app.submit(Box())

    with pytest.raises((StoreUnavailable, Exception), match="database"):
        _ = job.id
    app.close()


# --- classes that are registered


class Simulation:
    """Add up.

    Args:
        steps: how many.
        scale: by what each is multiplied.
    """

    def __init__(self, steps: int, scale: float = 1.0) -> None:
        self.steps = steps
        self.scale = scale
        self.total: float | None = None

    def run(self) -> None:
        self.total = sum(range(self.steps)) * self.scale

    def get_output(self) -> float | None:
        return self.total


def test_a_class_is_started_by_name_with_the_parameters_of_its_init(app: Offload) -> None:
    task = app.register(Simulation, kind="blocking")

    job = app.start("Simulation", steps=4, scale=0.5)

    assert job.result(20) == 3.0
    assert job.read().bound_to is None
    assert task.registered.signature.text == "Simulation(steps: int, scale: float = 1.0)"
    assert task.registered.doc.startswith("Add up.")


def test_a_registered_polling_class_waits_without_a_slot(app: Offload) -> None:
    app.register(PollingDouble, kind="polling", interval=FAST, name="double")

    job = app.start("double", value=21, seconds=0.5)

    eventually(lambda: job.state == "waiting")
    assert not job.read().occupies_slot
    assert job.result(20) == 42


def test_parameters_of_a_class_are_checked_as_those_of_a_function(app: Offload) -> None:
    app.register(Simulation)

    with pytest.raises(Exception, match="steps"):
        app.start("Simulation", steps="many")


def test_a_class_that_is_none_of_boxes_is_refused(app: Offload) -> None:
    with pytest.raises(Exception, match=r"no run\(\) and no get_output\(\)"):
        app.register(Output)


def test_a_name_that_json_or_a_url_could_not_carry_is_made_fit(app: Offload) -> None:
    kind = type("Größe<3>", (Box,), {})

    job = app.submit(kind(lambda: 1))
    job.wait(20)

    assert job.read().task == "Gr__e_3_"


def test_a_wrong_guess_does_not_wait_for_ever(
    app: Offload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offload.worker.executors.box.GUESS_SECONDS", 0.2)
    job = app.submit(Box(), interval=FAST)

    with pytest.raises(JobFailed, match="was guessed; say kind=") as caught:
        job.result(20)
    assert caught.value.code == "deadline"


def test_boxes_are_taken_again_after_a_close(app: Offload) -> None:
    before = app.submit(Box(lambda: [1]))
    output = before.result(20)
    app.close()

    after = app.submit(Box(lambda: 2))

    assert after.result(20) == 2
    assert before.result(20) is output


def test_threads_may_hand_in_at_the_same_time(app: Offload) -> None:
    jobs: list[Any] = []

    def hand_in(first: int) -> None:
        jobs.extend(app.submit(Box(partial(int, first + n))) for n in range(50))

    threads = [threading.Thread(target=hand_in, args=(1000 * at,)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({job.id for job in jobs}) == 400
    assert sum(job.result(60) for job in jobs) == sum(
        1000 * at + n for at in range(8) for n in range(50)
    )
    assert len(app.workers()) == 1
