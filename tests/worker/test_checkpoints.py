"""Checkpoints and loops: what the next attempt finds, wherever the one before was cut off."""

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from offload import Context, NotSerializable, current
from offload.errors import Stopped
from tests.worker.keepers import Shelf

STATES: tuple[Any, ...] = (0, "", None, [], {"a": [1.5, None]}, -(1 << 9000), "ö\u2028")


class Cut(Exception):
    """The attempt ends here, as in a crash."""


def go(items: Iterable[int], seen: list[int], *, cut: int) -> None:
    """Go through the items to the one at which the attempt is cut off."""
    for item in items:
        if item == cut:
            raise Cut
        seen.append(item)


@pytest.mark.promise("P6")
def test_the_next_attempt_finds_the_last_state() -> None:
    shelf = Shelf()
    shelf.attempt().context.checkpoint({"at": 1})
    second = shelf.attempt().context

    assert second.saved == {"at": 1}
    second.checkpoint({"at": 2})
    assert second.saved == {"at": 1}
    assert shelf.attempt().context.saved == {"at": 2}


def test_nothing_is_saved_before_the_first_checkpoint() -> None:
    assert Shelf().attempt().context.saved is None


@pytest.mark.parametrize("state", STATES, ids=lambda state: type(state).__name__)
def test_a_state_comes_back_as_it_was(state: Any) -> None:
    shelf = Shelf()

    shelf.attempt().context.checkpoint(state)

    assert shelf.attempt().context.saved == state


def test_a_state_may_be_changed_after_it_was_given() -> None:
    shelf, state = Shelf(), {"done": [1]}

    shelf.attempt().context.checkpoint(state)
    state["done"].append(2)

    assert shelf.attempt().context.saved == {"done": [1]}


def test_what_is_done_to_a_saved_value_does_not_change_the_next_one() -> None:
    shelf = Shelf()
    shelf.attempt().context.checkpoint({"done": []})
    context = shelf.attempt().context

    context.saved["done"].append(1)

    assert context.saved == {"done": []}


def test_a_state_that_json_cannot_carry_is_refused_with_its_place() -> None:
    shelf = Shelf()

    with pytest.raises(NotSerializable, match=r"\$\.loss\[1\]"):
        shelf.attempt().context.checkpoint({"loss": [0.1, float("nan")]})

    assert shelf.kept == []


def test_a_state_that_is_too_large_is_refused_with_its_size() -> None:
    context = Shelf().attempt().context

    context.checkpoint("x" * ((64 << 10) - 2))
    with pytest.raises(ValueError, match=r"65,536 bytes as JSON; this one has 65,537"):
        context.checkpoint("x" * ((64 << 10) - 1))


def test_a_state_that_takes_time_to_make_is_asked_for_once_a_second_and_at_the_stop() -> None:
    shelf, asked = Shelf(), itertools.count(1)
    attempt = shelf.attempt()

    for _ in range(100):
        attempt.context.checkpoint(lambda: next(asked))
    assert shelf.last == {"state": 1}
    attempt.stop.set()
    with pytest.raises(Stopped):
        attempt.context.checkpoint(lambda: next(asked))

    assert shelf.last == {"state": 2}


def test_what_was_waited_for_is_stored_when_the_call_returns() -> None:
    shelf = Shelf()

    shelf.attempt().context.checkpoint(7, wait=True)

    assert shelf.stored == [b'{"state":7}']


def test_waiting_is_refused_on_an_event_loop_with_the_way_out() -> None:
    context = Shelf().attempt().context

    async def scenario() -> None:
        with pytest.raises(RuntimeError, match=r"await context\.acheckpoint\(…, wait=True\)"):
            context.checkpoint(7, wait=True)
        await context.acheckpoint(8, wait=True)

    asyncio.run(scenario())


def test_an_async_checkpoint_gives_others_a_turn() -> None:
    context, heard = Shelf().attempt(halts=False).context, list[str]()

    async def scenario() -> None:
        async def other() -> None:
            heard.append("other")

        task = asyncio.create_task(other())
        await context.acheckpoint(1)
        heard.append("back")
        await task

    asyncio.run(scenario())

    assert heard == ["other", "back"]


# --- stopping


@pytest.mark.promise("P6")
def test_code_that_is_to_stop_is_unwound_after_its_state_was_kept() -> None:
    shelf = Shelf()
    attempt = shelf.attempt()
    attempt.stop.set()

    with pytest.raises(Stopped):
        attempt.context.checkpoint(5)

    assert shelf.last == {"state": 5}
    assert attempt.context.saw_stop


def test_a_checkpoint_of_async_code_stops_nobody() -> None:
    attempt = Shelf().attempt(halts=False)
    attempt.stop.set()

    attempt.context.checkpoint(5)

    assert not attempt.context.saw_stop


