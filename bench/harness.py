"""Rows, their repetition, and the table they end in."""

import json
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Measure = Callable[[Path, "Size"], Mapping[str, float]]


@dataclass(frozen=True)
class Size:
    """How much to do: the whole, or a short run for a first look.

    Attributes:
        factor: multiplies every count.
        repeats: how often each row is taken; the median counts.
    """

    factor: float = 1.0
    repeats: int = 3

    def of(self, count: int) -> int:
        """Return a row's count at this size."""
        return max(1, int(count * self.factor))


@dataclass(frozen=True)
class Row:
    """One workload. `measure` returns figures by name; "raw" is the limit that it stands beside."""

    name: str
    unit: str
    raw: str
    measure: Measure


@dataclass
class Result:
    """What a row gave: every figure of every repeat."""

    row: Row
    figures: dict[str, list[float]] = field(default_factory=dict)

    def median(self, name: str) -> float:
        """Return the median of a figure over the repeats."""
        return statistics.median(self.figures[name])


ROWS: list[Row] = []


def row(name: str, unit: str, raw: str) -> Callable[[Measure], Measure]:
    """Register a function as a row."""

    def register(measure: Measure) -> Measure:
        ROWS.append(Row(name, unit, raw, measure))
        return measure

    return register


def take(row: Row, size: Size) -> Result:
    """Take a row a few times, each in an empty folder of its own."""
    result = Result(row)
    for _ in range(size.repeats):
        with tempfile.TemporaryDirectory(prefix="offload-bench-") as folder:
            for name, figure in row.measure(Path(folder), size).items():
                result.figures.setdefault(name, []).append(figure)
    return result


def machine() -> dict[str, str]:
    """Say where the figures were taken."""
    revision = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(os.cpu_count()),
        "revision": revision.stdout.strip() or "unknown",
        "load": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


def table(results: list[Result]) -> str:
    """Return the results as a table for people."""
    lines = [f"{'workload':44} {'offload':>16} {'raw limit':>12} {'ratio':>6}   beside"]
    for result in results:
        raw = result.median("raw") if "raw" in result.figures else None
        for name in result.figures:
            if name == "raw":
                continue
            ours = result.median(name)
            label = result.row.name if name == "offload" else f"{result.row.name}, {name}"
            beside = f"{raw:12,.4g} {ours / raw:6.2f}   {result.row.raw}" if raw else ""
            lines.append(f"{label:44} {ours:10,.4g} {result.row.unit:>5} {beside}")
    return "\n".join(lines)


def document(results: list[Result]) -> str:
    """Return the results as JSON, with every single figure."""
    content: dict[str, Any] = {
        "machine": machine(),
        "rows": [
            {"name": r.row.name, "unit": r.row.unit, "raw": r.row.raw, "figures": r.figures}
            for r in results
        ],
    }
    return json.dumps(content, indent=2)


def percentile(values: list[float], share: float) -> float:
    """Return the value below which this share of the values lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def python(*arguments: str, cwd: Path, **options: Any) -> "subprocess.Popen[str]":
    """Start this interpreter with these arguments, in another process."""
    return subprocess.Popen(
        [sys.executable, *arguments], cwd=cwd, stdout=subprocess.PIPE, text=True, **options
    )
