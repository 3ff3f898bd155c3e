"""A server in a process of its own, as somebody starts it, and what tests ask of it beside."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.support import eventually

TASKS = Path(__file__).with_name("tasks.py")


class Site:
    """`offload serve` with the tests' tasks.

    Args:
        folder: where its database is.
        options: further ones.
        tasks: what it serves.

    Attributes:
        token: what it is asked with; empty, and with none.
    """

    def __init__(self, folder: Path, *options: str, tasks: str = str(TASKS)) -> None:
        self._folder = folder
        self._tasks = tasks
        self._options = options
        self._process: subprocess.Popen[str] | None = None
        self._port = "0"
        self.address = ""
        self.token = ""

    def open(self) -> None:
        """Start it, at the same port as before; returns when it answers."""
        command = [sys.executable, "-m", "offload", "serve", self._tasks, "--json"]
        command += ["--port", self._port, "--db", str(self._folder / "jobs.db"), "--grace", "1"]
        with open(self._folder / "serve.log", "a") as log:
            self._process = subprocess.Popen(
                [*command, *self._options],
                cwd=self._folder,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        document = _document(self._process.stdout)
        assert document, (self._folder / "serve.log").read_text()
        self.address = json.loads(document)["address"]
        self._port = self.address.rpartition(":")[2]
        eventually(lambda: self.get("/healthz"))

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            assert self._process.stdout is not None
            self._process.stdout.close()

    def get(self, path: str) -> Any:
        """Ask for something."""
        return self._ask("GET", path)

    def post(self, path: str, body: object = None) -> Any:
        """Ask for something to be done."""
        return self._ask("POST", path, body)

    def change(self, path: str, body: object) -> Any:
        """Ask for other settings."""
        return self._ask("PATCH", path, body)

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"} if data else {}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(self.address + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def start(self, task: str, **params: object) -> int:
        """Start a job; returns its id."""
        job_id: int = self.post(f"/v1/tasks/{task}/jobs", {"params": params})["id"]
        return job_id

    def finished(self, task: str, **params: object) -> int:
        """Start a job and wait for its end."""
        job_id = self.start(task, **params)
        assert self.get(f"/v1/jobs/{job_id}?wait=20&until=done")["done"]
        return job_id

    def state(self, job_id: int) -> str:
        """Return how a job is shown."""
        state: str = self.get(f"/v1/jobs/{job_id}")["state"]
        return state


def _document(lines: Iterable[str]) -> str:
    """Read one JSON document, which may have several lines; empty where there is none."""
    text = ""
    for line in lines:
        text += line
        try:
            json.loads(text)
        except ValueError:
            continue
        return text
    return ""
