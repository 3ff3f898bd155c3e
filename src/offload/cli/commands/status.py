"""`offload status`: all that there is to know about one job."""

import contextlib
import time
from typing import Any

import click

from offload.cli import options
from offload.cli.page import page
from offload.cli.telling import print_json
from offload.cli.verbs import open_verbs


@click.command
@options.job_id
@options.verb
def command(job_id: int, as_json: bool, **arguments: Any) -> None:
    """Show a job and its history.

    The exit code is 0 in every state; `offload wait --timeout 0` tells the state by its exit code.
    """
    with contextlib.closing(open_verbs(arguments)) as verbs:
        job = verbs.status(job_id)
        history = verbs.history(job_id)
    if as_json:
        print_json(job | {"events": history})
    else:
        click.echo(page(job, history, time.time()))
