"""Tasks and schedules as they are shown outside: what can be started, and what starts by itself.

The twin of `shapes`, which shows jobs. Pure: what is registered or stored in, a shape out.
"""

from typing import Any, Protocol

from msgspec.structs import asdict

from offload.capabilities import capabilities_of
from offload.registry import RegisteredTask
from offload.schedule import Timetable
from offload.shapes import instant, maybe_instant


class _Why(Protocol):
    """What is told of a pause."""

    @property
    def reason(self) -> str | None: ...


def task_shape(registered: RegisteredTask, pause: _Why | None) -> dict[str, Any]:
    """Describe a task: its parameters as JSON Schema, its documentation, its options.

    Args:
        registered: the task.
        pause: why none of its jobs begins, if it is paused.
    """
    signature, options = registered.signature, registered.options
    itself = f"/v1/tasks/{registered.name}"
    verb = "pause" if pause is None else "resume"
    return {
        "name": registered.name,
        "aliases": registered.aliases,
        "kind": registered.kind,
        "executor": registered.executor,
        "capabilities": asdict(capabilities_of(registered)),
        "queue": options.queue,
        "priority": options.priority,
        "tags": options.tags,
        "paused": pause is not None,
        "paused_reason": None if pause is None else pause.reason,
        "signature": signature.text,
        "summary": signature.summary,
        "doc": signature.doc,
        "params": signature.schema(),
        "links": {"self": itself, "start": f"{itself}/jobs", verb: f"{itself}/{verb}"},
    }


def schedule_shape(timetable: Timetable) -> dict[str, Any]:
    """Describe a schedule: what was said of it, and what comes of it."""
    return {
        "name": timetable.name,
        "task": timetable.task,
        "when": timetable.when,
        "tz": timetable.tz,
        "misfire": timetable.misfire,
        "overlap": timetable.overlap,
        "next_at": [instant(each) for each in timetable.next_at],
        "last_at": maybe_instant(timetable.last_at),
        "last_job": timetable.last_job,
        "skipped": timetable.skipped,
    }
