"""The checker itself: a sound history passes, and each kind of fault is found by its invariant."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from offload.lanes import lane_text
from offload.model import PLAIN, Error, Event, Job, JobOptions, Lane, OnCrash, Progress, State, Wish
from tests.simulation.checker import CHECKS, violations
from tests.simulation.clients import MAIL
from tests.simulation.history import (
    Accepted,
    AskedElsewhere,
    Begun,
    Broke,
    Calm,
    CancelAnswered,
    Committed,
    Ended,
    Ending,
    Entered,
    Entry,
    Fell,
    Found,
    History,
    MustFail,
    NewJobRow,
    Observed,
    Said,
    StartedElsewhere,
    Stepped,
    StopHeard,
    TakenForDead,
    Told,
    ToldElsewhere,
    ToldToEnd,
    WishAnswered,
)

S = State
TASKS = frozenset({"nap"})


class Story:
    """Writes a history: every method is a thing that happens, a second after the one before."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.at = 0.0
        self.rows: dict[int, Job] = {}
        self.occupied: dict[str, int] = {}
        self.limits: dict[str, int | None] = {"q": None}
        self._numbers = 0

    def add(self, entry: Entry, after: float = 1.0) -> "Story":
        self.at += after
        self.entries.append(replace(entry, at=self.at))
        return self

    def enter(self, worker: int = 1, house: int = 0) -> "Story":
        return self.add(Entered(process=f"w{worker}", worker=worker, tasks=TASKS, house=house))

    def start(self, job: int = 1, **row_of: Any) -> "Story":
        given = {name: row_of[name] for name in ("options", "bound_to") if name in row_of}
        self.rows[job] = replace(_job(job), **given)
        row = NewJobRow(id=job, **{"queue": "q"} | row_of)
        return self.stored("queued", S.QUEUED, job, new=(row,), door="python")

    def claim(self, job: int = 1, worker: int = 1) -> "Story":
        attempt = self.rows[job].attempt + 1
        return self.stored("claimed", S.RUNNING, job, worker=worker, attempt=attempt)

    def begin(self, job: int = 1, worker: int = 1, token: int = 1, run: int = 1) -> "Story":
        begun = Begun(process=f"w{worker}", worker=worker, job=job, token=token, run=run)
        return self.add(begun, after=0.1)

    def end(self, run: int = 1, value: bytes = b"7") -> "Story":
        return self.add(Ended(run=run, how="returned", value=value))

    def succeed(self, job: int = 1, by: int = 1, value: bytes = b"7") -> "Story":
        self.stored("succeeded", S.SUCCEEDED, job, actor=f"worker {by}")
        self.rows[job] = replace(self.rows[job], result=value, finished_at=self.at)
        return self

    def stored(
        self,
        kind: str,
        state: State,
        job: int = 1,
        *,
        worker: int | None = None,
        attempt: int | None = None,
        actor: str = "worker 1",
        door: str = "worker",
        new: tuple[NewJobRow, ...] = (),
        after: float = 1.0,
    ) -> "Story":
        """A transaction with one event, and all that follows from it."""
        row = self.rows[job]
        self._numbers += 1
        attempt = row.attempt if attempt is None else attempt
        crashes = row.crashes + (door == "care" and kind == "rescued")
        row = replace(
            row,
            version=row.version + 1,
            state=state,
            worker=worker,
            attempt=attempt,
            crashes=0 if kind == "retried" else crashes,
        )
        self.rows[job] = row
        self.occupied = {"q": sum(row.worker is not None for row in self.rows.values())}
        event = Event(
            self._numbers, job, row.version, kind, state, 0.0, actor, door, attempt, worker, None
        )
        crashed = {job: row.crashes}
        return self.commit(events=(event,), new=new, after=after, crashes=crashed)

    def rescue_of_a_waiting_job(self, job: int = 1) -> "Story":
        crashes, attempt = self.rows[job].crashes, self.rows[job].attempt - 1
        self.change(job, crashes=crashes - 1)
        return self.stored("rescued", S.QUEUED, job, attempt=attempt, actor="care", door="care")

    def commit(self, *, after: float = 1.0, **what: object) -> "Story":
        counted: dict[tuple[str, State], int] = {}
        for row in self.rows.values():
            counted["q", row.state] = counted.get(("q", row.state), 0) + 1
        committed = Committed(
            process="w1",
            ids=frozenset(self.rows),
            occupied=self.occupied,
            limits=dict(self.limits),
            counted=counted,
            tallied=dict(counted),
        )
        return self.add(replace(committed, **what), after)

    def calm(self) -> "Story":
        return self.add(Calm())

    def over(self, **what: object) -> "Story":
        return self.add(replace(Ending(jobs=tuple(self.rows.values())), **what))

    def change(self, job: int = 1, **columns: object) -> "Story":
        """Falsify a row."""
        self.rows[job] = replace(self.rows[job], **columns)
        return self

    def found(self) -> set[str]:
        """The ids of the invariants that are violated."""
        return {found.partition(":")[0] for found in violations(History(self.entries))}


