"""Text from a query string or a command line is read by the type that is wanted."""

import dataclasses
import datetime
import decimal
import enum
import inspect
import pathlib
import uuid
from typing import Annotated, Any, Literal, Optional

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.errors import InvalidParameters
from offload.signature import Signature

SEVEN = "\N{ARABIC-INDIC DIGIT SEVEN}"
NOON = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)
A_MOMENT = "expected a date and time like 2026-01-31T12:00:00Z"
EMPTY = inspect.Parameter.empty


class Colour(enum.Enum):
    RED = "red"
    NONE = "null"


class Mixed(enum.Enum):
    WORD = "word"
    NUMBER = 2
    DIGIT = "2"


class Access(enum.IntFlag):
    READ = 1
    WRITE = 2


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Array:
    """Nobody can tell how it is read."""


def signature(annotation: Any) -> Signature:
    def task(x: Any = None) -> None: ...

    if annotation is EMPTY:
        del task.__annotations__["x"]
    else:
        task.__annotations__["x"] = annotation
    return Signature.of(task, task="task")


def read(annotation: Any, *texts: str) -> Any:
    """What the function gets when these texts are given under one name."""
    made = signature(annotation)
    params_json = made.check_text([("x", text) for text in texts])
    return made.call_arguments(params_json)[1]["x"]


def refused(annotation: Any, *texts: str) -> tuple[str, str]:
    with pytest.raises(InvalidParameters) as invalid:
        signature(annotation).check_text([("x", text) for text in texts])
    [fault] = invalid.value.faults
    return fault.parameter, fault.problem


READ = [
    (str, ["20"], "20"),
    (str, [""], ""),
    (str, ["null"], "null"),
    (str, ["Zoë 😀"], "Zoë 😀"),
    (Optional[str], ["null"], "null"),  # noqa: UP045
    (int, ["20"], 20),
    (int, ["-0"], 0),
    (int, ["007"], 7),
    (int, ["9" * 5000], 10**5000 - 1),
    (int | None, ["null"], None),
    (int | None, ["5"], 5),
    (int | str, ["5"], 5),
    (str | int, ["5"], 5),
    (int | str, ["5.5"], "5.5"),
    (int | float, ["5"], 5),
    (int | float, ["5.5"], 5.5),
    (float, ["5"], 5.0),
    (float, ["5."], 5.0),
    (float, [".5"], 0.5),
    (float, ["-1.5e3"], -1500.0),
    (bool, ["true"], True),
    (bool, ["TRUE"], True),
    (bool, ["1"], True),
    (bool, ["on"], True),
    (bool, ["False"], False),
    (bool, ["0"], False),
    (bool, ["off"], False),
    (None, ["null"], None),
    (Literal["a", 1, True, None], ["a"], "a"),
    (Literal["a", 1, True, None], ["1"], 1),
    (Literal["a", 1, True, None], ["true"], True),
    (Literal["a", 1, True, None], ["null"], None),
    (Literal["1", 1], ["1"], "1"),
    (Literal["auto"] | int, ["auto"], "auto"),
    (Literal["auto"] | int, ["3"], 3),
    (Colour, ["red"], Colour.RED),
    (Colour, ["null"], Colour.NONE),
    (Mixed, ["word"], Mixed.WORD),
    (Mixed, ["2"], Mixed.DIGIT),
    (Access, ["3"], Access.READ | Access.WRITE),
    (datetime.datetime, ["2026-01-31T12:00:00Z"], NOON),
    (datetime.datetime, ["1769860800"], NOON),
    (datetime.datetime | None, ["null"], None),
    (datetime.date, ["2026-01-31"], datetime.date(2026, 1, 31)),
    (datetime.time, ["12:30:00"], datetime.time(12, 30)),
    (datetime.timedelta, ["PT5S"], datetime.timedelta(seconds=5)),
    (datetime.timedelta, ["90.5"], datetime.timedelta(seconds=90.5)),
    (uuid.UUID, ["00000000-0000-0000-0000-000000000007"], uuid.UUID(int=7)),
    (decimal.Decimal, ["1.10"], decimal.Decimal("1.10")),
    (bytes, ["AP8="], b"\x00\xff"),
    (pathlib.Path, ["20"], pathlib.Path("20")),
    (pathlib.Path | int, ["20"], pathlib.Path("20")),
    (int | pathlib.Path, ["20"], 20),
    (list[int], ["1"], [1]),
    (list[int], ["1", "2"], [1, 2]),
    (list[int], ["[1, 2]"], [1, 2]),
    (list[int], ["[]"], []),
    (list[list[int]], ["[1]", "[2, 3]"], [[1], [2, 3]]),
    (list[str], ["[a]"], ["[a]"]),
    (list[str], ["[1]", "2"], ["[1]", "2"]),
    (list[int] | None, ["1", "2"], [1, 2]),
    (list[int] | None, ["null"], None),
    (tuple[int, str], ["1", "2"], (1, "2")),
    (tuple[int, ...], ["1", "2"], (1, 2)),
    (set[int], ["1", "2", "1"], {1, 2}),
    (list[Any], ["1", "a"], [1, "a"]),
    (dict[str, int], ['{"a": 1}'], {"a": 1}),
    (dict[int, int], ['{"1": 1}'], {1: 1}),
    (Point, ['{"x": 1}'], Point(1)),
    (list[Point], ['{"x": 1}', '{"x": 2}'], [Point(1), Point(2)]),
    (Array, ["[1, {}]"], [1, {}]),
    (Array, ["a"], "a"),
    (EMPTY, ["20"], 20),
    (EMPTY, ["-0.5"], -0.5),
    (EMPTY, ["1e3"], 1000.0),
    (EMPTY, ["1e999"], "1e999"),
    (EMPTY, ["007"], "007"),
    (EMPTY, ["+5"], "+5"),
    (EMPTY, ["5."], "5."),
    (EMPTY, [" 5"], " 5"),
    (EMPTY, [SEVEN], SEVEN),
    (EMPTY, ["NaN"], "NaN"),
    (EMPTY, ["true"], True),
    (EMPTY, ["True"], "True"),
    (EMPTY, ["false"], False),
    (EMPTY, ["null"], None),
    (EMPTY, [""], ""),
    (EMPTY, ['"007"'], "007"),
    (EMPTY, ['"a'], '"a'),
    (EMPTY, ["[1]"], "[1]"),
    (EMPTY, ["{}"], "{}"),
    (EMPTY, ["9" * 5000], 10**5000 - 1),
    (Any, ["5"], 5),
]  # fmt: skip


