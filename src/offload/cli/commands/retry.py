"""`offload retry`: jobs that failed or were cancelled are run again, under their own numbers."""

import contextlib
from typing import Any

import click

from offload.cli import exits, options
from offload.cli.telling import print_json, tell_error
from offload.cli.verbs import open_verbs
from offload.errors import JobError, Refused


@click.command
@options.job_ids(required=True)
@options.verb
def command(job_ids: tuple[int, ...], as_json: bool, **arguments: Any) -> None:
    """Run failed or cancelled jobs again.

    A job keeps its number, its parameters and its history. One that has succeeded, or has not
    ended, stays as it is (exit code 5); the others are retried all the same.
    """
    codes: list[int] = []
    with contextlib.closing(open_verbs(arguments)) as verbs:
        for job_id in dict.fromkeys(job_ids):
            try:
                job = verbs.retry(job_id)
            except (JobError, Refused) as error:
                tell_error(error)
                codes.append(exits.of_error(error))
                continue
            if as_json:
                print_json(job)
            else:
                click.echo(f"job {job_id} is {job['state']}")
    click.get_current_context().exit(codes[0] if codes else exits.OK)
