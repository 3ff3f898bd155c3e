"""How a command speaks: sentences for people, or JSON; errors on standard error."""

import logging
import sys
from io import TextIOWrapper
from typing import Any

import click
import msgspec

from offload.errors import JobFailed, OffloadError
from offload.problems import problem_name
from offload.values import encode

_JSON = "offload.json"


def speak_json(ctx: click.Context) -> None:
    """Remember that this command was asked for JSON."""
    ctx.meta[_JSON] = True


def print_json(value: object) -> None:
    """Print a value as one line of JSON, exact to the last digit."""
    click.echo(encode(value))


def print_value(value: object) -> None:
    """Print a job's result for people: text as it is, everything else as JSON, indented."""
    if isinstance(value, str):
        click.echo(value)
    else:
        click.echo(msgspec.json.format(encode(value), indent=2))


def tell(sentence: str) -> None:
    """Tell people something besides the output proper."""
    if not _speaks_json():
        click.echo(f"offload: {visible(sentence)}", err=True)


def tell_error(error: OffloadError) -> None:
    """Tell an error: one sentence, or the problem that HTTP would answer with."""
    if _speaks_json():
        click.echo(encode(problem_of(error)), err=True)
    else:
        tell(sentence_of(error))


def visible(text: str) -> str:
    """Return text of unknown origin without what a terminal would obey: escapes, bells."""
    return "".join(each if each.isprintable() or each in "\n\t" else _escape(each) for each in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def sentence_of(error: OffloadError) -> str:
    """Return what an error says, without the traceback of a failed job: `status` shows that."""
    said = str(error)
    return said.partition("\n\n")[0] if isinstance(error, JobFailed) else said


def problem_of(error: OffloadError) -> dict[str, Any]:
    """Return an error as the problem document that HTTP has for it, without the HTTP in it."""
    problem: dict[str, Any] = {
        "type": f"/problems/{problem_name(type(error))}",
        "detail": sentence_of(error),
    }
    for attribute, member in (("job_id", "id"), ("state", "state"), ("faults", "errors")):
        if hasattr(error, attribute):
            problem[member] = getattr(error, attribute)
    return problem


def log_to_stderr() -> None:
    """Let what offload logs be seen, each line marked; the user's own logging is left alone."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("offload: %(message)s"))
    logger = logging.getLogger("offload")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(line_buffering=True)  # a service's log is read while it runs


def _speaks_json() -> bool:
    ctx = click.get_current_context(silent=True)
    return ctx is not None and _JSON in ctx.meta