def _job(job_id: int) -> Job:
    values: dict[str, Any] = dict.fromkeys(Job.__struct_fields__)
    values |= {"id": job_id, "queue": "q", "version": 0, "attempt": 0, "state": S.QUEUED}
    values |= {"crashes": 0, "options": PLAIN}
    return Job(**values)


def begun() -> Story:
    """A job that runs."""
    return Story().enter().start().add(Accepted(client="c", ids=(1,))).claim().begin()


def done() -> Story:
    """A job that has succeeded."""
    return begun().end().succeed()


def test_a_sound_history_is_passed() -> None:
    story = done().add(Observed(client="c", job=1, version=3, state=S.SUCCEEDED, has_result=True))

    assert violations(History(story.calm().over().entries)) == []


def test_a_sound_history_with_a_crash_and_a_zombie_is_passed() -> None:
    story = begun().enter(2).add(Fell(process="w1", how="crashed"))
    story.stored("rescued", S.QUEUED, attempt=0, actor="care", door="care")
    story.claim(worker=2).begin(worker=2, token=2, run=2).add(TakenForDead(worker=2)).enter(3)
    story.stored("rescued", S.QUEUED, attempt=0, actor="care", door="care")
    story.claim(worker=3).begin(worker=3, token=3, run=3).end(2, b"8").end(3).succeed(by=3)

    assert violations(History(story.calm().over().entries)) == []


def _over_the_limit() -> Story:
    story = Story().enter().start(1).start(2)
    story.limits = {"q": 1}
    return story.commit().claim(1).claim(2)


def _two_answers_to_one_key() -> Story:
    story = Story().start(1).start(2)
    for job in (1, 2):
        story.add(Accepted(client="c", ids=(job,), key="k"))
    return story


def _four_crashes() -> Story:
    story = Story().start()
    for worker in range(1, 5):
        story.enter(worker).claim(worker=worker).add(Fell(process=f"w{worker}", how="crashed"))
        story.stored("rescued", S.QUEUED, attempt=0, actor="care", door="care")
    return story


def _read_backwards() -> Story:
    story = begun()
    for version, state in ((2, S.RUNNING), (1, S.QUEUED)):
        story.add(Observed(client="c", job=1, version=version, state=state))
    return story


def _slow_to_begin() -> Story:
    story = Story().enter().calm()
    return story.start(queue="probe").add(Accepted(client="c", ids=(1,))).claim().begin()


def _slow_to_stop() -> Story:
    story = Story().enter().start(queue="probe")
    story.claim().begin().calm().stored("cancel-requested", S.RUNNING, worker=1, door="python")
    return story.add(CancelAnswered(job=1, state=S.RUNNING)).calm().calm().calm()


def _one_of_group(job: int) -> Accepted:
    return Accepted(client="c", ids=(job,), group=1)


def _chatter() -> Story:
    story = Story()
    for _ in range(2):
        story.add(Said(process="w1", level=30, text="the store does not answer"), after=0.1)
    return story


ONCE = JobOptions(on_crash=OnCrash.FAIL)
RATED = lane_text(Lane(rates={"mail": MAIL}))


def _begun_again() -> Story:
    story = Story().enter().start(options=ONCE).claim().begin()
    story.stored("interrupted", S.QUEUED, attempt=0)
    return story.claim().begin(token=2, run=2)


def _waits() -> Story:
    """A job whose work goes on elsewhere."""
    story = begun().add(StartedElsewhere(job=1, handle=1, is_new=True, ends_at=99.0)).end()
    return story.stored("waiting", S.RUNNING, worker=1)


