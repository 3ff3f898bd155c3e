"""Torture by hand: `python -m tests.witness --seeds 7`, or `--seeds 0:20 --seconds 60`."""

import argparse
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.witness.torture import torture


def main() -> int:
    """Run the seeds that were asked for; the exit code is 1 when one of them fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.witness", description=__doc__)
    parser.add_argument("--seeds", type=_seeds, required=True, metavar="N[:M]", help="from N to M")
    parser.add_argument("--seconds", type=float, default=15.0, help="for how long each is tortured")
    parser.add_argument("--log", action="store_true", help="print what the servers said")
    options = parser.parse_args()
    failed = 0
    for seed in options.seeds:
        with tempfile.TemporaryDirectory() as folder:
            verdict = torture(seed, options.seconds, Path(folder))
        print(verdict, flush=True)
        if options.log:
            print("\n".join(verdict.log), flush=True)
        failed += bool(verdict.violations)
    return 1 if failed else 0


def _seeds(text: str) -> Iterable[int]:
    first, _, after_last = text.partition(":")
    return range(int(first), int(after_last or int(first) + 1))


if __name__ == "__main__":
    sys.exit(main())
