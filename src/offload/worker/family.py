"""Who descends from a process, and signals to all of them: nothing of a job may outlive it.

A process group misses those that made a session of their own, so they are found by other ways:

- by descent. It survives a double fork below a subreaper, which adopts the orphans;
- by a mark in their environment, which names the worker. That finds what is left when whoever
  could have adopted it is dead too. A process that was started with an emptied environment and is
  nobody's descendant any more is not found.

Everything is read from Linux's /proc (proc(5)); where there is none, nobody is found. A process is
its pid together with its start time, and is signalled through a descriptor of it (pidfd_open(2)),
so that a pid that was given away meanwhile is never hit.
"""

import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from offload.worker.presence import boot_id

MARK = "OFFLOAD_MARK"
"""The environment variable. It holds the worker's mark, in a child with `:` and its number."""

_EMPTY_LOOKS = 2
"""After which nobody is left: what was started in the midst of the first one is seen now."""

ENDING_SECONDS = 5.0
"""After which nobody waits for killed processes any more: one may hang in the kernel."""


class Kin(NamedTuple):
    """A living process."""

    pid: int
    parent: int
    started: int


class Use(NamedTuple):
    """What a process and all that descends from it hold and have used.

    Attributes:
        memory: bytes, together (their resident sets); what they share counts for each of them.
        cpu_seconds: processor time; that of those that have ended too, if they were waited for.
    """

    memory: int
    cpu_seconds: float


Find = Callable[[], set[Kin]]


def everyone() -> dict[int, Kin]:
    """Return all processes of this machine but zombies, which run nothing any more."""
    found = (_look(entry) for entry in _pids())
    return {kin.pid: kin for kin in found if kin is not None}


def descendants(*roots: int) -> set[Kin]:
    """Return all that descend from these processes, without them."""
    return set(_below(roots, everyone()))


def line(pid: int, among: Mapping[int, Kin] | None = None) -> list[Kin]:
    """Return a process and all that descend from it, each before its own children.

    Args:
        pid: the process; nobody is found when it has ended.
        among: all processes, where they have just been looked at.
    """
    among = everyone() if among is None else among
    return [among[pid], *_below([pid], among)] if pid in among else []


def children(pid: int) -> list[int]:
    """Return a process's own children, zombies too. Reads two or three files, not all of /proc."""
    found: list[int] = []
    for thread in _entries(f"/proc/{pid}/task"):
        text = _read(f"/proc/{pid}/task/{thread}/children")
        if text is None and os.path.exists(f"/proc/{pid}/task/{thread}"):
            return [kin.pid for kin in everyone().values() if kin.parent == pid]
        found += map(int, (text or b"").split())
    return found


def offspring(kin: Kin) -> list[Kin]:
    """Return a process's own children that live, as they are now."""
    return [found for pid in children(kin.pid) if (found := _look(pid)) is not None]


def marked(mark: str) -> set[Kin]:
    """Return all whose environment has this worker's mark; only those that this user may look at.

    It is the environment that they were started with: nobody removes the mark from it later.
    """
    wanted = f"\0{MARK}={mark}".encode()
    found: set[Kin] = set()
    for pid in _pids():
        environment = b"\0" + (_read(f"/proc/{pid}/environ") or b"")
        _, has_it, rest = environment.partition(wanted)
        if has_it and rest[:1] in (b"\0", b":", b"") and (kin := _look(pid)) is not None:
            found.add(kin)
    return found


def memory(pid: int) -> int:
    """Return how many bytes of memory a process and its descendants hold (their resident sets).

    What they share is counted for each of them.
    """
    return sum(_resident(each) for each in _tree(pid))


def use(pid: int) -> Use | None:
    """Return what a process and its descendants use; None where nobody is found."""
    tree = _tree(pid)
    held = sum(_resident(each) for each in tree)
    return Use(held, sum(_processor_time(each) for each in tree)) if held else None


def fair_memory(pid: int) -> int:
    """Return the same with everything shared divided by those who share it. Slower by far."""
    return sum(_proportional(each) for each in _tree(pid))


def stands_still(pid: int) -> bool:
    """Whether a process is stopped: no thread of it runs, and it has not ended."""
    states = set(_states(pid))
    return states <= _STILL and not states.isdisjoint(_STOPPED)


def is_stuck(pid: int) -> bool:
    """Whether a thread of a process waits in the kernel, where no signal reaches it."""
    return any(state == b"D" for state in _states(pid))


def send(found: Iterable[Kin], number: int) -> list[Kin]:
    """Send a signal to processes; returns those that were there, and that it may be sent to."""
    return [kin for kin in found if _send(kin, number)]


def end(find: Find, seconds: float = ENDING_SECONDS) -> int:
    """Kill whoever is found, again and again until nobody is; returns how many there were."""
    return len(kill(find, seconds))