def _held_and_started_elsewhere_again(attempt: int) -> Story:
    """Its worker puts it back, where a pause waits for it; later it is started anew."""
    story = _waits().stored("pause-requested", S.RUNNING, worker=1, door="python")
    story.stored("held", S.PAUSED, attempt=attempt).stored("released", S.QUEUED, door="python")
    story.claim().begin(token=2, run=2)
    return story.add(StartedElsewhere(job=1, handle=2, is_new=True, ends_at=99.0))


def _begun_with_deadline() -> Story:
    return Story().enter().start(options=JobOptions(deadline=4.0)).claim().begin()


def _paused(story: Story | None = None) -> Story:
    """A job whose code stands still, in its owner's hands."""
    story = story or begun()
    story.stored("pause-requested", S.RUNNING, worker=1, door="python")
    return story.stored("paused", S.PAUSED, worker=1)


def _probed() -> Story:
    story = Story().enter().start(queue="probe")
    return story.claim().begin().calm()


def _slow_to_pause() -> Story:
    story = _probed().stored("pause-requested", S.RUNNING, worker=1, door="python")
    story.add(WishAnswered(job=1, wish=Wish.PAUSE, version=3)).calm().calm()
    return story.stored("paused", S.PAUSED, worker=1)


def _slow_to_go_on() -> Story:
    story = _paused(_probed()).stored("resume-requested", S.PAUSED, worker=1, door="python")
    return story.add(WishAnswered(job=1, wish=Wish.RESUME, version=5)).calm().calm()


def _kept_after_success() -> Story:
    story = done()
    story.entries[-1] = replace(story.entries[-1], saved={1: b"3"})
    return story


def _goes_on_from(done: int, by: int) -> Story:
    """Run 1 had acknowledged that it was at 3; the next attempt finds something else."""
    story = begun().add(Told(run=1, done=3, is_stored=False))
    story.add(Told(run=1, done=3, is_stored=True)).add(Told(run=1, done=4, is_stored=False))
    story.add(Fell(process="w1", how="crashed"))
    story.stored("rescued", S.QUEUED, attempt=0, actor="care", door="care")
    story.enter(2).claim(worker=2).begin(worker=2, token=2, run=2)
    story.add(Told(run=1, done=9, is_stored=False))
    return story.add(Found(run=2, done=done, by=by))


def _is_cancelled(story: Story) -> Story:
    story.stored("cancel-requested", S.RUNNING, worker=1, door="python")
    return story.stored("stopped", S.CANCELLED)


def _too_many_attempts() -> Story:
    return begun().stored("attempt-failed", S.QUEUED).claim()


def _four_of_a_rate() -> Story:
    story = Story().enter()
    for job in range(1, 5):
        story.start(job, lane=RATED)
    for job in range(1, 5):
        story.stored("claimed", S.RUNNING, job, worker=1, attempt=1, after=0.1)
    return story


def _failed_with(code: str, **columns: Any) -> Story:
    story = begun().end().stored("failed", S.FAILED)
    return story.change(error=Error(code=code, message="no"), finished_at=5.0, **columns).over()


def _two_due_times() -> Story:
    return Story().start(1, due_at="noon").start(2, due_at="noon")


def _tick_left_out() -> Story:
    story = Story().calm().start(1, due_at="noon")
    return story.add(Calm(), after=60.0).start(2, due_at="one").over()


def _failed_late() -> Story:
    story = begun().calm().add(MustFail(job=1, by=6.0, code="timeout"))
    story.add(Calm(), after=9.0).end().stored("failed", S.FAILED)
    return story.change(error=Error(code="timeout", message="no")).over()


