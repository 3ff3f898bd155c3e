"""Metrics for Prometheus: what is there now, and what the feed has told since the first scrape.

Nothing is counted where jobs are started or run: a scrape reads the events that have come since the
one before. So they are the same whoever started the jobs, and cost nothing where nobody scrapes. A
restart begins at zero, which Prometheus expects of counters.

Labels are names of the program only: a queue or a task that no registered task has counts as
`other`, so that no client can make new series.
"""

import asyncio
import math
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

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
        self._frozen = Gauge(
            "offload_jobs_frozen",
            "Paused jobs that a worker holds with all their memory.",
            registry=registry,
        )
        self._paused_queues = Gauge(
            "offload_queues_paused", "1 for a queue that is paused.", ["queue"], registry=registry
        )
        self._paused_tasks = Gauge(
            "offload_tasks_paused", "1 for a task that is paused.", ["task"], registry=registry
        )
        registry.register(_Commits(app))
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
        situation = await self._app.asituation()
        jobs: Tally[tuple[str, ...]] = Tally()
        for (queue, state), count in situation.counts.items():
            jobs[names.queue(queue), state] += count
        _show(self._jobs, jobs)
        queues = [queue.name for queue in situation.queues if queue.paused]
        _show(self._paused_queues, {(names.queue(name),): 1 for name in queues})
        _show(self._paused_tasks, {(names.task(name),): 1 for name in situation.paused_tasks})
        is_alive = self._app.open().presence.is_alive
        alive = [worker for worker in situation.workers if is_alive(worker)]
        self._workers.set(len(alive))
        self._slots.set(sum(worker.slots for worker in alive))
        self._frozen.set(sum([await self._app.afrozen(worker.id) for worker in alive]))


def _show(gauge: Gauge, figures: Mapping[tuple[str, ...], int]) -> None:
    """Show these, and what was shown before no more."""
    gauge.clear()
    for labels, figure in figures.items():
        gauge.labels(*labels).set(figure)


class _Commits(Collector):
    """How long the transactions of this process have taken; its mailbox counts them itself."""

    def __init__(self, app: Offload) -> None:
        self._app = app

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Write them as Prometheus has histograms."""
        commits = self._app.open().mailbox.commits
        yield HistogramMetricFamily(
            "offload_commit_seconds",
            "Transactions of this process, from their begin until they are on disk.",
            buckets=[(_bound(seconds), count) for seconds, count in commits.up_to()],
            sum_value=commits.seconds,
        )


def _bound(seconds: float) -> str:
    return "+Inf" if math.isinf(seconds) else str(seconds)


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
