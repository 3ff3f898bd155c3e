"""Options and arguments that several commands share."""

import inspect
import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from offload.cli.telling import speak_json
from offload.units import instant, seconds

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


def _read_ids(
    ctx: click.Context, param: click.Parameter, value: tuple[str, ...]
) -> tuple[int, ...]:
    return tuple(_read_id(ctx, param, each) for each in value)


def read_time(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Read a time as everywhere in offload: seconds, or `90s`, `10m`, `24h`, `7d`."""
    try:
        return None if value is None else seconds(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no time; write 30, 90s, 10m, 24h or 7d") from error


def read_instant(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Check an instant; it is handed on as it was typed."""
    try:
        if value is not None:
            instant(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return value


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


def job_ids(*, required: bool) -> Callable[[F], F]:
    """Return the argument that takes the numbers of several jobs."""
    metavar = "ID..." if required else "[ID]..."
    return click.argument(
        "job_ids", metavar=metavar, nargs=-1, required=required, callback=_read_ids
    )


app_option = click.option(
    "--app", metavar="FILE_OR_MODULE", help="With the task.  [default: offload.examples]"
)
app = click.argument("app", metavar="[FILE_OR_MODULE[:NAME]]", required=False)
processes = click.option(
    "--processes",
    metavar="N",
    help="Blocking jobs that one worker runs at once.  [default: as many as processors]",
)

slots = click.option(
    "--slots", metavar="N", help="Async jobs that one worker runs at once.  [default: 100]"
)
max_frozen = click.option(
    "--max-frozen",
    metavar="N",
    help="Paused jobs that one worker holds with all their memory.  [default: 1000]",
)
grace = click.option(
    "--grace", metavar="SECONDS", help="What running jobs are given at the end.  [default: 5]"
)
lease = click.option(
    "--lease",
    metavar="SECONDS",
    help="For how long a worker owns a job without a sign of life.  [default: 30]",
)


def examples(*lines: str) -> Callable[[F], F]:
    """Add lines to a command's help as they are, which click would flow into one another."""

    def decorate(function: F) -> F:
        shown = "".join(f"  {line}\n" for line in lines)
        function.__doc__ = f"{inspect.cleandoc(function.__doc__ or '')}\n\n\b\n{shown}"
        return function

    return decorate


def verb(function: F) -> F:
    """Add the options of a command that is a verb: which way it goes, and how it speaks."""
    for option in (as_json, token, server, db):
        function = option(function)
    return function
