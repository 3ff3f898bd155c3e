"""The Python files that a change of is looked for, and what can be seen of them without reading."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

File = tuple[int, int, int]
"""What changes with a file's content: time, size, and which file it is (editors replace it)."""

Snapshot = dict[str, File]

_OWN_FOLDER = os.path.dirname(os.path.dirname(__file__))
_STANDARD_LIBRARY = os.path.dirname(os.__file__)


def imported_folders() -> list[str]:
    """Return the folders of all modules that are imported, but for installed ones and our own."""
    files = [str(getattr(module, "__file__", None)) for module in list(sys.modules.values())]
    return sorted({os.path.dirname(os.path.abspath(file)) for file in files if _is_own(file)})


def _is_own(file: str) -> bool:
    return (
        file.endswith(".py")
        and "-packages" + os.sep not in file
        and not file.startswith((_STANDARD_LIBRARY + os.sep, _OWN_FOLDER + os.sep))
    )


def folders_of(served: str) -> set[str]:
    """Return the folder of what is served, if it is named as a file: it need not be imported."""
    place = served.partition(":")[0]
    is_file = place.endswith(".py") or os.sep in place
    return {str(Path(place).absolute().parent)} if is_file else set()


def look(folders: Iterable[str]) -> Snapshot:
    """Return what can be seen of the Python files in these folders, and of packages below them."""
    seen: Snapshot = {}
    waiting = list(folders)
    looked: set[str] = set()
    while waiting:
        folder = waiting.pop()
        if folder not in looked:
            looked.add(folder)
            waiting += _look_in(folder, seen)
    return seen


def _look_in(folder: str, seen: Snapshot) -> list[str]:
    """Look at the files of one folder; returns the packages in it."""
    packages = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    found = entry.stat()
                    seen[entry.path] = (found.st_mtime_ns, found.st_size, found.st_ino)
                elif entry.name.isidentifier() and os.path.exists(
                    os.path.join(entry.path, "__init__.py")
                ):
                    packages.append(entry.path)
    except OSError:  # a file that is just being replaced, a folder that is gone: seen next time
        return packages
    return packages


def what_changed(before: Snapshot, after: Snapshot) -> str:
    """Name what differs, for people: `tasks.py`, or `tasks.py and 3 more files`."""
    names = sorted(
        os.path.basename(path)
        for path in before.keys() | after.keys()
        if before.get(path) != after.get(path)
    )
    if len(names) <= 1:
        return "".join(names)
    more = len(names) - 1
    return f"{names[0]} and {more} more file{'s' if more > 1 else ''}"
