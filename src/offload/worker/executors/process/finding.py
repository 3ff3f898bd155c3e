"""Finds a task in a child process: imports its module once, and looks its name up in there."""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from offload.importable import MAIN, Place, importing_for_a_task, unwrapped
from offload.registry import RegisteredTask, Registry
from offload.text import describe_error
from offload.worker.executors.process.channel import Terminated
from offload.worker.executors.process.frames import Carried, Run


class NotHere(Exception):
    """This process cannot have the function; says why."""


class Finder:
    """What this process has imported."""

    def __init__(self) -> None:
        self._tasks: dict[tuple[str, Place], RegisteredTask] = {}

    def knows(self, run: Run) -> bool:
        """Whether nothing has to be imported for a job."""
        return (run.task, run.place) in self._tasks

    def task(self, run: Run) -> RegisteredTask:
        """Return the task that a job is of.

        Raises:
            NotHere: its module cannot be imported here, or has nothing of that name.
        """
        key = (run.task, run.place)
        found = self._tasks.get(key)
        if found is None:
            found = self._tasks[key] = _task(run.task, find(run.place), run.options)
        return found


def find(place: Place) -> object:
    """Return what stands at a place; what an `Offload` made of a function is unwrapped by `_task`.

    Raises:
        NotHere: there is nothing.
    """
    found: object = _module(place)
    for part in place.qualname.split("."):
        if not hasattr(found, part):
            raise NotHere(f"{_shown(place)} has no {place.qualname} when it is imported")
        found = getattr(found, part)
    return found


def function_at(place: Place) -> Callable[..., Any]:
    """Return the function at a place.

    Raises:
        NotHere: there is none.
    """
    found = find(place)
    if not callable(found):
        raise NotHere(f"{place.qualname} in {_shown(place)} is no function")
    return found


def _task(name: str, found: object, options: Carried) -> RegisteredTask:
    """Prefer the task that the module registers itself; it has all of its options."""
    for each in unwrapped(found):
        registered = getattr(each, "registered", None)
        if isinstance(registered, RegisteredTask):
            if registered.name == name:
                return registered
            found = registered.function
            break
    if not callable(found):
        raise NotHere(f"{name} leads to {type(found).__name__}, which is no function")
    return Registry().add(found, name=name, **_given(options))


def _given(options: Carried) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if options.encode is not None:
        given["encode"] = function_at(options.encode)
    if options.retry_on is not None:
        given["retry_on"] = tuple(function_at(place) for place in options.retry_on)
    return given


def _module(place: Place) -> ModuleType:
    if place.module in sys.modules:
        return sys.modules[place.module]
    try:
        with importing_for_a_task(place.module):
            return _main(place) if place.module == MAIN else _named(place)
    except (NotHere, Terminated):
        raise
    except (Exception, SystemExit) as error:
        raise NotHere(f"{_shown(place)} cannot be imported: {describe_error(error)}") from error


def _named(place: Place) -> ModuleType:
    """Import by name; by file where the name is not found, or is that of another file."""
    try:
        module = importlib.import_module(place.module)
    except ModuleNotFoundError as error:
        if error.name is None or place.file is None or not place.module.startswith(error.name):
            raise
        return _from_file(place.module, place.file)
    found = getattr(module, "__file__", None)
    if place.file is not None and found is not None and not _is_same(found, place.file):
        raise NotHere(f"the module {place.module} is {found} here, not {place.file}")
    return module


def _main(place: Place) -> ModuleType:
    """Import the program's script under another name.

    It takes the place of `__main__` too, as in `multiprocessing`: what the script's own objects
    say of themselves, in a traceback or to pickle, stays true.
    """
    assert place.file is not None  # `importable` has looked
    before = sys.modules["__main__"]
    try:
        module = _from_file(MAIN, place.file, also="__main__")
    except BaseException:
        sys.modules["__main__"] = before
        raise
    for each in vars(module).values():
        if isinstance(each, type) and each.__module__ == MAIN:
            each.__module__ = "__main__"
    return module


def _from_file(name: str, file: str, *, also: str | None = None) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise NotHere(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    names = [name] if also is None else [name, also]
    sys.modules |= dict.fromkeys(names, module)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        for each in names:
            sys.modules.pop(each, None)
        raise
    return module


def _is_same(found: str, file: str) -> bool:
    try:
        return Path(found).samefile(file)
    except OSError:
        return False


def _shown(place: Place) -> str:
    return f"the script {place.file}" if place.module == MAIN else f"the module {place.module}"