def test_a_job_that_belongs_to_somebody_else_stops_where_it_waits_to_be_stored() -> None:
    shelf = Shelf()
    shelf.is_ours = False

    with pytest.raises(Stopped):
        shelf.attempt().context.checkpoint(1, wait=True)
    with pytest.raises(Stopped):
        asyncio.run(shelf.attempt(halts=False).context.acheckpoint(1, wait=True))


# --- loops


@pytest.mark.parametrize("make", [list, iter, lambda items: range(len(items)), tuple])
def test_a_loop_goes_on_behind_the_last_item_that_was_done(make: Callable[[Any], Any]) -> None:
    shelf, seen = Shelf(), list[int]()

    with pytest.raises(Cut):
        go(shelf.attempt().context.iterate(make(range(6))), seen, cut=3)
    seen += shelf.attempt().context.iterate(make(range(6)))
    seen += shelf.attempt().context.iterate(make(range(6)))

    assert seen == [0, 1, 2, 3, 4, 5]


def test_items_of_a_sequence_that_are_done_are_not_even_read() -> None:
    read: list[int] = []

    class Slow(list[int]):
        def __getitem__(self, at: Any) -> Any:
            read.append(at)
            return super().__getitem__(at)

        def __iter__(self) -> Iterator[int]:
            raise AssertionError

    shelf = Shelf()
    with pytest.raises(Cut):
        go(shelf.attempt().context.iterate([10, 11, 12]), [], cut=11)

    assert list(shelf.attempt().context.iterate(Slow([10, 11, 12]))) == [11, 12]
    assert read == [1, 2]


@pytest.mark.promise("P6", "S18")
@pytest.mark.parametrize("cut", range(7))
@pytest.mark.parametrize("early", [True, False])
def test_a_sum_is_right_wherever_the_loop_is_cut_off(cut: int, early: bool) -> None:
    shelf = Shelf()

    def run(context: Context, cut: int | None) -> int:
        total: int = context.saved or 0
        for item in context.iterate(range(6)):
            if early and item == cut:
                raise Cut
            total += item
            context.checkpoint(total)
            if item == cut:
                raise Cut
        return total

    if cut < 6:
        with pytest.raises(Cut):
            run(shelf.attempt().context, cut)

    assert run(shelf.attempt().context, None) == 15


@pytest.mark.promise("P6")
@pytest.mark.parametrize("stop_at", range(6))
def test_a_stopped_loop_ends_its_item_first_and_does_none_twice(stop_at: int) -> None:
    shelf, done = Shelf(), list[int]()
    first = shelf.attempt()

    def run(context: Context, then: Callable[[int], object]) -> int:
        total: int = context.saved or 0
        for item in context.iterate(range(6)):
            then(item)
            total += item
            done.append(item)
            context.checkpoint(total)
        return total

    with pytest.raises(Stopped):
        run(first.context, lambda item: first.stop.set() if item == stop_at else None)
    assert run(shelf.attempt().context, lambda item: None) == 15

    assert done == [0, 1, 2, 3, 4, 5]


def test_code_that_stays_in_its_item_is_stopped_there_and_the_item_is_done_again() -> None:
    shelf = Shelf()
    first = shelf.attempt()

    def run() -> None:
        for _ in first.context.iterate(["short", "long"]):
            for part in range(100):
                first.context.checkpoint(part)
            first.stop.set()

    first.context.checkpoint("before")
    with pytest.raises(Stopped):
        run()
    assert shelf.last == {"state": 99, "loops": {"items": {"done": 1}}}

    second = shelf.attempt()
    second.stop.set()
    for item in second.context.iterate(["short", "long"]):
        second.context.checkpoint("the end of the item")
        with pytest.raises(Stopped):
            second.context.checkpoint("not the end of the item")
        assert item == "long"
        break

    assert shelf.attempt().context.saved == 99
    assert list(shelf.attempt().context.iterate(["short", "long"])) == ["long"]


def test_a_checkpoint_without_a_state_stops_in_the_midst_of_an_item() -> None:
    attempt = Shelf().attempt()

    for _ in attempt.context.iterate(range(2)):
        attempt.stop.set()
        with pytest.raises(Stopped):
            attempt.context.checkpoint()
        break


def test_a_state_inside_an_item_cannot_be_waited_for() -> None:
    context = Shelf().attempt().context

    for _ in context.iterate(range(1)):
        with pytest.raises(ValueError, match="when the item is done"):
            context.checkpoint(1, wait=True)
        context.checkpoint(wait=True)


