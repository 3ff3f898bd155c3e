"""An event, and how far a job has come, each written down once for everybody who reads it."""

from msgspec import Struct

from offload.model import FINISHED, State
from offload.shapes import ProgressShape, instant, progress_shape, write
from offload.store.base import Happening, Moved


class EventShape(Struct, frozen=True):
    """An event as JSON, with what tells its job from others."""

    id: int
    job_id: int
    task: str
    queue: str
    group: int | None
    version: int
    kind: str
    state: State
    at: str
    actor: str
    door: str
    attempt: int
    worker: int | None
    reason: str | None


class MotionShape(Struct, frozen=True):
    """How far a running job has come, as JSON; `kind` tells it from an event."""

    kind: str
    job_id: int
    task: str
    queue: str
    group: int | None
    attempt: int
    progress: ProgressShape | None


class Line(Struct, frozen=True):
    """An event, written down.

    Attributes:
        ends: the job has ended with it.
    """

    id: int
    job_id: int
    task: str
    queue: str
    group: int | None
    ends: bool
    json: bytes


class Motion(Struct, frozen=True):
    """How far a job has come, written down; `tick` says at which look it had changed."""

    job_id: int
    task: str
    queue: str
    group: int | None
    moved: Moved
    tick: int
    json: bytes


class Selection(Struct, frozen=True):
    """Which jobs a reader wants to hear of; None is all."""

    job_id: int | None = None
    task: str | None = None
    queue: str | None = None
    group: int | None = None

    def takes(self, line: Line | Motion) -> bool:
        """Whether it is about one of them."""
        return (
            self.job_id in (None, line.job_id)
            and self.task in (None, line.task)
            and self.queue in (None, line.queue)
            and self.group in (None, line.group)
        )


ALL = Selection()


def line_of(happening: Happening) -> Line:
    """Write an event down."""
    event = happening.event
    shape = EventShape(
        id=event.id,
        job_id=event.job_id,
        task=happening.task,
        queue=happening.queue,
        group=happening.group,
        version=event.version,
        kind=event.kind,
        state=event.state,
        at=instant(event.at),
        actor=event.actor,
        door=event.door,
        attempt=event.attempt,
        worker=event.worker,
        reason=event.reason,
    )
    return Line(
        event.id,
        event.job_id,
        happening.task,
        happening.queue,
        happening.group,
        ends=event.state in FINISHED,
        json=write(shape),
    )


def motion_of(moved: Moved, tick: int) -> Motion:
    """Write down how far a job has come."""
    shape = MotionShape(
        kind="progress",
        job_id=moved.job_id,
        task=moved.task,
        queue=moved.queue,
        group=moved.group,
        attempt=moved.attempt,
        progress=progress_shape(moved.progress),
    )
    return Motion(moved.job_id, moved.task, moved.queue, moved.group, moved, tick, write(shape))
