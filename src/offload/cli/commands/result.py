"""`offload result`: what a job returned."""

import contextlib
from typing import Any

import click

from offload.cli import options
from offload.cli.telling import print_json, print_value
from offload.cli.verbs import open_verbs


@click.command
@options.job_id
@options.verb
def command(job_id: int, as_json: bool, **arguments: Any) -> None:
    """Print what a job returned.

    Text is printed as it is, everything else as JSON; with --json text is JSON too.
    """
    with contextlib.closing(open_verbs(arguments)) as verbs:
        value = verbs.result(job_id)
    if as_json:
        print_json(value)
    else:
        print_value(value)
