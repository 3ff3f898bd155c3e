"""Options and arguments that several commands share."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from offload.cli.telling import speak_json

F = TypeVar("F", bound=Callable[..., Any])

_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_HIGHEST_ID = 2**63 - 1


def _speak_json(ctx: click.Context, param: click.Parameter, value: bool) -> bool:
    if value:
        speak_json(ctx)
    return value


def _read_id(ctx: click.Context, param: click.Parameter, value: str) -> int:
    """Read a job's number as it is printed; `int()` would take `1_0` and other scripts' digits."""
    if _ID.fullmatch(value) is None or int(value) > _HIGHEST_ID:
        raise click.BadParameter(f"{value!r} is not the number of a job: 1, 2, 3, …")
    return int(value)


as_json = click.option(
    "--json",
    "as_json",
    is_flag=True,
    is_eager=True,
    callback=_speak_json,
    help="Print JSON, one document; errors too, on standard error.",
)
db = click.option("--db", metavar="FILE", help="The database file.  [default: offload.db]")
server = click.option("--server", metavar="URL", help="The address of a server, instead of --db.")
token = click.option("--token", metavar="TEXT", help="What the server wants to see.")
job_id = click.argument("job_id", metavar="ID", callback=_read_id)

app = click.argument("app", metavar="[FILE_OR_MODULE[:NAME]]", required=False)
slots = click.option(
    "--slots", metavar="N", help="Jobs that one worker runs at once.  [default: 100]"
)
grace = click.option(
    "--grace", metavar="SECONDS", help="What running jobs are given at the end.  [default: 5]"
)
lease = click.option(
    "--lease",
    metavar="SECONDS",
    help="For how long a worker owns a job without a sign of life.  [default: 30]",
)


def verb(function: F) -> F:
    """Add the options of a command that is a verb: which way it goes, and how it speaks."""
    for option in (as_json, token, server, db):
        function = option(function)
    return function
