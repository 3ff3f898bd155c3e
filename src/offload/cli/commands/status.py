"""`offload status`: all that there is to know about one job."""

import contextlib
import shlex
import time
from collections.abc import Mapping
from typing import Any

import click

from offload.cli import options
from offload.cli.status_page import page
from offload.cli.telling import print_json
from offload.cli.verbs import open_verbs

LAST_LINES = 10
"""Of the job's log; `offload logs` has it whole."""


@click.command
@options.job_id
@options.verb
def command(job_id: int, as_json: bool, **arguments: Any) -> None:
    """Show a job and its history.

    How it is and why; where its time went; its attempts and what they used; what was asked of it,
    what was done and what came of it; its last lines; what can be done with it now.

    The exit code is 0 in every state; `offload wait --timeout 0` tells the state by its exit code.
    """
    with contextlib.closing(open_verbs(arguments)) as verbs:
        job = verbs.status(job_id)
        history = verbs.history(job_id)
        story = verbs.story(job_id)
        log = () if as_json else verbs.log(job_id, tail=True, limit=LAST_LINES)["items"]
    if as_json:
        told = {"attempts": story["items"], "receipts": story["receipts"]}
        print_json(job | {"events": history, "timeline": story["timeline"], **told})
    else:
        click.echo(page(job, history, time.time(), story=story, log=log, way=_way(arguments)))


def _way(arguments: Mapping[str, Any]) -> str:
    """Return the flags by which the job was found; a token is no text to be shown."""
    given = {name: arguments.get(name) for name in ("db", "server")}
    return "".join(f" --{name} {shlex.quote(value)}" for name, value in given.items() if value)
