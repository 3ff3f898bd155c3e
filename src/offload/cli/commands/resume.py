"""`offload resume`: what was paused goes on."""

import contextlib
from typing import Any

import click

from offload.cli import exits, options
from offload.cli.halting import Whole, tell_whole, whole_of
from offload.cli.many import ask_all, ask_each, meant, of_many
from offload.cli.verbs import Verbs, open_verbs


@click.command
@options.job_ids(required=False)
@of_many
@click.option(
    "--include-running", is_flag=True, help="Of a queue or a task: resume its paused jobs, too."
)
@options.verb
@options.examples(
    "offload resume 7 8",
    "offload resume --queue mail",
    "offload resume --task render --state paused",
)
def command(
    job_ids: tuple[int, ...], include_running: bool, as_json: bool, **arguments: Any
) -> None:
    """Let paused jobs, a queue, a task or a group go on.

    By their numbers, or all that a filter leaves: a person is asked first, --yes says so
    beforehand, --preview only counts. --queue or --task alone lets the queue or the task itself go
    on.

    A job goes on where it stood still as soon as a place is free, ahead of its queue. One whose
    worker is gone is run again, from its last checkpoint.
    """
    which = meant(job_ids, arguments)
    whole, code = whole_of(which, include_running=include_running), exits.OK
    with contextlib.closing(open_verbs(arguments)) as verbs:
        if which.ids:
            code = ask_each(which.ids, verbs.resume, as_json=as_json)
        elif whole is None:
            code = ask_all(verbs, "resume", which, as_json=as_json)
        else:
            _resume(verbs, whole, include_running=include_running, as_json=as_json)
    click.get_current_context().exit(code)


def _resume(verbs: Verbs, whole: Whole, *, include_running: bool, as_json: bool) -> None:
    name = whole.name
    match whole.kind:
        case "group":
            tell_whole(f"group {name} goes on", verbs.resume_group(int(name)), as_json=as_json)
        case "queue":
            changed = verbs.resume_all("queues", name, include_running=include_running)
            tell_whole(f"the queue {name} goes on", changed, as_json=as_json)
        case "task":
            changed = verbs.resume_all("tasks", name, include_running=include_running)
            tell_whole(f"the task {name} goes on", changed, as_json=as_json)
