"""What each annotation accepts, from Python and from JSON, and what the function gets."""

import collections
import dataclasses
import datetime
import decimal
import enum
import pathlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple, NewType, Optional, TypedDict, TypeVar

import msgspec
import pytest

from offload.errors import InvalidParameters
from offload.signature import Signature
from offload.signature.shapes import comes_back_from_json, shape


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Mixed(enum.Enum):
    WORD = "word"
    NUMBER = 2


class Access(enum.Flag):
    READ = 1
    WRITE = 2


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


@dataclasses.dataclass
class Folder:
    """msgspec cannot read it: a path may be a Path or text."""

    path: pathlib.Path | str
    inner: "list[Folder]" = dataclasses.field(default_factory=list)
    label: str = dataclasses.field(default="", kw_only=True)


@dataclasses.dataclass
class Tagged:
    tags: set[str]


class Pair(msgspec.Struct):
    left: int
    right: Point | None = None


class Options(TypedDict):
    deep: int


class Span(NamedTuple):
    start: int
    end: int = 9


class Sets(msgspec.Struct, tag="sets", array_like=True):
    one: set[int]
    other: str = ""


class Both(msgspec.Struct, tag="both"):
    sets: dict[int, set[str]]
    plain: Any = None


class SetOptions(TypedDict):
    tags: set[str]


class SetSpan(NamedTuple):
    start: int
    inside: frozenset[int]


class Array:
    """Nobody can tell how it is read."""


class NumpyLike:
    """Looks as NumPy's numbers and arrays look."""

    dtype = "int64"

    def __init__(self, value: Any) -> None:
        self.value = value

    def tolist(self) -> Any:
        return self.value


