"""`offload doctor`: what is wrong with a database and its workers, and what to do."""

import shutil
import textwrap
from collections.abc import Sequence
from typing import Any

import click
from msgspec import to_builtins

from offload.app import Offload
from offload.cli import exits, options
from offload.cli.page import in_colour
from offload.cli.settings import quiet
from offload.cli.telling import print_json, visible
from offload.config import load_config
from offload.doctor import Finding, Level, examine, judge
from offload.doctor.findings import counted

COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.FAULT: "red"}

LEVEL_WIDTH, ABOUT_WIDTH, LEAST_WIDTH = 8, 12, 20


@click.command
@options.db
@options.grace
@options.lease
@options.as_json
def command(*, as_json: bool, **arguments: Any) -> None:
    """Say what is wrong, and what to do.

    Looks at the database, its disk and permissions, the workers, the clock, the queues, and jobs
    that do not go on. Changes nothing. The exit code is 1 if something is wrong; a warning is not.

    It looks from this machine: with a server elsewhere, call it there.
    """
    config = load_config(arguments)
    app = Offload(config.db)
    app.configure(quiet(config))
    findings = judge(examine(app, grace=config.grace, lease=config.lease))
    app.close()
    is_well = all(finding.level is not Level.FAULT for finding in findings)
    if as_json:
        print_json({"ok": is_well, "findings": to_builtins(findings)})
    else:
        click.echo(_text(findings, shutil.get_terminal_size((100, 0)).columns))
    click.get_current_context().exit(exits.OK if is_well else exits.FAILED)


def _text(findings: Sequence[Finding], width: int) -> str:
    lines = [line for finding in findings for line in _lines(finding, width)]
    return "\n".join([*lines, "", _summary(findings)])


def _lines(finding: Finding, width: int) -> list[str]:
    """Return a finding below its heading, or beside it where there is room."""
    level = in_colour(f"{finding.level:{LEVEL_WIDTH}}", COLOURS[finding.level])
    head = LEVEL_WIDTH + ABOUT_WIDTH + 2
    room = width - head - 1
    if room < LEAST_WIDTH:
        return [f"{level} {finding.about}", *_wrapped(finding, width - 3, "  ")]
    first, *more = _wrapped(finding, room, "")
    indent = " " * head
    return [f"{level} {finding.about:{ABOUT_WIDTH}} {first}", *(indent + line for line in more)]


def _wrapped(finding: Finding, width: int, indent: str) -> list[str]:
    """Return the text in lines, and below it what to do; paths and commands are not taken apart."""
    paragraphs = [finding.says, f"-> {finding.do}" if finding.do else ""]
    return [
        indent + line
        for text in paragraphs
        for line in textwrap.wrap(
            visible(text), width, break_long_words=False, break_on_hyphens=False
        )
    ]


def _summary(findings: Sequence[Finding]) -> str:
    faults = sum(finding.level is Level.FAULT for finding in findings)
    warnings = sum(finding.level is Level.WARNING for finding in findings)
    if not faults and not warnings:
        return "all is well"
    return f"{counted(faults, 'fault')}, {counted(warnings, 'warning')}"
