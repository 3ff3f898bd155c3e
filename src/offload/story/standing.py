"""What a paused job keeps while it stands still, and what it gives free. Pure: a job in, words out.

Nobody should have to guess whether a pause gives memory back, or whether a lock is still taken.
"""

from msgspec import Struct

from offload.model import Job, Mode


class Standing(Struct, frozen=True):
    """What a pause means for the machine, in words."""

    keeps: str
    frees: str


_FROZEN_COROUTINE = Standing(
    "its memory, and the sockets and locks that it holds in the worker's process",
    "its slot",
)
_FROZEN_PROCESS = Standing(
    "its processes, stopped, with their memory and open files",
    "its slot and the processor",
)
_PARKED = Standing("its thread, its memory and the locks that it holds", "its slot")
_NOT_CHECKING = Standing(
    "the work elsewhere, which goes on, and the handle by which it is found again",
    "the checks: nothing runs here",
)
_HELD_IN_THE_QUEUE = Standing("its place in the queue", "nothing: it was not running")
_HELD_FROM_A_CHECKPOINT = Standing(
    "its last checkpoint, from which it goes on", "its slot, its memory and its process"
)
_HELD_WITHOUT_ONE = Standing(
    "its parameters: it has no checkpoint and begins anew", "its slot, its memory and its process"
)
_HELD_WITH_A_HANDLE = Standing(
    "the work elsewhere, which goes on, and the handle by which it is found again",
    "everything here",
)


def standing(job: Job) -> Standing | None:
    """Say what a paused job keeps and frees; None of one that does not stand still."""
    if job.pause is None or job.pause.mode is None:
        return None
    match job.pause.mode:
        case Mode.FROZEN:
            return _FROZEN_COROUTINE if job.kind == "async" else _FROZEN_PROCESS
        case Mode.PARKED:
            return _PARKED
        case Mode.NOT_CHECKING:
            return _NOT_CHECKING
        case Mode.HELD:
            return _held(job)


def _held(job: Job) -> Standing:
    if job.pause is not None and not job.pause.begun:
        return _HELD_IN_THE_QUEUE
    if job.handle is not None and job.kind != "box":  # of a box its program holds all there is
        return _HELD_WITH_A_HANDLE
    return _HELD_WITHOUT_ONE if job.saved_at is None else _HELD_FROM_A_CHECKPOINT
