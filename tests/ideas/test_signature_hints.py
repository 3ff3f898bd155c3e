"""Annotations that are text, as `from __future__ import annotations` makes them all."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING, Annotated, Any, Optional

import msgspec
import pytest

from offload.errors import InvalidParameters, InvalidTask
from offload.signature import Signature

if TYPE_CHECKING:
    from somewhere import Context, Missing  # type: ignore[import-not-found]

    import offload


class Marked:
    __offload_context__ = True


@dataclasses.dataclass
class Point:
    x: int


@dataclasses.dataclass
class Partly:
    """One of its annotations cannot be resolved; the other can."""

    x: int
    y: Missing


def test_annotations_written_as_text_are_resolved() -> None:
    def task(a: int, b: Point, c: Annotated[int, msgspec.Meta(ge=1)] = 1) -> None: ...

    signature = Signature.of(task, task="task")

    assert signature.call_arguments(b'{"a":1,"b":{"x":2}}')[1] == {"a": 1, "b": Point(2)}
    with pytest.raises(InvalidParameters):
        signature.check({"a": 1, "b": Point(2), "c": 0})
    assert signature.text == "task(a: int, b: Point, c: int = 1)"


def test_a_name_that_cannot_be_resolved_spoils_only_its_own_parameter() -> None:
    class Local: ...

    def task(a: int, b: Missing, c: list[Missing], d: Local, e: Point) -> Missing: ...

    signature = Signature.of(task, task="task")

    assert signature.check({"a": 1, "b": "x", "c": [1], "d": {"y": None}, "e": {"x": 1}})
    with pytest.raises(InvalidParameters) as invalid:
        signature.check({"a": "1", "b": 1, "c": 1, "d": 1, "e": {"x": "1"}})
    assert [fault.parameter for fault in invalid.value.faults] == ["a", "e.x"]
    assert signature.text == "task(a: int, b: Missing, c: list[Missing], d: Local, e: Point)"


def test_a_dataclass_with_a_name_that_cannot_be_resolved_is_still_read() -> None:
    def task(p: Partly) -> None: ...

    signature = Signature.of(task, task="task")

    assert signature.call_arguments(b'{"p":{"x":1,"y":[2]}}')[1] == {"p": Partly(1, [2])}
    with pytest.raises(InvalidParameters):
        signature.check({"p": {"x": "1", "y": 2}})


def test_a_context_is_known_by_its_mark() -> None:
    def plain(ctx: Marked) -> None: ...
    def optional(ctx: Optional[Marked] = None) -> None: ...  # noqa: UP045
    def described(ctx: Annotated[Marked | None, "the context"]) -> None: ...

    for function in (plain, optional, described):
        assert Signature.of(function, task="task").wants_context == "ctx"


def test_a_context_is_known_by_its_name_where_that_cannot_be_resolved() -> None:
    def plain(ctx: Context) -> None: ...
    def dotted(ctx: offload.Context) -> None: ...
    def optional(ctx: Context | None = None) -> None: ...
    def older(ctx: Optional[Context] = None) -> None: ...  # noqa: UP045
    def older_dotted(ctx: Optional[offload.Context] = None) -> None: ...  # noqa: UP045

    for function in (plain, dotted, optional, older, older_dotted):
        assert Signature.of(function, task="task").wants_context == "ctx"


def test_other_names_are_no_context() -> None:
    def task(a: ContextManager, b: MyContext, c: Missing) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    assert Signature.of(task, task="task").wants_context is None


def test_two_contexts_are_refused() -> None:
    def task(a: Context, b: Marked) -> None: ...

    with pytest.raises(InvalidTask, match="more than one parameter is a Context"):
        Signature.of(task, task="task")


@pytest.mark.parametrize("star", ["*", "**"])
def test_many_contexts_are_refused(star: str) -> None:
    space: dict[str, Any] = {"Marked": Marked}
    exec(f"def task({star}many: Marked): ...", space)

    with pytest.raises(InvalidTask, match="'many' is a Context"):
        Signature.of(space["task"], task="task")


@pytest.mark.parametrize("text", ["1 +", "undefined.name", "list[", "1/0", "print"])
def test_text_that_is_no_type_means_anything(text: str) -> None:
    def task(x: int) -> None: ...

    task.__annotations__["x"] = text

    assert Signature.of(task, task="task").check({"x": [1, None]}) == b'{"x":[1,null]}'


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the statement is Python 3.12's")
def test_type_aliases_and_type_parameters_are_seen_through() -> None:
    space: dict[str, Any] = {}
    exec("type Many = list[int]\ntype Bad = set[int]", space)
    exec("def task[T](x: Many, y: T) -> T: ...\ndef bad() -> Bad: ...", space)
    signature = Signature.of(space["task"], task="task")

    assert signature.check({"x": [1], "y": {"a": 1}}) == b'{"x":[1],"y":{"a":1}}'
    with pytest.raises(InvalidParameters):
        signature.check({"x": ["1"], "y": 1})
    with pytest.raises(InvalidTask, match=r"it returns set\[int\]"):
        Signature.of(space["bad"], task="bad")
