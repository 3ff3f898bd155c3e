"""One job in a line or less: its state in colour, how far it is, how it has failed."""

import os
from collections.abc import Mapping
from typing import Any

import click

from offload.cli.telling import visible

COLOURS = {
    "succeeded": "green",
    "failed": "red",
    "cancelled": "yellow",
    "cancelling": "yellow",
    "running": "cyan",
    "waiting": "cyan",
    "paused": "magenta",
    "pausing": "magenta",
    "resuming": "cyan",
    "evicted": "yellow",
}
"""click leaves them out where the output is no terminal, `coloured` where none are wanted."""


def coloured(state: str) -> str:
    """Return a state in its colour, if it has one."""
    return in_colour(state, COLOURS[state]) if state in COLOURS else state


def in_colour(text: str, colour: str) -> str:
    """Return text in a colour, unless none are wanted (no-color.org)."""
    return text if os.environ.get("NO_COLOR") else click.style(text, fg=colour)


def sentence(job: Mapping[str, Any]) -> str:
    """Say in one line how a job is."""
    error = job.get("error")
    if error is not None:
        return f"job {job['id']} has failed: {what_failed(error)}"
    has = {"succeeded": "has succeeded", "cancelled": "was cancelled"}
    return f"job {job['id']} {has.get(job['state'], 'is ' + job['state'])}"


def progress_text(progress: Mapping[str, Any] | None) -> str:
    """Return how far a job says it has come: `3/20 frames, rendering`."""
    if progress is None:
        return ""
    total = progress["total"]
    words = f"{progress['done']:g}" + (f"/{total:g}" if total is not None else "")
    words += f" {progress['unit']}" if progress["unit"] else ""
    return words + (f", {visible(progress['message'])}" if progress["message"] else "")


def what_failed(error: Mapping[str, Any]) -> str:
    """Say what an error says, with the name of its class."""
    return visible(f"{error['type']}: {error['message']}" if error["type"] else error["message"])
