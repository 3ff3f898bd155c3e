"""`offload logs`: what a job has written, and what it goes on writing."""

import contextlib
import time
from typing import Any

import click

from offload.cli import options
from offload.cli.loglines import Printer
from offload.cli.telling import print_json
from offload.cli.verbs import open_verbs
from offload.cli.watching import leaving
from offload.following import AT_ONCE, LEVELS, LOOK_SECONDS

MOST_LINES = 10_000
"""No log has more."""


@click.command
@options.job_id
@click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended.")
@click.option(
    "-n", "--lines", metavar="N", type=click.IntRange(1, MOST_LINES), help="Only the newest N."
)
@click.option(
    "--level",
    type=click.Choice(LEVELS, case_sensitive=False),
    help="Only this level and above; what was printed counts as INFO.",
)
@click.option("--attempt", metavar="N", type=click.IntRange(1), help="Only lines of this attempt.")
@click.option("--source", metavar="NAME", help="Only lines of stdout, stderr or this logger.")
@options.verb
def command(
    *,
    job_id: int,
    follow: bool,
    lines: int | None,
    level: str | None,
    attempt: int | None,
    source: str | None,
    as_json: bool,
    **arguments: Any,
) -> None:
    """Print what a job has written.

    Its prints, its logging, and what its programs wrote.

    Each line has its time and where it came from. With --json it is a line of JSON. Of a very long
    log the first lines and the newest ones are kept, and the gap is shown.

    With --follow it goes on until the job has ended. Ctrl-C ends that, never the job.
    """
    filters: dict[str, Any] = {"level": level, "attempt": attempt, "source": source}
    show = print_json if as_json else Printer().show
    newest: dict[str, Any] = {"tail": lines is not None, "limit": lines or AT_ONCE}
    with contextlib.closing(open_verbs(arguments)) as verbs:
        page = verbs.log(job_id, **newest, **filters)
        with leaving("nobody reads any more; the job goes on"):
            while True:
                for line in page["items"]:
                    show(line)
                if not page["more"]:
                    if page["done"] or not follow:
                        return
                    time.sleep(LOOK_SECONDS)
                page = verbs.log(job_id, after=page["after"], limit=AT_ONCE, **filters)