BAD: list[tuple[str, Callable[[], Story]]] = [
    ("S1", lambda: done().add(Accepted(client="c", ids=(2,)))),
    ("S2", lambda: begun().begin(run=2, token=2)),
    ("S2", lambda: Story().enter().enter(2).start().claim().begin(worker=2)),
    ("S2", lambda: done().begin(run=2, token=2)),
    ("S3", lambda: Story().enter().start().stored("claimed", S.RUNNING, worker=1, attempt=2)),
    ("S2", lambda: Story().enter(house=1).start(bound_to=2).claim().begin()),
    ("S3", lambda: begun().begin(run=2)),
    ("S3", _begun_again),
    ("S3", lambda: _waits().add(StartedElsewhere(job=1, handle=2, is_new=True))),
    ("S3", lambda: _held_and_started_elsewhere_again(attempt=0)),
    ("P4", lambda: _is_cancelled(_waits())),
    ("P4", lambda: _waits().add(ToldElsewhere(handle=1))),
    ("S4", lambda: begun().enter(2).end().succeed(by=2)),
    ("S4", lambda: done().change(progress=Progress(1, message="9")).over()),
    ("S4", lambda: begun().commit(told={(1, 1): "9"})),
    ("S5", lambda: done().stored("cancelled", S.CANCELLED)),
    ("S5", lambda: done().stored("succeeded", S.SUCCEEDED)),
    ("S6", lambda: Story().start().stored("succeeded", S.SUCCEEDED)),
    ("S6", lambda: begun().end().stored("succeeded", S.FAILED)),
    ("S6", lambda: Story().start().stored("cancel-requested", S.QUEUED)),
    ("S6", lambda: Story().start().stored("renamed", S.QUEUED)),
    ("S5", lambda: done().stored("retried", S.QUEUED)),
    ("S7", lambda: done().change(result=None).over()),
    ("S7", lambda: begun().change(result=b"7").over()),
    ("S7", lambda: done().add(Observed(client="c", job=1, version=2, state=S.SUCCEEDED))),
    ("S8", lambda: begun().end(value=b"8").succeed(value=b"7").over()),
    ("S8", lambda: begun().add(Ended(run=1, how="stopped")).succeed().over()),
    ("S9", lambda: Story().start().add(CancelAnswered(job=1, state=S.CANCELLED)).begin()),
    ("S10", lambda: begun().succeed()),
    ("S10", lambda: begun().stored("interrupted", S.QUEUED, attempt=0)),
    ("S12", _over_the_limit),
    ("S12", lambda: Story().start().commit(holding={"gpu": 2})),
    ("S12", _four_of_a_rate),
    ("S13", lambda: Story().enter().start(1).start(2).claim(2)),
    ("S13", lambda: Story().enter().start(1).start(2, priority=5).claim(1)),
    ("S15", lambda: begun().commit(ids=frozenset())),
    ("S15", lambda: done().over(keep={"q": 0})),
    ("S16", lambda: Story().start(2).start(1)),
    ("S17", _two_answers_to_one_key),
    ("S17", lambda: Story().start(1, token=5).start(2, token=5)),
    ("S19", lambda: begun().stored("rescued", S.QUEUED, attempt=0, actor="care", door="care")),
    ("S17", lambda: Story().start(1, group=1).start(2, group=1).add(_one_of_group(1))),
    ("S19", _four_crashes),
    ("S19", _too_many_attempts),
    ("S19", lambda: _failed_with("timeout")),
    ("S19", lambda: _failed_with("deadline")),
    ("S19", lambda: _failed_with("deadline", deadline_at=9.0)),
    ("S19", lambda: _failed_with("crash-loop")),
    ("S19", lambda: _failed_with("lost")),
    ("S20", lambda: begun().commit(due={1: 99.0}).begin(token=2, run=2)),
    ("S20", _two_due_times),
    ("S20", _tick_left_out),
    ("S21", lambda: Story().start(1, key="k").start(2, key="k")),
    ("L3", _failed_late),
    ("S20", lambda: Story().enter().start(due=5.0).claim().begin()),
    ("S10", lambda: _paused().add(Stepped(run=1))),
    ("S10", lambda: _paused().add(StopHeard(run=1)).add(Stepped(run=1))),
    ("S10", lambda: _paused(_begun_with_deadline()).add(Stepped(run=1))),
    ("S10", lambda: _paused(_waits()).add(AskedElsewhere(handle=1, process="w1"))),
    ("S11", lambda: _paused().commit(saved={1: b"2"})),
    ("S18", lambda: _goes_on_from(2, 1)),
    ("S18", lambda: _goes_on_from(9, 1)),
    ("S18", _kept_after_success),
    ("P5", _slow_to_pause),
    ("L1", _slow_to_go_on),
    ("S22", lambda: Story().start().change(version=5).stored("cancelled", S.CANCELLED)),
    ("S22", lambda: done().change(state=S.FAILED).over()),
    ("S23", lambda: Story().start().commit(tallied={("q", S.QUEUED): 2})),
    ("S24", _read_backwards),
    ("L1", _slow_to_begin),
    ("L2", lambda: begun().calm().add(Fell(process="w1", how="crashed")).calm().calm().calm()),
    ("L3", _slow_to_stop),
    ("L5", _chatter),
    ("L6", lambda: Story().calm().add(ToldToEnd(process="w1", grace=1.0)).calm().calm().calm()),
    ("L7", lambda: begun().calm().over()),
    ("L7", lambda: done().over()),
    ("D1", lambda: done().calm().over(integrity="row 3 missing from index")),
    ("broken", lambda: done().add(Broke(process="w1", what="KeyError(4)"))),
]


