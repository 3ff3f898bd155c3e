"""`offload list`: the newest jobs, as a table."""

import contextlib
import time
from typing import Any

import click

from offload.cli import options
from offload.cli.table import table
from offload.cli.telling import print_json
from offload.cli.verbs import open_verbs
from offload.model import State

STATES = tuple(state.value for state in State)


@click.command
@click.option("--state", type=click.Choice(STATES), help="Only jobs in this stored state.")
@click.option("--task", metavar="NAME", help="Only jobs of this task.")
@click.option("--queue", metavar="NAME", help="Only jobs of this queue.")
@click.option(
    "--limit", metavar="N", type=click.IntRange(1), default=20, help="At most.  [default: 20]"
)
@options.verb
def command(
    *,
    state: str | None,
    task: str | None,
    queue: str | None,
    limit: int,
    as_json: bool,
    **arguments: Any,
) -> None:
    """List jobs, newest first."""
    with contextlib.closing(open_verbs(arguments)) as verbs:
        jobs = verbs.list(state=state, task=task, queue=queue, limit=limit)
    if as_json:
        print_json(jobs)
    elif jobs:
        click.echo(table(jobs, time.time()))
    else:
        click.echo("no jobs")
