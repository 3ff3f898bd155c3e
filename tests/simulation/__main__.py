"""Run seeds by hand: `python -m tests.simulation --seeds 7`, or `--seeds 0:5000`."""

import argparse
import sys
import time
from collections.abc import Iterable

from tests.simulation.simulate import Verdict, simulate


def repeat(seed: int) -> str:
    """Return the command that repeats a seed."""
    return f"make simulate SEEDS={seed}"


def main() -> int:
    """Run the seeds that were asked for; the exit code is 1 when one of them fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=_seeds, required=True, metavar="N[:M]", help="from N to M")
    parser.add_argument("--trace", action="store_true", help="print the whole trace")
    options = parser.parse_args()
    began = time.monotonic()
    failed = [verdict for verdict in map(simulate, options.seeds) if _tell(verdict, options.trace)]
    passed = len(options.seeds) - len(failed)
    print(f"{passed} seeds passed, {len(failed)} failed, {time.monotonic() - began:.1f} s")
    return 1 if failed else 0


def report(verdict: Verdict) -> str:
    """Say what is wrong with a run, how to repeat it, and how it came about."""
    lines = [f"seed {verdict.plan.seed}: {len(verdict.violations)} violations"]
    lines += [f"  {violation}" for violation in verdict.violations[:10]]
    lines.append(f"  repeat it with: {repeat(verdict.plan.seed)}")
    return "\n".join(lines)


def _tell(verdict: Verdict, whole: bool) -> bool:
    if whole:
        print("\n".join(verdict.trace))
    if whole or verdict.violations:
        print(report(verdict), flush=True)
    return bool(verdict.violations)


def _seeds(text: str) -> Iterable[int]:
    first, _, after_last = text.partition(":")
    return range(int(first), int(after_last or int(first) + 1))


if __name__ == "__main__":
    sys.exit(main())
