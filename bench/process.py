"""Rows of whole processes: starting up, and doing nothing."""

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from bench.harness import Size, row
from bench.http import Server, first_result, served


def seconds(*arguments: str, cwd: Path, times: int = 5) -> float:
    """The median time of running this interpreter with these arguments, in ms."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run([sys.executable, *arguments], cwd=cwd, check=False, capture_output=True)
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


@row("import", "ms", "python -c pass")
def importing(folder: Path, size: Size) -> Mapping[str, float]:
    """A whole interpreter each time."""
    return {
        "offload": seconds("-c", "import offload", cwd=folder),
        "from offload import Offload": seconds("-c", "from offload import Offload", cwd=folder),
        "raw": seconds("-c", "pass", cwd=folder),
    }


@row("offload status 1", "ms", "python -c pass")
def status(folder: Path, size: Size) -> Mapping[str, float]:
    """The terminal's commonest question, a whole process each time."""
    start = "from offload.examples import app; app.find('power_sim').start(2, 3)"
    environment = os.environ | {"OFFLOAD_WORKER": "off"}
    subprocess.run([sys.executable, "-c", start], cwd=folder, check=True, env=environment)
    return {
        "offload": seconds("-m", "offload", "status", "1", cwd=folder),
        "raw": seconds("-c", "pass", cwd=folder),
    }


@row("idle server and worker", "% CPU", "")
def idle(folder: Path, size: Size) -> Mapping[str, float]:
    """Share of one core that `offload serve` with one worker uses while nothing happens."""
    with served(folder) as server:
        asyncio.run(first_result(server.port))
        share = share_of_a_core(server, size.of(20))
        memory = sum(resident_mb(pid) for pid in server.pids())
    return {"offload": share, "memory in MB": memory}


def share_of_a_core(server: Server, seconds: float) -> float:
    """Let a server be for so long; returns the percentage of a core that it and its workers use."""
    began, before = time.perf_counter(), cpu_seconds(server.pids())
    server.wait(seconds)
    used = cpu_seconds(server.pids()) - before
    return 100 * used / (time.perf_counter() - began)


def cpu_seconds(pids: list[int]) -> float:
    """CPU time that these processes have used."""
    total = 0.0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def resident_mb(pid: int) -> float:
    """Memory that a process has for itself."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0
