"""Run long Python work outside your app: start, watch, stop and collect it.

    from offload import Offload

    app = Offload()

    @app.task
    def render(frames: int) -> str: ...

    job = render.start(240)
    job.result()

Names are imported when they are first used: `import offload` alone loads neither an event loop nor
a web framework.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from offload.app import Offload
    from offload.backoff import Backoff
    from offload.errors import (
        AlreadyFinished,
        ConfigError,
        Draining,
        Evicted,
        Fatal,
        GroupEvicted,
        IdempotencyKeyReused,
        InvalidParameters,
        InvalidTask,
        JobCancelled,
        JobError,
        JobFailed,
        KeyTaken,
        NotFinished,
        NotSerializable,
        OffloadError,
        QueryTooSlow,
        QueueFull,
        Refused,
        SchemaTooNew,
        StoreError,
        StoreUnavailable,
        StoreUncertain,
        StoreUnreadable,
        Undecodable,
        UnknownGroup,
        UnknownJob,
        UnknownTask,
    )
    from offload.group import Group
    from offload.job import Job
    from offload.model import Snooze
    from offload.task import Task
    from offload.worker.context import Context, current, progress

__version__ = "0.1.0"

_HOMES = {
    "Backoff": "offload.backoff",
    "Group": "offload.group",
    "Snooze": "offload.model",
    "Context": "offload.worker.context",
    "Job": "offload.job",
    "Offload": "offload.app",
    "Task": "offload.task",
    "current": "offload.worker.context",
    "progress": "offload.worker.context",
}

__all__ = [
    "AlreadyFinished",
    "Backoff",
    "ConfigError",
    "Context",
    "Draining",
    "Evicted",
    "Fatal",
    "Group",
    "GroupEvicted",
    "IdempotencyKeyReused",
    "InvalidParameters",
    "InvalidTask",
    "Job",
    "JobCancelled",
    "JobError",
    "JobFailed",
    "KeyTaken",
    "NotFinished",
    "NotSerializable",
    "Offload",
    "OffloadError",
    "QueryTooSlow",
    "QueueFull",
    "Refused",
    "SchemaTooNew",
    "Snooze",
    "StoreError",
    "StoreUnavailable",
    "StoreUncertain",
    "StoreUnreadable",
    "Task",
    "Undecodable",
    "UnknownGroup",
    "UnknownJob",
    "UnknownTask",
    "current",
    "progress",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'offload' has no attribute {name!r}")
    value = getattr(import_module(_HOMES.get(name, "offload.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
