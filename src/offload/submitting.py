"""Handing in black boxes: never waits for the disk, whatever that does.

A box is put on the shelf, its job goes into the mailbox, and its handle is given out; what the
store answers is heard by whoever asks the handle. At the program's end the boxes end with it.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import wait as wait_for_futures
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from msgspec.structs import replace

from offload import lifecycle
from offload.backoff import Backoff
from offload.boxes import Box, Shelf, how, name_of, refuse_no_box
from offload.boxes.box import HowOptions
from offload.errors import StoreError
from offload.model import By, JobOptions, NewJob, State
from offload.options import (
    NOTHING_SAID,
    CallOptions,
    Duration,
    TaskOptions,
    call_options,
    check_name,
    merged,
    texts,
    that_can_pause,
)
from offload.store.base import Apply, Found, Get, Inserted
from offload.store.mailbox import Mailbox
from offload.submitted import Accepted, BoxGroup, BoxJob

log = logging.getLogger("offload")


class SubmitOptions(HowOptions, total=False):
    """What `submit` takes besides the object; see `offload.Offload.submit`."""

    name: str | None
    queue: str | None
    priority: int | None
    delay: Duration | None
    run_at: float | datetime | None
    owner: str | None
    tags: Sequence[str]
    retries: int | None
    backoff: Duration | Backoff | None
    timeout: Duration | None
    deadline: Duration | datetime | None
    retain: Duration | None


_HOW = frozenset(HowOptions.__annotations__)
_KNOWN = frozenset(SubmitOptions.__annotations__) | _HOW
_PLAIN = TaskOptions()
_BLOCKING = that_can_pause(_PLAIN, is_so=False)


Making = Callable[[], tuple[NewJob, ...]]


class Desk(Protocol):
    """What handing in needs of its Offload.

    Attributes:
        shelf: holds the boxes.
    """

    shelf: Shelf

    def now(self) -> float:
        """Return the instant."""
        ...

    def staffed_house(self) -> int:
        """Return what tells this process from all others."""
        ...

    def hand_in(self, making: Making, accepted: Accepted, *, grouped: bool) -> None:
        """Store jobs a moment later."""
        ...


def submit(
    desk: Desk,
    boxes: Sequence[Any],
    options: Mapping[str, Any],
    said_of_class: Mapping[type, Mapping[str, Any]],
    *,
    grouped: bool,
) -> BoxGroup[Any]:
    """Put boxes on the shelf and their jobs into the mailbox; returns their handle at once.

    Raises:
        TypeError: one is no black box, or there is no such option.
        ValueError: an option does not fit; says which and why.
    """
    unknown = options.keys() - _KNOWN
    if unknown:
        raise TypeError(f"submit() has no option {sorted(unknown)[0]!r}")
    for box in boxes:
        refuse_no_box(box)
    call = _call_options({key: options[key] for key in options.keys() - _HOW})
    name = options.get("name")
    if name is not None:
        check_name(name, "name", name)
    ways = {key: options[key] for key in options.keys() & _HOW}
    found = [how(box, **{**said_of_class.get(type(box), {}), **ways}) for box in boxes]
    house = desk.staffed_house()
    names = [name_of(type(box)) for box in boxes]
    run = [merged(_BLOCKING if way.kind == "blocking" else _PLAIN, call) for way in found]
    held = [desk.shelf.put(box, way) for box, way in zip(boxes, found, strict=True)]
    now = desk.now()
    accepted: Accepted = Future()
    accepted.add_done_callback(partial(_stored, desk.shelf, held))
    handles = []
    for index, box in enumerate(held):
        box.accepted = accepted
        handles.append(BoxJob[Any](accepted, index, box, desk))

    def new_jobs() -> tuple[NewJob, ...]:
        params_of = desk.shelf.params_of
        return tuple(
            _new_job(name or names[at], params_of(box), call, run[at], now=now, house=house)
            for at, box in enumerate(held)
        )

    desk.hand_in(new_jobs, accepted, grouped=grouped)
    return BoxGroup(accepted, handles, desk)


def _call_options(given: dict[str, Any]) -> CallOptions:
    given.pop("name", None)
    tags = given.pop("tags", ())
    if not given and not tags:
        return NOTHING_SAID
    return replace(call_options(given), tags=texts("submit", "tags", tags))


def _new_job(
    name: str, params: bytes, call: CallOptions, options: JobOptions, *, now: float, house: int
) -> NewJob:
    deadline_at = None if options.deadline is None else now + options.deadline
    return NewJob(
        task=name,
        kind="box",
        params=params,
        queue=call.queue or "default",
        priority=call.priority or 0,
        run_at=call.run_at if call.delay is None else now + call.delay,
        owner=call.owner,
        tags=call.tags,
        options=options,
        deadline_at=call.deadline_at or deadline_at,
        bound_to=house,
    )


def _stored(shelf: Shelf, boxes: Sequence[Box], answer: Future[Inserted]) -> None:
    """Hear what became of jobs; on the writer's thread."""
    if answer.exception() is not None:
        for box in boxes:
            shelf.drop(box)
        return
    for box, job_id in zip(boxes, answer.result().ids, strict=True):
        shelf.accept(box, job_id)


def look_after(shelf: Shelf, mailbox: Mailbox, ids: Sequence[int] | None) -> None:
    """Let go of boxes whose jobs another process may have ended; without waiting."""
    changed = shelf.changed(ids)
    if not changed:
        return

    def read(answer: Future[Found]) -> None:
        if answer.exception() is None:
            jobs = answer.result().jobs
            shelf.ended(job for job in jobs.values() if job.is_finished)

    mailbox.read(Get(changed, bodies=False)).add_done_callback(read)


def lose(shelf: Shelf, boxes: Sequence[Box], mailbox: Mailbox, now: float, seconds: float) -> int:
    """Record that boxes which have not begun never will: their program ends.

    Args:
        shelf: where they are.
        boxes: those that had not ended when the end began.
        mailbox: the way to the store.
        now: the instant.
        seconds: what the store is given to answer; what it does not take, any worker will find.

    Returns:
        How many of them have failed, those included that were interrupted.
    """
    if not boxes:
        return 0
    wait_for_futures([box.accepted for box in boxes if box.accepted is not None], seconds)
    ids = tuple(box.job_id for box in boxes if box.job_id is not None)
    by = By(actor="the program's end", door="python")
    try:
        jobs = mailbox.read(Get(ids, bodies=False)).result(seconds).jobs.values()
        waiting = [job for job in jobs if job.state is State.QUEUED]
        changes = tuple(lifecycle.lose(job, now, by) for job in waiting)
        if changes:
            mailbox.ask(Apply(changes, now)).result(seconds)
    except (StoreError, TimeoutError) as error:
        log.warning("black boxes that never ran could not be recorded as lost: %s", error)
        return len(ids)
    for box in boxes:
        shelf.drop(box)
    return len(waiting) + sum(job.state is State.FAILED for job in jobs)
