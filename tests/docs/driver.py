"""Runs the Python blocks of one page in one namespace; a program of its own, without pytest.

Reads one JSON line per block from its standard input, answers each with one JSON line. In a
block, `expression  # → text` must have that `repr`, and `statement  # raises Name: text` must raise
an error of that class and message; `…` in the text stands for anything.
"""

import ast
import contextlib
import io
import json
import re
import sys
import traceback
from typing import Any

MARK = re.compile(r"#\s*(?P<kind>→|raises)\s*(?P<wanted>.+?)\s*$")


def carry_out(source: str, name: str, line: int, namespace: dict[str, Any]) -> None:
    """Run a block, statement by statement."""
    padded = "\n" * (line - 1) + source
    written = padded.splitlines()
    for statement in ast.parse(padded, name).body:
        end = statement.end_lineno or statement.lineno
        mark = MARK.search(written[end - 1])
        if mark is None:
            run(statement, name, namespace)
        elif mark["kind"] == "→":
            assert isinstance(statement, ast.Expr), f"line {end}: only an expression has a value"
            value = eval(compile(ast.Expression(statement.value), name, "eval"), namespace)
            assert fits(repr(value), mark["wanted"]), f"line {end}: the value is {value!r}"
        else:
            check_raises(statement, name, mark["wanted"], namespace)


def run(statement: ast.stmt, name: str, namespace: dict[str, Any]) -> None:
    """Run one statement."""
    exec(compile(ast.Module([statement], []), name, "exec"), namespace)


def check_raises(statement: ast.stmt, name: str, wanted: str, namespace: dict[str, Any]) -> None:
    """Run a statement that has to raise."""
    said = "nothing"
    try:
        run(statement, name, namespace)
    except Exception as error:
        said = f"{type(error).__name__}: {error}".partition("\n")[0]
    assert fits(said, wanted), f"line {statement.lineno}: it raised {said}"


def fits(said: str, wanted: str) -> bool:
    """Whether a text is what was shown."""
    pattern = ".*".join(re.escape(part) for part in wanted.split("…"))
    return re.fullmatch(pattern, said, re.DOTALL) is not None


def main() -> None:
    """Answer every block."""
    answers = sys.stdout
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for request in sys.stdin:
        block = json.loads(request)
        printed = io.StringIO()
        error = None
        try:
            with contextlib.redirect_stdout(printed):
                carry_out(block["source"], block["name"], block["line"], namespace)
        except BaseException:
            error = traceback.format_exc()
        print(json.dumps({"printed": printed.getvalue(), "error": error}), file=answers, flush=True)


if __name__ == "__main__":
    main()
