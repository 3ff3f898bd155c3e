"""`offload wait`: until a job has ended; the exit code says how."""

import contextlib
import sys
from typing import Any

import click

from offload.cli import exits, options, screen
from offload.cli.page import sentence
from offload.cli.telling import print_json, tell
from offload.cli.verbs import JobView, Verbs, open_verbs
from offload.cli.watching import Named, follow, leaving

TELL_AFTER_SECONDS = 1.0
"""A job that still waits after so long has a reason that people want to know."""


@click.command
@options.job_id
@click.option("--timeout", metavar="SECONDS", type=click.FloatRange(0), help="So long at most.")
@options.verb
def command(job_id: int, timeout: float | None, as_json: bool, **arguments: Any) -> None:
    """Wait until a job has ended.

    A terminal shows meanwhile how far it is. The exit code is 0 if it succeeded, 1 if it failed, 3
    if it was cancelled, 124 when the time is over.
    """
    with contextlib.closing(open_verbs(arguments)) as verbs, leaving(goes_on(job_id)):
        if not as_json and screen.draws_bars(sys.stderr):
            look = Named(verbs, (job_id,))
            [job] = follow(verbs, look, screen.bars(sys.stderr), timeout=timeout)
        else:
            job = wait_for(verbs, job_id, timeout)
    if as_json:
        print_json(job)
    else:
        click.echo(sentence(job))
    end_as(job)


def wait_for(verbs: Verbs, job_id: int, timeout: float | None) -> JobView:
    """Wait for a job's end; tell why it waits if it does so for long."""
    if timeout is not None and timeout <= TELL_AFTER_SECONDS:
        return verbs.wait(job_id, timeout)
    job = verbs.wait(job_id, TELL_AFTER_SECONDS)
    if job["done"]:
        return job
    if job["state"] == "queued" and job["reason"]:
        tell(f"job {job_id} waits: {job['reason']}")
    return verbs.wait(job_id, None if timeout is None else timeout - TELL_AFTER_SECONDS)


def goes_on(job_id: int) -> str:
    """Return what somebody is told who does not want to wait any longer."""
    return f"job {job_id} goes on; `offload cancel {job_id}` stops it"


def end_as(job: JobView) -> None:
    """End the command with the code that says how the job ended."""
    code = exits.of_job(job)
    if code != exits.OK:
        click.get_current_context().exit(code)
