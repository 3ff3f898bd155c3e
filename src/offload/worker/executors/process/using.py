"""What the jobs of one child process use, one after the other: processor time and memory.

It is read from outside, so that the child does nothing for it, and what is dear is read only of
jobs that take a while.
"""

import os
import time
from pathlib import Path

from offload.model import Usage
from offload.worker.executors.process.endings import signal_name
from offload.worker.executors.process.orders import Ended

LONG_SECONDS = 0.01
"""Jobs that take less are not asked for their memory: reading it costs as much as they do."""

STAINING_SECONDS = 0.002
"""A job that took longer may have held much, so that the next one's peak is counted anew."""


class Meter:
    """Reads what a child has used; one job begins after the other has ended.

    Processor time counts from the end of the job before, so what the process does to be ready
    (imports, hooks) is the first job's; of the processes that it starts those count that it waits
    for. Memory is the process's resident set at its highest; where the job has started processes,
    what all of them together held when they were weighed, if that was more.
    """

    def __init__(self) -> None:
        self._own = 0.0
        self._others = 0.0
        self._began_at = 0.0
        self._weight = 0
        self._is_stained = False

    def begin(self, pid: int | None) -> None:
        """A job begins."""
        self._began_at = time.monotonic()
        self._weight = 0
        if self._is_stained and pid is not None:
            _forget_peak(pid)
            self._is_stained = False

    def weigh(self, held: int) -> None:
        """The child and what it has started hold so many bytes."""
        self._weight = max(self._weight, held)

    def end(self, pid: int) -> Usage:
        """The job has ended, and the child waits for the next one."""
        took = time.monotonic() - self._began_at
        own = _own_time(pid, self._own)
        used, self._own = own - self._own, own
        if took < LONG_SECONDS:
            self._is_stained |= took > STAINING_SECONDS
            return Usage(pid=pid, cpu_seconds=used)
        self._is_stained = True
        others = _time_of_others(pid, self._others)
        used, self._others = used + others - self._others, others
        return Usage(pid=pid, cpu_seconds=used, peak_memory=self._most(_peak(pid)))

    def die(self, pid: int | None, ended: Ended) -> Usage:
        """The child has died with the job, and that is known to its parent."""
        return Usage(
            pid=pid,
            cpu_seconds=max(0.0, ended.cpu_seconds - self._own - self._others),
            peak_memory=self._most(ended.peak or ended.largest),
            exit_code=ended.code if ended.code >= 0 else None,
            signal=signal_name(-ended.code) if ended.code < 0 else None,
        )

    def _most(self, peak: int | None) -> int | None:
        return max(peak or 0, self._weight) or None


def _own_time(pid: int, otherwise: float) -> float:
    """Read the processor time of a process from its clock (clock_getcpuclockid(3)): one call."""
    try:
        return time.clock_gettime(~pid << 3 | _PROCESS_CLOCK)
    except OSError:  # it has just died
        return otherwise


def _time_of_others(pid: int, otherwise: float) -> float:
    """Read the processor time of those descendants that a process has waited for."""
    fields = _read(pid, "stat").rpartition(")")[2].split()
    return sum(map(int, fields[13:15])) / _TICKS if len(fields) > 14 else otherwise


def _peak(pid: int) -> int | None:
    """Read how many bytes a process has held at most since that was last forgotten."""
    for line in _read(pid, "status").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    return None


def _forget_peak(pid: int) -> None:
    """Let the kernel count the peak anew (proc(5), clear_refs); where it may not, it goes on."""
    try:
        file = os.open(f"/proc/{pid}/clear_refs", os.O_WRONLY)
    except OSError:
        return
    try:
        os.write(file, b"5")
    except OSError:
        return
    finally:
        os.close(file)


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(errors="replace")
    except OSError:
        return ""


_PROCESS_CLOCK = 2
"""The kind of clock that counts all threads of a process, while they run."""

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
