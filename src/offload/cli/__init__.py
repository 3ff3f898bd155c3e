"""The command `offload`: one subcommand per verb, each in a module of its own.

Only what a Ctrl-C needs is imported here; `program` is the rest. A tenth of a second goes by until
all of it is imported, and whoever thinks better of it meanwhile is owed a line and no traceback.
"""

import os
import signal
import sys
from importlib import import_module
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from offload.cli.program import group

__all__ = ["COMMANDS", "group", "main"]

COMMANDS = {
    "serve": "Serve tasks over HTTP, and run their jobs.",
    "worker": "Run jobs, without a server.",
    "tasks": "List the tasks that can be started.",
    "start": "Start a job.",
    "list": "List jobs, newest first.",
    "watch": "Watch jobs until they have ended.",
    "status": "Show a job and its history.",
    "logs": "Print what a job has written.",
    "result": "Print what a job returned.",
    "wait": "Wait until a job has ended.",
    "cancel": "Cancel jobs.",
    "pause": "Pause jobs, a queue, a task or a group.",
    "resume": "Let paused jobs, a queue, a task or a group go on.",
    "retry": "Run failed or cancelled jobs again.",
    "amend": "Alter jobs that wait.",
    "schedules": "List what starts by itself, and when next.",
    "dashboard": "Show the dashboard of a server elsewhere.",
    "token": "Make, list and revoke the tokens that clients show to a server.",
    "demo": "See what offload does, in half a minute.",
    "doctor": "Say what is wrong, and what to do.",
}
"""Each command with its line in the help; each is `command` in the module of its name."""


def main() -> None:
    """Run the command that was typed."""
    is_interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_interruptible:
        signal.signal(signal.SIGINT, _end_at_once)
    program = import_module("offload.cli.program")
    if is_interruptible:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    code = program.run()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end_at_once)
    sys.exit(code)


def _end_at_once(number: int, frame: FrameType | None) -> None:
    """Nothing is under way yet, or nothing any more, that could be left half done."""
    os.write(2, b"offload: interrupted\n")
    os._exit(128 + number)


def __getattr__(name: str) -> Any:
    if name != "group":
        raise AttributeError(f"module 'offload.cli' has no attribute {name!r}")
    return import_module("offload.cli.program").group
