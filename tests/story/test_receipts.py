"""Receipts: honest about what was asked, what was done, and what came of it."""

from msgspec.structs import replace

from offload.model import Cause, Crashed, Error, Failed, JobOptions, Mode, Wish, Yielded
from offload.story import Asked, Outcome, Receipt, receipt_sentence, receipts
from tests.story.living import (
    ANNA,
    BEGIN,
    CANCELLED,
    CARE,
    INTERRUPTED,
    SUCCEEDED,
    TIMED_OUT,
    Life,
)


def told(life: Life) -> tuple[Receipt, ...]:
    return receipts(life.job, life.events, life.records)


def one(life: Life) -> Receipt:
    [receipt] = told(life)
    return receipt


def in_short(life: Life) -> list[tuple[str, str, float | None]]:
    return [(each.asked.value, each.outcome.value, each.seconds) for each in told(life)]


def a_running_life(**fields: object) -> Life:
    life = Life(**fields)  # type: ignore[arg-type]
    life.claim()
    life.after(10)
    return life


# --- cancel


def test_a_cancel_tells_who_asked_what_was_tried_and_what_was_killed() -> None:
    life = a_running_life()
    life.ask(Wish.CANCEL)
    life.note(
        (10.1, "asked to stop", ()),
        (11.0, "SIGTERM sent", (811, 812, 813, 814, 815, 816)),
        (20.0, "SIGKILL sent", (812,)),
        (20.4, "none is left", ()),
    )
    life.after(10.4).end(CANCELLED)

    receipt = one(life)

    assert (receipt.asked, receipt.actor, receipt.door) == (Asked.CANCEL, "http anna", "http")
    assert (receipt.asked_at, receipt.over_at) == (BEGIN + 10, BEGIN + 20.4)
    assert (receipt.attempt, receipt.token, receipt.ended) == (1, 1, "stopped")
    assert receipt.killed == (812,)
    assert receipt_sentence(receipt) == (
        "asked to stop after 100 ms; SIGTERM sent (pid 811, 812, 813, 814 and 2 more) after 1.0 s; "
        "SIGKILL sent (pid 812) after 10.0 s; none is left after 10.4 s; cancelled after 10.4 s"
    )


def test_a_cancel_that_came_too_late_says_so() -> None:
    life = a_running_life()
    life.ask(Wish.CANCEL)
    life.after(0.2).end(SUCCEEDED)

    receipt = one(life)

    assert (receipt.outcome, receipt.ended) == (Outcome.FINISHED_FIRST, "succeeded")
    assert receipt_sentence(receipt) == "the job succeeded first, after 200 ms"


def test_a_cancel_that_is_not_true_yet_says_so() -> None:
    life = a_running_life()
    life.ask(Wish.CANCEL)

    assert one(life).outcome is Outcome.PENDING
    assert receipt_sentence(one(life)) == "not yet so"


def test_a_cancel_of_what_has_not_begun_is_true_at_once() -> None:
    life = Life().after(1)
    life.ask(Wish.CANCEL)

    assert (one(life).token, one(life).outcome) == (0, Outcome.DONE)
    assert receipt_sentence(one(life)) == "cancelled at once"


def test_a_cancel_goes_on_when_a_shutdown_comes_between() -> None:
    life = a_running_life(kind="polling", handle=b"{}")
    life.ask(Wish.CANCEL)
    life.after(1).end(INTERRUPTED)
    life.after(1).claim(worker=4)
    life.after(1).end(CANCELLED)

    assert in_short(life) == [("cancel", "done", 3.0), ("interrupt", "done", 0.0)]


# --- pause and resume


