"""Objects are written as the plain data that stand for them exactly, or refused by name."""

import collections
import dataclasses
import datetime
import decimal
import enum
import json
import pathlib
import time
import uuid
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offload.errors import NotSerializable
from offload.values import decode, encode

NAN = float("nan")

ordinary = settings(deadline=None)


def refusal(value: object, **options: Any) -> NotSerializable:
    """How `encode` refuses a value."""
    with pytest.raises(NotSerializable) as caught:
        encode(value, **options)
    return caught.value


class Colour(enum.Enum):
    RED = "red"


# ---- objects --------------------------------------------------------------------------------


class Level(enum.IntEnum):
    HIGH = 3


class Mode(enum.StrEnum):
    FAST = "fast"


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Shape(enum.Enum):
    SQUARE = (1, numpy.float64(2.5))


class Word(str):
    """Text that lies about itself."""

    def __str__(self) -> str:
        return "lie"

    def __len__(self) -> int:
        return 0

    def encode(self, *_: object) -> bytes:
        raise RuntimeError("no")

    def __hash__(self) -> int:
        return 1

    def __eq__(self, other: object) -> bool:
        return self is other


class Count(int):
    """A number that lies about itself."""

    def __int__(self) -> int:
        return 5

    def __index__(self) -> int:
        return 6


class Items(list[Any]):
    """A list that lies about itself."""

    def __iter__(self) -> Iterator[Any]:
        return iter(["lie"])

    def __len__(self) -> int:
        return 0


class Bag(dict[str, Any]):
    """A dict that lies about itself."""

    def items(self) -> Any:
        return [("lie", 1)]

    def keys(self) -> Any:
        return ["lie"]

    def __iter__(self) -> Iterator[str]:
        return iter(["lie"])


class Struct(msgspec.Struct, tag="s", rename="camel", omit_defaults=True):
    first_name: str
    last_name: str | msgspec.UnsetType = msgspec.UNSET
    age: float = 7


class Row(msgspec.Struct, array_like=True):
    x: float
    y: Any = None


@dataclasses.dataclass(slots=True)
class Record:
    x: Any
    _private: int = 1
    cls_var: dataclasses.InitVar[int] = 3


UTC = datetime.UTC
AMSTERDAM_1900 = datetime.timezone(datetime.timedelta(minutes=19, seconds=32))


