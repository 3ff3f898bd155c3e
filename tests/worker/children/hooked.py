"""Hooks of child processes, and tasks that see what they did."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

connected: list[int] = []
helper: list["subprocess.Popen[bytes]"] = []


def connection() -> Iterator[None]:
    connected.append(os.getpid())
    yield
    Path(f"torn-down-{os.getpid()}").touch()


def with_a_helper() -> Iterator[None]:
    helper.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]))
    yield
    helper[0].kill()
    helper[0].wait()


def broken() -> Iterator[None]:
    if not connected:
        raise ConnectionError("nobody is there")
    yield


def what_is_connected() -> list[int]:
    return [*connected, os.getpid()]


def is_helped() -> bool:
    return helper[0].poll() is None
