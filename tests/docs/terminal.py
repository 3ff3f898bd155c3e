"""Carries out the console blocks of a page as its reader would, in one folder.

Only two things are replaced: the port 8080 by a free one, and the delay of the example tasks, which
is five seconds where a page does not say otherwise.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs.comparing import agrees
from tests.docs.curl import Answer, curl
from tests.support import eventually

ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")
READY = re.compile(r"^  stop .*\n", re.MULTILINE)
PLACES = ("localhost:8080", "127.0.0.1:8080")
DELAY = "0.05"
LOOKING = ("curl ", "offload status", "offload list")

NOT_HERE = {
    "git clone": "there is no server to clone from",
    "cd ": "a reader's folder is the test's folder already",
    "make test": "this is it",
    "make docs": "needs packages that tests do not need",
    "pip install": "the test's environment has this checkout already",
    "python -m venv": "the test has an environment already",
    ". .venv/bin/activate": "the test has an environment already",
}
"""Commands that stand on pages and are not carried out, each with the reason."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command, or a line such as `^C` or a comment, and what is shown below it."""

    line: int
    command: str
    shown: str


def steps(text: str, line: int) -> Iterator[Step]:
    """Take a console block apart."""
    command, shown, start = "", [""], line
    for number, each in enumerate([*text.splitlines(), "$ "], line):
        begins = each.startswith(("$ ", "# ", "^C"))
        if command.endswith("\\"):
            command = f"{command[:-1]} {each.strip()}"
        elif not begins:
            shown.append(each)
        else:
            if command:
                yield Step(start, command, "\n".join(shown).strip())
            command, shown, start = each.removeprefix("$ ").strip(), [], number


class Background:
    """A command that goes on: `offload serve`, `offload worker`."""

    def __init__(self, command: str, folder: Path, environment: dict[str, str]) -> None:
        self.printed = ""
        self._process = subprocess.Popen(
            command,
            shell=True,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.printed += line

    def is_ready(self) -> bool:
        """Wait until it works, or has ended; returns whether it works."""
        eventually(lambda: READY.search(self.printed) or not self._reading.is_alive())
        return READY.search(self.printed) is not None

    def stop(self) -> int:
        """Press Ctrl-C; returns the exit code."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)
        try:
            code = self._process.wait(20)
        finally:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
            self._reading.join(20)
            assert self._process.stdout is not None
            self._process.stdout.close()
        return code


@dataclass
class Terminal:
    """A folder, an environment, and what runs in the background.

    Attributes:
        answers: what curl was answered, in order.
    """

    folder: Path
    answers: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        here = str(Path(sys.executable).parent)
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("OFFLOAD_")
        } | {"PATH": f"{here}{os.pathsep}{os.environ['PATH']}", "OFFLOAD_PORT": "0"}
        self.environment |= {"COLUMNS": "100", "NO_COLOR": "1"}
        self._background: list[Background] = []
        self._place = ""
        self._code = 0

    def carry_out(self, step: Step) -> None:
        """Carry one step out, and hold what it printed against what is shown.

        Raises:
            AssertionError: they differ, or the command cannot be carried out.
        """
        if any(step.command.startswith(command) for command in NOT_HERE):
            return
        if self._is_looking(step.command) and step.shown:
            printed = self._looked(step)
        else:
            printed = self.type(step.command)
        if step.shown:
            where = f"line {step.line}: {step.command}"
            assert agrees(printed, step.shown), f"{where}\nshows\n{step.shown}\nnot\n{printed}"

    def _is_looking(self, command: str) -> bool:
        return command.startswith(LOOKING) and "-X POST" not in command

    def _looked(self, step: Step) -> str:
        """Look until it is as shown: a reader is slower than a worker, a test is faster."""
        printed, before = "", len(self.answers)

        def agreed() -> bool:
            nonlocal printed
            del self.answers[before:]
            printed = self.type(step.command)
            return agrees(printed, step.shown)

        with contextlib.suppress(AssertionError):
            eventually(agreed, 5)
        return printed

    def type(self, command: str) -> str:
        """Run a command; returns what it printed, with the port and the folder of the page."""
        printed = self._typed(command)
        printed = printed.replace(self._place, PLACES[1]) if self._place else printed
        return printed.replace(str(self.folder), "/home/you/project")

    def _typed(self, command: str) -> str:
        if command == "^C":
            return self.interrupt()
        if command.startswith("#"):
            return self._heed(command)
        command = self._rewritten(command)
        if command.startswith("curl ") and "|" not in command:
            answer, printed = curl(command)
            self.answers.append(answer)
            return printed
        if command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            self.environment[name] = value
            return ""
        if command == "echo $?":
            return str(self._code)
        if command.startswith(("make run", "offload serve")):
            return self._serve(command)
        if command.startswith("offload worker"):
            return self._start(command)
        assert command.startswith(("offload ", "python ", "cat ", "ls ")), (
            f"the tests do not know the command {command!r}"
        )
        return self._run(command)

    def close(self) -> None:
        """Stop what still runs."""
        while self._background:
            self._background.pop().stop()

    def interrupt(self) -> str:
        """Press Ctrl-C on what was started last; returns all that it printed."""
        background = self._background.pop()
        self._code = background.stop()
        assert self._code == 0, f"it ended with {self._code} and said: {background.printed}"
        return background.printed

    def wait_for_all(self) -> None:
        """Wait until every job of the served database has ended."""
        finished = {"succeeded", "failed", "cancelled"}

        def ended() -> bool:
            listed, _ = curl(f"curl http://{self._place}/v1/jobs?limit=500")
            return {item["state"] for item in json.loads(listed.body)["items"]} <= finished

        eventually(ended, 60)

    def _heed(self, comment: str) -> str:
        """A comment is for people, except that it may say that time passes."""
        if "have ended" in comment:
            self.wait_for_all()
        return ""

    def _rewritten(self, command: str) -> str:
        for place in PLACES:
            if place in command:
                assert self._place, f"nothing is served when the page says: {command}"
                command = command.replace(place, self._place)
        if "delay_seconds" in command:
            return command
        command = re.sub(r'(/start/(?:power_sim|failing(?:_sim)?)\?[^"\s]+)', _with_delay, command)
        return re.sub(r"(offload start (?:power_sim|failing)(?:_sim)?.*)", _with_slow, command)

    def _serve(self, command: str) -> str:
        self.close()  # the reader has pressed Ctrl-C, or the port would be in use
        command = re.sub(r'^make run(?: ARGS="(.*)")?$', r"offload serve \1", command)
        printed = self._start(re.sub(r" --port \d+", "", command))
        address = ADDRESS.search(printed)
        self._place = f"127.0.0.1:{address[1]}" if address else ""
        return printed

    def _start(self, command: str) -> str:
        # `exec`, so that the signal reaches the command and not a shell around it.
        background = Background(f"exec {command}", self.folder, self.environment)
        if background.is_ready():
            self._background.append(background)
        else:
            self._code = background.stop()
        return background.printed

    def _run(self, command: str) -> str:
        ended = subprocess.run(
            command,
            shell=True,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        self._code = ended.returncode
        return ended.stdout


def _with_delay(url: re.Match[str]) -> str:
    return f"{url[1]}&delay_seconds={DELAY}"


def _with_slow(command: re.Match[str]) -> str:
    return f"{command[1]} delay_seconds={DELAY}"
