"""Runs a server with two workers over a mix of tasks, while clients ask and a nemesis strikes.

Everything that is chosen comes from the seed. What the machine makes of it does not: the same seed
gives the same deeds and the same jobs, not the same interleaving.
"""

import contextlib
import random
import socket
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import offload
from offload import Offload
from offload.errors import JobError
from offload.model import Job, State
from tests.cli.running import Running, environment, marked
from tests.support import eventually
from tests.witness.clients import Client
from tests.witness.judge import Account, Ended, judge, read
from tests.witness.nemesis import Nemesis, pause

LEASE = 3.0
GRACE = 0.5
CLIENTS = 2
SETTLE_SECONDS = 60.0
BODIES = Path(__file__).with_name("bodies.py")

OURS = str(Path(offload.__file__).parent)
"""Where the code is whose frames are ours."""


class Verdict(NamedTuple):
    """What came out of a torture."""

    seed: int
    seconds: float
    violations: list[str]
    deeds: list[str]
    jobs: int
    pauses: int
    log: list[str]

    def __str__(self) -> str:
        seen = f"{self.jobs} jobs, {self.pauses} seen to be paused"
        lines = [f"seed {self.seed}: {seen}; {', '.join(self.deeds)}"]
        lines += [f"  {violation}" for violation in self.violations[:20]]
        lines.append(f"  repeat it with: {repeat(self.seed, self.seconds)}")
        return "\n".join(lines)


def repeat(seed: int, seconds: float) -> str:
    """Return the command that repeats a seed."""
    return f".venv/bin/python -m tests.witness --seeds {seed} --seconds {seconds:g}"


def torture(seed: int, seconds: float, folder: Path) -> Verdict:
    """Torture a server for some seconds, let it finish, end it, and judge.

    Args:
        seed: what all choices are drawn from.
        seconds: for how long the nemesis strikes.
        folder: an empty one.
    """
    draw = random.Random(seed)
    (folder / "tasks.py").write_text(BODIES.read_text())
    surroundings = environment(folder / "compiled", WITNESS=str(folder / "witness"))
    port = _free_port()
    arguments = ["serve", "tasks.py", "--port", str(port), "--workers", "2", "--json"]
    arguments += ["--lease", str(LEASE), "--grace", str(GRACE)]
    arguments += ["--concurrency", "12", "--capacity", "10000", "--keep", "100000"]
    servers: list[Running] = []

    def start() -> Running:
        servers.append(Running(arguments, folder, surroundings))
        return servers[-1]

    nemesis = Nemesis(draw, start, LEASE, pause)
    try:
        eventually(lambda: nemesis.running.lines, SETTLE_SECONDS)  # there is something to strike at
        clients = [Client(random.Random(draw.random()), port, number) for number in range(CLIENTS)]
        _strike(nemesis, draw, clients, seconds)
        account = _account(clients)
        ended = _settled(folder, account)
        violations = [*judge(read((folder / "witness").read_text()), account, ended)]
        violations += _end(nemesis.running)
        violations += _damage(folder / "offload.db")
        log = [line.rstrip() for server in servers for line in server.complaints]
        violations += tracebacks(log)
    finally:
        for server in servers:
            server.clean_up()
    jobs, pauses = len(account.started), len(account.still)
    return Verdict(seed, seconds, violations, nemesis.deeds, jobs, pauses, log)


def _strike(nemesis: Nemesis, draw: random.Random, clients: list[Client], seconds: float) -> None:
    """Let the nemesis strike again and again while the clients ask."""
    for client in clients:
        client.begin()
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            pause(draw.uniform(0.1, 1.2))
            nemesis.strike()
    finally:
        for client in clients:
            client.stop()
        nemesis.calm()


def _account(clients: list[Client]) -> Account:
    started = {job: number for client in clients for job, number in client.started.items()}
    cancelled = frozenset(job for client in clients for job in client.cancelled)
    return Account(started, cancelled, tuple(still for client in clients for still in client.still))


def _settled(folder: Path, account: Account) -> dict[int, Ended]:
    """Resume what is paused; wait until every acknowledged job has ended; return how each has."""
    with Offload(folder / "offload.db", worker="off") as app:

        def unfinished() -> list[Job]:
            for job in app.list(states=("paused",), limit=1_000):
                with contextlib.suppress(JobError):  # it has ended meanwhile
                    app.get(job.id).resume()
            return app.list(states=("queued", "running", "paused"), limit=1)

        with contextlib.suppress(AssertionError):  # the judge tells which jobs have not ended
            eventually(lambda: not unfinished(), SETTLE_SECONDS)
        found = {job.id: job for job in app.list(limit=1_000_000)}
        return {job: _ended(app, found[job]) for job in account.started if job in found}


def _ended(app: Offload, job: Job) -> Ended:
    finals = {State.SUCCEEDED, State.FAILED, State.CANCELLED}
    endings = sum(event.state in finals for event in app.history(job.id))
    succeeded = job.state is State.SUCCEEDED
    return Ended(
        job.task,
        job.state.value,
        job.error.code if job.error else None,
        job.error.message.partition("\n")[0] if job.error else "",
        app.get(job.id).result(timeout=10) if succeeded else None,
        endings,
        job.crashes,
    )


def _end(running: Running) -> Iterator[str]:
    """P10: it ends in time, and nothing with our mark is left."""
    code, seconds = running.end()
    if code != 0 or seconds > 5 * (GRACE + 1):
        yield f"P10: it ended with code {code} after {seconds:.1f} s"
    try:
        eventually(lambda: not marked(running.mark), 5)
    except AssertionError:
        left = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in marked(running.mark)}
        yield f"P10: processes are left: {left}"


def _damage(database: Path) -> Iterator[str]:
    """D1: the file is whole."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        [said] = connection.execute("pragma integrity_check").fetchone()
    if said != "ok":
        yield f"D1: {said}"


def tracebacks(log: list[str]) -> Iterator[str]:
    """Nobody should read one: each, with the frames below it and the error that it ends with.

    A Ctrl-C that meets a Python before it has come to any code of ours is Python's own affair.
    """
    for at, line in enumerate(log):
        if line.startswith("Traceback"):
            told = [line]
            for below in log[at + 1 :]:
                told.append(below.strip())
                if not below.startswith(" "):
                    break
            is_ours = any(OURS in frame for frame in told)
            if is_ours or told[-1] != "KeyboardInterrupt":
                yield "log: " + " | ".join(told)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port