@pytest.mark.parametrize(
    ("invariant", "make"), BAD, ids=[f"{number}-{name}" for number, (name, _) in enumerate(BAD)]
)
def test_a_bad_history_is_found(invariant: str, make: Callable[[], Story]) -> None:
    assert invariant in make().found()


def test_what_is_tried_again_snoozed_adopted_and_tried_anew_is_passed() -> None:
    story = Story().enter().enter(2).start(options=JobOptions(retries=1)).claim().begin()
    story.end().stored("attempt-failed", S.QUEUED).claim().begin(token=2, run=2).end(2)
    story.stored("snoozed", S.QUEUED, attempt=1).claim().begin(token=3, run=3)
    story.add(StartedElsewhere(job=1, handle=1, is_new=True, ends_at=99.0)).end(3)
    story.stored("waiting", S.RUNNING, worker=1).add(Fell(process="w1", how="crashed"))
    story.rescue_of_a_waiting_job().claim(worker=2)
    story.stored("waiting", S.RUNNING, worker=2, actor="worker 2")
    story.stored("cancel-requested", S.RUNNING, worker=2, door="python")
    story.add(ToldElsewhere(handle=1)).stored("stopped", S.CANCELLED, actor="worker 2")
    story.stored("retried", S.QUEUED, actor="c", door="python")
    story.claim(worker=2).begin(worker=2, token=5, run=4).end(4).succeed(by=2)

    assert violations(History(story.calm().over().entries)) == []


@pytest.mark.promise("S3")
def test_work_that_failed_is_started_anew_after_a_pause_too() -> None:
    assert "S3" not in _held_and_started_elsewhere_again(attempt=1).found()


@pytest.mark.promise("P6")
@pytest.mark.promise("S18")
@pytest.mark.parametrize("done", [3, 4])
def test_going_on_from_the_last_checkpoint_or_a_later_one_is_passed(done: int) -> None:
    assert "S18" not in _goes_on_from(done, 1).found()


@pytest.mark.promise("S10")
@pytest.mark.promise("S11")
def test_a_step_after_a_resume_or_while_a_cancel_is_obeyed_is_passed() -> None:
    resumed = _paused().stored("resume-requested", S.PAUSED, worker=1, door="python")
    resumed.stored("resumed", S.RUNNING, worker=1).add(Stepped(run=1)).commit(saved={1: b"2"})
    cancelled = _paused().stored("cancel-requested", S.PAUSED, worker=1, door="python")

    assert {"S10", "S11", "S6"}.isdisjoint(resumed.found())
    assert {"S10", "S6"}.isdisjoint(cancelled.add(Stepped(run=1)).found())


@pytest.mark.promise("S10")
def test_a_step_of_paused_code_that_obeys_its_deadline_or_a_shutdown_is_passed() -> None:
    late = _paused(_begun_with_deadline()).add(StopHeard(run=1)).add(Stepped(run=1))
    ending = _paused().add(ToldToEnd(process="w1", grace=1.0)).add(StopHeard(run=1))

    assert "S10" not in late.found()
    assert "S10" not in ending.add(Stepped(run=1)).found()


def test_every_check_finds_something() -> None:
    assert {name for name, _ in BAD} == {name for name, _ in CHECKS}


def test_a_lowered_limit_is_not_held_against_what_ran_before() -> None:
    story = Story().enter().start(1).start(2).start(3).claim(1).claim(2)
    story.limits = {"q": 1}
    story.commit().stored("interrupted", S.QUEUED, 1, attempt=0)

    assert "S12" not in story.found()
    assert "S12" in story.claim(1).claim(3).found()


def test_an_error_of_a_job_is_no_fault_of_ours() -> None:
    story = begun().add(Ended(run=1, how="raised")).stored("failed", S.FAILED)
    story.change(error=Error(code="exception", message="as it was meant to"), finished_at=9.0)

    assert story.calm().over().found() == set()
