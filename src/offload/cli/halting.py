"""What `offload pause` and `offload resume` share: jobs by number, or a queue, a task, a group."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import click
from msgspec import Struct

from offload.cli import exits
from offload.cli.telling import print_json, tell_error
from offload.cli.verbs import JobView
from offload.errors import JobError, Refused

F = TypeVar("F", bound=Callable[..., Any])


def of_whole(verb: str) -> Callable[[F], F]:
    """Add the options that name more than jobs."""
    of_queue, of_task = ("paused queue", "paused task") if verb == "resume" else ("queue", "task")

    def decorate(function: F) -> F:
        for option in (
            click.option("--include-running", is_flag=True, help=_RUNNING[verb]),
            click.option("--group", metavar="ID", type=int, help=f"{verb.title()} a group's jobs."),
            click.option("--task", metavar="NAME", help=f"{verb.title()} a {of_task}."),
            click.option("--queue", metavar="NAME", help=f"{verb.title()} a {of_queue}."),
        ):
            function = option(function)
        return function

    return decorate


_RUNNING = {
    "pause": "Of a queue or a task: pause the jobs that run, too.",
    "resume": "Of a queue or a task: resume its paused jobs, too.",
}


class Named(Struct, frozen=True):
    """What a command line names: jobs, or one whole."""

    queue: str | None
    task: str | None
    group: int | None
    include_running: bool


def named(job_ids: tuple[int, ...], arguments: dict[str, Any]) -> Named:
    """Take what is named out of a command's arguments.

    Raises:
        click.UsageError: nothing is named, or two kinds of things; says what there is to be named.
    """
    found = Named(**{name: arguments.pop(name) for name in Named.__struct_fields__})
    wholes = [found.queue, found.task, found.group]
    if bool(job_ids) + 3 - wholes.count(None) != 1:
        raise click.UsageError("name jobs by their numbers, or one of --queue, --task and --group")
    return found


def ask_each(job_ids: Iterable[int], ask: Callable[[int], JobView], *, as_json: bool) -> int:
    """Ask one job after the other; returns the exit code of the first that refused."""
    codes: list[int] = []
    for job_id in dict.fromkeys(job_ids):
        try:
            job = ask(job_id)
        except (JobError, Refused) as error:
            tell_error(error)
            codes.append(exits.of_error(error))
            continue
        if as_json:
            print_json(job)
        else:
            already = "" if job["changed"] else " already"
            click.echo(f"job {job_id} is {job['state']}{already}")
    return codes[0] if codes else exits.OK


def tell_whole(what: str, changed: Mapping[str, Any], *, as_json: bool) -> None:
    """Say what became of a queue, a task or a group."""
    if as_json:
        print_json(changed)
        return
    jobs = changed["changed"]
    besides = f"; {jobs} job{'' if jobs == 1 else 's'} changed" if jobs else ""
    click.echo(f"{what}{besides}")
