"""What a check gave: a value, or what it raised."""

from typing import Any

from msgspec import Struct


class NoAnswer(TimeoutError):
    """A check has not answered in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the check has not answered for {seconds:g} s")


class Returned(Struct, frozen=True):
    """The check returned."""

    value: Any


class Raised(Struct, frozen=True):
    """The check raised, or has not answered in time (`NoAnswer`)."""

    error: BaseException


Answer = Returned | Raised
