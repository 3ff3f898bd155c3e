"""Steps: pieces of a job that run once, whatever number of attempts it takes to get through.

What a step came to is stored before its value is given to the code. So the code sees the same value
in every attempt: what JSON makes of it, in the first one too.
"""

import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

from offload.values import encode
from offload.worker.checkpoints import check_name

T = TypeVar("T")

MOST_VALUE_BYTES = 1 << 20
"""Of what a step came to."""


class StepNames:
    """The steps of one attempt: each name once, and what those of earlier attempts came to."""

    __slots__ = ("_stored", "_taken")

    def __init__(self, stored: dict[str, bytes]) -> None:
        self._stored = stored
        self._taken: dict[str, object] = {}

    def take(self, name: str) -> bytes | None:
        """Take a name; returns what the step came to, as JSON, if it has run before.

        Raises:
            ValueError: this attempt has a step of that name already.
        """
        check_name(name, "step")
        mine = object()
        if self._taken.setdefault(name, mine) is not mine:  # in one step: threads may race
            raise ValueError(
                f"there has been a step of the name {name!r} in this job already; give each its "
                "own, for instance with the number of the item in it"
            )
        return self._stored.get(name)

    def give_back(self, name: str) -> None:
        """The step came to nothing; it may be tried again."""
        self._taken.pop(name, None)


def written(name: str, value: object) -> bytes:
    """Write what a step came to.

    Raises:
        NotSerializable: JSON cannot carry it exactly.
        ValueError: it is too large.
    """
    encoded = encode(value)
    if len(encoded) > MOST_VALUE_BYTES:
        raise ValueError(
            f"the value of the step {name!r} has {len(encoded):,} bytes as JSON; at most "
            f"{MOST_VALUE_BYTES:,} are kept. Write it to a file, and return the file's name"
        )
    return encoded


def refuse_coroutine(name: str, fn: Callable[..., object]) -> None:
    """Refuse what only async code can call.

    Raises:
        TypeError: the function is async.
    """
    if inspect.iscoroutinefunction(fn):
        raise TypeError(f"an async function is no step(); use await context.astep({name!r}, …)")


async def awaited(value: Awaitable[T] | T) -> T:
    """Return what a function came to, be it async or not."""
    return await value if inspect.isawaitable(value) else value
