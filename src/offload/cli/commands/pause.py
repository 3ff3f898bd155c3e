"""`offload pause`: jobs stand still until resumed; a whole queue or task begins nothing."""

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
    "--include-running", is_flag=True, help="Of a queue or a task: pause the jobs that run, too."
)
@click.option("--reason", metavar="TEXT", help="Why, for whoever looks at it.")
@options.verb
@options.examples(
    'offload pause 7 8 --reason "the disk is full"',
    "offload pause --queue mail",
    "offload pause --queue mail --state running",
)
def command(
    *,
    job_ids: tuple[int, ...],
    include_running: bool,
    reason: str | None,
    as_json: bool,
    **arguments: Any,
) -> None:
    """Pause jobs, a queue, a task or a group.

    By their numbers, or all that a filter leaves: a person is asked first, --yes says so
    beforehand, --preview only counts. --queue or --task alone pauses the queue or the task itself:
    nothing of it is begun. It lasts over restarts.

    A job that has not begun is held. A running one is `pausing` until its code stands still, and
    gives its place back; `offload resume` lets it go on. Work elsewhere goes on while nobody looks
    at it. A job that cannot be paused says why (exit code 5).
    """
    which = meant(job_ids, arguments)
    whole, code = whole_of(which, include_running=include_running), exits.OK
    with contextlib.closing(open_verbs(arguments)) as verbs:
        if which.ids:
            code = ask_each(which.ids, lambda each: verbs.pause(each, reason), as_json=as_json)
        elif whole is None:
            code = ask_all(verbs, "pause", which, as_json=as_json, reason=reason)
        else:
            _pause(verbs, whole, reason, include_running=include_running, as_json=as_json)
    click.get_current_context().exit(code)


def _pause(
    verbs: Verbs, whole: Whole, reason: str | None, *, include_running: bool, as_json: bool
) -> None:
    name = whole.name
    match whole.kind:
        case "group":
            changed = verbs.pause_group(int(name), reason)
            tell_whole(f"group {name} is paused", changed, as_json=as_json)
        case "queue":
            changed = verbs.pause_all("queues", name, reason, include_running=include_running)
            tell_whole(f"the queue {name} is paused", changed, as_json=as_json)
        case "task":
            changed = verbs.pause_all("tasks", name, reason, include_running=include_running)
            tell_whole(f"the task {name} is paused", changed, as_json=as_json)
