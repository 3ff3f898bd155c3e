"""What can be done with a running job of a task: it depends on how its code is run."""

from enum import StrEnum

from msgspec import Struct

from offload.importable import why_not_importable
from offload.registry import RegisteredTask


class Cancelling(StrEnum):
    """How a running job is stopped when it is cancelled."""

    AT_AWAIT = "at-await"
    ASKED = "asked"
    KILLED = "killed"
    TOLD = "told"


class Capabilities(Struct, frozen=True):
    """What can be done with a running job.

    Attributes:
        cancel: how it is stopped: ``at-await``, `CancelledError` at its next await; ``asked``, it
            stops where it looks; ``killed``, it is asked, and killed after the grace period;
            ``told``, the other side is told by `on_cancel`.
        memory: whether its memory can be limited.
        reason: why a blocking task is not run in a process, where that is not its own wish.
    """

    cancel: Cancelling
    memory: bool
    reason: str | None = None


_CANCELLING = {
    "async": Cancelling.AT_AWAIT,
    "thread": Cancelling.ASKED,
    "process": Cancelling.KILLED,
    "poll": Cancelling.TOLD,
    "box": Cancelling.ASKED,
}


def capabilities_of(task: RegisteredTask) -> Capabilities:
    """Say what can be done with the running jobs of a task."""
    is_fallback = task.executor == "thread" and task.options.executor is None
    return Capabilities(
        cancel=_CANCELLING.get(task.executor, Cancelling.ASKED),
        memory=task.executor == "process",
        reason=why_not_importable(task.function) if is_fallback else None,
    )
