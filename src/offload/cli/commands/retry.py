"""`offload retry`: jobs that failed or were cancelled are run again, under their own numbers."""

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
    "offload retry 7 8",
    "offload retry --state failed --since 24h",
)
def command(job_ids: tuple[int, ...], as_json: bool, **arguments: Any) -> None:
    """Run failed or cancelled jobs again.

    By their numbers, or all that a filter leaves: a person is asked first, --yes says so
    beforehand, --preview only counts.

    A job keeps its number, its parameters and its history. One that has succeeded, or has not
    ended, stays as it is (exit code 5); the others are retried all the same.
    """
    which = meant(job_ids, arguments)
    with contextlib.closing(open_verbs(arguments)) as verbs:
        if which.ids:
            code = ask_each(which.ids, verbs.retry, as_json=as_json)
        else:
            code = ask_all(verbs, "retry", which, as_json=as_json)
    click.get_current_context().exit(code)
