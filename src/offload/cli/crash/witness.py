"""What the simulation says that it has done, and whether that is what was promised. Pure.

The witness is a file of its own that offload knows nothing of. Each line is a slice that was done:
its number, the process that did it, and when.
"""

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

WINDOW_SECONDS = 1.0 + 0.5
"""Promised: what a crash of the worker makes to be done again was done within this time before.

A checkpoint is stored once a second (docs/guides/checkpoints.md). Half a second is for its way:
from the process to the worker, and with a commit to the disk. A machine that has nothing else to do
needs a quarter of that.
"""


class Entry(Struct, frozen=True):
    """A slice that was done."""

    number: int
    pid: int
    at: float


class Finding(Struct, frozen=True):
    """What a witness tells of a simulation whose worker was killed.

    Attributes:
        done: slices that were done, however often.
        missing: slices that never were.
        again: the slices that were done twice, in order.
        too_often: slices that were done more than twice, or twice for another reason than the
            crash.
        repeated_seconds: how long before the kill the first of those done twice was done; 0.0 if
            there is none.
        went_on_at: the first slice that was done after the crash; None if there is none.
        ghosts: slices that the killed worker's process did when another one was at work already.
    """

    done: int
    missing: tuple[int, ...]
    again: tuple[int, ...]
    too_often: tuple[int, ...]
    repeated_seconds: float
    went_on_at: int | None
    ghosts: tuple[int, ...]

    @property
    def is_within_window(self) -> bool:
        """Whether nothing was done again but the work of the last moments before the kill."""
        return not self.too_often and self.repeated_seconds <= WINDOW_SECONDS


def read(text: str) -> list[Entry]:
    """Read a witness, to which a line may be added meanwhile.

    A line that goes over the end of a page of memory can be seen in two parts, though it is one
    write: a reader may come between (measured on ext4: only there). Its first part is not read yet.
    """
    found = (line.split() for line in text.split("\n")[:-1])
    return [Entry(int(number), int(pid), float(at)) for number, pid, at in found]


def judge(entries: Sequence[Entry], slices: int, pid: int, killed_at: float) -> Finding:
    """Say what a witness tells.

    Args:
        entries: its lines, in order.
        slices: how many there were to be done.
        pid: the process in which the simulation ran when its worker was killed.
        killed_at: when that was.
    """
    count = Counter(entry.number for entry in entries)
    before = {entry.number: entry for entry in entries if entry.pid == pid}
    after = [entry for entry in entries if entry.pid != pid]
    later = {entry.number for entry in after}
    again = tuple(sorted(later & before.keys()))
    too_often = {number for number, times in count.items() if times > 1} - set(again)
    too_often |= {number for number, times in count.items() if times > 2}
    first = min((before[number].at for number in again), default=killed_at)
    begun_at = after[0].at if after else float("inf")
    return Finding(
        done=len(count.keys() & set(range(slices))),
        missing=tuple(number for number in range(slices) if number not in count),
        again=again,
        too_often=tuple(sorted(too_often)),
        repeated_seconds=max(killed_at - first, 0.0),
        went_on_at=after[0].number if after else None,
        ghosts=tuple(entry.number for entry in before.values() if entry.at > begun_at),
    )