class Model:
    """Looks as pydantic's models look."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and other.size == self.size

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def model_validate(cls, value: Any) -> "Model":
        if not isinstance(value, dict) or not isinstance(value.get("size"), int):
            raise ModelError
        return cls(value["size"])

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        return {"title": "Model", "$ref": "#/$defs/Inner", "$defs": {"Inner": {"type": "object"}}}

    def model_dump(self, *, mode: str) -> dict[str, Any]:
        return {"size": self.size}


class ModelError(ValueError):
    def errors(self) -> list[dict[str, Any]]:
        return [{"loc": ("size", 0), "msg": "Input should be a valid integer"}]


Metres = NewType("Metres", int)
T = TypeVar("T")
Small = Annotated[int, msgspec.Meta(ge=1, le=9)]
Short = Annotated[str, msgspec.Meta(max_length=2)]
Described = Annotated[int, msgspec.Meta(description="so many")]
A_MOMENT = "expected a date and time like 2026-01-31T12:00:00Z"
NOON = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)
ANYTHING = [None, True, 0, -1.5, "", "7", [1, [2]], {"a": {"b": None}}]


def signature(annotation: Any) -> Signature:
    def task(x: Any) -> None: ...

    task.__annotations__["x"] = annotation
    return Signature.of(task, task="task")


def passed(annotation: Any, value: Any) -> Any:
    """What the function gets when this value is given."""
    made = signature(annotation)
    return made.call_arguments(made.check({"x": value}))[1]["x"]


def stored(annotation: Any, value: Any) -> str:
    return signature(annotation).check({"x": value}).decode()


def refused(annotation: Any, value: Any) -> tuple[str, str]:
    """The only fault that is found in this value: its place and what is wrong."""
    with pytest.raises(InvalidParameters) as invalid:
        signature(annotation).check({"x": value})
    [fault] = invalid.value.faults
    return fault.parameter, fault.problem


SAME = [
    (int, 5),
    (float, 5.5),
    (bool, True),
    (str, "5"),
    (None, None),
    (Optional[int], None),  # noqa: UP045
    (int | str, "5"),
    (int | str, 5),
    (list[int], [1, 2]),
    (dict[str, int], {"a": 1}),
    (tuple[int, str], (1, "a")),
    (tuple[int, ...], (1, 2, 3)),
    (set[int], {3, 1, 2}),
    (frozenset[str], frozenset({"a", "b"})),
    (set[int | str], {1, "a", "b"}),
    (dict[str, set[int]], {"a": {1}}),
    (dict[int, str], {1: "a", -(2**70): "b"}),
    (dict[datetime.date, int], {datetime.date(2026, 1, 31): 1}),
    (Sequence[int], [1, 2]),
    (Mapping[str, int], {"a": 1}),
    (Metres, 5),
    (T, 5),
    (Small, 9),
    (Literal["a", 1, None], 1),
    (Literal["a", 1, None], None),
    (Colour, Colour.BLUE),
    (Level, Level.HIGH),
    (Mixed, Mixed.NUMBER),
    (Access, Access.READ | Access.WRITE),
    (Point, Point(1, 2)),
    (Point | None, Point(1, 2)),
    (list[Point], [Point(1), Point(2)]),
    (Folder, Folder(pathlib.Path("a"), [Folder(pathlib.Path("b"), label="l")])),
    (Tagged, Tagged({"b", "a"})),
    (Pair, Pair(1, Point(2))),
    (Sets, Sets({2, 1}, "x")),
    (Both, Both({1: {"b", "a"}}, {"x": [1]})),
    (list[Sets | Both], [Sets({1}), Both({})]),
    (dict[str, Tagged | set[int] | None], {"a": Tagged({"t"}), "b": {1}, "c": None}),
    (SetOptions, {"tags": {"a", "b"}}),
    (SetSpan, SetSpan(1, frozenset({1}))),
    (tuple[set[int], list[set[int]]], ({1}, [{2}])),
    (dict[Colour, int], {Colour.RED: 1}),
    (pathlib.Path | set[int], {1, 2}),
    (list[set[int]] | None, [{1}]),
    (dict[str, set[int]] | None, {"a": {1}}),
    (SetOptions | None, {"tags": {"a"}}),
    (Annotated[set[int], msgspec.Meta(min_length=1)], {1}),
    (Options, {"deep": 1}),
    (Span, Span(1)),
    (pathlib.Path, pathlib.Path("a/b")),
    (list[pathlib.Path], [pathlib.Path("a")]),
    (pathlib.PurePosixPath | None, pathlib.PurePosixPath("a")),
    (pathlib.Path | int, pathlib.Path("a")),
    (pathlib.Path | int, 5),
    (datetime.datetime, NOON),
    (datetime.date, datetime.date(2026, 1, 31)),
    (datetime.time, datetime.time(12, 30)),
    (datetime.timedelta, datetime.timedelta(days=1, microseconds=5)),
    (datetime.datetime | str, NOON),
    (uuid.UUID, uuid.UUID(int=7)),
    (decimal.Decimal, decimal.Decimal("1.10")),
    (bytes, b"\x00\xff"),
    (Model, Model(3)),
    (list[Model], [Model(3)]),
]


@pytest.mark.parametrize(("annotation", "value"), SAME)
def test_a_value_of_the_annotated_type_arrives_as_it_was(annotation: Any, value: Any) -> None:
    arrived = passed(annotation, value)

    assert arrived == value
    assert type(arrived) is type(value)


CONVERTED = [
    (float, 5, 5.0),
    (tuple[int, ...], [1, 2], (1, 2)),
    (list[int], (1, 2), [1, 2]),
    (set[int], [1, 1, 2], {1, 2}),
    (dict[int, str], {"1": "a"}, {1: "a"}),
    (int, Level.HIGH, 2),
    (Colour, "blue", Colour.BLUE),
    (Level, 2, Level.HIGH),
    (Mixed, "word", Mixed.WORD),
    (Access, 3, Access.READ | Access.WRITE),
    (Point, {"x": 1}, Point(1)),
    (list[Point], [{"x": 1}, Point(2)], [Point(1), Point(2)]),
    (Folder, {"path": "a", "inner": [{"path": "b"}]}, None),
    (Pair, {"left": 1, "right": {"x": 2}}, Pair(1, Point(2))),
    (Span, [1, 2], Span(1, 2)),
    (pathlib.Path, "a/b", pathlib.Path("a/b")),
    (datetime.datetime, "2026-01-31T12:00:00Z", NOON),
    (datetime.timedelta, "PT5S", datetime.timedelta(seconds=5)),
    (decimal.Decimal, "1.10", decimal.Decimal("1.10")),
    (decimal.Decimal, 5, decimal.Decimal(5)),
    (uuid.UUID, str(uuid.UUID(int=7)), uuid.UUID(int=7)),
    (bytes, "AP8=", b"\x00\xff"),
    (Model, {"size": 3}, Model(3)),
    (dict[str, Model] | None, {"a": {"size": 3}}, {"a": Model(3)}),
]


@pytest.mark.parametrize(("annotation", "value", "arrived"), CONVERTED)
def test_a_value_that_stands_for_the_type_is_converted(
    annotation: Any, value: Any, arrived: Any
) -> None:
    if annotation is Folder:
        arrived = Folder(pathlib.Path("a"), [Folder(pathlib.Path("b"))])

    assert passed(annotation, value) == arrived


REFUSED = [
    (int, "5", "x", "expected an integer, got '5'"),
    (int, 5.0, "x", "expected an integer, got 5.0"),
    (int, True, "x", "expected an integer, got true"),
    (int, None, "x", "expected an integer, got null"),
    (float, "5", "x", "expected a number, got '5'"),
    (float, True, "x", "expected a number, got true"),
    (bool, 1, "x", "expected true or false, got 1"),
    (str, 5, "x", "expected text, got 5"),
    (int | None, "x", "x", "expected an integer or null, got 'x'"),
    (list[int], [1, "b"], "x[1]", "expected an integer, got 'b'"),
    (list[int], 5, "x", "expected a list, got 5"),
    (tuple[int, int], [1], "x", "expected a list of length 2, got 1"),
    (dict[str, int], {"a": "b"}, "x[...]", "expected an integer, got text"),
    (dict[int, int], {"a": 1}, "x", "as a key, expected an integer, got text"),
    (Small, 0, "x", "expected an integer >= 1, got 0"),
    (Small, 2**70, "x", f"expected an integer <= 9, got {2**70}"),
    (Short, "abc", "x", "expected text of length <= 2, got 'abc'"),
    (Literal["a", 1], "b", "x", "expected one of 1, 'a', got 'b'"),
    (Colour, "green", "x", "expected one of 'red', 'blue', got 'green'"),
    (Colour | None, "green", "x", "expected one of 'red', 'blue', null, got 'green'"),
    (list[Colour], ["green"], "x[0]", "expected one of the allowed values, got 'green'"),
    (Mixed, "green", "x", "expected one of 'word', 2, got 'green'"),
    (Mixed, 2.0, "x", "expected one of 'word', 2, got 2.0"),
    (Point, {}, "x.x", "missing"),
    (Point, {"x": "a"}, "x.x", "expected an integer, got 'a'"),
    (Point, Point("a"), "x.x", "expected an integer, got 'a'"),  # type: ignore[arg-type]
    (list[Point], [{"x": 1}, {"x": 1, "y": None}], "x[1].y", "expected an integer, got null"),
    (Pair, {"left": 1, "right": {"x": "a"}}, "x.right.x", "expected an integer, got 'a'"),
    (Folder, {"path": 5}, "x.path", "expected Path or text, got 5"),
    (
        Folder,
        {"path": "a", "inner": [{"path": 5}]},
        "x.inner[0].path",
        "expected Path or text, got 5",
    ),
    (Folder, 5, "x", "expected an object, got 5"),
    (pathlib.Path, 5, "x", "expected text, got 5"),
    (list[pathlib.Path], ["a", 5], "x[1]", "expected text, got 5"),
    (pathlib.Path | int, 5.5, "x", "expected Path or an integer, got 5.5"),
    (datetime.datetime, "noon", "x", f"{A_MOMENT}, got 'noon'"),
    (datetime.datetime, 5, "x", f"{A_MOMENT}, got 5"),
    (datetime.timedelta, "5", "x", "expected a duration like PT90S, got '5'"),
    (uuid.UUID, "7", "x", "expected a UUID, got '7'"),
    (decimal.Decimal, "a", "x", "expected a decimal number, got 'a'"),
    (bytes, "?", "x", "expected base64 text, got '?'"),
    (Model, {"size": ["a"]}, "x.size[0]", "Input should be a valid integer"),
    (float, 10**400, "x", "number out of range"),
]  # fmt: skip


@pytest.mark.parametrize(("annotation", "value", "place", "problem"), REFUSED)
def test_a_value_that_does_not_fit_is_refused_in_words(
    annotation: Any, value: Any, place: str, problem: str
) -> None:
    assert refused(annotation, value) == (place, problem)


@pytest.mark.parametrize(
    "annotation", [Any, object, Array, Array | None, "NoSuchName", collections.deque]
)
@pytest.mark.parametrize("value", ANYTHING)
def test_a_type_that_nobody_knows_accepts_what_json_can_carry(annotation: Any, value: Any) -> None:
    assert passed(annotation, value) == value


@pytest.mark.parametrize("annotation", [Any, Array, list[Array]])
def test_a_type_that_nobody_knows_does_not_accept_what_json_cannot_carry(annotation: Any) -> None:
    place, problem = refused(annotation, [object()])

    assert place == "x[0]"
    assert "no exact JSON form" in problem


def test_a_set_is_refused_where_nothing_says_that_it_is_one() -> None:
    assert refused(Any, {1})[0] == "x"


def test_unknown_items_of_a_collection_do_not_make_it_unknown() -> None:
    assert passed(list[Array], [1, "a"]) == [1, "a"]
    assert refused(list[Array], 5) == ("x", "expected a list, got 5")


def test_equal_sets_are_stored_as_equal_bytes() -> None:
    words = [f"word{number}" for number in range(50)]

    assert stored(set[str], set(words)) == stored(set[str], set(reversed(words)))
    assert stored(set[int | str], {2, "b", 1, "a"}) == '{"x":["a","b",1,2]}'


def test_only_what_the_annotation_tells_of_is_written_as_lists_and_text() -> None:
    assert refused(Both, Both({1: {"a"}}, {2}))[0] == "x.plain"
    assert refused(dict[int, Any], {1: {2: 3}})[0].startswith("x")
    assert refused(tuple[set[int], Any], ({1}, {2}))[0] == "x[1]"


def test_where_text_is_among_the_keys_no_other_key_is_stored() -> None:
    keys = dict[int | str, str]

    assert passed(keys, {"1": "a"}) == {"1": "a"}
    assert refused(keys, {1: "a"})[0].startswith("x")


def test_keys_that_text_cannot_stand_for_are_refused() -> None:
    place, problem = refused(dict[tuple[int, int], str], {(1, 2): "a"})

    assert place.startswith("x")
    assert "tuple" in problem


def test_great_depth_beside_a_set_is_a_fault_and_no_crash() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = {"a": deep}

    assert refused(tuple[set[int], Any], ({1}, deep))[0].startswith("x")


def test_numpy_numbers_and_arrays_are_taken_where_numbers_are_wanted() -> None:
    assert passed(int, NumpyLike(5)) == 5
    assert passed(list[float], NumpyLike([1.0, 2.0])) == [1.0, 2.0]
    assert passed(list[int], [NumpyLike(1), 2]) == [1, 2]
    assert passed(dict[str, tuple[int, int]], {"a": (NumpyLike(1), 2)}) == {"a": (1, 2)}
    assert refused(int, NumpyLike(5.5))[0] == "x"


def test_only_plain_data_is_sure_to_come_back_from_json() -> None:
    assert all(map(comes_back_from_json, map(shape, [int, list[Any], dict[str, float | None]])))
    assert not any(map(comes_back_from_json, map(shape, [Point, set[int], dict[int, int], bytes])))


def test_a_constraint_is_checked_on_the_way_in_and_on_the_way_out() -> None:
    with pytest.raises(InvalidParameters):
        signature(Small).call_arguments(b'{"x":10}')


def test_a_class_whose_own_check_raises_makes_a_fault() -> None:
    class Even(msgspec.Struct):
        number: int

        def __post_init__(self) -> None:
            if self.number % 2:
                raise ValueError("must be even")
            if self.number > 100:
                raise KeyError("too large")

    assert refused(Even, {"number": 3}) == ("x", "must be even")
    assert refused(Even, {"number": 102}) == ("x", "'too large'")


def test_a_model_that_only_says_no_makes_a_fault() -> None:
    class Stern(Model):
        @classmethod
        def model_validate(cls, value: Any) -> Model:
            raise ValueError("no")

    assert refused(Stern, 5) == ("x", "no")


SCHEMAS = [
    (int, {"type": "integer"}),
    (list[str], {"type": "array", "items": {"type": "string"}}),
    (Literal["a", 1], {"enum": [1, "a"]}),
    (Small, {"type": "integer", "minimum": 1, "maximum": 9}),
    (Described, {"type": "integer", "description": "so many"}),
    (pathlib.Path, {"type": "string", "format": "path"}),
    (Mixed, {"enum": ["word", 2]}),
    (pathlib.Path | int, {"anyOf": [{"type": "string", "format": "path"}, {"type": "integer"}]}),
    (Array, {"title": "Array"}),
    (Folder, {"type": "object"}),
    (datetime.datetime, {"type": "string", "format": "date-time"}),
    (datetime.date, {"type": "string", "format": "date"}),
    (datetime.time, {"type": "string", "format": "time"}),
    (datetime.timedelta, {"type": "string", "format": "duration"}),
    (uuid.UUID, {"type": "string", "format": "uuid"}),
    (decimal.Decimal, {"type": "string", "format": "decimal"}),
    (bytes, {"type": "string", "contentEncoding": "base64"}),
    (list[datetime.datetime],
     {"type": "array", "items": {"type": "string", "format": "date-time"}}),
    (datetime.datetime | None,
     {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}),
    (Annotated[datetime.datetime, msgspec.Meta(description="when")],
     {"type": "string", "format": "date-time", "description": "when"}),
    (Annotated[datetime.datetime, msgspec.Meta(tz=True)],
     {"type": "string", "format": "date-time"}),
    (Annotated[datetime.datetime, msgspec.Meta(tz=False)], {"type": "string"}),
    (Annotated[datetime.time, msgspec.Meta(tz=False)],
     {"type": "string", "format": "partial-time"}),
    (Annotated[datetime.datetime, msgspec.Meta(extra_json_schema={"format": "mine"})],
     {"type": "string", "format": "mine"}),
]  # fmt: skip


@pytest.mark.parametrize(("annotation", "schema"), SCHEMAS)
def test_each_type_has_a_schema(annotation: Any, schema: dict[str, Any]) -> None:
    assert signature(annotation).schema()["properties"]["x"] == schema


def test_definitions_stand_at_the_top_of_the_schema() -> None:
    schema = signature(Point).schema()
    model = signature(Model | int).schema()

    assert schema["properties"]["x"] == {"$ref": "#/$defs/Point"}
    assert schema["$defs"]["Point"]["required"] == ["x"]
    assert model["properties"]["x"]["anyOf"][0] == {"title": "Model", "$ref": "#/$defs/Inner"}
    assert model["$defs"] == {"Inner": {"type": "object"}}


@pytest.mark.parametrize(("annotation", "value"), SAME)
def test_every_type_has_a_schema_that_is_json(annotation: Any, value: Any) -> None:
    assert msgspec.json.encode(signature(annotation).schema())
