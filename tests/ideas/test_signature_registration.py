"""What cannot be a task is refused when it is registered, with a sentence; all else is not."""

import abc
import asyncio
import collections
import dataclasses
import datetime
import decimal
import enum
import io
import pathlib
import types
import typing
import uuid
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from typing import IO, Annotated, Any, Literal, NamedTuple, Never, NewType, NoReturn, TextIO

import msgspec
import pytest

from offload.errors import InvalidTask
from offload.signature import Signature


class Plain:
    """JSON does not know it."""


class Abstract(abc.ABC):
    @abc.abstractmethod
    def act(self) -> None: ...


class Shape(typing.Protocol):
    def act(self) -> None: ...


@dataclasses.dataclass
class Point:
    x: int


class Pair(msgspec.Struct):
    x: int


class Options(typing.TypedDict):
    deep: int


class Span(NamedTuple):
    start: int


class Colour(enum.Enum):
    RED = "red"


class Machine:
    def run(self, x: int) -> None: ...


def returning(annotation: Any) -> Callable[[], Any]:
    def task() -> Any: ...

    task.__annotations__["return"] = annotation
    return task


def taking(annotation: Any) -> Callable[[Any], None]:
    def task(x: Any) -> None: ...

    task.__annotations__["x"] = annotation
    return task


def numbers() -> Iterator[int]:
    yield 1


async def later_numbers() -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (numbers, "it is a generator"),
        (later_numbers, "it is a generator"),
        (Plain, "it is a class"),
        (5, "5 cannot be called"),
        (Machine.run, "it is a method seen without its object"),
        (min, "its parameters cannot be found"),
    ],
)
def test_what_is_no_function_of_its_own_is_refused(function: Any, why: str) -> None:
    with pytest.raises(InvalidTask, match=f"^'the_name' cannot be a task: {why}"):
        Signature.of(function, task="the_name")


@pytest.mark.parametrize(
    "annotation", [Never, NoReturn, Callable[[int], int], IO[str], TextIO, io.BytesIO]
)
def test_a_required_parameter_that_can_never_be_given_is_refused(annotation: Any) -> None:
    with pytest.raises(InvalidTask, match=r"its parameter 'x' \(.*\) can never be given"):
        Signature.of(taking(annotation), task="task")


def test_such_a_parameter_with_a_default_is_left_alone() -> None:
    def task(a: int, then: Callable[[], None] = print) -> None: ...

    assert Signature.of(task, task="task").check({"a": 1}) == b'{"a":1}'


def test_a_constraint_that_its_type_cannot_have_is_refused() -> None:
    with pytest.raises(InvalidTask, match="its parameter 'x': Can only set `max_length` on"):
        Signature.of(taking(Annotated[int, msgspec.Meta(max_length=3)]), task="task")


REFUSED_RETURNS = [
    (set[int], "set[int]"),
    (set, "set"),
    (frozenset[str], "frozenset[str]"),
    (typing.AbstractSet[int], "Set[int]"),
    (complex, "complex"),
    (IO[str], "IO[str]"),
    (TextIO, "TextIO"),
    (io.StringIO, "StringIO"),
    (Iterator[int], "Iterator[int]"),
    (Generator[int, None, None], "Generator[int, None, None]"),
    (AsyncIterator[int], "AsyncIterator[int]"),
    (Callable[[int], str], "Callable[[int], str]"),
    (type, "type"),
    (types.ModuleType, "module"),
    (range, "range"),
    (collections.deque[int], "deque[int]"),
    (Plain, "Plain"),
    (list[Plain], "Plain"),
    (list[set[int]], "set[int]"),
    (dict[str, set[int]], "set[int]"),
    (dict[int, str], "keys of the type int"),
    (Mapping[tuple[int, int], str], "keys of the type tuple"),
    (tuple[int, complex], "complex"),
    (Iterable[Plain], "Plain"),
    (set[int] | None, "set[int]"),
    (set[int] | complex, "set[int]"),
    (Annotated[set[int], "described"], "set[int]"),
    (NewType("Tags", set), "set"),
    (Awaitable[set[int]], "set[int]"),
]


@pytest.mark.parametrize(("annotation", "named"), REFUSED_RETURNS)
def test_a_return_annotation_that_cannot_be_encoded_is_refused(annotation: Any, named: str) -> None:
    with pytest.raises(InvalidTask) as invalid:
        Signature.of(returning(annotation), task="task")

    assert f"it returns {named}, which JSON cannot carry" in str(invalid.value)


@pytest.mark.parametrize(("annotation", "named"), REFUSED_RETURNS)
def test_with_an_encoder_no_return_annotation_is_refused(annotation: Any, named: str) -> None:
    assert Signature.of(returning(annotation), task=named, encoder_given=True).task == named


@pytest.mark.parametrize(
    "annotation",
    [
        None, bool, int, float, str, bytes, bytearray, list, tuple, dict, object, Any, NoReturn,
        str | None, set | list, int | Plain, list[int], list[Any], tuple[int, ...], dict[str, Any],
        dict[Any, int], dict[str | int, int], dict[Colour, int], Sequence[int], Iterable[int],
        Mapping[str, int], Literal["a"], Annotated[int, "described"], NewType("Metres", int),
        typing.TypeVar("T"), typing.Self, "NoSuchName", "list[NoSuchName]", Awaitable[int],
        asyncio.Future, datetime.datetime, datetime.timedelta, decimal.Decimal, uuid.UUID,
        pathlib.Path, Colour, Point, Pair, Options, Span, Abstract, Shape, list[Point],
    ],
)  # fmt: skip
def test_a_return_annotation_that_may_be_encoded_passes(annotation: Any) -> None:
    assert Signature.of(returning(annotation), task="task").text == "task()"


def test_a_function_without_annotations_passes() -> None:
    assert Signature.of(lambda x, y=1: x, task="task").text == "task(x, y=1)"


def test_a_default_of_an_enum_is_told_as_it_is_sent() -> None:
    colour = enum.Enum("colour", {"RED": "red"})

    def paint(shade: Any = colour.RED) -> None: ...

    assert Signature.of(paint, task="paint").text == "paint(shade: Any = 'red')"


def test_numpy_scalars_may_be_returned_and_its_arrays_may_not() -> None:
    generic = type("generic", (), {"__module__": "numpy"})
    float64 = type("float64", (generic,), {"__module__": "numpy"})
    ndarray = type("ndarray", (), {"__module__": "numpy"})

    assert Signature.of(returning(float64), task="task").text == "task()"
    with pytest.raises(InvalidTask, match="it returns ndarray"):
        Signature.of(returning(ndarray), task="task")
