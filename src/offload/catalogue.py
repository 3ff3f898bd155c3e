"""Tasks and schedules as they are shown outside: what can be started, and what starts by itself.

The twin of `shapes`, which shows jobs. Pure: what is registered or stored in, a shape out.
"""

from typing import Any

from msgspec.structs import asdict

from offload.capabilities import capabilities_of
from offload.registry import RegisteredTask
from offload.schedule import Timetable
from offload.shapes import instant, maybe_instant


def task_shape(registered: RegisteredTask) -> dict[str, Any]:
    """Describe a task: its parameters as JSON Schema, its documentation, its options."""
    signature, options = registered.signature, registered.options
    itself = f"/v1/tasks/{registered.name}"
    return {
        "name": registered.name,
        "aliases": registered.aliases,
        "kind": registered.kind,
        "executor": registered.executor,
        "capabilities": asdict(capabilities_of(registered)),
        "queue": options.queue,
        "priority": options.priority,
        "tags": options.tags,
        "signature": signature.text,
        "summary": signature.summary,
        "doc": signature.doc,
        "params": signature.schema(),
        "links": {"self": itself, "start": f"{itself}/jobs"},
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
