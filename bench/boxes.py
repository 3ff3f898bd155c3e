"""Rows of black boxes: how long handing one in takes, and how many are run."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.harness import Size, percentile, row
from offload import Offload, wait


class Sleeper:
    """Blocks for a while."""

    def run(self) -> None:
        """Block."""
        time.sleep(0.2)

    def get_output(self) -> int:
        """Return something."""
        return 1


class Quick:
    """Is there at once."""

    def run(self) -> None:
        """Begin."""

    def get_output(self) -> int:
        """Return something."""
        return 1


def latencies(app: Offload, kind: type, count: int) -> tuple[list[float], list[Any]]:
    """Hand boxes in, one after the other; returns the milliseconds that each took."""
    taken, jobs = [], []
    for _ in range(count):
        box = kind()
        began = time.perf_counter()
        jobs.append(app.submit(box))
        taken.append((time.perf_counter() - began) * 1000)
    return taken, jobs


@row("submit, 99 boxes at once", "ms", "")
def at_once(folder: Path, size: Size) -> Mapping[str, float]:
    """99 boxes that block, in a row, in a program that has a worker."""
    app = Offload(folder / "offload.db")
    app.submit(Quick()).result()
    taken, jobs = latencies(app, Sleeper, 99)
    wait(jobs)
    app.close()
    return {"p50": percentile(taken, 0.5), "p99": percentile(taken, 0.99)}


@row("submit, one every 5 ms while 90 run", "ms", "")
def beside_others(folder: Path, size: Size) -> Mapping[str, float]:
    """Handing in another one never waits."""
    app = Offload(folder / "offload.db")
    _, jobs = latencies(app, Sleeper, 90)
    taken = []
    for _ in range(size.of(500)):
        time.sleep(0.005)
        some, more = latencies(app, Quick, 1)
        taken += some
        jobs += more
    wait(jobs)
    app.close()
    return {"p50": percentile(taken, 0.5), "p99": percentile(taken, 0.99)}


@row("run 2,000 boxes to their end", "/s", "")
def through(folder: Path, size: Size) -> Mapping[str, float]:
    """Boxes that do nothing, as one group."""
    count = size.of(2_000)
    app = Offload(folder / "offload.db")
    app.submit(Quick()).result()
    began = time.perf_counter()
    app.submit_many([Quick() for _ in range(count)]).wait()
    rate = count / (time.perf_counter() - began)
    app.close()
    return {"offload": rate}
