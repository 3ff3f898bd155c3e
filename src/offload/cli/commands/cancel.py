"""`offload cancel`: a job that has not begun never starts; a running one is stopped."""

import contextlib
from typing import Any

import click

from offload.cli import options
from offload.cli.telling import print_json
from offload.cli.verbs import open_verbs


@click.command
@options.job_id
@options.verb
def command(job_id: int, as_json: bool, **arguments: Any) -> None:
    """Cancel a job.

    A job that has not begun never starts. A running one is `cancelling` until its code has
    stopped; `offload wait` waits for that. One that has succeeded or failed stays so (exit code 5).
    """
    with contextlib.closing(open_verbs(arguments)) as verbs:
        job = verbs.cancel(job_id)
    if as_json:
        print_json(job)
    else:
        already = "" if job["changed"] else " already"
        click.echo(f"job {job_id} is {job['state']}{already}")
