"""`flask offload …`: the commands of `offload`, for the database and the tasks of the Flask app."""

import click
from flask import current_app
from flask.cli import with_appcontext

from offload.cli import COMMANDS
from offload.cli.program import LazyGroup
from offload.contrib.flask import here
from offload.contrib.flask.desk import AppOffload

LEFT_OUT = {"serve", "demo"}
"""A server of its own, and a show: neither has anything to do with the Flask app."""

MOUNTED = {name: line for name, line in COMMANDS.items() if name not in LEFT_OUT}


class MountedGroup(LazyGroup):
    """The same commands, without those that make no sense here."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of a first acquaintance."""
        return list(MOUNTED)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None if there is none of that name."""
        return super().get_command(ctx, cmd_name) if cmd_name in MOUNTED else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(MOUNTED.items()))


@click.group("offload", cls=MountedGroup)
@with_appcontext
def group() -> None:
    """Start, watch and stop the app's jobs, or run them (`flask offload worker`)."""
    desk = current_app.extensions["offload"]
    assert isinstance(desk, AppOffload)
    said = {"db": str(desk.database), "app": f"{here.__name__}:{here.spelled(desk)}"}
    click.get_current_context().default_map = dict.fromkeys(MOUNTED, said)
