"""One idea: whether another process can import a function, and where it finds it.

A blocking task runs in a child process, which imports the module that its function stands in. It
cannot do so with a function that was typed at a prompt or in a notebook's cell, that another
function made, or that is no function at all but an object.
"""

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from msgspec import Struct

from offload.errors import ConfigError

MAIN = "__offload_main__"
"""The name of a script in a child: there `if __name__ == "__main__":` does not hold."""


class Place(Struct, frozen=True):
    """Where a function is found by another process.

    Attributes:
        module: the name of its module; `MAIN` is the script that the program was started with.
        qualname: its name in there: `render`, or `Movie.render`.
        file: the module's file, which is looked into when the module's name leads nowhere.
    """

    module: str
    qualname: str
    file: str | None


def why_not_importable(function: Callable[..., Any]) -> str | None:
    """Say in words why another process cannot import a function; None if it can.

    Nothing is imported for it. What only the attempt can show is left to the attempt: a module
    that fails on its second import, a name that has been given to something else.
    """
    qualname = getattr(function, "__qualname__", None)
    holder = getattr(function, "__self__", None)
    if not inspect.isroutine(function) or not isinstance(qualname, str):
        return "it is an object, not a function of a module"
    if holder is not None and not inspect.ismodule(holder) and not inspect.isclass(holder):
        return "it is the method of an object, which no other process has"
    if "<lambda>" in qualname:
        return "a lambda has no name by which it could be found"
    if "<locals>" in qualname:
        return "it was made inside another function"
    return _why_not_from(function)


def place_of(function: Callable[..., Any]) -> Place:
    """Return where another process finds a function; only of one that can be imported."""
    name = function.__module__
    module = sys.modules[name]
    spec = getattr(module, "__spec__", None)
    if name == "__main__":
        name = MAIN if spec is None else spec.name  # `python -m package.module` has a spec
    return Place(name, function.__qualname__, getattr(module, "__file__", None))


def why_not_found(function: Callable[..., Any]) -> str | None:
    """Say why the name of a function does not lead to it in this process; None if it does.

    Not to be asked while its module is being imported: a decorator runs before its name is bound.
    """
    found: object = sys.modules.get(function.__module__)
    for part in function.__qualname__.split("."):
        found = getattr(found, part, None)
    if any(each is function or each == function for each in unwrapped(found)):
        return None
    return f"the name {function.__qualname__} in {function.__module__} leads to something else"


def unwrapped(found: object) -> Iterator[object]:
    """Yield an object, and what it wraps, and what that wraps."""
    for _ in range(100):
        yield found
        found = inspect.getattr_static(found, "__wrapped__", None)
        if found is None:
            return


def _why_not_from(function: Callable[..., Any]) -> str | None:
    name = getattr(function, "__module__", None) or ""
    module = sys.modules.get(name)
    if module is None:
        return f"there is no module {name!r} that it could be imported from"
    if name != "__main__" or getattr(module, "__spec__", None) is not None:
        has_spec = getattr(module, "__spec__", None) is not None
        return None if has_spec else f"the module {name!r} was made by hand and cannot be imported"
    file = getattr(module, "__file__", None)
    code = getattr(inspect.unwrap(function), "__code__", None)
    if not file or file.startswith("<") or code is None or code.co_filename != file:
        return "it was not written in a file but at a prompt, or in a notebook"
    return None


_importing: list[str] = []
"""What this process imports at the moment to find a task in it."""


@contextmanager
def importing_for_a_task(name: str) -> Iterator[None]:
    """Say that a module is imported only to find a task in it."""
    _importing.append(name)
    try:
        yield
    finally:
        _importing.pop()


def refuse_while_importing() -> None:
    """To be called by every verb that starts jobs.

    Raises:
        ConfigError: a child is importing a module to find a task in it, and that module starts
            jobs as it is imported: every child would start them again.
    """
    if _importing:
        what = "this script" if _importing[-1] == MAIN else f"the module {_importing[-1]}"
        raise ConfigError(
            f"{what} starts jobs as it is imported, which every process that runs one of its tasks "
            'does; put that under `if __name__ == "__main__":`'
        )