@pytest.mark.parametrize(
    ("value", "stands_for"),
    [
        (b"ab\x00", "YWIA"),
        (bytearray(b"ab\x00"), "YWIA"),
        (memoryview(b"abcd")[::2], "YWM="),
        (numpy.bytes_(b"ab\x00c"), "YWIAYw=="),
        (datetime.datetime(2020, 1, 2, 3, 4, 5, 6), "2020-01-02T03:04:05.000006"),
        (datetime.datetime(2020, 1, 2, tzinfo=UTC), "2020-01-02T00:00:00Z"),
        (datetime.datetime(1900, 1, 2, tzinfo=AMSTERDAM_1900), "1900-01-02T00:00:00+00:19:32"),
        (datetime.date(1, 1, 1), "0001-01-01"),
        (datetime.time(1, 2, 3), "01:02:03"),
        (datetime.time(1, tzinfo=UTC), "01:00:00Z"),
        (datetime.timedelta(days=1, microseconds=1), "P1DT0.000001S"),
        (decimal.Decimal("1.10"), "1.10"),
        (decimal.Decimal("-0E+500"), "-0E+500"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (pathlib.PurePosixPath("/a/Zoë"), "/a/Zoë"),
        (pathlib.Path("a") / "b", "a/b"),
        (pathlib.PureWindowsPath("c:/a"), "c:\\a"),
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (Mode.FAST, "fast"),
        (Right.READ | Right.WRITE, 3),
        (Shape.SQUARE, [1, 2.5]),
        (Word("true"), "true"),
        (Count(3), 3),
        (Count(2**4000), 2**4000),
        (Items([1, Word("a")]), [1, "a"]),
        (Bag(a=1), {"a": 1}),
        ({Word("k"): Word("v")}, {"k": "v"}),
        ({Mode.FAST: 1}, {"fast": 1}),
        (collections.defaultdict(list, a=[1]), {"a": [1]}),
        (collections.Counter("aab"), {"a": 2, "b": 1}),
        (time.gmtime(0), [1970, 1, 1, 0, 0, 0, 3, 1, 0]),
        (Struct("Zoë"), {"type": "s", "firstName": "Zoë", "age": 7}),
        (Row(1.5), [1.5, None]),
        (Record([Record(1)]), {"x": [{"x": 1, "_private": 1}], "_private": 1}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_object_is_written_as_the_plain_data_that_stand_for_it(
    value: object, stands_for: object
) -> None:
    back = decode(encode({"a": [value]}))

    assert repr(back) == repr({"a": [stands_for]})


@given(st.timedeltas())
@ordinary
def test_every_duration_is_exact(value: datetime.timedelta) -> None:
    text = decode(encode(value))

    assert msgspec.convert(text, datetime.timedelta) == value


@given(st.datetimes(timezones=st.none() | st.timezones()))
@ordinary
def test_every_moment_is_exact(value: datetime.datetime) -> None:
    text = decode(encode(value))

    assert isinstance(text, str)
    back = datetime.datetime.fromisoformat(text)
    assert back.replace(tzinfo=None) == value.replace(tzinfo=None)
    assert back.utcoffset() == value.utcoffset()


def test_an_ordered_dict_keeps_its_own_order() -> None:
    value = collections.OrderedDict(a=1, b=2)
    value.move_to_end("a")

    assert encode(value) == b'{"b":2,"a":1}'


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (Struct("a", age=NAN), "$.age"),
        (Row(NAN), "$[0]"),
        (Row(1.5, [{1}]), "$[1][0]"),
        (Record(x=[NAN]), "$.x[0]"),
        (Record(x={1: 2}), "$.x"),
        (decimal.Decimal("NaN"), "$"),
        (decimal.Decimal("sNaN"), "$"),
        ([decimal.Decimal("-Infinity")], "$[0]"),
        (Items([1, NAN]), "$[1]"),
        (Bag(a=NAN), "$.a"),
        ((NAN,), "$[0]"),
        (pathlib.PurePosixPath("a\udcff"), "$"),
        (Word("\ud800"), "$"),
        ({Word("k"): 1, "k": 2}, "$"),
        (dataclasses.make_dataclass("Half", ["x"])(NAN), "$.x"),
    ],
    ids=repr,
)
def test_what_cannot_be_written_is_found_inside_objects(value: object, path: str) -> None:
    assert refusal(value).path == path


class NotATime(datetime.datetime):
    """What pandas has for a missing time."""

    def isoformat(self, *_: object, **__: object) -> str:
        return "NaT"


class Nanoseconds(datetime.timedelta):
    """More exact than its base class, as in pandas."""


@pytest.mark.parametrize("value", [NotATime(2020, 1, 1), Nanoseconds(1)])
def test_a_subclass_that_may_hold_more_than_its_base_shows_is_refused(value: object) -> None:
    assert type(value).__name__ in refusal(value).problem


class Attrs:
    """What attrs makes of a class, as far as it can be seen from outside."""

    __attrs_attrs__ = (type("Attribute", (), {"name": "x"}), type("Attribute", (), {"name": "_y"}))

    def __init__(self, x: object) -> None:
        self.x = x
        self._y = 2


class Model:
    """What pydantic makes of a class, as far as it can be seen from outside."""

    def __init__(self, x: object) -> None:
        self.x = x

    def model_dump(self, *, mode: str) -> dict[str, object]:
        return {"x": self.x, "mode": mode}


def test_attrs_classes_and_pydantic_models_are_written_by_their_fields() -> None:
    assert decode(encode(Attrs(1.5))) == {"x": 1.5, "_y": 2}
    assert decode(encode([Model("a")])) == [{"x": "a", "mode": "json"}]
    assert refusal(Attrs(NAN)).path == "$.x"
    assert refusal([Model(NAN)]).path == "$[0].x"


@dataclasses.dataclass
class Node:
    """A record that can point to another."""

    next: Any


def test_a_record_that_contains_itself_is_refused() -> None:
    node = Node(None)
    node.next = node

    assert "contains itself" in refusal(node).problem


# ---- what is not known ----------------------------------------


class Odd:
    """Nothing that anyone knows."""


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (object(), "object"),
        (Odd(), "Odd"),
        (Odd, "type"),
        (1 + 2j, "complex"),
        (range(3), "range"),
        (..., "ellipsis"),
        (len, "builtin_function_or_method"),
        (ValueError("x"), "ValueError"),
        (iter([]), "list_iterator"),
        (collections.deque([1]), "collections.deque"),
        (msgspec.UNSET, "msgspec"),
        (msgspec.Raw(b"NaN"), "msgspec.Raw"),
        (decimal, "module"),
    ],
)
def test_an_unknown_object_is_refused_by_the_name_of_its_type(value: object, name: str) -> None:
    error = refusal({"a": [value]})

    assert error.path == "$.a[0]"
    assert name in error.problem


