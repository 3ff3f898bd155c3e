"""Whether this program can have child processes at all, and what a child must be told of a task."""

import os
import sys
from collections.abc import Callable
from typing import Any

import msgspec

from offload.importable import MAIN, Place, place_of, unwrapped, why_not_found, why_not_importable
from offload.options import TaskOptions
from offload.registry import RegisteredTask
from offload.worker.executors.process.frames import Carried


def why_no_children() -> str | None:
    """Say why no task can run in a child process here; None if they can.

    What ends all that a job has started is Linux's alone (prctl, pidfd, /proc). Elsewhere a child
    could be killed and leave its own children behind, so there are none.
    """
    if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
        return "child processes that can be ended for certain are had on Linux only"
    if getattr(sys, "frozen", False) or not sys.executable:
        return "this program has no Python interpreter of its own to start"
    return None


class Known(msgspec.Struct, frozen=True):
    """What is known of a task: where a child finds it, or why none can.

    Attributes:
        task: the one that was looked at; another one may be registered under its name later.
        place: where its function is; None if it must run in a thread.
        why: why it must.
        options: what a child needs besides.
    """

    task: RegisteredTask
    place: Place | None
    why: str = ""
    options: Carried = Carried()


def know(task: RegisteredTask) -> Known:
    """Look at a task; to be done when its module has been imported to the end."""
    why = why_no_children() or why_not_importable(task.function) or why_not_found(task.function)
    if why is not None:
        return Known(task, None, why)
    try:
        return Known(task, place_of(task.function), options=_carried(task))
    except _Unnamed as unnamed:
        return Known(task, None, str(unnamed))


class _Unnamed(Exception):
    """An option that no other process can have."""


def _carried(task: RegisteredTask) -> Carried:
    """Nothing is carried where the module registers the task itself."""
    if _is_registered_in_its_module(task):
        return Carried()
    options = task.options
    encode = None if options.encode is None else _function(options.encode)
    default = TaskOptions().retry_on
    retry_on = None if options.retry_on == default else tuple(map(_class, options.retry_on))
    return Carried(encode, retry_on)


def _is_registered_in_its_module(task: RegisteredTask) -> bool:
    found: object = sys.modules[task.function.__module__]
    for part in task.function.__qualname__.split("."):
        found = getattr(found, part, None)
    registered = (getattr(each, "registered", None) for each in unwrapped(found))
    return any(isinstance(each, RegisteredTask) and each.name == task.name for each in registered)


def _function(function: Callable[..., Any]) -> Place:
    why = why_not_importable(function) or why_not_found(function)
    if why is not None:
        raise _Unnamed(f"its encode= cannot be imported by a child process: {why}")
    return place_of(function)


def _class(error: type[BaseException]) -> Place:
    if "<locals>" in error.__qualname__:
        raise _Unnamed(f"{error.__qualname__} in retry_on= was made inside a function")
    module = sys.modules.get(error.__module__)
    name = MAIN if error.__module__ == "__main__" else error.__module__
    return Place(name, error.__qualname__, getattr(module, "__file__", None))
