"""`offload amend`: jobs that wait are altered: their place in the queue, their tags, their time."""

import contextlib
from typing import Any

import click

from offload.cli import options
from offload.cli.many import ask_each
from offload.cli.verbs import JobView, open_verbs


@click.command
@options.job_ids(required=True)
@click.option("--priority", metavar="N", type=int, help="Higher goes first.")
@click.option("--queue", metavar="NAME", help="The queue to wait in.")
@click.option(
    "--tag", "tags", metavar="WORD", multiple=True, help="Instead of its tags; repeatable."
)
@click.option("--no-tags", is_flag=True, help="Take its tags away.")
@click.option(
    "--run-at",
    metavar="TIME",
    callback=options.read_instant,
    help="Not before 2026-01-31T09:00:00Z.",
)
@click.option("--now", is_flag=True, help="As soon as there is room.")
@options.verb
@options.examples(
    "offload amend 7 8 --priority 5",
    "offload amend 7 --now",
)
def command(
    *,
    job_ids: tuple[int, ...],
    tags: tuple[str, ...],
    no_tags: bool,
    now: bool,
    as_json: bool,
    **arguments: Any,
) -> None:
    """Alter jobs that wait.

    What is not said stays. A job that a worker has taken is refused (exit code 5).
    """
    said = {name: arguments.pop(name) for name in ("priority", "queue", "run_at")}
    otherwise = {name: value for name, value in said.items() if value is not None}
    _check(otherwise, tags, no_tags=no_tags, now=now)
    if tags or no_tags:
        otherwise["tags"] = list(tags)
    if now:
        otherwise["run_at"] = None
    with contextlib.closing(open_verbs(arguments)) as verbs:
        code = ask_each(
            job_ids,
            lambda each: verbs.amend(each, otherwise),
            as_json=as_json,
            say=_what_came_of_it,
        )
    click.get_current_context().exit(code)


def _what_came_of_it(job: JobView) -> str:
    return f"job {job['id']} is altered" if job["changed"] else f"job {job['id']} is so already"


def _check(otherwise: dict[str, Any], tags: tuple[str, ...], *, no_tags: bool, now: bool) -> None:
    """Refuse what says nothing, or one thing in two ways.

    Raises:
        click.UsageError: says what there is to be said.
    """
    if tags and no_tags:
        raise click.UsageError("--tag and --no-tags exclude each other")
    if now and "run_at" in otherwise:
        raise click.UsageError("--run-at and --now exclude each other")
    if not (otherwise or tags or no_tags or now):
        raise click.UsageError(
            "say what is to be otherwise: --priority, --queue, --tag, --no-tags, --run-at or --now"
        )