def test_loops_inside_each_other_go_on_where_they_were() -> None:
    shelf, seen = Shelf(), list[str]()

    def run(context: Context, cut: str) -> None:
        for book in context.iterate("ab", name="books"):
            for page in context.iterate(range(3), name="pages"):
                if f"{book}{page}" == cut:
                    raise Cut
                seen.append(f"{book}{page}")

    for cut in ("a1", "b0", "b2"):
        with pytest.raises(Cut):
            run(shelf.attempt().context, cut)
    run(shelf.attempt().context, "")

    assert seen == ["a0", "a1", "a2", "b0", "b1", "b2"]


def test_loops_behind_each_other_keep_their_places() -> None:
    shelf, seen = Shelf(), list[str]()

    def run(context: Context, cut: str) -> None:
        for name in ("first", "second"):
            for item in context.iterate(range(2), name=name):
                if f"{name} {item}" == cut:
                    raise Cut
                seen.append(f"{name} {item}")

    with pytest.raises(Cut):
        run(shelf.attempt().context, "second 1")
    run(shelf.attempt().context, "")

    assert seen == ["first 0", "first 1", "second 0", "second 1"]


def test_batches_are_done_whole() -> None:
    shelf, seen = Shelf(), list[int]()
    with pytest.raises(Cut):
        go(shelf.attempt().context.iterate(range(7), every=3), seen, cut=5)

    seen += shelf.attempt().context.iterate(range(7), every=3)

    assert seen == [0, 1, 2, 3, 4, 3, 4, 5, 6]
    assert list(shelf.attempt().context.iterate(range(7), every=3)) == []


def test_a_loop_that_was_left_is_over_once_something_is_kept_behind_it() -> None:
    shelf = Shelf()

    def run(context: Context) -> int:
        total: int = context.saved or 0
        for item in context.iterate(range(100)):
            total += item
            context.checkpoint(total)
            if total > 5:
                break
        context.checkpoint(total)
        return total

    assert run(shelf.attempt().context) == 6
    assert run(shelf.attempt().context) == 6


def test_a_loop_that_an_exception_left_goes_on_though_something_is_kept_on_the_way_out() -> None:
    shelf = Shelf()
    context = shelf.attempt().context

    def run() -> None:
        try:
            go(context.iterate(range(3)), [], cut=1)
        finally:
            context.checkpoint("on the way out")

    with pytest.raises(Cut):
        run()

    assert list(shelf.attempt().context.iterate(range(3))) == [1, 2]


def test_a_name_is_taken_once() -> None:
    context = Shelf().attempt().context
    list(context.iterate(range(2)))

    with pytest.raises(ValueError, match=r"loop of the name 'items' in this job already"):
        list(context.iterate(range(2)))


def test_a_name_is_taken_once_inside_an_item() -> None:
    context = Shelf().attempt().context

    for _ in context.iterate(range(2), name="books"):
        list(context.iterate(range(2), name="pages"))
        with pytest.raises(ValueError, match="inside an item of the loop 'books'"):
            list(context.iterate(range(2), name="pages"))


def test_loops_that_take_turns_are_refused() -> None:
    context = Shelf().attempt().context

    with pytest.raises(RuntimeError, match=r"iterate\(zip"):
        list(zip(context.iterate("ab", name="a"), context.iterate("cd", name="b"), strict=True))


def test_no_loop_stands_in_one_that_goes_by_batches() -> None:
    context = Shelf().attempt().context

    for _ in context.iterate(range(2), every=2):
        with pytest.raises(ValueError, match="goes by 2 items"):
            list(context.iterate(range(2), name="inner"))


def test_fewer_items_than_were_done_are_refused() -> None:
    shelf = Shelf()
    list(shelf.attempt().context.iterate(range(3)))

    with pytest.raises(ValueError, match="went through 3 items of the loop 'items', and now"):
        list(shelf.attempt().context.iterate(range(2)))


@pytest.mark.parametrize(("name", "every"), [("", 1), ("x" * 201, 1), ("items", 0)])
def test_a_loop_that_cannot_be_is_refused_where_it_is_made(name: str, every: int) -> None:
    with pytest.raises(ValueError, match=r"name of a loop|every="):
        Shelf().attempt().context.iterate((), name=name, every=every)


def test_the_outermost_loop_tells_the_progress_that_of_earlier_attempts_included() -> None:
    shelf = Shelf()
    with pytest.raises(Cut):
        go(shelf.attempt().context.iterate(range(4)), [], cut=2)
    attempt = shelf.attempt()

    for _ in attempt.context.iterate(range(4)):
        list(attempt.context.iterate(iter("ab"), name="inner"))

    assert attempt.told == [(2, 4), (3, 4), (4, 4)]


# --- outside a job


def test_outside_a_job_nothing_is_kept_and_all_can_be_called() -> None:
    context = current()

    context.checkpoint(object())
    asyncio.run(context.acheckpoint(object(), wait=True))

    assert context.saved is None
    assert [list(context.iterate(range(2))) for _ in range(2)] == [[0, 1], [0, 1]]
