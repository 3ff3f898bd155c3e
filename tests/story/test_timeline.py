"""Where a job's time went: each second of it stands in one span, and in no other."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from offload.errors import OffloadError
from offload.model import Mode, State, Wish
from offload.story import Stage, attempts, receipts, timeline
from tests.story.living import BEGIN, OUTCOMES, SUCCEEDED, Life


def stages(life: Life) -> list[tuple[str, float]]:
    return [(span.stage.value, span.seconds) for span in timeline(life.events, life.now)]


def test_a_job_waits_in_its_queue_and_runs() -> None:
    life = Life()
    life.after(4).claim()
    life.after(2).end(SUCCEEDED)

    assert stages(life.after(100)) == [("queued", 4.0), ("running", 2.0)]


def test_a_span_that_lasts_is_measured_up_to_now() -> None:
    life = Life()
    life.after(4).claim()

    [_, running] = timeline(life.events, life.now + 3)

    assert (running.stage, running.ended_at, running.seconds) == (Stage.RUNNING, None, 3.0)


def test_a_pause_is_a_span_and_asking_for_it_is_not() -> None:
    life = Life()
    life.claim()
    life.after(1).ask(Wish.PAUSE)
    life.after(1).stands_still()
    life.after(5).ask(Wish.RESUME)
    life.after(1).resume()
    life.after(1).end(SUCCEEDED)

    assert stages(life) == [("running", 2.0), ("paused", 6.0), ("running", 1.0)]


def test_work_elsewhere_is_waiting_and_after_a_pause_again() -> None:
    life = Life(kind="polling")
    life.claim()
    life.after(1).wait()
    life.after(2).ask(Wish.PAUSE)
    life.stands_still(Mode.NOT_CHECKING)
    life.after(3).ask(Wish.RESUME)
    life.resume()

    assert stages(life.after(4)) == [
        ("running", 1.0),
        ("waiting", 2.0),
        ("paused", 3.0),
        ("waiting", 4.0),
    ]


def test_between_the_end_and_a_retry_there_is_no_span() -> None:
    life = Life()
    life.after(1).ask(Wish.CANCEL)
    life.after(100).retry()

    spans = timeline(life.events, life.now + 2)

    assert [(span.began_at - BEGIN, span.seconds) for span in spans] == [(0.0, 1.0), (101.0, 2.0)]


def test_a_clock_that_goes_back_makes_no_span_negative() -> None:
    life = Life()
    life.after(5).claim()
    life.after(-3).end(SUCCEEDED)

    assert stages(life) == [("queued", 5.0)]


def test_no_events_are_no_spans() -> None:
    assert timeline([], BEGIN) == ()


STEPS = st.sampled_from(
    ["claim", "wait", "pause", "resume", "cancel", "still", "goes-on", "refuse", "end", "retry"]
)


def live(life: Life, step: str, outcome: int) -> None:
    """Do something to a job if it is possible now."""
    job = life.job
    wishes = {"pause": Wish.PAUSE, "resume": Wish.RESUME, "cancel": Wish.CANCEL}
    if step in wishes:
        try:
            life.ask(wishes[step])
        except OffloadError:
            return
    elif step == "claim" and job.state is State.QUEUED:
        life.claim()
    elif step == "wait" and job.state is State.RUNNING:
        life.wait()
    elif step == "still" and job.is_owned:
        life.stands_still()
    elif step == "goes-on" and job.requested is Wish.RESUME:
        life.resume()
    elif step == "refuse":
        life.refuse("too many")
    elif step == "end" and job.is_owned:
        life.end(OUTCOMES[outcome % len(OUTCOMES)])
    elif step == "retry" and job.state in (State.FAILED, State.CANCELLED):
        life.retry()


@given(st.lists(st.tuples(STEPS, st.integers(-1, 9), st.integers(0, 7)), max_size=40))
def test_any_life_is_told_without_gap_or_overlap(steps: list[tuple[str, int, int]]) -> None:
    life = Life(kind="polling")
    for step, seconds, outcome in steps:
        live(life.after(seconds), step, outcome)
    now = max([life.now, *(event.at for event in life.events)])

    spans = timeline(life.events, now)
    told = attempts(life.job, life.events, [], {}, now)
    asked = receipts(life.job, life.events, [])

    ends = [now if span.ended_at is None else span.ended_at for span in spans]
    assert all(end - span.began_at == span.seconds for span, end in zip(spans, ends, strict=True))
    assert all(end <= span.began_at for end, span in zip(ends, spans[1:], strict=False))
    assert sum(span.seconds for span in spans) == _unfinished_seconds(life, now)
    owned = sum(span.seconds for span in spans if span.stage in (Stage.RUNNING, Stage.WAITING))
    assert sum(attempt.active_seconds for attempt in told) == owned
    assert [attempt.token for attempt in told] == list(range(1, life.job.token + 1))
    assert (told[-1].ended_at is None if told else False) == life.job.is_owned
    pending = {receipt.asked.value for receipt in asked if receipt.over_at is None}
    assert pending == ({life.job.requested.value} if life.job.requested else set())
    if life.job.is_finished:
        assert [span for span in spans if span.ended_at is None] == []


def _unfinished_seconds(life: Life, now: float) -> float:
    """What the spans must come to, counted another way: second by second."""
    at, seconds = BEGIN, 0.0
    state = State.QUEUED
    for event in [*life.events, replace(life.events[-1], at=now)]:
        moved = max(event.at - at, 0.0)
        seconds += 0 if state.value in ("succeeded", "failed", "cancelled") else moved
        at, state = at + moved, event.state
    return seconds


def test_what_was_asked_and_is_not_true_yet_is_pending_in_the_job_too() -> None:
    """The property above, in one case that a reader can follow."""
    life = Life()
    life.claim()
    life.ask(Wish.CANCEL)

    [receipt] = receipts(life.job, life.events, [])

    assert (receipt.outcome, receipt.over_at) == ("pending", None)
