"""`python -m bench [--short] [--json FILE] [WORD …]`: take the rows whose name has a word."""

import argparse
from pathlib import Path

from bench import (
    boxes,
    calls,
    children,
    dashboard,
    http,
    library,
    lists,
    pausing,
    polling,
    process,
)
from bench.harness import ROWS, Size, document, machine, table, take

ALL = (library, children, boxes, pausing, polling, http, process, calls, lists, dashboard)


def main() -> None:
    """Take the rows, say each as it comes, print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("words", nargs="*", help="only rows whose name has one of these words")
    parser.add_argument("--short", action="store_true", help="a fifth of everything, taken once")
    parser.add_argument("--json", type=Path, help="where the figures go, each single one")
    options = parser.parse_args()
    size = Size(factor=0.2, repeats=1) if options.short else Size()
    print("  ".join(f"{name} {value}" for name, value in machine().items()), flush=True)
    results = []
    for row in ROWS:
        if options.words and not any(word in row.name for word in options.words):
            continue
        print(f"  {row.name} …", flush=True)
        results.append(take(row, size))
    print(table(results))
    if options.json is not None:
        options.json.write_text(document(results) + "\n", "utf-8")


main()
