"""How an Offload meets a fork of its program, and the program's end."""

import atexit
import os
import sys
import threading
import weakref
from concurrent.futures import thread as futures_thread
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Protocol

from offload.errors import StoreError


class Lasting(Protocol):
    """What has to be told of a fork and of the end."""

    def forking(self) -> AbstractContextManager[None]:
        """Return what is entered before a fork, and left behind it in the parent only."""
        ...

    def after_fork(self) -> None:
        """In the child: forget what was open."""
        ...

    def end(self) -> str | None:
        """Stop what still runs; returns what there is to say about it."""
        ...


_all: "weakref.WeakSet[Lasting]" = weakref.WeakSet()
_held = ExitStack()
"""What is held while this process forks."""

_registered: list[int] = []
"""The process that has arranged for its end, if this one has."""


def register(lasting: Lasting) -> None:
    """Tell it of every fork."""
    _all.add(lasting)


def end_with_the_program() -> None:
    """Arrange that everything registered is ended when this program ends."""
    if _registered == [os.getpid()]:
        return
    _registered[:] = [os.getpid()]
    # Before concurrent.futures stops taking work, or a job that uses `asyncio.to_thread` would fail
    # for it. atexit comes too late: CPython runs these first (threading._shutdown), the last one
    # registered before all others; so that module has to be imported by now.
    assert futures_thread is not None
    getattr(threading, "_register_atexit", atexit.register)(_end_all)


def how_to_go_on(unfinished: int, database: Path) -> str:
    """Say how many jobs were left, and what makes them go on."""
    jobs = "1 unfinished job is" if unfinished == 1 else f"{unfinished} unfinished jobs are"
    program = sys.argv[0] if sys.argv[0].endswith(".py") else "FILE_OR_MODULE"
    return (
        f"offload: {jobs} kept in {database}; go on with `offload worker {program} --db {database}`"
    )


def what_is_lost(boxes: int) -> str:
    """Say how many black boxes ended with the program."""
    count = "1 black box has" if boxes == 1 else f"{boxes} black boxes have"
    return f"offload: {count} failed as lost: only this program could run what it was handed"


def _end_all() -> None:
    for lasting in list(_all):
        try:
            last_word = lasting.end()
        except StoreError as error:
            last_word = f"offload: the jobs that still ran could not be given back: {error}"
        if last_word is not None:
            print(last_word, file=sys.stderr)


def _before_fork() -> None:
    for lasting in list(_all):
        _held.enter_context(lasting.forking())


def _in_child() -> None:
    _held.pop_all()  # not left: its locks belong to threads that are not here
    for lasting in list(_all):
        lasting.after_fork()


os.register_at_fork(before=_before_fork, after_in_parent=_held.close, after_in_child=_in_child)
