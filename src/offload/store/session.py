"""An open transaction: its statements by name, what it has done so far, and the counters.

Made for one transaction and thrown away with it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, Protocol

from msgspec.structs import replace

from offload.model import Job, Queue, State
from offload.store import rows
from offload.store.base import Effects

DEFAULT_QUEUE = Queue(
    name="",
    limit=None,
    capacity=None,
    keep=10_000,
    keep_seconds=7 * 86_400.0,
    keep_bytes=1 << 30,
    paused=False,
)
"""What a queue is where nobody said otherwise: no limit, no capacity; the newest
10,000 finished jobs of the last seven days, a gibibyte at most."""

ROWS_AT_ONCE = (50, 10, 1)
"""How many rows travel in one statement. An event by itself takes 15 µs, among fifty 9.
Only these counts: each is a statement that the database prepares once and keeps."""


class _Cursor(Protocol):
    """What the operations need of a database cursor (DB-API, PEP 249)."""

    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...


class _Connection(Protocol):
    """What the operations need of a database connection."""

    def execute(self, sql: str, parameters: Any = ..., /) -> _Cursor: ...
    def executemany(self, sql: str, parameters: Iterable[Any], /) -> _Cursor: ...


class Session:
    """Statements on one open transaction.

    Attributes:
        changed: ids of the jobs whose state it changed.
        wished: ids of the running jobs of which it asked something.
        finished: the jobs that it ended.
        claimable: whether it made a job claimable or a slot free.
        due_at: when the first of the jobs comes due that it put off.
    """

    def __init__(
        self, connection: _Connection, queries: dict[str, str], job_of: Callable[[rows.Row], Job]
    ) -> None:
        self.connection = connection
        self.changed: list[int] = []
        self.wished: list[int] = []
        self.finished: list[Job] = []
        self.claimable = False
        self.due_at: float | None = None
        self._queries = queries
        self._job_of = job_of
        self._jobs: Counter[tuple[str, State]] = Counter()
        self._bytes: Counter[tuple[str, State]] = Counter()
        self._retained: Counter[str] = Counter()
        self._retained_bytes: Counter[str] = Counter()

    def effects(self) -> Effects:
        """Return what it has done that somebody may be waiting for."""
        return Effects(
            tuple(self.changed),
            tuple(self.wished),
            self.claimable,
            tuple(self.finished),
            self.due_at,
        )

    def put_off(self, run_at: float) -> None:
        """Note that a job comes due later."""
        self.due_at = run_at if self.due_at is None else min(run_at, self.due_at)

    # --- statements

    def do(self, name: str, parameters: Any = ()) -> _Cursor:
        """Run a statement."""
        return self.connection.execute(self._queries[name], parameters)

    def one(self, name: str, parameters: Any = ()) -> Any:
        """Run a statement and return its first row; None if there is none."""
        return self.do(name, parameters).fetchone()

    def all(self, name: str, parameters: Any = ()) -> list[Any]:
        """Run a statement and return its rows."""
        return self.do(name, parameters).fetchall()

    def many(self, name: str, parameters: list[Any]) -> int:
        """Run a statement for each of these; returns how many rows it touched in all.

        Where it says `:rows`, many go together in one run of it.
        """
        if not parameters:
            return 0
        text = self._queries[name]
        if ":rows" not in text:
            return self.connection.executemany(text, parameters).rowcount
        return sum(
            self.connection.execute(_with_rows(text, piece), list(chain(*piece))).rowcount
            for piece in _pieces(parameters)
        )

    # --- counters

    def count(self, queue: str, state: State, jobs: int, size: int = 0) -> None:
        """Count jobs in or out of a state, and the bytes that are kept of finished ones."""
        self._jobs[queue, state] += jobs
        self._bytes[queue, state] += size

    def count_retained(self, queue: str, jobs: int, size: int) -> None:
        """Count finished jobs that are kept for a time of their own, beside their state."""
        self._retained[queue] += jobs
        self._retained_bytes[queue] += size

    def write_tally(self) -> None:
        """Write what was counted."""
        self.many(
            "add_tally",
            [
                (*key, jobs, self._bytes[key])
                for key, jobs in self._jobs.items()
                if jobs or self._bytes[key]
            ],
        )
        self.many(
            "add_retained",
            [
                (queue, jobs, self._retained_bytes[queue])
                for queue, jobs in self._retained.items()
                if jobs or self._retained_bytes[queue]
            ],
        )
        self._jobs.clear()
        self._bytes.clear()
        self._retained.clear()
        self._retained_bytes.clear()

    # --- what several verbs look at

    def issued(self) -> int:
        """Return the highest job id ever issued; 0 if none was."""
        issued: int = self.one("issued")[0]
        return issued

    def jobs(self, name: str, parameters: Any = ()) -> list[Job]:
        """Run a statement whose rows are jobs; what is large stays behind."""
        return [self._job_of(row) for row in self.all(name, parameters)]

    def job(self, job_id: int) -> Job | None:
        """Return a job; what is large stays behind."""
        return next(iter(self.jobs("job", (job_id,))), None)

    def queue(self, name: str) -> Queue:
        """Return a queue's settings; one that nobody has set has the defaults, and no row.

        So `offload serve` still finds it new after a script has used it.
        """
        row = self.one("queue", {"name": name})
        return rows.queue_of(row) if row is not None else replace(DEFAULT_QUEUE, name=name)

    def queues(self) -> list[Queue]:
        """Return all queues by name: those that were set, and those that have had a job.

        Of this very transaction's jobs only those that `write_tally` has written.
        """
        return [self.queue(row[0]) for row in self.all("queues")]

    def room(self, name: str) -> float:
        """Return how many jobs a queue would still admit."""
        capacity = self.queue(name).capacity
        if capacity is None:
            return float("inf")
        return capacity - self.admitted(name)

    def admitted(self, name: str) -> int:
        """Return how many jobs a queue has admitted that have not begun."""
        admitted: int = self.one("admitted", {"queue": name})[0]
        return admitted

    def with_params(self, job: Job) -> Job:
        """Return the job with its parameters, wherever they lie."""
        return job if job.params is not None else replace(job, params=self._body(job, "params"))

    def with_bodies(self, job: Job) -> Job:
        """Return the job with its parameters, result and error, wherever they lie.

        A result that lies nowhere was withheld: only the program that ran the job has it.
        """
        job = self.with_params(job)
        if job.state is State.SUCCEEDED and job.result is None:
            row = self.one("body", (job.id, "result"))
            return job if row is None else replace(job, result=bytes(row[0]))
        if job.state is State.FAILED and job.error is None:
            return replace(job, error=rows.decode_error(self._body(job, "error")))
        return job

    def _body(self, job: Job, kind: str) -> bytes:
        row = self.one("body", (job.id, kind))
        return bytes(row[0]) if row is not None else b"null"


def _pieces(parameters: list[rows.Row]) -> Iterator[list[rows.Row]]:
    """Cut into pieces as large as may travel together."""
    done = 0
    for size in ROWS_AT_ONCE:
        while done + size <= len(parameters):
            yield parameters[done : done + size]
            done += size


def _with_rows(text: str, piece: list[rows.Row]) -> str:
    """Return the statement with a place for each value of each row."""
    row = f"({','.join('?' * len(piece[0]))})"
    return text.replace(":rows", ",".join([row] * len(piece)))
