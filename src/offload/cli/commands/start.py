"""`offload start`: one job of a task, with parameters as `name=value` or `--name value`."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import click

from offload.cli import options, screen
from offload.cli.arguments import needs_schema, read_words
from offload.cli.commands.wait import end_as, goes_on, wait_for
from offload.cli.opening import open_with_tasks
from offload.cli.parameters import write_task_help
from offload.cli.telling import print_json, print_value, tell
from offload.cli.verbs import JobView, Verbs
from offload.cli.watching import Named, follow, leaving
from offload.errors import OffloadError

SAID_OF_A_JOB = (
    "queue",
    "priority",
    "delay",
    "key",
    "retries",
    "timeout",
    "deadline",
    "retain",
    "paused",
)
"""The options that are not for this command but for the job, beside its tags."""


@click.command(context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument(
    "words",
    metavar="TASK [NAME=VALUE | --NAME VALUE]...",
    nargs=-1,
    type=click.UNPROCESSED,
)
@options.app_option
@click.option("--queue", metavar="NAME", help="The queue to wait in.")
@click.option("--priority", metavar="N", type=int, help="Higher goes first.")
@click.option(
    "--delay",
    metavar="TIME",
    callback=options.read_time,
    help="Not before it has passed: 30, 10m, 24h.",
)
@click.option("--tag", "tags", metavar="WORD", multiple=True, help="To find it by; repeatable.")
@click.option("--key", metavar="TEXT", help="One unfinished job at a time has it.")
@click.option("--retries", metavar="N", type=int, help="Further attempts after a failed one.")
@click.option("--timeout", metavar="TIME", callback=options.read_time, help="For each attempt.")
@click.option(
    "--deadline", metavar="TIME", callback=options.read_time, help="From now, waiting included."
)
@click.option(
    "--retain",
    metavar="TIME",
    callback=options.read_time,
    help="Keep it so long once it has ended, whatever its queue keeps.",
)
@click.option(
    "--paused", is_flag=True, default=None, help="Held from the start, until it is resumed."
)
@click.option("--wait", is_flag=True, help="Wait for the end and print the result.")
@click.option("--watch", is_flag=True, help="The same, and show meanwhile how far it is.")
@options.verb
@click.option("-h", "--help", "wants_help", is_flag=True, help="Show this; with TASK, its own.")
@click.pass_context
@options.examples(
    "offload start power_sim a=2 b=20",
    "offload start render --frames 240 --draft",
    'offload start fetch url=https://example.org headers=\'{"accept": "text/html"}\'',
    "offload start power_sim --help",
)
def command(
    ctx: click.Context,
    /,
    *,
    words: tuple[str, ...],
    app: str | None,
    tags: tuple[str, ...],
    wait: bool,
    watch: bool,
    wants_help: bool,
    as_json: bool,
    **arguments: Any,
) -> None:
    """Start a job.

    The values are read as the signature of TASK says; a name may be repeated where a list is
    wanted, and what is true or false needs no value:
    """
    if not words and wants_help:
        click.echo(ctx.get_help())
        return
    task, typed = _split(words)
    said = {name: arguments.pop(name) for name in SAID_OF_A_JOB} | {"tags": tags or None}
    given = {name: value for name, value in said.items() if value is not None}
    with contextlib.closing(open_with_tasks(arguments, app)) as verbs:
        if wants_help:
            _help(ctx, verbs.task(task))
            return
        schema = verbs.task(task)["params"] if needs_schema(typed) else {}
        started = verbs.start(task, read_words(task, typed, schema, _own(ctx)), given)
        tell_on = _watch if watch else _wait if wait else _tell_started
        tell_on(verbs, started, as_json)


def _split(words: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Return the task and what was typed after it."""
    if not words:
        raise click.UsageError("Missing argument 'TASK'.")
    if words[0].startswith("-"):
        raise click.UsageError(f"the task comes first: offload start TASK {words[0]} ...")
    return words[0], words[1:]


def _own(ctx: click.Context) -> list[str]:
    """Return what this command itself understands."""
    return [flag for param in ctx.command.params for flag in param.opts if flag.startswith("--")]


def _help(ctx: click.Context, task: Mapping[str, Any]) -> None:
    """Show what the task takes, and below it the options of every start."""
    formatter = ctx.make_formatter()
    write_task_help(formatter, task, _own(ctx))
    ctx.command.format_options(ctx, formatter)
    click.echo(formatter.getvalue().rstrip("\n"))


def _tell_started(verbs: Verbs, started: JobView, as_json: bool) -> None:
    """Say that it is stored; why it waits, if that can still be told."""
    job = started
    with contextlib.suppress(OffloadError):  # it is started, whatever can be read of it now
        job = verbs.status(started["id"])
    if as_json:
        print_json(job)
        return
    click.echo(f"job {job['id']} is {job['state']}")
    if job["state"] == "queued" and job.get("reason"):
        tell(f"job {job['id']} waits: {job['reason']}")


def _wait(verbs: Verbs, started: JobView, as_json: bool) -> None:
    """Wait for the end; the output is the result, or with --json the job.

    Raises:
        JobFailed, JobCancelled: it has no result.
    """
    tell(f"job {started['id']} is {started['state']}")
    with leaving(goes_on(started["id"])):
        job = wait_for(verbs, started["id"], None)
    if as_json:
        print_json(job)
        end_as(job)
    else:
        print_value(verbs.result(job["id"]))


def _watch(verbs: Verbs, started: JobView, as_json: bool) -> None:
    """Show the job until its end; the output is the result, or with --json a line a change.

    Raises:
        JobFailed, JobCancelled: it has no result.
    """
    job_id = started["id"]
    with leaving(goes_on(job_id)):
        [job] = follow(verbs, Named(verbs, (job_id,)), screen.display(as_json=as_json, err=True))
    if as_json:
        end_as(job)
    else:
        print_value(verbs.result(job_id))
