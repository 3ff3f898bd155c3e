"""What every store promises about lists that are narrowed, and about removing one job."""

import pytest

from offload.model import Failed, State, Succeeded
from offload.store.base import Gone, List, Remove
from tests.store.asking import SOME_ERROR, Asker, a_new_job


def page(ask: Asker, query: List) -> list[int]:
    return ask.ids(ask.read(query))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (List(tag="red"), [5, 2]),
        (List(tag="blue"), [2]),
        (List(tag="re"), []),
        (List(tag="red", before=5), [2]),
        (List(since=1060), [5, 4, 3]),
        (List(since=1060.001), []),
        (List(group=1), [4, 3]),
        (List(group=1, limit=1), [4]),
        (List(group=1, before=4), [3]),
        (List(group=1, task="fetch"), [4]),
        (List(group=1, states=(State.RUNNING,)), []),
        (List(group=1, tag="red"), []),
        (List(group=2), []),
    ],
)
def test_a_list_is_narrowed_by_tag_group_and_time(
    ask: Asker, query: List, expected: list[int]
) -> None:
    ask.start()
    ask.start(tags=("blue", "red"))
    ask.now += 60
    grouped = ask.an_insert(a_new_job(), a_new_job(task="fetch"))
    ask.do(type(grouped)(grouped.jobs, ask.now, grouped.by, grouped.token, grouped=True))
    ask.start(tags=("red",))

    assert page(ask, query) == expected


def test_a_finished_job_is_removed_with_all_that_is_known_of_it(ask: Asker) -> None:
    ask.start(2, params=b"7" * 3000)
    ask.conclude(ask.claim_one(), Failed(SOME_ERROR))
    ask.conclude(ask.claim_one(), Succeeded(b"8" * 3000))

    answers = [ask.do(Remove(2)), ask.do(Remove(2))]

    assert answers == [None, Gone()]
    assert ask.ids() == [1]
    assert ask.history(2) == []
    assert ask.counts() == {("default", State.FAILED): 1}


def test_a_job_that_has_not_ended_is_not_removed(ask: Asker) -> None:
    ask.start()

    assert ask.do(Remove(1)) == ask.get(1, bodies=False).jobs[1]
    assert ask.ids() == [1]
    assert ask.do(Remove(7)) == Gone()
