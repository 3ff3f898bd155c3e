"""All that there is to tell of one job, as a page: how it is, what happened, what can be done."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from offload.cli.chapters import (
    actions,
    attempts,
    by,
    clock,
    last_lines,
    paragraph,
    paragraphs,
    receipts,
    timeline,
)
from offload.cli.page import coloured, progress_text, what_failed
from offload.cli.telling import visible
from offload.cli.times import duration, moment, seconds_of
from offload.text import sanitise
from offload.values import encode

LONGEST_VALUE = 240
"""Bytes of parameters or of a result on the page; `--json` and `offload result` have them whole."""

_NO_STORY: Mapping[str, Any] = {"items": (), "receipts": (), "timeline": ()}


def page(
    job: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    now: float,
    *,
    story: Mapping[str, Any] = _NO_STORY,
    log: Sequence[Mapping[str, Any]] = (),
    way: str = "",
) -> str:
    """Return the page: how it is, what happened and why, and what can be done.

    Args:
        job: in the form of JSON.
        history: its events, oldest first.
        now: the instant, in seconds since the epoch.
        story: its attempts as `items`, its `receipts` and its `timeline`.
        log: the last lines that it wrote.
        way: what a command needs to find the job: ` --db FILE`, ` --server URL`.
    """
    chapters = {
        "timeline": timeline(story["timeline"], now),
        "attempts": attempts(story["items"], now),
        "receipts": receipts(story["receipts"], now),
        "log": last_lines(log, f"offload logs {job['id']}{way}", now),
        "traceback": _traceback(job),
        "history": paragraphs((_event(event, job) for event in history), rest=" " * 14),
        "next": actions(job, way),
    }
    lines = [f"job {job['id']}  {visible(job['task'])}  {coloured(job['state'])}"]
    lines += paragraph(standing(job, story, now), "  ", "  ")
    lines += [line for name, text in _details(job, now) for line in _detail(name, text)]
    for name, told in chapters.items():
        lines += ["", name, *told] if told else []
    return "\n".join(lines)


def standing(job: Mapping[str, Any], story: Mapping[str, Any], now: float) -> str:
    """Say how a job is in words, since when, and why."""
    pause = job.get("pause") or {}
    state = job["state"]
    words = str(_STANDING.get(state, state))
    if state == "paused" and pause.get("mode"):
        words += f" ({pause['mode']})"
    since = _since(job, pause, story)
    if since is not None:
        words += f" since {clock(since, now)} ({duration(now - seconds_of(since))})"
    if state in ("paused", "pausing") and pause:
        words += f", as {by(pause)} wanted"
    if pause.get("keeps") and pause.get("frees"):
        words += f". It keeps {pause['keeps']}; it frees {pause['frees']}"
    return words


_STANDING = {
    "scheduled": "it waits until it is due",
    "queued": "it waits in its queue",
    "running": "its code runs",
    "waiting": "it waits for work elsewhere",
    "pausing": "it is to stand still, and runs on until it can",
    "paused": "it stands still",
    "resuming": "it is to go on, and waits for a slot",
    "cancelling": "it is being stopped, and its code may still run",
    "succeeded": "it has its result",
    "failed": "it has failed for good",
    "cancelled": "it was stopped for good",
}


def _since(
    job: Mapping[str, Any], pause: Mapping[str, Any], story: Mapping[str, Any]
) -> str | None:
    """Return since when a job is as it is; None where that is not known."""
    if job["finished_at"]:
        return str(job["finished_at"])
    asked = {"cancelling": "cancel", "pausing": "pause", "resuming": "resume"}.get(job["state"])
    for receipt in story["receipts"]:
        if receipt["asked"] == asked and receipt["outcome"] == "pending":
            return str(receipt["asked_at"])
    if job["state"] == "paused" and pause.get("since"):
        return str(pause["since"])
    lasting = [span for span in story["timeline"] if span["ended_at"] is None]
    return str(lasting[-1]["began_at"]) if lasting else None


def _detail(name: str, text: str) -> list[str]:
    return paragraph(text, f"  {name:9} ", " " * 12)


def _traceback(job: Mapping[str, Any]) -> list[str]:
    error = job.get("error")
    if error is None or not error["traceback"]:
        return []
    return visible(error["traceback"].rstrip()).splitlines()


def _details(job: Mapping[str, Any], now: float) -> Iterator[tuple[str, str]]:
    """Go through what there is to say, the pressing things first."""
    if job["reason"]:
        yield "reason", visible(job["reason"])
    if job.get("error") is not None:
        yield "error", f"{what_failed(job['error'])} ({_how(job['error'])})"
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
    "kept till": "kept_until",
}


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
