"""gunicorn as it is deployed: real processes on a socket of loopback, and a client of theirs."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from tests.support import eventually, whole_lines

WEB = '''
"""A web app with tasks that witness what they do, one line each."""

import asyncio
import os
import time
from pathlib import Path

from flask import Flask, Response, request

from offload.contrib.flask import FlaskOffload

offload = FlaskOffload(authorize=lambda verb: True, factory="web:create_app")


def witness(word: str, number: int) -> None:
    descriptor = os.open("witness", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, f"{word} {number}\\n".encode())
    os.close(descriptor)


@offload.task
async def wait(number: int, seconds: float) -> int:
    witness("begin", number)
    await asyncio.sleep(seconds)
    witness("end", number)
    return number


@offload.task
async def hold(number: int) -> int:
    witness("begin", number)
    while number >= int(Path("let").read_text()):
        await asyncio.sleep(0.02)
    witness("end", number)
    return number


@offload.task
def block(number: int, seconds: float) -> str:
    from flask import current_app
    witness("begin", number)
    time.sleep(seconds)
    witness("end", number)
    return current_app.name


def create_app() -> Flask:
    app = Flask(__name__, instance_path=os.path.abspath("instance"))
    app.config["OFFLOAD_CONCURRENCY"] = 2
    app.config["OFFLOAD_GRACE"] = 1
    offload.init_app(app)

    @app.after_request
    def name_process(response: Response) -> Response:
        response.headers["X-Pid"] = str(os.getpid())
        return response

    return app
'''


class Gunicorn:
    """gunicorn with four workers, in a folder with the app; may be stopped and started again."""

    def __init__(self, folder: Path, *options: str) -> None:
        (folder / "web.py").write_text(WEB, "utf-8")
        self._folder = folder
        self._options = options
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=200)
        self._port: int = self._socket.getsockname()[1]
        self._master: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._socket.close()

    def start(self) -> None:
        descriptor = self._socket.fileno()
        command = [
            *(sys.executable, "-m", "gunicorn", "web:create_app()", "--workers", "4"),
            *(
                "--bind",
                f"fd://{descriptor}",
                "--graceful-timeout",
                "5",
                "--no-control-socket",
                *self._options,
            ),
        ]
        with (self._folder / "gunicorn.log").open("ab") as log:
            self._master = subprocess.Popen(
                command, cwd=self._folder, pass_fds=[descriptor], stdout=log, stderr=log
            )

    def stop(self) -> None:
        """End it as a service manager does, and wait for that."""
        if self._master is not None:
            self._master.terminate()
            self._master.wait(20)
            self._master = None

    def reload(self) -> None:
        """Let it replace all of its workers."""
        assert self._master is not None
        self._master.send_signal(signal.SIGHUP)

    def ask(self, method: str, target: str) -> tuple[int, Any, int]:
        """Ask on a connection of its own; returns the code, the document and who answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        try:
            connection.request(method, f"/offload{target}")
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read()), int(answer.headers["X-Pid"])
        finally:
            connection.close()

    def start_jobs(self, task: str, numbers: Sequence[int], seconds: float) -> list[int]:
        """Start jobs that take so long."""
        return [self._start(f"{task}?number={number}&seconds={seconds}") for number in numbers]

    def start_held_jobs(self, numbers: Sequence[int]) -> list[int]:
        """Start jobs none of which ends before it is let."""
        self.let_end(0)
        return [self._start(f"hold?number={number}") for number in numbers]

    def let_end(self, count: int) -> None:
        """Let the held jobs end whose numbers are below this."""
        new = self._folder / "let.new"
        new.write_text(str(count))
        new.replace(self._folder / "let")

    def _start(self, what: str) -> int:
        code, job, _ = self.ask("POST", f"/start/{what}")
        assert code == 202, job
        job_id: int = job["id"]
        return job_id

    def state(self, job_id: int) -> str:
        """How a job is; "" while the server cannot answer."""
        try:
            return str(self.ask("GET", f"/status?id={job_id}")[1]["state"])
        except (ConnectionError, http.client.HTTPException):
            return ""

    def all_succeed(self, ids: Sequence[int]) -> None:
        for job_id in ids:
            eventually(lambda job_id=job_id: self.state(job_id) == "succeeded", 30)  # type: ignore[misc]

    def processes_that_see(self, job_id: int) -> set[int]:
        """All processes that answer, each of which has to know the job."""
        pids: set[int] = set()

        def all_have_answered() -> bool:
            code, job, pid = self.ask("GET", f"/status?id={job_id}")
            assert (code, job["id"]) == (200, job_id)
            pids.add(pid)
            return len(pids) == 4

        eventually(all_have_answered)
        return pids

    def witnessed(self) -> Iterator[tuple[str, int]]:
        """What the tasks' code has said, in its order."""
        for line in whole_lines(self._folder / "witness"):
            word, _, number = line.partition(" ")
            yield word, int(number)

    def counts(self, word: str) -> Counter[int]:
        """How often each number was said with a word."""
        return Counter(number for said, number in self.witnessed() if said == word)

    def most_at_once(self) -> int:
        running = most = 0
        for word, _ in self.witnessed():
            running += 1 if word == "begin" else -1
            most = max(most, running)
        return most

    def kill(self, pid: int) -> None:
        """End one of its workers without any warning."""
        os.kill(pid, signal.SIGKILL)
