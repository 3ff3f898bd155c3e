"""`offload schedules`: what starts by itself, and when next."""

import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

import click

from offload.cli import options
from offload.cli.table import columns
from offload.cli.telling import print_json, visible
from offload.cli.times import duration, local, seconds_of
from offload.cli.verbs import open_verbs

HEADINGS = ("task", "in", "when", "next", "last", "skipped")

GIVES_WAY = ("skipped", "last", "next", "when")


@click.command
@options.verb
def command(*, as_json: bool, **arguments: Any) -> None:
    """List what starts by itself, and when next.

    One that is late waits for a worker. With --json there are several next ones.
    """
    with contextlib.closing(open_verbs(arguments)) as verbs:
        schedules = verbs.schedules()
    if as_json:
        print_json(schedules)
    elif schedules:
        click.echo(schedule_table(schedules, time.time()))
    else:
        click.echo("no schedules; a task has one with @app.task(cron=...) or every=...")


def schedule_table(
    schedules: Sequence[Mapping[str, Any]], now: float, width: int | None = None
) -> str:
    """Return the table; instants in local time."""
    rows = [_row(schedule, now) for schedule in schedules]
    return "\n".join(columns(HEADINGS, rows, gives_way=GIVES_WAY, width=width))


def _row(schedule: Mapping[str, Any], now: float) -> tuple[str, ...]:
    zone = f" ({schedule['tz']})" if schedule["tz"] else ""
    last = f"{duration(now - seconds_of(schedule['last_at']))} ago" if schedule["last_at"] else ""
    last += f", job {schedule['last_job']}" if schedule["last_job"] else ""
    return (
        schedule["task"],
        _distance(schedule, now),
        visible(schedule["when"] + zone),
        local(schedule["next_at"][0]) if schedule["next_at"] else "",
        last,
        str(schedule["skipped"] or ""),
    )


def _distance(schedule: Mapping[str, Any], now: float) -> str:
    if not schedule["next_at"]:
        return "never"
    seconds = seconds_of(schedule["next_at"][0]) - now
    return duration(seconds) if seconds >= 0 else f"late by {duration(-seconds)}"
