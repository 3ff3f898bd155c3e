"""The judge finds what it is there to find, and nothing else."""

import pytest

from tests.witness.judge import Account, Ended, Still, judge, read
from tests.witness.torture import OURS, tracebacks

GOOD = """\
begin 1 1 100 7 1000
end 1 1 100 7 2000 done
"""
SUCCEEDED = Ended("awaiting", "succeeded", None, "", 42, 1, 0)


def found(
    witness: str,
    ended: Ended | None = SUCCEEDED,
    cancelled: frozenset[int] = frozenset(),
    still: tuple[Still, ...] = (),
) -> list[str]:
    """The violations, each by its id."""
    account = Account({1: 42}, cancelled, still)
    told = judge(read(witness), account, {} if ended is None else {1: ended})
    return [violation.partition(":")[0] for violation in told]


def ending(state: str, code: str | None = None, task: str = "awaiting", crashes: int = 0) -> Ended:
    return Ended(task, state, code, "", None, 1, crashes)


def test_what_went_well_is_no_violation() -> None:
    assert found(GOOD) == []


def test_a_body_that_was_killed_and_one_that_came_to_its_end_are_none() -> None:
    assert found("begin 1 1 99 5 100\n" + GOOD) == []


@pytest.mark.parametrize(
    ("witness", "ended", "violation"),
    [
        (GOOD, None, "P1"),
        (GOOD, SUCCEEDED._replace(endings=2), "P3"),
        (GOOD, SUCCEEDED._replace(value=41), "S8"),
        ("begin 1 1 100 7 1000\n", SUCCEEDED, "P3"),
        ("", ending("queued"), "L7"),
        ("", ending("cancelled"), "P4"),
        (GOOD, ending("failed", "exception"), "P3"),
        ("", ending("failed", "crash-loop", crashes=2), "S19"),
        (GOOD, ending("failed", "killed"), "P3"),
        ("", ending("failed", "out-of-memory"), "P3"),
    ],
)
def test_an_outcome_that_the_bodies_do_not_bear_out(
    witness: str, ended: Ended | None, violation: str
) -> None:
    assert found(witness, ended) == [violation]


def test_a_body_that_found_another_one_beside_it() -> None:
    assert found("begin 1 1 99 5 100\n" + GOOD + "beside 1 1 100 7 1000 99/5\n") == ["P2"]


def test_a_body_that_goes_on_after_the_next_one_has_begun() -> None:
    late = "begin 1 1 99 5 100\n" + GOOD + "end 1 1 99 5 1500 stopped\n"

    assert found(late) == ["P2"]


def test_what_was_not_to_be_repeated_and_was() -> None:
    twice = "begin 1 1 99 5 100\nbegin 1 1 100 7 1000\n"

    assert found(twice, ending("failed", "lost", "once")) == ["P3"]


@pytest.mark.parametrize(
    ("how", "attempt", "violations"),
    [("raised", 2, []), ("raised", 1, []), ("stopped", 2, ["S3"]), ("raised", 3, ["S3"])],
)
def test_an_attempt_follows_the_one_before(how: str, attempt: int, violations: list[str]) -> None:
    before = f"begin 1 1 99 5 100\nend 1 1 99 5 200 {how}\n"
    after = f"begin 1 {attempt} 99 5 300\nend 1 {attempt} 99 5 400 done\n"

    assert found(before + after) == violations


def test_a_first_attempt_is_the_first() -> None:
    assert found(GOOD.replace("1 1 100", "1 2 100")) == ["S3"]


KEPT = """\
begin 1 1 99 5 100
found 1 1 99 5 110 0
step 1 1 99 5 120 0
item 1 1 99 5 130 1
kept 1 1 99 5 140 1
item 1 1 99 5 150 2
"""


def test_an_item_that_was_not_kept_is_done_again() -> None:
    again = "found 1 1 100 7 1010 1\nitem 1 1 100 7 1020 2\nend 1 1 100 7 2000 done\n"

    assert found(KEPT + "begin 1 1 100 7 1000\n" + again) == []


@pytest.mark.parametrize(
    "line", ["found 1 1 100 7 1010 0", "item 1 1 100 7 1010 1", "step 1 1 100 7 1010 0"]
)
def test_what_was_kept_is_found_and_not_done_again(line: str) -> None:
    again = f"begin 1 1 100 7 1000\n{line}\nend 1 1 100 7 2000 done\n"

    assert found(KEPT + again) == ["P6"]


@pytest.mark.parametrize(
    ("since", "until", "violations"), [(121, 129, []), (125, 145, ["P5", "P5"]), (141, 149, [])]
)
def test_what_is_shown_as_paused_writes_nothing(
    since: int, until: int, violations: list[str]
) -> None:
    still = (Still(1, since, until),)

    assert found(KEPT + "end 1 1 99 5 2000 done\n", still=still) == violations


FIRST = "Traceback (most recent call last):"
PYTHONS_OWN = '  File "<frozen runpy>", line 15, in <module>'
OUR_FRAME = f'  File "{OURS}/__main__.py", line 3, in <module>'


@pytest.mark.parametrize(
    ("log", "many"),
    [
        (["all is well"], 0),
        ([FIRST, PYTHONS_OWN, "KeyboardInterrupt", "all is well"], 0),
        ([FIRST, PYTHONS_OWN, OUR_FRAME, "KeyboardInterrupt"], 1),
        ([FIRST, PYTHONS_OWN, "ImportError: no"], 1),
        ([FIRST, OUR_FRAME, "KeyError: 4", FIRST, OUR_FRAME, "KeyError: 5"], 2),
    ],
)
def test_a_traceback_is_found_but_for_a_ctrl_c_before_any_code_of_ours(
    log: list[str], many: int
) -> None:
    assert len(list(tracebacks(log))) == many