def test_advice_is_given_where_there_is_some() -> None:
    async def forgotten() -> None: ...

    coroutine = forgotten()

    assert "await" in refusal(coroutine).problem
    assert "list(" in refusal(number for number in [1]).problem
    assert "sorted(" in refusal({1}).problem
    assert "tolist" in refusal(numpy.zeros(2)).problem
    assert "tolist" in refusal(numpy.array(1)).problem
    assert "encode=" in refusal(Odd()).problem
    coroutine.close()


# ---- NumPy ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "stands_for"),
    [
        (numpy.float64(-0.0), -0.0),
        (numpy.float32(0.1), 0.10000000149011612),
        (numpy.float16(0.5), 0.5),
        (numpy.int8(-3), -3),
        (numpy.int64(-(2**63)), -(2**63)),
        (numpy.uint64(2**64 - 1), 2**64 - 1),
        (numpy.bool_(True), True),
        (numpy.str_("Zoë"), "Zoë"),
        (numpy.datetime64("2020-01-02"), "2020-01-02"),
        (numpy.datetime64("2020-01-02T03:04:05"), "2020-01-02T03:04:05"),
        (numpy.timedelta64(90, "s"), "PT90S"),
    ],
    ids=repr,
)
def test_a_numpy_scalar_is_written_as_its_python_value(value: object, stands_for: object) -> None:
    back = decode(encode({"a": value}))

    assert repr(back) == repr({"a": stands_for})


@pytest.mark.parametrize(
    "value",
    [
        numpy.longdouble("0.1"),
        numpy.complex128(1),
        numpy.datetime64("2020-01-02T03:04:05.123456789"),
        numpy.datetime64("NaT", "s"),
        numpy.datetime64(12_345, "Y"),
        numpy.timedelta64(1, "ns"),
        numpy.timedelta64("NaT", "s"),
        numpy.void(b"ab"),
        numpy.zeros(1, dtype="i4,f4")[0],
        numpy.array([1]),
        numpy.array(1),
    ],
    ids=repr,
)
def test_what_numpy_has_and_json_has_not_is_refused(value: object) -> None:
    error = refusal({"a": value})

    assert error.path == "$.a"
    assert f"numpy.{type(value).__name__}" in error.problem


# ---- the hook -------------------------------------------------------------------------------


def test_the_hook_is_asked_about_what_is_not_known() -> None:
    asked: list[object] = []
    odd = Odd()

    def hook(value: object) -> object:
        asked.append(value)
        return sorted(value) if isinstance(value, set) else {"odd": numpy.int64(1)}

    written = encode({"a": [1, odd], "b": {3, 2}, "c": Colour.RED}, hook=hook)

    assert written == b'{"a":[1,{"odd":1}],"b":[2,3],"c":"red"}'
    assert asked == [odd, {2, 3}]


def test_what_the_hook_gives_is_held_to_the_same_rules() -> None:
    assert refusal([Odd()], hook=lambda _: {"x": NAN}).path == "$[0].x"
    assert refusal([Odd()], hook=lambda _: {1: 2}).path == "$[0]"


def test_a_hook_that_gives_back_what_it_got_is_refused() -> None:
    error = refusal({"a": Odd()}, hook=lambda value: value)

    assert error.path == "$.a"
    assert "after 10 conversions" in error.problem


def test_a_hook_that_wraps_for_ever_is_refused() -> None:
    same_again = refusal(Odd(), hook=lambda value: [value])
    always_new = refusal(Odd(), hook=lambda _: [Odd()])

    assert same_again.problem == "this is $ again: a value contains itself"
    assert "deeper than 200" in always_new.problem


