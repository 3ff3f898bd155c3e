"""What `offload pause` and `offload resume` share: a queue, a task or a group as one thing."""

from collections.abc import Mapping
from typing import Any, Literal

import click
from msgspec import Struct

from offload.cli.many import Meant
from offload.cli.telling import print_json

Kind = Literal["queue", "task", "group"]

_WHOLES: tuple[Kind, ...] = ("queue", "task", "group")


class Whole(Struct, frozen=True):
    """What is paused as one thing.

    Attributes:
        kind: what it is.
        name: of a queue or a task; of a group its id.
    """

    kind: Kind
    name: str


def whole_of(which: Meant, *, include_running: bool) -> Whole | None:
    """Return the queue, task or group that is named alone; None where jobs are meant.

    Raises:
        click.UsageError: an option does not fit what is named.
    """
    [*names] = which.narrowed
    kind = next((each for each in _WHOLES if names == [each]), None)
    if kind is None or (kind == "group" and which.preview):
        if include_running:
            raise click.UsageError("--include-running is for a queue or a task, named alone")
        return None
    if which.preview:
        raise click.UsageError(
            f"--{kind} alone means the {kind} itself, which is one thing; with --state, or another "
            "filter, its jobs are meant, one by one"
        )
    return Whole(kind, which.narrowed[kind])


def tell_whole(what: str, changed: Mapping[str, Any], *, as_json: bool) -> None:
    """Say what became of a queue, a task or a group."""
    if as_json:
        print_json(changed)
        return
    jobs = changed["changed"]
    besides = f"; {jobs} job{'' if jobs == 1 else 's'} changed" if jobs else ""
    click.echo(f"{what}{besides}")
