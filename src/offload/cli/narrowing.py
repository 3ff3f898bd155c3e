"""By what jobs are narrowed: the same options for a list and for a verb that is asked of many."""

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from offload.model import State
from offload.units import since

F = TypeVar("F", bound=Callable[..., Any])

STATES = tuple(state.value for state in State)


def _read_since(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Check a time; what it means is decided where the jobs are, by the clock there."""
    try:
        if value is not None:
            since(value, time.time())
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return value


_OPTIONS = (
    click.option(
        "--state",
        type=click.Choice(STATES),
        multiple=True,
        help="Only jobs in this stored state; repeatable.",
    ),
    click.option("--task", metavar="NAME", help="Only jobs of this task."),
    click.option("--queue", metavar="NAME", help="Only jobs of this queue."),
    click.option("--tag", metavar="WORD", help="Only jobs with this tag."),
    click.option(
        "--group", metavar="ID", type=click.IntRange(1), help="Only jobs of the group of this id."
    ),
    click.option(
        "--since",
        metavar="TIME",
        callback=_read_since,
        help="Only jobs started in the last 24h, or since 2026-01-31T09:00:00Z.",
    ),
    click.option(
        "--worker",
        metavar="ID",
        type=click.IntRange(1),
        help="Only jobs that this worker has, or had at their end.",
    ),
    click.option(
        "--search", metavar="WORDS", help="Only jobs that have these words: param.name:value too."
    ),
)

NAMES = ("state", "task", "queue", "tag", "group", "since", "worker", "search")


def narrowed(function: F) -> F:
    """Add the options to a command."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def taken_from(arguments: dict[str, Any]) -> Mapping[str, str]:
    """Take the filter out of a command's arguments; returns it by the names that HTTP has."""
    said = {name: arguments.pop(name) for name in NAMES}
    said["state"] = ",".join(said["state"])
    said["q"] = said.pop("search")
    return {name: str(value) for name, value in said.items() if value}
