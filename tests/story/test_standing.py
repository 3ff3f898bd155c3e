"""What a paused job is shown as: how it stands still, what that keeps and frees."""

import pytest
from msgspec.structs import replace

from offload.model import JobOptions, Mode, Usage, Wish
from offload.shapes import JobShape, job_shape, pause_shape
from offload.story import Stage, standing, timeline
from tests.story.living import BEGIN, CANCELLED, FAILED, INTERRUPTED, SUCCEEDED, Life


def paused(mode: Mode, **fields: object) -> Life:
    life = Life(**fields)  # type: ignore[arg-type]
    life.claim()
    life.after(10).ask(Wish.PAUSE, "rain")
    life.after(1).stands_still(mode)
    return life


def shape(life: Life) -> JobShape:
    return job_shape(life.job, life.now, None)


@pytest.mark.parametrize(
    ("mode", "kind", "kept", "freed"),
    [
        (Mode.FROZEN, "async", "locks", "its slot"),
        (Mode.FROZEN, "blocking", "stopped, with their memory", "the processor"),
        (Mode.PARKED, "blocking", "its thread", "its slot"),
        (Mode.NOT_CHECKING, "polling", "goes on", "nothing runs here"),
    ],
)
def test_each_mode_says_what_it_keeps_and_frees(
    mode: Mode, kind: str, kept: str, freed: str
) -> None:
    said = pause_shape(paused(mode, kind=kind).job)

    assert said is not None
    assert kept in (said.keeps or "")
    assert freed in (said.frees or "")


def test_what_is_held_says_from_where_it_will_go_on() -> None:
    life = paused(Mode.FROZEN)
    life.end(INTERRUPTED)
    saved = replace(life.job, saved_at=life.now)
    elsewhere = replace(life.job, handle=b"{}")

    said = [standing(job) for job in (life.job, saved, elsewhere)]

    assert [each and each.keeps.partition(",")[0] for each in said] == [
        "its parameters: it has no checkpoint and begins anew",
        "its last checkpoint",
        "the work elsewhere",
    ]


def test_what_had_not_begun_keeps_its_place() -> None:
    life = Life()
    life.ask(Wish.PAUSE)

    said = standing(life.job)

    assert said is not None
    assert said.keeps == "its place in the queue"


def test_a_pause_that_is_not_true_yet_keeps_and_frees_nothing() -> None:
    life = Life()
    life.claim()
    life.after(1).ask(Wish.PAUSE, "rain")

    said = shape(life).pause

    assert said is not None
    assert (said.mode, said.since, said.keeps, said.frees) == (None, None, None, None)
    assert (said.by, said.door, said.reason) == ("http anna", "http", "rain")
    assert said.asked_at == "1970-01-01T00:16:41.000Z"


def test_a_job_that_nobody_paused_has_no_pause() -> None:
    assert shape(Life()).pause is None
    assert standing(Life().job) is None


def test_a_job_counts_its_active_and_its_paused_time_apart() -> None:
    life = paused(Mode.FROZEN)
    during = shape(life.after(5))
    life.ask(Wish.RESUME)
    life.resume()
    life.after(2).end(SUCCEEDED)
    after = shape(life.after(100))

    assert (during.active_seconds, during.paused_seconds) == (11.0, 5.0)
    assert (after.active_seconds, after.paused_seconds) == (13.0, 5.0)
    assert shape(Life()).active_seconds is None


def test_a_checkpoint_and_a_usage_are_shown_when_they_are_known() -> None:
    job = replace(Life().job, saved_at=BEGIN)

    shown = job_shape(job, BEGIN, None, usage=Usage(pid=5, peak_memory=7))

    assert shown.checkpoint is not None
    assert shown.checkpoint.at == "1970-01-01T00:16:40.000Z"
    assert shown.usage is not None
    assert (shown.usage.pid, shown.usage.peak_memory, shown.usage.signal) == (5, 7, None)
    assert shape(Life()).checkpoint is None
    assert shape(Life()).usage is None


LOOKS = {"self", "events", "logs", "attempts"}


def test_links_name_only_what_would_work_now() -> None:
    queued, running, fixed = Life(), Life(), Life(options=JobOptions(pausable=False))
    for life in (running, fixed):
        life.claim()
    stands = paused(Mode.FROZEN)

    def actions(life: Life) -> set[str]:
        return shape(life).links.keys() - LOOKS

    assert [actions(each) for each in (queued, running, fixed, stands)] == [
        {"cancel", "pause"},
        {"cancel", "pause"},
        {"cancel"},
        {"cancel", "resume"},
    ]
    stands.ask(Wish.RESUME)
    assert actions(stands) == {"cancel", "pause"}
    running.ask(Wish.PAUSE)
    assert actions(running) == {"cancel", "resume"}
    running.ask(Wish.CANCEL)
    assert actions(running) == set()
    running.end(CANCELLED)
    assert actions(running) == {"retry"}
    queued.claim()
    queued.end(SUCCEEDED)
    assert actions(queued) == {"result"}


def test_every_verb_that_is_named_is_taken_by_the_rules() -> None:
    """The links and `lifecycle.request` are two places that could drift apart."""
    lives = [Life(), paused(Mode.FROZEN), paused(Mode.PARKED), Life(kind="polling")]
    lives[-1].claim()
    lives[-1].wait()
    lives.append(Life())
    lives[-1].claim()
    lives[-1].end(FAILED)

    for life in lives:
        for verb in shape(life).links.keys() & {"cancel", "pause", "resume"}:
            trial = Life()
            trial.job, trial.now = life.job, life.now
            assert trial.ask(Wish(verb)), (verb, life.job.state)


def test_a_pause_is_a_span_of_its_own() -> None:
    spans = timeline(paused(Mode.FROZEN).events, BEGIN + 20)

    assert spans[-1].stage is Stage.PAUSED
