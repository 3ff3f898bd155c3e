"""One job as a page for people."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click
import msgspec

from offload.cli.telling import visible
from offload.cli.times import duration, moment, seconds_of
from offload.text import sanitise
from offload.values import encode

COLOURS = {
    "succeeded": "green",
    "failed": "red",
    "cancelled": "yellow",
    "cancelling": "yellow",
    "running": "cyan",
    "waiting": "cyan",
    "evicted": "yellow",
}
"""click leaves them out where the output is no terminal, `coloured` where none are wanted."""

LONGEST_VALUE = 2000
"""Bytes of parameters or of a result on the page; `offload result` has it whole."""


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
        return f"job {job['id']} has failed: {_what(error)}"
    has = {"succeeded": "has succeeded", "cancelled": "was cancelled"}
    return f"job {job['id']} {has.get(job['state'], 'is ' + job['state'])}"


def page(job: Mapping[str, Any], history: Sequence[Mapping[str, Any]], now: float) -> str:
    """Return the page."""
    lines = [f"job {job['id']}  {job['task']}  {coloured(job['state'])}"]
    lines += [f"  {name:9} {text}" for name, text in _details(job, now)]
    error = job.get("error")
    if error is not None and error["traceback"]:
        lines += ["", visible(error["traceback"].rstrip())]
    if history:
        lines += ["", "history"]
        lines += [f"  {_event(event, job)}" for event in history]
    return "\n".join(lines)


def progress_text(progress: Mapping[str, Any] | None) -> str:
    """Return how far a job says it has come: `3/20 frames, rendering`."""
    if progress is None:
        return ""
    total = progress["total"]
    words = f"{progress['done']:g}" + (f"/{total:g}" if total is not None else "")
    words += f" {progress['unit']}" if progress["unit"] else ""
    return words + (f", {visible(progress['message'])}" if progress["message"] else "")


def _details(job: Mapping[str, Any], now: float) -> Iterator[tuple[str, str]]:
    """Go through what there is to say, the pressing things first."""
    if job["reason"]:
        yield "reason", visible(job["reason"])
    if job.get("error") is not None:
        yield "error", f"{_what(job['error'])} ({_how(job['error'])})"
    if job["progress"] is not None:
        yield "progress", progress_text(job["progress"])
    yield "params", _value(job["params"])
    if job["state"] == "succeeded":
        yield "result", _value(job["result"])
    yield "queue", job["queue"] + (f", priority {job['priority']}" if job["priority"] else "")
    if job.get("key"):
        yield "key", visible(job["key"])
    if job.get("group"):
        yield "group", str(job["group"])
    if job["tags"]:
        yield "tags", visible(", ".join(job["tags"]))
    yield "attempt", _attempts(job)
    yield from _instants(job, now)
    if job["worker"] is not None:
        yield "worker", str(job["worker"])


def _instants(job: Mapping[str, Any], now: float) -> Iterator[tuple[str, str]]:
    for name, member in _INSTANTS.items():
        if job.get(member):
            took = _took(job) if name == "finished" else ""
            yield name, moment(job[member], now) + took


_INSTANTS = {
    "created": "created_at",
    "due": "run_at",
    "started": "started_at",
    "next look": "next_check_at",
    "deadline": "deadline_at",
    "finished": "finished_at",
}


def _what(error: Mapping[str, Any]) -> str:
    return visible(f"{error['type']}: {error['message']}" if error["type"] else error["message"])


def _how(error: Mapping[str, Any]) -> str:
    """Return the kind of failure, and how a process ended if one did."""
    said = [error["code"]]
    if error.get("exit_code") is not None:
        said.append(f"exit code {error['exit_code']}")
    if error.get("signal"):
        said.append(error["signal"])
    if error.get("peak_memory"):
        said.append(f"{error['peak_memory'] / 1e6:,.0f} MB at most")
    return ", ".join(said)


def _value(value: object) -> str:
    spaced = msgspec.json.format(encode(value), indent=0).decode()
    return visible(sanitise(spaced, limit=LONGEST_VALUE))


def _attempts(job: Mapping[str, Any]) -> str:
    crashes = f", {job['crashes']} crashes" if job["crashes"] else ""
    interrupts = f", {job['interrupts']} interrupts" if job["interrupts"] else ""
    return f"{job['attempt']}{crashes}{interrupts}"


def _took(job: Mapping[str, Any]) -> str:
    if not job["started_at"]:
        return ""
    return f", after {duration(seconds_of(job['finished_at']) - seconds_of(job['started_at']))}"


def _event(event: Mapping[str, Any], job: Mapping[str, Any]) -> str:
    """Return an event with its time since the job was created."""
    after = duration(seconds_of(event["at"]) - seconds_of(job["created_at"]))
    reason = f": {visible(event['reason'])}" if event["reason"] else ""
    return f"+{after:>9}  {event['kind']:16} by {visible(event['actor'])}{reason}"
