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
    from offload.completion import as_completed, await_, wait
    from offload.errors import (
        AlreadyFinished,
        BeingCancelled,
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
        NotAmendable,
        NotCompletable,
        NotFinished,
        NotKept,
        NotPausable,
        NotSerializable,
        OffloadError,
        QueryTooSlow,
        QueueFull,
        Refused,
        SchemaTooNew,
        Stopped,
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
    from offload.jobs import Jobs, Tally
    from offload.model import Snooze
    from offload.polling import Done, Pending
    from offload.polling_task import PollingTask
    from offload.submitted import BoxGroup, BoxJob
    from offload.task import Task
    from offload.worker.context import Context, current, progress

__version__ = "0.1.0"

_HOMES = {
    "Backoff": "offload.backoff",
    "BoxGroup": "offload.submitted",
    "BoxJob": "offload.submitted",
    "Group": "offload.group",
    "Snooze": "offload.model",
    "Context": "offload.worker.context",
    "Done": "offload.polling",
    "Job": "offload.job",
    "Jobs": "offload.jobs",
    "Offload": "offload.app",
    "Pending": "offload.polling",
    "PollingTask": "offload.polling_task",
    "Tally": "offload.jobs",
    "Task": "offload.task",
    "as_completed": "offload.completion",
    "await_": "offload.completion",
    "current": "offload.worker.context",
    "progress": "offload.worker.context",
    "wait": "offload.completion",
}

__all__ = [
    "AlreadyFinished",
    "Backoff",
    "BeingCancelled",
    "BoxGroup",
    "BoxJob",
    "ConfigError",
    "Context",
    "Done",
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
    "Jobs",
    "KeyTaken",
    "NotAmendable",
    "NotCompletable",
    "NotFinished",
    "NotKept",
    "NotPausable",
    "NotSerializable",
    "Offload",
    "OffloadError",
    "Pending",
    "PollingTask",
    "QueryTooSlow",
    "QueueFull",
    "Refused",
    "SchemaTooNew",
    "Snooze",
    "Stopped",
    "StoreError",
    "StoreUnavailable",
    "StoreUncertain",
    "StoreUnreadable",
    "Tally",
    "Task",
    "Undecodable",
    "UnknownGroup",
    "UnknownJob",
    "UnknownTask",
    "as_completed",
    "await_",
    "current",
    "progress",
    "wait",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'offload' has no attribute {name!r}")
    value = getattr(import_module(_HOMES.get(name, "offload.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