def test_a_pause_and_a_resume_have_a_receipt_each_with_their_own_deeds() -> None:
    life = a_running_life()
    life.ask(Wish.PAUSE, "the lab is closed")
    life.after(0.5).stands_still(Mode.FROZEN)
    life.after(60).ask(Wish.RESUME)
    life.note((10.4, "SIGSTOP sent", (5, 6)), (71.0, "SIGCONT sent", (5, 6)))
    life.after(0.6).resume()

    pause, resume = told(life)

    assert (pause.reason, resume.reason) == ("the lab is closed", None)
    assert receipt_sentence(pause) == "SIGSTOP sent (pid 5, 6) after 400 ms; paused after 500 ms"
    assert (
        receipt_sentence(resume) == "SIGCONT sent (pid 5, 6) after 500 ms; it goes on after 600 ms"
    )
    assert pause.killed == ()


def test_a_pause_that_is_not_true_yet_has_its_reason_too() -> None:
    life = a_running_life()
    life.ask(Wish.PAUSE, "look at it first")

    assert (one(life).outcome, one(life).reason) == (Outcome.PENDING, "look at it first")


def test_a_pause_that_was_taken_back_says_so_and_the_resume_was_true_at_once() -> None:
    life = a_running_life()
    life.ask(Wish.PAUSE)
    life.after(2).ask(Wish.RESUME)

    assert in_short(life) == [("pause", "withdrawn", 2.0), ("resume", "done", 0.0)]
    assert [receipt_sentence(each) for each in told(life)] == [
        "withdrawn after 2.0 s",
        "it goes on at once",
    ]


def test_a_resume_that_was_taken_back_says_so() -> None:
    life = a_running_life()
    life.ask(Wish.PAUSE)
    life.stands_still()
    life.after(5).ask(Wish.RESUME)
    life.after(1).ask(Wish.PAUSE)

    assert in_short(life)[1:] == [("resume", "withdrawn", 1.0), ("pause", "done", 0.0)]


def test_a_pause_that_was_refused_says_why() -> None:
    life = a_running_life()
    life.ask(Wish.PAUSE)
    life.after(0.1).refuse("1000 jobs are frozen already")

    assert receipt_sentence(one(life)) == (
        "refused after 100 ms: not paused: 1000 jobs are frozen already"
    )


def test_a_pause_that_came_too_late_says_so() -> None:
    life = a_running_life()
    life.ask(Wish.PAUSE)
    life.after(1).end(SUCCEEDED)

    assert in_short(life) == [("pause", "finished-first", 1.0)]


def test_a_cancel_goes_before_a_pause() -> None:
    life = a_running_life()
    life.ask(Wish.PAUSE)
    life.after(1).ask(Wish.CANCEL)
    life.after(1).end(CANCELLED)

    assert in_short(life) == [("pause", "overruled", 1.0), ("cancel", "done", 1.0)]
    assert receipt_sentence(told(life)[0]) == "a cancel went before it after 1.0 s"


def test_what_waits_in_the_queue_is_held_and_let_go_at_once() -> None:
    life = Life().after(1)
    life.ask(Wish.PAUSE, "not today")
    life.after(1).ask(Wish.RESUME)

    assert [receipt_sentence(each) for each in told(life)] == [
        "held at once",
        "back in the queue at once",
    ]
    assert told(life)[0].reason == "not today"


def test_a_worker_that_dies_while_its_job_is_frozen_is_no_pause_of_anybody() -> None:
    life = a_running_life()
    life.ask(Wish.PAUSE)
    life.stands_still()
    life.after(5).end(Crashed(), CARE)

    assert life.events[-1].kind == "held"
    assert in_short(life) == [("pause", "done", 0.0)]


def test_a_pause_comes_true_by_the_end_of_the_worker_too() -> None:
    life = a_running_life()
    life.ask(Wish.PAUSE)
    life.after(3).end(Crashed(), CARE)

    assert receipt_sentence(one(life)) == "held after 3.0 s"


# --- limits and shutdowns


def test_a_timeout_has_a_receipt_from_the_first_thing_that_was_done() -> None:
    life = a_running_life(options=JobOptions(timeout=10.0))
    life.note((10.0, "asked to stop", ()), (11.0, "SIGTERM sent", (5,)))
    life.after(2).end(TIMED_OUT)

    receipt = one(life)

    assert (receipt.asked, receipt.actor, receipt.seconds) == (Asked.TIMEOUT, "offload", 2.0)
    assert receipt_sentence(receipt) == (
        "asked to stop after 0 ms; SIGTERM sent (pid 5) after 1.0 s; "
        "its code stood still after 2.0 s"
    )


