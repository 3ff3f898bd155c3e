"""Functions that a program registers from outside of their module, and what goes with them."""

import functools
from collections.abc import Callable
from typing import Any


class Point:
    def __init__(self, x: int) -> None:
        self.x = x


class Hopeless(Exception):
    pass


class Hopeful(Exception):
    pass


def as_list(value: object) -> object:
    assert isinstance(value, Point)
    return [value.x]


def point(x: int) -> Point:
    return Point(x)


def hopes(much: bool) -> None:
    raise Hopeful if much else Hopeless


class Places:
    @staticmethod
    def double(x: int) -> int:
        return 2 * x


def _loud(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


@_loud
def wrapped(x: int) -> int:
    return x + 1


def taken() -> str:
    return "the first one"


first = taken
globals()["taken"] = lambda: "the second one"
