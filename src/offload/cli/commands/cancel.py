"""`offload cancel`: jobs that have not begun never start; running ones are stopped."""

import contextlib
from typing import Any

import click

from offload.cli import options
from offload.cli.many import ask_all, ask_each, meant, of_many
from offload.cli.verbs import open_verbs


@click.command
@options.job_ids(required=False)
@of_many
@options.verb
@options.examples(
    "offload cancel 7 8",
    "offload cancel --task render --state queued --preview",
)
def command(job_ids: tuple[int, ...], as_json: bool, **arguments: Any) -> None:
    """Cancel jobs.

    By their numbers, or all that a filter leaves: a person is asked first, --yes says so
    beforehand, --preview only counts.

    A job that has not begun never starts. A running one is `cancelling` until its code has
    stopped; `offload wait` waits for that. One that has succeeded or failed stays so (exit code 5).
    """
    which = meant(job_ids, arguments)
    with contextlib.closing(open_verbs(arguments)) as verbs:
        if which.ids:
            code = ask_each(which.ids, verbs.cancel, as_json=as_json)
        else:
            code = ask_all(verbs, "cancel", which, as_json=as_json)
    click.get_current_context().exit(code)