def test_each_attempt_that_timed_out_has_one() -> None:
    life = a_running_life(options=JobOptions(timeout=1.5, retries=1))
    life.end(TIMED_OUT)
    life.after(60).claim()
    life.end(TIMED_OUT)

    assert [(each.asked, each.token) for each in told(life)] == [
        (Asked.TIMEOUT, 1),
        (Asked.TIMEOUT, 2),
    ]


def test_an_attempt_that_timed_out_while_it_was_to_be_paused_has_both() -> None:
    life = a_running_life(options=JobOptions(timeout=1.5, retries=1))
    life.ask(Wish.PAUSE)
    life.after(1).end(TIMED_OUT)

    assert life.events[-1].kind == "held"
    assert {each.asked for each in told(life)} == {Asked.PAUSE, Asked.TIMEOUT}


def test_deadline_and_memory_have_receipts() -> None:
    by_deadline, by_memory = a_running_life(), a_running_life()

    by_deadline.end(Yielded(Cause.DEADLINE))
    by_memory.end(Failed(Error(code="out-of-memory", message="more than 512 MB"), again=False))

    assert one(by_deadline).asked is Asked.DEADLINE
    assert one(by_memory).asked is Asked.MEMORY


def test_a_shutdown_has_a_receipt_while_paused_too() -> None:
    running, frozen = a_running_life(), a_running_life()
    frozen.ask(Wish.PAUSE)
    frozen.stands_still()

    for life in (running, frozen):
        life.after(4).end(INTERRUPTED)

    assert one(running).asked is Asked.INTERRUPT
    assert [each.asked for each in told(frozen)] == [Asked.PAUSE, Asked.INTERRUPT]
    assert receipt_sentence(one(running)) == "back in the queue at once"


def test_an_attempt_that_ended_by_itself_has_none() -> None:
    life = a_running_life()
    life.note((9.0, "warmed up", ()))
    life.end(Failed(Error(code="exception", message="it ran longer than it should")))

    assert told(life) == ()


def test_a_limit_is_told_after_a_retry_by_hand_too_where_the_event_names_it() -> None:
    life = a_running_life(options=JobOptions(timeout=1.5))
    life.end(TIMED_OUT)
    told_by_event = replace(life.events[-1], reason="timeout: it ran longer than 1.5 s")
    life.events[-1] = told_by_event
    life.after(60).retry()

    assert one(life).asked is Asked.TIMEOUT


# --- which deed belongs to what


def test_a_deed_belongs_to_what_was_asked_last_before_it() -> None:
    life = a_running_life()
    life.ask(Wish.PAUSE)
    life.after(1).ask(Wish.CANCEL)
    life.note((10.5, "SIGSTOP sent", (5,)), (11.01, "SIGTERM sent", (5,)))
    life.after(1).end(CANCELLED)

    assert [[deed.what for deed in each.deeds] for each in told(life)] == [
        ["SIGSTOP sent"],
        ["SIGTERM sent"],
    ]


def test_a_deed_that_a_clock_tells_a_moment_early_still_belongs() -> None:
    life = a_running_life()
    life.ask(Wish.CANCEL)
    life.note((9.95, "SIGTERM sent", (5,)))
    life.after(1).end(CANCELLED)

    assert receipt_sentence(one(life)).startswith("SIGTERM sent (pid 5) after 0 ms; ")


def test_what_was_asked_in_an_earlier_life_is_over_with_it() -> None:
    life = a_running_life()
    life.ask(Wish.CANCEL)
    life.after(1).end(CANCELLED)
    life.after(60).retry()
    life.claim()
    life.ask(Wish.CANCEL, by=ANNA)

    assert in_short(life) == [("cancel", "done", 1.0), ("cancel", "pending", None)]
