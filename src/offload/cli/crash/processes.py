"""What the operating system says of the demo's processes: read from Linux's /proc (proc(5))."""

import contextlib
import os
import signal
import time
from pathlib import Path

MARK = "OFFLOAD_DEMO"
"""A variable that every process of a demo inherits, so that none can be overlooked."""

_PAUSE_SECONDS = 0.02
"""Between two looks at what must end: two ticks of the kernel's clock."""

_TICKS = os.sysconf("SC_CLK_TCK")


def are_told() -> bool:
    """Whether this system tells of its processes."""
    return Path("/proc/self/stat").exists()


def marked(mark: str) -> set[int]:
    """Return the living processes that have a demo's mark, without this one.

    A zombie has no environment any more: it runs nothing, and is not counted.
    """
    wanted = f"{MARK}={mark}".encode()
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    found.add(int(folder.name))
    return found


def left(mark: str, seconds: float) -> set[int]:
    """Return what is still there after so many seconds: the kernel needs some to end a process."""
    give_up_at = time.monotonic() + seconds
    while (found := marked(mark)) and time.monotonic() < give_up_at:
        time.sleep(_PAUSE_SECONDS)
    return found


def kill(pid: int) -> None:
    """Send SIGKILL; whoever is gone already stays so."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def load(pid: int, seconds: float) -> int:
    """Return how busy a process is in the next seconds, in per cent of a processor."""
    before, began_at = _cpu_seconds(pid), time.monotonic()
    time.sleep(seconds)
    return round(100 * (_cpu_seconds(pid) - before) / (time.monotonic() - began_at))


def _cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used; 0 if it is gone."""
    try:
        said = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    user, system = said.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / _TICKS
