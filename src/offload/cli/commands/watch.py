"""`offload watch`: jobs as they go on, until they have ended."""

import contextlib
from typing import Any

import click

from offload.cli import exits, options, screen
from offload.cli.telling import tell
from offload.cli.verbs import open_verbs
from offload.cli.watching import Named, Unfinished, follow, leaving


@click.command
@options.job_ids(required=False)
@click.option("--timeout", metavar="SECONDS", type=click.FloatRange(0), help="So long at most.")
@options.verb
def command(
    job_ids: tuple[int, ...], timeout: float | None, as_json: bool, **arguments: Any
) -> None:
    """Watch jobs until they have ended.

    Without an ID these are all that have not; those that are started meanwhile come in addition.

    On a terminal each job has a bar, with what is done, how fast it goes and what is left.
    Elsewhere, or with NO_COLOR, there is a line for each change, with --json a line of JSON.

    The exit code is 0 if all have succeeded, 124 when the time is over, 1 if one failed, 3 if one
    was cancelled. Ctrl-C ends the watching, never a job.
    """
    with contextlib.closing(open_verbs(arguments)) as verbs:
        look = Named(verbs, job_ids) if job_ids else Unfinished(verbs)
        with leaving("nobody watches any more; the jobs go on"):
            jobs = follow(verbs, look, screen.display(as_json=as_json), timeout=timeout)
    if not jobs:
        tell("there is no unfinished job to watch")
    click.get_current_context().exit(exits.of_jobs(jobs))
