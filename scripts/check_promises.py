#!/usr/bin/env python3
"""Check that every promise or invariant that is built has a test which says so.

`tests/promises.txt` lists the ids that are built, one a line. A test that proves one is marked
`@pytest.mark.promise("S9")`, on the test, on its class, or for a whole file with `pytestmark`.
The check fails when a built id has no test, and when an id is used that was never published.
The tests are read, not imported.

Usage: `scripts/check_promises.py [FOLDER_OF_TESTS]`
"""

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PUBLISHED = {"P": 10, "S": 25, "L": 7, "D": 4}
KNOWN = frozenset(f"{kind}{n}" for kind, last in PUBLISHED.items() for n in range(1, last + 1))
RANGES = ", ".join(f"{kind}1..{kind}{last}" for kind, last in PUBLISHED.items())

OK, FAULTS, UNREADABLE = 0, 1, 2


class UnreadableError(Exception):
    """A file that the check needs is missing or is not what it should be."""


@dataclass(frozen=True, slots=True)
class Mention:
    """One id, and the place that names it."""

    id: str
    file: Path
    line: int

    def __str__(self) -> str:
        """The place as editors understand it, then the id."""
        return f"{self.file}:{self.line}: {self.id}"


def read_built(listing: Path) -> list[Mention]:
    """The ids of the list, without comments and blank lines."""
    try:
        lines = listing.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableError(f"cannot read the list of what is built: {error}") from error
    bare = ((number, line.partition("#")[0].strip()) for number, line in enumerate(lines, start=1))
    return [Mention(id, listing, number) for number, id in bare if id]


def read_tested(tests: Path) -> list[Mention]:
    """The ids that tests under this folder carry as marks."""
    return [mention for file in sorted(tests.rglob("*.py")) for mention in marks_in(file)]


def marks_in(file: Path) -> Iterator[Mention]:
    """The ids that one file's marks name; a mark without a plain text id is refused."""
    try:
        tree = ast.parse(file.read_bytes(), filename=str(file))
    except (SyntaxError, ValueError) as error:  # ValueError: a NUL, before Python 3.11.4
        raise UnreadableError(f"{file} is no Python: {error}") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and is_promise_mark(node.func):
            yield from (Mention(id, file, node.lineno) for id in ids_of(node, file))


def is_promise_mark(node: ast.expr) -> bool:
    """Whether this is `pytest.mark.promise`, or `mark.promise`."""
    return ast.unparse(node) in {"pytest.mark.promise", "mark.promise"}


def ids_of(call: ast.Call, file: Path) -> list[str]:
    """The arguments of a mark, which must be texts written out in place."""
    ids = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    if not ids or len(ids) != len(call.args) or call.keywords:
        raise UnreadableError(
            f"{file}:{call.lineno}: a promise mark takes ids as plain texts, "
            'as in @pytest.mark.promise("S9")'
        )
    return ids


def faults_of(built: Iterable[Mention], tested: Iterable[Mention]) -> list[str]:
    """One sentence for each fault; none when every built promise has its test."""
    built, tested = list(built), list(tested)
    proved = {mention.id for mention in tested}
    unknown = [f"{m} is no published id ({RANGES})" for m in [*built, *tested] if m.id not in KNOWN]
    repeated = [
        f"{m} is listed twice"
        for n, m in enumerate(built)
        if m.id in {earlier.id for earlier in built[:n]}
    ]
    untested = [
        f'{m} is built, but no test is marked @pytest.mark.promise("{m.id}")'
        for m in built
        if m.id in KNOWN and m.id not in proved
    ]
    return unknown + repeated + untested


def main(arguments: list[str]) -> int:
    """Check one folder of tests, tell what was found, and return the exit status."""
    tests = Path(arguments[0]) if arguments else Path(__file__).parent.parent / "tests"
    try:
        built, tested = read_built(tests / "promises.txt"), read_tested(tests)
    except UnreadableError as error:
        print(f"promises: {error}", file=sys.stderr)
        return UNREADABLE
    faults = faults_of(built, tested)
    for fault in faults:
        print(f"promises: {fault}", file=sys.stderr)
    if faults:
        return FAULTS
    proved = {mention.id for mention in tested}
    print(f"promises: {len(built)} built, each with a test; {len(proved)} of {len(KNOWN)} proved")
    return OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
