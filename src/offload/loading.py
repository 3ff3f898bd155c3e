"""Finds the Offload that somebody names: `tasks.py`, `path/to/tasks.py`, `pkg.module`, `…:name`.

A file is imported as `python file` would find it: its folder goes first on the path, its stem is
its name; in a package it has the package's name before it. A module is looked for in the working
directory too. Whatever stands in the way is told in one sentence, with the place in the user's
code where there is one.
"""

import importlib
import os
import sys
import traceback
from pathlib import Path
from types import ModuleType, TracebackType

from offload.app import Offload
from offload.errors import ConfigError, OffloadError
from offload.text import describe_error

FAR = "OFFLOAD_SERVER"
"""It would send the program's jobs to a server; who loads its tasks has the database."""


def load(named: str) -> Offload:
    """Import what is named and return the Offload in it.

    Args:
        named: a Python file or a module, with `:name` if there are several Offloads in it.

    Raises:
        ConfigError: there is no such file or module, it cannot be imported, or what it holds is
            not exactly one Offload.
    """
    os.environ.pop(FAR, None)
    place, _, name = named.partition(":")
    if _is_file(place):
        module = _import_file(Path(place).absolute(), place)
    else:
        module = _import_module(place, place, Path.cwd())
    return _named(module, name, place) if name else _only(module, place)


def _is_file(place: str) -> bool:
    return place.endswith(".py") or os.sep in place


def _import_file(file: Path, place: str) -> ModuleType:
    if file.is_dir():
        raise ConfigError(f"{place} is a folder; name a Python file in it, or a module")
    if not file.exists():
        raise ConfigError(f"there is no file {place}{_looked_in(place)}")
    if file.suffix != ".py":
        raise ConfigError(f"{place} is no Python file; its name must end in .py")
    name, folder = _name_in_package(file)
    if not _is_module_name(name):
        raise ConfigError(
            f"{place} cannot be imported under the name {name!r}; rename it, with letters, digits "
            "and _ only"
        )
    module = _import_module(name, place, folder)
    _check_same(module, file, place)
    return module


def _looked_in(place: str) -> str:
    return "" if Path(place).is_absolute() else f" in {Path.cwd()}"


def _is_module_name(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


def _name_in_package(file: Path) -> tuple[str, Path]:
    """Return the name under which the file is imported, and the folder from which."""
    parts = [] if file.stem == "__init__" else [file.stem]
    folder = file.parent
    while (folder / "__init__.py").exists():
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts), folder


def _check_same(module: ModuleType, file: Path, place: str) -> None:
    """A file named `queue.py` would give the standard library's module of that name."""
    found = getattr(module, "__file__", None)
    if found is None or not Path(found).samefile(file):
        raise ConfigError(
            f"{place} has the name of another module, {module.__name__!r} "
            f"({found or 'built in'}); rename it"
        )


def _import_module(name: str, place: str, folder: Path) -> ModuleType:
    if not _is_module_name(name):
        raise ConfigError(f"{place!r} is neither a Python file nor the name of a module")
    if sys.path[:1] != [str(folder)]:
        sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ConfigError(_missing(error, name, place)) from error
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{place} cannot be imported: {_where_and_what(error)}") from error


def _missing(error: ModuleNotFoundError, name: str, place: str) -> str:
    """Tell the module that was named from one that it imports itself."""
    where = _place_in_user_code(error.__traceback__)
    if where is not None:
        return f"{place} cannot be imported: {where}: {error.msg}; install it, or mend its name"
    package = f": there is no package {error.name!r}" if error.name != name else ""
    looked = f"looked in {Path.cwd()} and where this Python has its packages"
    return f"there is no module {name!r}{package}; {looked}"


def _where_and_what(error: BaseException) -> str:
    match error:
        case SyntaxError(filename=str(file), lineno=line, msg=message):
            return f"{file}, line {line}: {type(error).__name__}: {message}"
        case SystemExit():
            what = 'it ends the program; put that under `if __name__ == "__main__":`'
        case OffloadError():
            what = str(error)
        case _:
            what = describe_error(error)
    where = _place_in_user_code(error.__traceback__)
    return what if where is None else f"{where}: {what}"


def _place_in_user_code(trace: TracebackType | None) -> str | None:
    """Return the innermost place in code that is neither ours nor of an installed package.

    Where there is only code of installed packages: the innermost place there.
    """
    frames = [
        frame
        for frame in traceback.extract_tb(trace)
        if not frame.filename.startswith(("<frozen ", _IMPORT_MACHINERY, _OWN_FOLDER))
    ]
    own = [frame for frame in frames if not _is_installed(frame.filename)] or frames
    return f"{own[-1].filename}, line {own[-1].lineno}" if own else None


def _is_installed(file: str) -> bool:
    return "-packages" in file or file.startswith(_STANDARD_LIBRARY)


def _named(module: ModuleType, name: str, place: str) -> Offload:
    there = f"; there is {', '.join(_offloads(module))}" if _offloads(module) else ""
    if not hasattr(module, name):
        raise ConfigError(f"{place} has no name {name!r}{there}")
    found = getattr(module, name)
    if not isinstance(found, Offload):
        kind = type(found).__name__
        raise ConfigError(f"{name!r} in {place} is no Offload (its type is {kind}){there}")
    return found


def _only(module: ModuleType, place: str) -> Offload:
    offloads = _offloads(module)
    distinct = {id(offload): offload for offload in offloads.values()}
    if len(distinct) == 1:
        return next(iter(distinct.values()))
    if not distinct:
        raise ConfigError(
            f"{place} has no Offload; add `app = Offload()` and register tasks with it"
        )
    choices = " or ".join(f"{place}:{name}" for name in offloads)
    raise ConfigError(f"{place} has several Offloads; name one: {choices}")


def _offloads(module: ModuleType) -> dict[str, Offload]:
    return {name: value for name, value in vars(module).items() if isinstance(value, Offload)}


_STANDARD_LIBRARY = os.path.dirname(os.__file__)
_IMPORT_MACHINERY = os.path.dirname(importlib.__file__)
_OWN_FOLDER = os.path.dirname(__file__)
