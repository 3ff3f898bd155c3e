"""`offload tasks`: what can be started."""

import contextlib
from typing import Any

import click

from offload.cli import options
from offload.cli.opening import open_with_tasks
from offload.cli.table import columns
from offload.cli.telling import print_json, visible

HEADINGS = ("task", "kind", "runs in", "parameters", "what it does")


@click.command
@options.app_option
@options.verb
def command(*, app: str | None, as_json: bool, **arguments: Any) -> None:
    """List the tasks that can be started.

    `offload start TASK --help` says more of one of them.
    """
    with contextlib.closing(open_with_tasks(arguments, app)) as verbs:
        tasks = verbs.tasks()
    if as_json:
        print_json(tasks)
    elif tasks:
        rows = [_row(task) for task in tasks]
        click.echo("\n".join(columns(HEADINGS, rows, gives_way=("what it does", "parameters"))))
    else:
        click.echo("no tasks")


def _row(task: dict[str, Any]) -> tuple[str, ...]:
    signature = visible(task["signature"].removeprefix(task["name"]))
    arguments = signature.partition(" -> ")[0].strip("()")
    return task["name"], task["kind"], task["executor"], arguments, visible(task["summary"])
