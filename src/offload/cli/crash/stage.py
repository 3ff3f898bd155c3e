"""Where the crash demo is played: a folder, a server with its worker, a remote service.

All of it vanishes at the end, however that comes: by itself, by an error, by Ctrl-C or SIGTERM. If
this process is killed, the server with its worker ends as soon as it notices; the folder stays.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from offload.cli.crash import processes
from offload.cli.interrupting import ended_by_signals
from offload.client import Client
from offload.config import Config
from offload.errors import ConfigError, StoreUnavailable
from offload.examples.cluster import Cluster

TASKS = "offload.examples.crash"

ENDING_SECONDS = 15.0
"""After which a server that was told to end is killed; it takes one or two."""

LEAVING_SECONDS = 1.0
"""After which a process that is still there when the server has ended is an orphan."""

_SETTINGS = {f"OFFLOAD_{name.upper()}" for name in Config.__struct_fields__}
"""What is set for other servers is not meant for this one."""


class Stage:
    """What there is while a `with` block lasts.

    Attributes:
        folder: with the database, the witness and the server's log.
        cluster: the remote service.
        client: asks the server.
        keep: the folder stays at the end.
        left: the processes that were still there when the server had ended; they are killed.
    """

    def __init__(self, *, keep: bool) -> None:
        self.keep = keep
        self.folder = Path(tempfile.mkdtemp(prefix="offload-demo-"))
        self.cluster = Cluster()
        self.left: set[int] = set()
        self._server: subprocess.Popen[str] | None = None
        self._client: Client | None = None

    @property
    def database(self) -> Path:
        """The database file."""
        return self.folder / "offload.db"

    @property
    def witness(self) -> Path:
        """To which the simulation adds what it has done."""
        return self.folder / "witness.txt"

    @property
    def mark(self) -> str:
        """What all processes of this demo have in their environment."""
        return str(self.folder)

    @property
    def client(self) -> Client:
        """Asks the server, which has to be open."""
        assert self._client is not None
        return self._client

    def open(self) -> None:
        """Start the server; returns when it answers.

        Raises:
            StoreUnavailable: it did not start; says why.
        """
        self._server = self._started()
        assert self._server.stdout is not None
        line = self._server.stdout.readline()
        if not line:
            raise StoreUnavailable(f"the demo's server did not start: {self._log()}")
        self._client = Client(json.loads(line)["address"])

    def close(self) -> None:
        """End the server with everything below it, and see that nothing is left."""
        try:
            if self._client is not None:
                self._client.close()
            if self._server is not None:
                self._end(self._server)
        finally:  # also when somebody presses Ctrl-C once more
            self.left |= processes.left(self.mark, LEAVING_SECONDS)
            for pid in self.left:
                processes.kill(pid)

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        self.cluster.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self.cluster.__exit__()

    def _started(self) -> subprocess.Popen[str]:
        flags = {"--db": str(self.database), "--port": "0", "--grace": "1", "--processes": "1"}
        flags |= {"--concurrency": "1", "--host": "127.0.0.1"}
        told = [part for flag in flags.items() for part in flag] + ["--json", "--with-parent"]
        with (self.folder / "server.log").open("w") as log:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", "offload", "serve", TASKS, *told],
                cwd=self.folder,
                env=self._surroundings(),
                stdin=subprocess.PIPE,  # its end is the end of this process
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,  # Ctrl-C is for the demo, which then ends it in order
            )

    def _surroundings(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in _SETTINGS}
        return kept | {processes.MARK: self.mark}

    def _end(self, server: subprocess.Popen[str]) -> None:
        server.terminate()
        try:
            server.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        for stream in (server.stdin, server.stdout):
            if stream is not None:
                stream.close()

    def _log(self) -> str:
        return (self.folder / "server.log").read_text().strip() or "it said nothing"


@contextlib.contextmanager
def staged(*, keep: bool) -> Iterator[Stage]:
    """Set up a stage and clear it away; with `keep`, which may be set on it too, its folder stays.

    Raises:
        ConfigError: this system does not tell of its processes.
    """
    if not processes.are_told():
        raise ConfigError("the crash demo looks into /proc, which only Linux has")
    with ended_by_signals():
        stage = Stage(keep=keep)
        try:
            with stage:
                yield stage
        finally:
            if not stage.keep:
                stage.remove()
