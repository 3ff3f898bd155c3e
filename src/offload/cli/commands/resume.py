"""`offload resume`: what was paused goes on."""

import contextlib
from typing import Any

import click

from offload.cli import exits, options
from offload.cli.halting import ask_each, named, of_whole, tell_whole
from offload.cli.verbs import open_verbs


@click.command
@options.job_ids(required=False)
@of_whole("resume")
@options.verb
def command(job_ids: tuple[int, ...], as_json: bool, **arguments: Any) -> None:
    """Let paused jobs, a queue, a task or a group go on.

    A job goes on where it stood still as soon as a place is free, ahead of its queue. One whose
    worker is gone is run again, from its last checkpoint.
    """
    whole, code = named(job_ids, arguments), exits.OK
    running = whole.include_running
    with contextlib.closing(open_verbs(arguments)) as verbs:
        if whole.group is not None:
            tell_whole(
                f"group {whole.group} goes on", verbs.resume_group(whole.group), as_json=as_json
            )
        elif whole.queue is not None:
            changed = verbs.resume_all("queues", whole.queue, include_running=running)
            tell_whole(f"the queue {whole.queue} goes on", changed, as_json=as_json)
        elif whole.task is not None:
            changed = verbs.resume_all("tasks", whole.task, include_running=running)
            tell_whole(f"the task {whole.task} goes on", changed, as_json=as_json)
        else:
            code = ask_each(job_ids, verbs.resume, as_json=as_json)
    click.get_current_context().exit(code)
