"""A job as JSON has it, for what is shown of it, and the instant at which it is looked at."""

from typing import Any

from offload.cli.times import seconds_of

NOW = seconds_of("2026-03-01T12:00:00.000Z")


def job(**members: Any) -> dict[str, Any]:
    """A job that runs."""
    return {
        "id": 7,
        "task": "mow",
        "kind": "async",
        "queue": "default",
        "state": "running",
        "done": False,
        "params": {"lawn": "north", "height": 3},
        "result": None,
        "error": None,
        "progress": {"done": 3, "total": 20, "message": None, "unit": "strip"},
        "pause": None,
        "reason": None,
        "attempt": 1,
        "crashes": 0,
        "interrupts": 0,
        "priority": 0,
        "tags": [],
        "created_at": "2026-03-01T11:50:00.000Z",
        "run_at": None,
        "started_at": "2026-03-01T11:59:00.000Z",
        "finished_at": None,
        "worker": 2,
        "links": {"self": "/v1/jobs/7", "pause": "/v1/jobs/7/pause", "cancel": "/v1/jobs/7/cancel"},
        **members,
    }
