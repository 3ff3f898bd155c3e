"""Metrics for Prometheus: what is there now, and what the feed has told since the first scrape.

Nothing is counted where jobs are started or run: a scrape reads the events that have come since the
one before. So they are the same whoever started the jobs, and cost nothing where nobody scrapes. A
restart begins at zero, which Prometheus expects of counters.

Labels are names of the program only: a queue or a task that no registered task has counts as
`other`, so that no client can make new series.
"""

import asyncio
from collections import Counter as Tally
from collections.abc import Iterable

from msgspec import Struct
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from offload.app import Offload
from offload.feed import Happening, newest, read_happenings
from offload.lifecycle import Move
from offload.model import FINISHED

MEDIA_TYPE = CONTENT_TYPE_LATEST
OTHER = "other"
AT_ONCE = 2000
SECONDS = (0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200, 43_200)
"""From an async task of some milliseconds to a job of half a day."""


class Figures(Struct, frozen=True):
    """What the server knows of itself."""

    lag: float
    connections: int
    streams: int
    dropped: int


class Metrics:
    """What one server tells about an Offload.

    Args:
        app: the Offload.
    """

    def __init__(self, app: Offload) -> None:
        self._app = app
        self._reading = asyncio.Lock()
        self._after: int | None = None
        self._registry = registry = CollectorRegistry()
        self._jobs = Gauge(
            "offload_jobs", "Jobs that are kept.", ["queue", "state"], registry=registry
        )
        self._workers = Gauge("offload_workers", "Workers at work.", registry=registry)
        self._slots = Gauge("offload_slots", "Jobs that they can run at once.", registry=registry)
        self._started = Counter(
            "offload_jobs_started", "Jobs that were started.", ["task"], registry=registry
        )
        self._attempts = Counter(
            "offload_attempts", "Times that a worker began a job.", ["task"], registry=registry
        )
        self._ended = Counter(
            "offload_jobs_finished", "Jobs that ended.", ["task", "state"], registry=registry
        )
        self._wait = Histogram(
            "offload_job_wait_seconds",
            "From a job's start to its first attempt, a delay that was asked for included.",
            ["task"],
            registry=registry,
            buckets=SECONDS,
        )
        self._run = Histogram(
            "offload_job_run_seconds",
            "The last attempt of a job that ended.",
            ["task"],
            registry=registry,
            buckets=SECONDS,
        )
        self._lag = Gauge(
            "offload_loop_lag_seconds", "How late the server's loop was last.", registry=registry
        )
        self._connections = Gauge(
            "offload_http_connections", "Open connections.", registry=registry
        )
        self._streams = Gauge("offload_http_streams", "Open streams of events.", registry=registry)
        self._dropped = Gauge(
            "offload_http_dropped",
            "Connections dropped since the server began: too slow, or given way.",
            registry=registry,
        )

    async def write(self, figures: Figures) -> bytes:
        """Bring everything up to date, and write it as Prometheus reads it.

        Raises:
            StoreError: the store does not answer.
        """
        async with self._reading:
            names = _Names.of(self._app)
            await self._read_feed(names)
            await self._look(names)
            self._lag.set(figures.lag)
            self._connections.set(figures.connections)
            self._streams.set(figures.streams)
            self._dropped.set(figures.dropped)
            return generate_latest(self._registry)

    async def _read_feed(self, names: "_Names") -> None:
        if self._after is None:
            self._after = await newest(self._app)
            return
        while happenings := await read_happenings(self._app, self._after, AT_ONCE):
            for happening in happenings:
                self._count(happening, names.task(happening.task))
            self._after = happenings[-1].event.id

    def _count(self, happening: Happening, task: str) -> None:
        event = happening.event
        if event.kind == Move.START:
            self._started.labels(task).inc()
        elif event.kind == Move.CLAIM:
            self._attempts.labels(task).inc()
            if event.attempt == 1:
                self._wait.labels(task).observe(max(0.0, event.at - happening.created_at))
        elif event.state in FINISHED:
            self._ended.labels(task, event.state).inc()
            # Only then does the row still tell of the attempt that the event ended.
            if happening.is_latest and happening.began_at is not None:
                self._run.labels(task).observe(max(0.0, event.at - happening.began_at))

    async def _look(self, names: "_Names") -> None:
        jobs: Tally[tuple[str, str]] = Tally()
        for (queue, state), count in (await self._app.acounts()).items():
            jobs[names.queue(queue), state] += count
        self._jobs.clear()
        for labels, count in jobs.items():
            self._jobs.labels(*labels).set(count)
        is_alive = self._app.open().presence.is_alive
        alive = [worker for worker in await self._app.aworkers() if is_alive(worker)]
        self._workers.set(len(alive))
        self._slots.set(sum(worker.slots for worker in alive))


class _Names:
    """The names that may be labels."""

    def __init__(self, tasks: Iterable[str], queues: Iterable[str]) -> None:
        self._tasks = frozenset(tasks)
        self._queues = frozenset(queues)

    @classmethod
    def of(cls, app: Offload) -> "_Names":
        """Take them from what is registered."""
        tasks = [app.registry.find(name) for name in app.registry]
        return cls((task.name for task in tasks), (task.options.queue for task in tasks))

    def task(self, name: str) -> str:
        """Return the label for a task."""
        return name if name in self._tasks else OTHER

    def queue(self, name: str) -> str:
        """Return the label for a queue."""
        return name if name in self._queues else OTHER
