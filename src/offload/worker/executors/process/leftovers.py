"""What a job has left behind when its code has ended: processes that it started and did not await.

A child adopts the orphans among its descendants (it is a subreaper), so as long as anything that
the job started lives, the child has a child. Whether it has one is one system call (0.6 µs).
"""

import contextlib
import os
import signal
import sys
import time

from offload.worker import family
from offload.worker.family import Kin

PATIENCE_SECONDS = 0.5
"""How long a process that was left behind may take to end after SIGTERM."""

_HELPERS = (
    ("multiprocessing.resource_tracker", "_resource_tracker", "_pid"),
    ("multiprocessing.forkserver", "_forkserver", "_forkserver_pid"),
)
"""Processes that `multiprocessing` keeps for itself for as long as its process lives."""


def kept_children() -> frozenset[int]:
    """Return the children that this process has before a job: a lifespan hook started them."""
    return frozenset(family.children(os.getpid()) if _has_children() else ())


def end_leftovers(kept: frozenset[int]) -> set[int]:
    """End what the job started and left: by SIGTERM, then by SIGKILL, until nothing is left.

    Returns the pids of those that had to be ended.
    """
    ended: set[int] = set()
    if not _has_children():
        return ended
    kept |= _helpers()
    if _left(kept):
        ended |= {kin.pid for kin in family.send(_left(kept), signal.SIGTERM)}
        family.send(_left(kept), signal.SIGCONT)
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while _left(kept) and time.monotonic() < give_up_at:
            time.sleep(0.002)
        ended |= family.kill(lambda: _left(kept))
    _reap(kept)
    return ended


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _left(kept: frozenset[int]) -> set[Kin]:
    _reap(kept)
    own = set(family.children(os.getpid())) - kept
    below = family.descendants(*own)
    return below | {kin for pid, kin in family.everyone().items() if pid in own}


def _reap(kept: frozenset[int]) -> None:
    """Bury what has ended; nobody awaits it any more."""
    for pid in set(family.children(os.getpid())) - kept:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def _helpers() -> frozenset[int]:
    found = (
        getattr(getattr(sys.modules.get(module), holder, None), name, None)
        for module, holder, name in _HELPERS
    )
    return frozenset(pid for pid in found if isinstance(pid, int))
