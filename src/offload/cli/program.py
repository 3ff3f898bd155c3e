"""All commands as one program: finds the one that was typed, and ends with its exit code.

A command's module is imported when it is called, so that `offload status` loads no web server. All
errors end here: one sentence, no traceback, and the exit code that `exits` gives it.
"""

import os
import sys
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import click

from offload import __version__
from offload.cli import COMMANDS, exits
from offload.cli.telling import tell, tell_error
from offload.errors import OffloadError

EPILOG = "\b\nExit codes:\n" + "\n".join(f"  {code:>3}  {text}" for code, text in exits.MEANINGS)


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of a first acquaintance."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"offload.cli.commands.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command; every error that is foreseen becomes a sentence and an exit code."""
        try:
            return super().invoke(ctx)
        except OffloadError as error:
            tell_error(error)
            ctx.exit(exits.of_error(error))
        except KeyboardInterrupt:
            tell("interrupted")
            ctx.exit(exits.INTERRUPTED)
        except BrokenPipeError:
            ctx.exit(exits.NOT_READ)


@click.group(cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="offload", message="%(prog)s %(version)s")
def group() -> None:
    """Run long Python work outside your app: start, watch, stop and collect it."""


def run() -> object:
    """Run the command that was typed; returns its exit code."""
    _escape_what_cannot_be_printed()
    code: object = exits.OWN_FAULT
    try:
        group(prog_name="offload")
    except SystemExit as end:
        code = end.code
    except KeyboardInterrupt:
        tell("interrupted")
        code = exits.INTERRUPTED
    except Exception:
        sys.excepthook(*sys.exc_info())
    return _flushed(code)


def _escape_what_cannot_be_printed() -> None:
    """A terminal that is not UTF-8 lacks most signs; a task's text must not end the command."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _flushed(code: Any) -> Any:
    """Write out what was printed; Python itself would complain at its end if nobody reads it."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.NOT_READ
    return code
