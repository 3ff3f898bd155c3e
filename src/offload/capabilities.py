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


class Pausing(StrEnum):
    """How a running job is made to stand still."""

    AT_AWAIT = "at-await"
    STOPPED = "stopped"
    AT_CHECKPOINT = "at-checkpoint"
    NOT_CHECKING = "not-checking"
    NO = "no"


class Capabilities(Struct, frozen=True):
    """What can be done with a running job.

    Attributes:
        cancel: how it is stopped: ``at-await``, `CancelledError` at its next await; ``asked``, it
            stops where it looks; ``killed``, it is asked, and killed after the grace period;
            ``told``, the other side is told by `on_cancel`.
        pause: how it is made to stand still: ``at-await``, its coroutines take no step more;
            ``stopped``, its processes are stopped where they are; ``at-checkpoint``, it stops where
            it calls `checkpoint()`; ``not-checking``, the work elsewhere goes on and nobody looks
            at it; ``no``, only before it begins.
        memory: whether its memory can be limited.
        reason: why a blocking task is not run in a process, where that is not its own wish.
    """

    cancel: Cancelling
    pause: Pausing
    memory: bool
    reason: str | None = None


_CANCELLING = {
    "async": Cancelling.AT_AWAIT,
    "thread": Cancelling.ASKED,
    "process": Cancelling.KILLED,
    "poll": Cancelling.TOLD,
    "box": Cancelling.ASKED,
}


_PAUSING = {
    "async": Pausing.AT_AWAIT,
    "thread": Pausing.AT_CHECKPOINT,
    "process": Pausing.STOPPED,
    "poll": Pausing.NOT_CHECKING,
    "box": Pausing.NOT_CHECKING,
}


def capabilities_of(task: RegisteredTask) -> Capabilities:
    """Say what can be done with the running jobs of a task."""
    is_fallback = task.executor == "thread" and task.options.executor is None
    return Capabilities(
        cancel=_CANCELLING.get(task.executor, Cancelling.ASKED),
        pause=_pausing(task),
        memory=task.executor == "process",
        reason=why_not_importable(task.function) if is_fallback else None,
    )


def _pausing(task: RegisteredTask) -> Pausing:
    if not task.options.job.pausable:
        return Pausing.NO
    return _PAUSING.get(task.executor, Pausing.NO)
