"""One idea: hooks round the life of a worker, or of each of its child processes.

A hook is a generator function with one `yield`: what stands before it sets up (a connection, a
model in memory), what stands after it tears down.
"""

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any, Literal

from msgspec import Struct

from offload.errors import InvalidTask
from offload.importable import Place, place_of, why_not_importable
from offload.text import capped_repr

Scope = Literal["worker", "child"]

log = logging.getLogger("offload.worker")


class Lifespan(Struct, frozen=True):
    """A hook.

    Attributes:
        function: a generator function, or an async one, without parameters.
        scope: "worker": once in each worker, before its first job and after its last one. "child":
            once in each child process, before the first job that it runs and after its last one.
        is_async: it runs on the worker's loop; another one of a worker runs in a thread.
    """

    function: Callable[[], Any]
    scope: Scope
    is_async: bool

    @classmethod
    def of(cls, function: Callable[[], Any], *, scope: str | None = None) -> "Lifespan":
        """Take a hook, and decide where it runs unless that is said.

        An async one runs in the worker, any other in each child; in the worker, too, if a child
        cannot import it, since then the tasks beside it run there as well.

        Raises:
            InvalidTask: it is no generator function without parameters, or cannot run there.
        """
        name = getattr(function, "__qualname__", capped_repr(function, limit=80))
        is_async = inspect.isasyncgenfunction(function)
        _check(function, name, scope, is_async)
        why_not = why_not_importable(function)
        if scope == "child" and why_not is not None:
            raise InvalidTask(
                f"the lifespan hook {name} cannot run in child processes: {why_not}; "
                'move it into a module, or give it scope="worker"'
            )
        in_worker = scope == "worker" or is_async or why_not is not None
        return cls(function, "worker" if in_worker else "child", is_async)

    @property
    def place(self) -> Place:
        """Where a child finds it; only of one for children."""
        return place_of(self.function)


@asynccontextmanager
async def worker_lifespans(hooks: Iterable[Lifespan]) -> AsyncIterator[None]:
    """Set up the worker's hooks in their order, and tear them down in the opposite one.

    What a set-up raises comes out of here, after what was set up before it has been torn down. A
    tear-down that raises is logged: the others have their turn all the same.
    """
    async with AsyncExitStack() as stack:
        for hook in hooks:
            if hook.scope == "worker":
                await stack.enter_async_context(_entered(hook))
        yield


@asynccontextmanager
async def _entered(hook: Lifespan) -> AsyncIterator[None]:
    manager = asynccontextmanager(hook.function)() if hook.is_async else _InThread(hook.function)
    await manager.__aenter__()
    try:
        yield
    finally:
        try:
            await manager.__aexit__(None, None, None)
        except Exception:
            log.exception("the lifespan hook %s failed as it was torn down", _name(hook))


class _InThread:
    """A blocking hook whose steps do not block the loop."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._manager = contextmanager(function)()

    async def __aenter__(self) -> None:
        await asyncio.to_thread(self._manager.__enter__)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._manager.__exit__, None, None, None)


def _name(hook: Lifespan) -> str:
    return getattr(hook.function, "__qualname__", repr(hook.function))


def _check(function: Callable[..., Any], name: str, scope: str | None, is_async: bool) -> None:
    if not is_async and not inspect.isgeneratorfunction(function):
        raise InvalidTask(
            f"the lifespan hook {name} must have one `yield`: what stands before it sets up, what "
            "stands after it tears down"
        )
    if any(_is_required(each) for each in inspect.signature(function).parameters.values()):
        raise InvalidTask(f"the lifespan hook {name} must take no arguments: it is given none")
    if scope not in (None, "worker", "child"):
        raise InvalidTask(
            f'the lifespan hook {name} wants the scope {scope!r}; it can be "worker" or "child"'
        )
    if scope == "child" and is_async:
        raise InvalidTask(
            f"the lifespan hook {name} is an async generator, which runs on the worker's loop; a "
            "child process has none: write `def`, or leave scope= out"
        )


def _is_required(parameter: inspect.Parameter) -> bool:
    rest = (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    return parameter.default is parameter.empty and parameter.kind not in rest
