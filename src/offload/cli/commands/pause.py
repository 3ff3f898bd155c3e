"""`offload pause`: jobs stand still until resumed; a whole queue or task begins nothing."""

import contextlib
from typing import Any

import click

from offload.cli import exits, options
from offload.cli.halting import ask_each, named, of_whole, tell_whole
from offload.cli.verbs import open_verbs


@click.command
@options.job_ids(required=False)
@of_whole("pause")
@click.option("--reason", metavar="TEXT", help="Why, for whoever looks at it.")
@options.verb
def command(job_ids: tuple[int, ...], reason: str | None, as_json: bool, **arguments: Any) -> None:
    """Pause jobs, a queue, a task or a group.

    A job that has not begun is held. A running one is `pausing` until its code stands still, and
    gives its place back; `offload resume` lets it go on. Work elsewhere goes on while nobody looks
    at it. From a paused queue, and of a paused task, nothing is begun. It lasts over restarts.
    A job that cannot be paused says why (exit code 5).
    """
    whole, code = named(job_ids, arguments), exits.OK
    running = whole.include_running
    with contextlib.closing(open_verbs(arguments)) as verbs:
        if whole.group is not None:
            changed = verbs.pause_group(whole.group, reason)
            tell_whole(f"group {whole.group} is paused", changed, as_json=as_json)
        elif whole.queue is not None:
            changed = verbs.pause_all("queues", whole.queue, reason, include_running=running)
            tell_whole(f"the queue {whole.queue} is paused", changed, as_json=as_json)
        elif whole.task is not None:
            changed = verbs.pause_all("tasks", whole.task, reason, include_running=running)
            tell_whole(f"the task {whole.task} is paused", changed, as_json=as_json)
        else:
            code = ask_each(job_ids, lambda each: verbs.pause(each, reason), as_json=as_json)
    click.get_current_context().exit(code)
