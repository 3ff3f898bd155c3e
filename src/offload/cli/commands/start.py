"""`offload start`: one job of a task, with parameters as `name=value`."""

import contextlib
from collections.abc import Mapping
from typing import Any

import click

from offload.cli import options
from offload.cli.commands.wait import end_as, wait_for
from offload.cli.local import Local
from offload.cli.settings import EXAMPLES, configured
from offload.cli.telling import print_json, print_value, tell
from offload.cli.verbs import JobView, Verbs, goes_to_server, open_verbs
from offload.config import load_config
from offload.errors import ConfigError, OffloadError
from offload.loading import load


def _read_pairs(
    ctx: click.Context, param: click.Parameter, value: tuple[str, ...]
) -> list[tuple[str, str]]:
    """Take `name=value` apart; the value may hold anything, a `=` too."""
    pairs = [text.partition("=") for text in value]
    for text, (name, sign, _) in zip(value, pairs, strict=True):
        if not name or not sign:
            raise click.BadParameter(f"{text!r} is not of the form name=value")
    return [(name, text) for name, _, text in pairs]


@click.command
@click.argument("task", metavar="TASK")
@click.argument("texts", metavar="[NAME=VALUE]...", nargs=-1, callback=_read_pairs)
@click.option("--app", metavar="FILE_OR_MODULE", help="With the task.  [default: offload.examples]")
@click.option("--queue", metavar="NAME", help="The queue to wait in.")
@click.option("--priority", metavar="N", type=int, help="Higher goes first.")
@click.option("--delay", metavar="SECONDS", type=float, help="Not before so many seconds.")
@click.option("--tag", "tags", metavar="WORD", multiple=True, help="To find it by; repeatable.")
@click.option("--wait", is_flag=True, help="Wait for the end and print the result.")
@options.verb
def command(
    *,
    task: str,
    texts: list[tuple[str, str]],
    app: str | None,
    queue: str | None,
    priority: int | None,
    delay: float | None,
    tags: tuple[str, ...],
    wait: bool,
    as_json: bool,
    **arguments: Any,
) -> None:
    r"""Start a job.

    The values are read as the signature of TASK says; a name may be repeated where a list is
    wanted:

    \b
        offload start power_sim a=2 b=20
        offload start fetch url=https://example.org headers='{"accept": "text/html"}'
    """
    said = {"queue": queue, "priority": priority, "delay": delay, "tags": tags or None}
    given = {name: value for name, value in said.items() if value is not None}
    with contextlib.closing(_open(arguments, app)) as verbs:
        started = verbs.start(task, texts, given)
        if wait:
            _wait(verbs, started, as_json)
        else:
            _tell_started(verbs, started, as_json)


def _open(arguments: Mapping[str, Any], app: str | None) -> Verbs:
    """Here the task's module is needed, for its schema; a server has its own."""
    config = load_config({**arguments, "app": app})
    if not goes_to_server(arguments, config):
        offload = load(config.app or EXAMPLES)
        configured(offload, arguments)
        return Local(offload)
    if app is not None:
        raise ConfigError("--app is for a database; a server has its own tasks (leave it out)")
    return open_verbs(arguments)


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
    job = wait_for(verbs, started["id"], None)
    if as_json:
        print_json(job)
        end_as(job)
    else:
        print_value(verbs.result(job["id"]))
