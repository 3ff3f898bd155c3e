"""Every snippet on every page does what the page says."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from tests.docs.pages import Block, Page, all_pages, page
from tests.docs.terminal import Terminal, steps

pytestmark = pytest.mark.slow

DRIVER = Path(__file__).with_name("driver.py")

BRIEF = [
    *[('-X POST "http://localhost:8080/start/power_sim?a=2&b=20"', 202)] * 6,
    ('-X POST "http://localhost:8080/start/failing?a=2"', 202),
    ('"http://localhost:8080/status?id=1"', 200),
    ('"http://localhost:8080/status?id=7"', 200),
    ('-X POST "http://localhost:8080/cancel?id=4"', 200),
    ('"http://localhost:8080/status?id=4"', 200),
    ('-X POST "http://localhost:8080/pause?id=1"', 202),
    ('"http://localhost:8080/status?id=1"', 200),
    ('-X POST "http://localhost:8080/resume?id=1"', 202),
    ('"http://localhost:8080/result?id=7"', 409),
    ('"http://localhost:8080/result?id=1"', 200),
    ('"http://localhost:8080/result?id=7"', 409),
    ('"http://localhost:8080/status?id=99"', 404),
]
"""The session that the README shows, and the code that each request is answered with."""

RUN = ("python", "toml", "console")
"""Blocks that are carried out; those of other languages are there to be read."""


class Interpreter:
    """A Python of its own for one page, in a folder."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", str(DRIVER)],
            cwd=folder,
            env=environment | {"PYTHONPATH": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._process.communicate(timeout=30)
        finally:
            self._process.kill()

    def run(self, block: Block, name: str) -> str:
        """Run a block; returns what it printed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"source": block.text, "name": name, "line": block.line}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert answer["error"] is None, f"{name}, block at line {block.line}:\n{answer['error']}"
        printed: str = answer["printed"]
        return printed


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.close()


def runs(page: Page) -> bool:
    return bool(page.blocks(*RUN))


PAGES = [pytest.param(each, id=each.name) for each in all_pages() if runs(each)]


@pytest.mark.parametrize("each", PAGES)
def test_the_snippets_of_a_page_do_what_it_says(
    each: Page, tmp_path: Path, terminal: Terminal
) -> None:
    with Interpreter(tmp_path, terminal.environment) as python:
        for block in each.blocks(*RUN):
            if block.language == "console":
                for step in steps(block.text, block.line):
                    terminal.carry_out(step)
            elif block.file is not None:
                (tmp_path / block.file).write_text(block.text + "\n", "utf-8")
            else:
                assert block.language == "python", f"line {block.line}: which file is this?"
                python.run(block, each.name)


def test_the_session_of_the_brief_gives_the_codes_of_the_brief(terminal: Terminal) -> None:
    session = [
        step
        for block in page("README.md").blocks("console")
        for step in steps(block.text, block.line)
    ]
    begin = next(n for n, step in enumerate(session) if "session.db" in step.command)

    for step in session[begin:]:
        terminal.carry_out(step)

    asked = [step.command for step in session[begin:] if step.command.startswith("curl ")]
    codes = list(zip(asked, (answer.status for answer in terminal.answers), strict=True))
    assert codes == [(f"curl {request}", code) for request, code in BRIEF]
    bodies = [json.loads(answer.body) for answer in terminal.answers]
    assert [body["id"] for body in bodies[:7]] == [1, 2, 3, 4, 5, 6, 7]
    states = [body.get("status") for body in bodies[7:13]]
    assert states == ["running", "queued", "cancelled", "cancelled", "pausing", "paused"]
    assert bodies[15]["result"] == 1_048_576
    assert bodies[16]["error"]["type"] == "RuntimeError"
