"""`offload list`: the newest jobs, as a table."""

import contextlib
import time
from typing import Any

import click

from offload.cli import options
from offload.cli.narrowing import narrowed, taken_from
from offload.cli.table import table
from offload.cli.telling import print_json
from offload.cli.verbs import open_verbs


@click.command
@narrowed
@click.option(
    "--limit", metavar="N", type=click.IntRange(1), default=20, help="At most.  [default: 20]"
)
@options.verb
def command(*, limit: int, as_json: bool, **arguments: Any) -> None:
    """List jobs, newest first."""
    asked = taken_from(arguments)
    with contextlib.closing(open_verbs(arguments)) as verbs:
        jobs = verbs.listed(asked, limit=limit)
    if as_json:
        print_json(jobs)
    elif jobs:
        click.echo(table(jobs, time.time()))
    else:
        click.echo("no jobs")
