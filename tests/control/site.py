"""A server with its worker as real processes, what their jobs have witnessed, and who is left."""

import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offload import Offload
from offload.client import Client
from offload.errors import JobCancelled, JobFailed
from offload.model import QueueSettings
from offload.worker import family
from tests.cli.running import Running, environment, marked
from tests.support import eventually, whole_lines

TASKS = Path(__file__).with_name("tasks.py")

GRACE = 4.0
CLOSED = "closed"
"""A queue of which no job may run."""

Job = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """What the code of a job has written down."""

    word: str
    job_id: int
    pid: int
    at: float
    number: int = -1


class Site:
    """`offload serve tasks.py` in a folder of its own; it can be ended and begun again.

    Args:
        folder: where it runs; empty.
        compiled: where modules are kept compiled.
        tasks: the file that is served.
        settings: further arguments; of two that say the same, the last one counts.
        surroundings: variables that are set for all its processes.
    """

    def __init__(
        self,
        folder: Path,
        compiled: Path,
        *,
        tasks: Path = TASKS,
        settings: Sequence[str] = (),
        **surroundings: str,
    ) -> None:
        self.folder = folder
        self._surroundings = environment(compiled, **surroundings)
        self._settings = settings
        self._lines: dict[int, list[Line]] = {}
        self._read = 0
        (folder / "tasks.py").write_text(tasks.read_text())
        self.serve()
        self.set_limit(CLOSED, 0)

    # --- the server

    def serve(self) -> None:
        """Begin the server."""
        limits = ("--concurrency", "100", "--capacity", "1000", "--processes", "12")
        words = ("serve", "tasks.py", "--port", "0", "--json", "--grace", str(GRACE), *limits)
        self.server = Running((*words, *self._settings), self.folder, self._surroundings)
        self.client = Client(self.server.introduction()["address"])

    def shut_down(self) -> float:
        """End the server by SIGTERM; returns how long that took."""
        self.client.close()
        code, seconds = self.server.end(signal.SIGTERM)
        assert code == 0, self.server.complaints
        return seconds

    def kill_worker(self) -> int:
        """End the worker by SIGKILL; returns which process it was."""
        worker = self.server.worker()
        os.kill(worker, signal.SIGKILL)
        return worker

    def kill_all(self) -> None:
        """End everything at once, as a power cut does."""
        self.client.close()
        self.server.send(signal.SIGSTOP)  # it must not begin another worker meanwhile
        family.end(lambda: _kin(self.survivors() - {self.server.pid}))
        self.server.end(signal.SIGKILL)

    def set_limit(self, queue: str, limit: int) -> None:
        """Say how many jobs of a queue may run at once."""
        said = QueueSettings(limit=limit)
        with Offload(self.folder / "offload.db", worker="off") as app:
            app.set_queue(said, said, queue)

    def clean_up(self) -> None:
        """Kill whatever is left."""
        self.client.close()
        family.end(lambda: _kin(self.hidden()))
        self.server.clean_up()

    # --- jobs

    def start(self, task: str, options: Mapping[str, Any] | None = None, **params: Any) -> int:
        """Start a job; returns its id."""
        job_id: int = self.client.start(task, params=params, options=options)["id"]
        return job_id

    def shown(self, job_id: int) -> str:
        """The state that people are shown."""
        state: str = self.client.status(job_id)["state"]
        return state

    def ended(self, job_id: int, seconds: float) -> Job:
        """Wait for a job's end, which must come in time."""
        job = self.client.wait(job_id, seconds)
        assert job["done"], f"still {job['state']} after {seconds} s"
        return job

    def moves(self, job_id: int) -> list[str]:
        """The names of all that happened to a job."""
        return [event["kind"] for event in self.client.history(job_id)]

    def has_result(self, job_id: int) -> bool:
        """Whether there is something that the job has returned."""
        with contextlib.suppress(JobCancelled, JobFailed):
            return bool(self.client.result(job_id) == "done")
        return False

    def tell(self, what: str, job_id: int) -> None:
        """Have a job end by itself (`end`), or let one go that was told to stop (`let-go`)."""
        (self.folder / f"{what}-{job_id}").touch()

    # --- what is true

    def witness(self, job_id: int, word: str = "") -> list[Line]:
        """What the code of a job has written down, in that order."""
        self._read_on()
        return [line for line in self._lines.get(job_id, ()) if word in ("", line.word)]

    def _read_on(self) -> None:
        """Read what was written since."""
        for text in whole_lines(self.folder / "witness", self._read):
            self._read += len(text) + 1
            word, job_id, pid, at, *number = text.split()
            line = Line(word, int(job_id), int(pid), float(at), *map(int, number))
            self._lines.setdefault(line.job_id, []).append(line)

    def survivors(self) -> set[int]:
        """All processes that descend from the server, however they hide."""
        return marked(self.server.mark) | self.hidden()

    def hidden(self) -> set[int]:
        """Those that jobs have started below themselves."""
        told = f"--of={self.folder}".encode()
        return {pid for pid in family.everyone() if told in _command_line(pid).split(b"\0")}

    def await_words(self, job_ids: Sequence[int], word: str, times: int = 1) -> None:
        """Wait until the code of each job has written a word so many times."""
        eventually(lambda: all(len(self.witness(each, word)) >= times for each in job_ids))


def _kin(pids: set[int]) -> set[family.Kin]:
    return {kin for pid, kin in family.everyone().items() if pid in pids}


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