@pytest.mark.parametrize("raised", [TypeError("no idea"), SystemExit(3), RecursionError()])
def test_a_hook_that_raises_is_a_refusal_that_says_so(raised: BaseException) -> None:
    def hook(value: object) -> object:
        raise raised

    error = refusal({"a": [Odd()]}, hook=hook)

    assert error.path == "$.a[0]"
    assert type(raised).__name__ in error.problem
    assert "Odd" in error.problem
    assert error.__cause__ is raised


def test_the_hook_is_not_asked_about_numbers_and_keys() -> None:
    def hook(value: object) -> object:
        raise AssertionError(value)

    assert refusal([NAN], hook=hook).path == "$[0]"
    assert refusal({1: 2}, hook=hook).path == "$"


# ---- hostile objects ------------------------------------------------------------------------


class Meta(type):
    """A class of classes that cannot even be looked up."""

    def __hash__(cls) -> int:
        raise ValueError("no hash")

    def __eq__(cls, other: object) -> bool:
        raise ValueError("no comparison")


class Unlookable(metaclass=Meta):
    pass


Disguised = type("Disguised", (), {"__class__": dict})  # isinstance() takes it for a dict


class Explosive:
    """Raises whatever is done to it."""

    def __getattribute__(self, name: str) -> Any:
        raise SystemExit(name)

    def __repr__(self) -> str:
        raise SystemExit("repr")


@dataclasses.dataclass
class Incomplete:
    x: int = dataclasses.field(init=False)


class Dumper:
    def model_dump(self, **_: object) -> object:
        raise MemoryError("too big")


class BadEnum(enum.Enum):
    A = object()


def hostile() -> dict[str, object]:
    """Objects that the test's own tools cannot bear to hold, by name."""
    return {
        "unlookable": Unlookable(),
        "unlookable class": Unlookable,
        "disguised": Disguised(),
        "explosive": Explosive(),
        "incomplete": Incomplete(),
        "out of memory": Dumper(),
        "enum of an object": BadEnum.A,
        "long name": type("x" * 100_000, (), {"__module__": 3})(),
        "disguised key": {Disguised(): 1},
        "explosive key": {Explosive(): 1},
        "long key": {("x" * 1_000_000,): 1},
    }


@pytest.mark.parametrize("name", hostile())
def test_a_hostile_object_is_refused_and_nothing_else_happens(name: str) -> None:
    value = hostile()[name]

    for error in (refusal(value), refusal({"a": [value]}), refusal(Record(value))):
        assert len(str(error)) < 2_000
        str(error).encode()


def test_a_dict_that_changes_while_it_is_read_is_refused() -> None:
    value: dict[str, Any] = {}

    class Trap(enum.Enum):
        A = 1

        @property
        def value(self) -> Any:
            del inner["x"]
            inner["y"] = inner["z"] = 1
            return 1

    inner: dict[str, Any] = {"x": Trap.A, "last": 1}
    value["inner"] = inner

    error = refusal(value)

    assert error.path.startswith("$.inner")
    assert "could not be read" in error.problem


anything = st.deferred(
    lambda: st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(st.characters())
        | st.binary()
        | st.decimals()
        | st.datetimes()
        | st.timedeltas()
        | st.complex_numbers()
        | st.fractions()
        | st.uuids()
        | st.sampled_from([Colour.RED, Level.HIGH, Odd(), object(), {1}, ...])
        | st.builds(Word, st.text(st.characters()))
        | st.builds(Count, st.integers())
        | st.builds(numpy.float32, st.floats(width=32)),
        lambda parts: (
            st.lists(parts)
            | st.tuples(parts)
            | st.frozensets(st.integers())
            | st.builds(Items, st.lists(parts))
            | st.builds(Record, parts)
            | st.builds(Row, st.floats(), parts)
            | st.dictionaries(st.text(st.characters()) | st.integers() | st.none(), parts)
            | st.builds(Bag, st.dictionaries(st.text(st.characters()), parts))
            | st.builds(collections.deque, st.lists(parts))
        ),
        max_leaves=15,
    )
)


@pytest.mark.slow
@pytest.mark.promise("S8")
@given(anything)
@ordinary
def test_anything_is_written_as_json_or_refused(value: object) -> None:
    try:
        written = encode(value)
    except NotSerializable:
        return

    json.loads(written, parse_constant=pytest.fail)
    assert encode(decode(written)) == written