@pytest.mark.parametrize(
    ("annotation", "texts", "value"), READ, ids=[f"{row[0]}-{row[1][0][:20]}" for row in READ]
)
def test_text_is_read_by_the_annotation(annotation: Any, texts: list[str], value: Any) -> None:
    found = read(annotation, *texts)

    assert found == value
    assert type(found) is type(value)


REFUSED = [
    (int, ["1_0"], "x", "expected an integer, got '1_0'"),
    (int, [" 7"], "x", "expected an integer, got ' 7'"),
    (int, ["7\n"], "x", r"expected an integer, got '7\n'"),
    (int, [SEVEN], "x", f"expected an integer, got '{SEVEN}'"),
    (int, ["+5"], "x", "expected an integer, got '+5'"),
    (int, ["5.0"], "x", "expected an integer, got '5.0'"),
    (int, ["1e3"], "x", "expected an integer, got '1e3'"),
    (int, [""], "x", "expected an integer, got ''"),
    (int, ["null"], "x", "expected an integer, got 'null'"),
    (int | None, ["x"], "x", "expected an integer or null, got 'x'"),
    (float, ["nan"], "x", "expected a number, got 'nan'"),
    (float, ["inf"], "x", "expected a number, got 'inf'"),
    (float, ["1_0.0"], "x", "expected a number, got '1_0.0'"),
    (float, ["."], "x", "expected a number, got '.'"),
    (float, ["1e999"], "x", "number out of range: '1e999'"),
    (bool, ["yes"], "x", "expected true or false, got 'yes'"),
    (bool, [""], "x", "expected true or false, got ''"),
    (Literal["a", 1], ["b"], "x", "expected one of 1, 'a', got 'b'"),
    (Colour, ["RED"], "x", "expected one of 'red', 'null', got 'RED'"),
    (datetime.datetime, ["noon"], "x", f"{A_MOMENT}, got 'noon'"),
    (datetime.datetime, ["nan"], "x", f"{A_MOMENT}, got 'nan'"),
    (decimal.Decimal, ["1_0"], "x", "expected a decimal number, got '1_0'"),
    (decimal.Decimal, ["NaN"], "x", "expected a decimal number, got 'NaN'"),
    (uuid.UUID, ["7"], "x", "expected a UUID, got '7'"),
    (list[int], ["1", "b"], "x[1]", "expected an integer, got 'b'"),
    (list[int], ['[1, "b"]'], "x[1]", "expected an integer, got 'b'"),
    (list[int], [""], "x[0]", "expected an integer, got ''"),
    (list[int] | None, ["1", "b"], "x[1]", "expected an integer, got 'b'"),
    (int | None, ["1", "2"], "x", "given twice: 2 values where one is wanted"),
    (tuple[()], ["1"], "x", "expected a list of length 0, got 1"),
    (tuple[int], ["1", "b"], "x", "expected a list of length 1, got 2"),
    (tuple[int, int], ["1"], "x", "expected a list of length 2, got 1"),
    (dict[str, int], ["a"], "x", "expected an object in JSON, got 'a'"),
    (dict[str, int], ['{"a":1,"a":2}'], "x", """expected an object in JSON, got '{"a":1,"a":2}'"""),
    (Point, ['{"x": "1"}'], "x.x", "expected an integer, got '1'"),
    (Annotated[int, msgspec.Meta(ge=1)], ["0"], "x", "expected an integer >= 1, got 0"),
    (int, ["1", "2"], "x", "given twice: 2 values where one is wanted"),
    (EMPTY, ["1", "2"], "x", "given twice: 2 values where one is wanted"),
    (str, ["\ud800"], "x", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("annotation", "texts", "place", "problem"),
    REFUSED,
    ids=[f"{row[0]}-{row[1][0]!a}" for row in REFUSED],
)
def test_text_that_is_no_such_value_is_refused(
    annotation: Any, texts: list[str], place: str, problem: str | None
) -> None:
    found = refused(annotation, *texts)

    assert found[0] == place
    assert problem is None or found[1] == problem


def test_all_faults_of_a_query_are_told_at_once_in_the_order_of_the_signature() -> None:
    def power_sim(a: int, b: int, delay_seconds: float = 5, *, c: int) -> None: ...

    query = [("zz", "1"), ("delay_seconds", "slow"), ("b", "3"), ("a", "x"), ("b", "4")]

    with pytest.raises(InvalidParameters) as invalid:
        Signature.of(power_sim, task="power_sim").check_text(query)

    assert [(fault.parameter, fault.problem) for fault in invalid.value.faults] == [
        ("a", "expected an integer, got 'x'"),
        ("b", "given twice: 2 values where one is wanted"),
        ("delay_seconds", "expected a number, got 'slow'"),
        ("c", "missing"),
        ("zz", "unexpected"),
    ]


def test_a_query_is_stored_as_the_same_call_from_python_is() -> None:
    def power_sim(a: int, b: int, delay_seconds: float = 5) -> None: ...

    made = Signature.of(power_sim, task="power_sim")

    by_text = made.check_text([("a", "2"), ("b", "20"), ("delay_seconds", "0")])

    assert by_text == made.check(made.bind((2, 20, 0), {}))


def test_names_given_twice_that_are_no_lists_are_told_to_the_door() -> None:
    def task(a: int, b: list[int], *c: int, d: list[str] | None = None, **e: int) -> None: ...

    made = Signature.of(task, task="task")
    query = [(name, "1") for name in "abcdef" for _ in range(2)]

    assert made.repeated(query) == ["a", "e", "f"]
    assert made.repeated([("a", "1"), ("b", "1")]) == []


def test_an_unknown_name_given_twice_is_told_to_the_door() -> None:
    assert signature(int).repeated([("q", "1"), ("q", "2")]) == ["q"]


def test_star_args_and_extra_names_are_read_by_their_annotations() -> None:
    def task(*urls: str, **options: int) -> None: ...

    made = Signature.of(task, task="task")

    params_json = made.check_text([("urls", "1"), ("urls", "2"), ("depth", "3")])

    assert params_json == b'{"urls":["1","2"],"depth":3}'


TYPES = st.sampled_from([row[0] for row in READ])
TEXTS = (
    st.text()
    | st.text(alphabet='0123456789.eE+-_[]{}":, truefalsnikINF', max_size=20)
    | st.sampled_from([text for row in READ for text in row[1]])
    | st.text(alphabet="[{", min_size=100, max_size=2000)
)


@given(annotation=TYPES, texts=st.lists(TEXTS, min_size=1, max_size=3))
def test_no_text_raises_anything_but_invalid_parameters(annotation: Any, texts: list[str]) -> None:
    made = signature(annotation)

    try:
        params_json = made.check_text([("x", text) for text in texts])
    except InvalidParameters:
        return

    assert made.call_arguments(params_json)[1].keys() == {"x"}


@given(number=st.integers())
def test_every_integer_is_read_from_its_digits(number: int) -> None:
    assert read(int, str(number)) == number


@given(number=st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_is_read_from_its_repr(number: float) -> None:
    assert read(float, repr(number)) == number


@given(text=st.text())
def test_every_text_stays_as_it_is_where_text_is_wanted(text: str) -> None:
    assert read(str, text) == text


@pytest.mark.parametrize("depth", [65, 1000, 100_000])
def test_deep_json_is_refused(depth: int) -> None:
    text = "[" * depth + "]" * depth

    place, _ = refused(dict[str, Any], text)

    assert place == "x"
