"""One idea: the shelf, where a program holds its black boxes and, for a while, what they gave.

Nothing else holds a box: when its job has ended the object is let go, and its output stays as long
as somebody has the job's handle, or until a thousand others have ended after it. Used from many
threads without a lock: each step is one operation on a dict or a deque.
"""

import itertools
from collections import deque
from collections.abc import Iterable
from typing import Any
from weakref import WeakValueDictionary

from msgspec import UNSET, UnsetType

from offload.boxes.box import Box, How
from offload.boxes.task import BoxTask, box_task
from offload.errors import OffloadError
from offload.model import Job
from offload.values import decode, encode

OUTPUTS_KEPT = 1000
"""Outputs of boxes that ended last, of whose jobs nobody has a handle."""


class Shelf:
    """The black boxes of one Offload in one process."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._boxes: dict[int, Box] = {}
        self._by_job: WeakValueDictionary[int, Box] = WeakValueDictionary()
        self._last: deque[Box] = deque(maxlen=OUTPUTS_KEPT)

    def __len__(self) -> int:
        return len(self._boxes)

    def put(self, box: object, how: How) -> Box:
        """Hold an object."""
        held = Box(next(self._numbers), box, how)
        self._boxes[held.number] = held
        return held

    def params_of(self, box: Box) -> bytes:
        """Return the parameters of a box's job: its number, by which it is found again."""
        return encode({"box": box.number})

    def accept(self, box: Box, job_id: int) -> None:
        """Note the job of a box: it is stored."""
        box.job_id = job_id
        self._by_job[job_id] = box

    def drop(self, box: Box) -> None:
        """Let go of an object that never runs (again); its output stays for whoever has it."""
        if self._boxes.pop(box.number, None) is not None:
            box.object = None
            box.begun = None
            self._last.append(box)

    def task_of(self, job: Job) -> BoxTask:
        """Return what a job that is bound to this process runs.

        Raises:
            OffloadError: the object is not held any more.
        """
        params: Any = decode(job.params or b"{}")
        box = self._boxes.get(params.get("box", 0))
        if box is None:
            raise OffloadError(
                "the object of this black box was let go when its job ended; submit it anew"
            )
        return box_task(job.task, box)

    def ended(self, jobs: Iterable[Job]) -> None:
        """Hear that these jobs have ended; most of them have nothing to do with boxes."""
        for job in jobs:
            if job.bound_to is not None and (box := self._by_job.get(job.id)) is not None:
                self.drop(box)

    def changed(self, ids: Iterable[int] | None) -> tuple[int, ...]:
        """Return which of these jobs are of boxes that are held; None: all that are."""
        held = [box.job_id for box in list(self._boxes.values()) if box.job_id is not None]
        return tuple(held) if ids is None else tuple(set(held).intersection(ids))

    def unfinished(self) -> list[Box]:
        """Return the boxes whose jobs have not ended, as far as is known here."""
        return list(self._boxes.values())

    def output(self, job_id: int) -> Any | UnsetType:
        """Return what the box of a job gave: the object itself; UNSET where it is not kept."""
        box = self._by_job.get(job_id)
        return UNSET if box is None else box.output
