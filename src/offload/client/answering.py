"""The store's queries, answered by a server: plans that only read are carried out as they are."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from offload.client.ear import Known
from offload.client.jobs import PAGE
from offload.client.narrowing import narrowed_by
from offload.client.records import FarJob, event_of, job_of, line_of, queue_of, worker_of
from offload.client.verbs import Client
from offload.errors import ConfigError, Evicted, UnknownJob
from offload.model import State
from offload.store.base import (
    Counts,
    Found,
    Get,
    Group,
    History,
    Listed,
    Log,
    Logged,
    MemberJobs,
    Members,
    Operation,
    Paged,
    Query,
    Queues,
    Workers,
)

T = TypeVar("T")

LAST_ID = (1 << 63) - 1


class FarMailbox:
    """Answers queries by asking a server; has nothing to change. See `store.mailbox.Mailbox`.

    Args:
        client: the server.
        known: jobs that need not be asked for.
        threads: where requests of callers on a loop are made.
    """

    def __init__(self, client: Client, known: Known, threads: Executor) -> None:
        self._client = client
        self._known = known
        self._threads = threads
        self._answers: Mapping[type, Callable[[Any], Any]] = {
            Get: self._get,
            Paged: self._paged,
            Members: self._members,
            MemberJobs: self._member_jobs,
            History: lambda query: self._history(query.job_id),
            Log: self._log,
            Queues: lambda query: [queue_of(view) for view in client.queues()],
            Workers: lambda query: [worker_of(view) for view in client.workers()],
            Counts: lambda query: _counts(client.stats()["queues"]),
        }

    def ask(self, operation: Operation[T]) -> Future[T]:
        """Refuse to change a database that is not here.

        Raises:
            ConfigError: always.
        """
        raise self._not_here(operation)

    def ask_soon(self, operation: Operation[T]) -> "asyncio.Future[T]":
        """The same for a caller on a loop."""
        raise self._not_here(operation)

    def read(self, query: Query[T]) -> Future[T]:
        """Ask the server, on this thread; the answer is there when this returns."""
        answered: Future[T] = Future()
        answered.set_result(self._answer(query))
        return answered

    def read_soon(self, query: Query[T]) -> "asyncio.Future[T]":
        """Ask the server without blocking the running loop."""
        return asyncio.get_running_loop().run_in_executor(self._threads, self._answer, query)

    def _answer(self, query: Query[T]) -> T:
        answer = self._answers.get(type(query))
        if answer is None:
            raise self._not_here(query)
        found: T = answer(query)
        return found

    def _not_here(self, wanted: object) -> ConfigError:
        return ConfigError(
            f"the server at {self._client.url} has the database, and cannot be asked over HTTP for "
            f"this ({type(wanted).__name__}); do it where the database is"
        )

    # --- jobs

    def _get(self, query: Get) -> Found:
        """Read jobs. Those who look at many again and again need not ask for all of them anew."""
        known = {} if query.bodies else self._known.among(query.ids)
        ticket = 0 if query.bodies else self._known.ticket(query.ids)
        possible = {each for each in query.ids if 0 < each <= LAST_ID}
        missing = sorted(possible - known.keys(), reverse=True)
        issued = max(known, default=0)
        found = dict(known)
        if not query.bodies and len(missing) > 1:
            listed = {job.id: job for job in self._listed(missing)}
            found |= listed
            issued = max((issued, *listed))
            missing = [each for each in missing if each not in listed]
        for job_id in missing:
            try:
                found[job_id] = job_of(self._client.status(job_id))
            except UnknownJob:
                continue
            except Evicted:
                pass
            issued = max(issued, job_id)
        if not query.bodies:
            self._known.put(found.values(), ticket)
        return Found({each: found[each] for each in query.ids if each in found}, issued)

    def _listed(self, ids: list[int]) -> Iterator[FarJob]:
        """Return those of some jobs, newest first, that a few pages of the list hold."""
        wanted, cursor, pages = set(ids), ids[0] + 1, 0
        while wanted and cursor > min(wanted) and pages * 20 < len(ids):
            views = self._client.list(limit=PAGE, cursor=str(min(cursor, LAST_ID)))
            if not views:
                return
            yield from (job_of(view) for view in views if view["id"] in wanted)
            wanted = {each for each in wanted if each < views[-1]["id"]}
            cursor, pages = views[-1]["id"], pages + 1

    def _paged(self, query: Paged) -> Listed:
        which = query.which
        cursor = None if which.before is None else str(min(which.before, LAST_ID))
        asked = narrowed_by(which, query.terms)
        views = self._client.listed(asked, limit=which.limit, cursor=cursor)
        return Listed(
            [job_of(view) for view in views],
            views[-1]["id"] if len(views) == which.limit else None,
        )

    def _history(self, job_id: int) -> list[Any]:
        return [event_of(view, job_id) for view in self._client.history(job_id)]

    def _log(self, query: Log) -> Logged:
        page = self._client.log(
            query.job_id,
            after=query.after,
            limit=query.limit,
            tail=query.tail,
            level=query.level,
            text=query.text,
            attempt=query.attempt,
            source=query.source,
        )
        return Logged([line_of(view) for view in page["items"]], page["newest"], page["kept"])

    # --- groups

    def _members(self, query: Members) -> Group:
        view = self._client.group(query.group)
        counts = {State(state): count for state, count in view["counts"].items()}
        return Group(view["id"], view["size"], 0.0, counts)

    def _member_jobs(self, query: MemberJobs) -> list[FarJob]:
        views = self._client.list(group=query.group, limit=LAST_ID)
        jobs = [job_of(view) for view in reversed(views)]
        return list(self._with_bodies(jobs)) if query.bodies else jobs

    def _with_bodies(self, jobs: Iterable[FarJob]) -> Iterator[FarJob]:
        for job in jobs:
            try:
                yield job_of(self._client.status(job.id))
            except (Evicted, UnknownJob):
                continue


def _counts(queues: Mapping[str, Mapping[str, int]]) -> dict[tuple[str, State], int]:
    return {
        (queue, State(state)): count
        for queue, states in queues.items()
        for state, count in states.items()
    }