def kill(find: Find, seconds: float = ENDING_SECONDS) -> set[int]:
    """Do the same, and return who there was.

    All are frozen before the first one is killed, so that none can start another one meanwhile.
    """
    ended: set[Kin] = set()
    refused: set[Kin] = set()
    empty_looks = 0
    give_up_at = time.monotonic() + seconds
    while empty_looks < _EMPTY_LOOKS and time.monotonic() < give_up_at:
        found = find() - refused
        empty_looks = 0 if found else empty_looks + 1
        if found:
            stopped, refused = _freeze(found, find, refused)
            for kin in (find() | stopped) - refused:  # who is frozen is never left so
                if _send(kin, signal.SIGKILL):
                    ended.add(kin)
        if found and found <= ended:
            time.sleep(0.001)  # the kernel takes them down
    return {kin.pid for kin in ended}


def sweep(mark: str, boot: str) -> int:
    """Kill all that a dead worker has left on this machine; returns how many there were.

    To be called before its jobs run again. The worker itself has no mark, and must be dead: its
    fork server would be taken from below it.

    Args:
        mark: the worker's mark, which is the name of its lock file (`WorkerInfo.lock_file`).
        boot: the boot in which it lived (`WorkerInfo.boot_id`); another boot has left nothing.
    """
    if not mark or boot != boot_id():
        return 0
    return end(lambda: _marked_and_below(mark))


def _below(roots: Iterable[int], among: Mapping[int, Kin]) -> list[Kin]:
    """Return all that descend from these, each before its own children."""
    children: dict[int, list[Kin]] = {}
    for kin in among.values():
        children.setdefault(kin.parent, []).append(kin)
    found = {kin: None for root in roots for kin in children.get(root, ())}
    left = deque(found)
    while left:
        new = [kin for kin in children.get(left.popleft().pid, ()) if kin not in found]
        found.update(dict.fromkeys(new))
        left += new
    return list(found)


def _marked_and_below(mark: str) -> set[Kin]:
    found = marked(mark)
    if not found:
        return found
    found |= descendants(*(kin.pid for kin in found))
    return {kin for kin in found if kin.pid != os.getpid()}


def _freeze(found: set[Kin], find: Find, refused: set[Kin]) -> tuple[set[Kin], set[Kin]]:
    """Stop whoever is found until nobody new is; returns them, and who cannot be signalled."""
    stopped: set[Kin] = set()
    for _ in range(100):
        new = found - stopped - refused
        if not new:
            break
        refused = refused | {kin for kin in new if not _send(kin, signal.SIGSTOP)}
        stopped |= new
        found = find()
    return stopped, refused


def _send(kin: Kin, number: int) -> bool:
    """Signal exactly this process; says whether it could be."""
    try:
        descriptor = os.pidfd_open(kin.pid)
    except (OSError, AttributeError):
        return False
    try:
        if _look(kin.pid) != kin and not _is_same(kin):
            return False
        signal.pidfd_send_signal(descriptor, number)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _is_same(kin: Kin) -> bool:
    """Whether it is still that process; it may have been adopted meanwhile."""
    now = _look(kin.pid)
    return now is not None and now.started == kin.started


def _tree(pid: int) -> list[int]:
    found = [pid]
    for each in found:
        found += children(each)
    return found


def _resident(pid: int) -> int:
    fields = (_read(f"/proc/{pid}/statm") or b"").split()
    return int(fields[1]) * _PAGE if fields else 0


def _processor_time(pid: int) -> float:
    """Read the processor time of a process and of those below it that it has waited for."""
    return sum(map(int, _fields(f"/proc/{pid}/stat")[11:15])) / _TICKS


def _proportional(pid: int) -> int:
    for line in (_read(f"/proc/{pid}/smaps_rollup") or b"").splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) << 10
    return _resident(pid)


def _look(pid: int) -> Kin | None:
    """Read who a process is; one whose first thread only has ended still runs."""
    fields = _fields(f"/proc/{pid}/stat")
    if len(fields) < 20 or fields[0] == b"X" or (fields[0] == b"Z" and int(fields[17]) < 2):
        return None
    return Kin(pid, int(fields[1]), int(fields[19]))


def _states(pid: int) -> list[bytes]:
    """Read the state of each thread of a process, as a letter (proc(5))."""
    threads = _entries(f"/proc/{pid}/task")
    return [b"".join(_fields(f"/proc/{pid}/task/{each}/stat")[:1]) for each in threads]


def _fields(file: str) -> list[bytes]:
    """Read what stands behind the name; that may itself hold spaces and parentheses."""
    return (_read(file) or b"").rpartition(b")")[2].split()


def _pids() -> Iterator[int]:
    """Yield every pid, then those that have come meanwhile, until none has.

    A process that does nothing but start the next one and end is born and gone within one look at
    all the others.
    """
    seen: set[int] = set()
    for _ in range(_MOST_LOOKS):
        new = {int(entry) for entry in _entries("/proc") if entry.isdecimal()} - seen
        if not new:
            return
        yield from sorted(new)
        seen |= new


def _entries(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _read(file: str) -> bytes | None:
    with contextlib.suppress(OSError):
        return Path(file).read_bytes()
    return None


_MOST_LOOKS = 50
"""At /proc in one scan: on a busy machine there is always somebody new."""

_STOPPED = frozenset({b"T", b"t"})
"""The states of a thread that is stopped, or held by a debugger."""

_STILL = _STOPPED | {b"Z", b"X", b""}
"""And of one that is no more."""

_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
