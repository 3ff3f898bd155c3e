"""Every refusal as `application/problem+json` (RFC 9457): one table from error to status code.

A problem's `type` is a reference relative to the server, `/problems/queue-full`; its last part is
the name that programs compare. `detail` says what happened and what to do. Nothing of the server's
inside is shown: what it could not do, the log says.
"""

import logging
import time
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from offload.errors import (
    AlreadyFinished,
    BeingCancelled,
    Draining,
    Evicted,
    Fault,
    GroupEvicted,
    IdempotencyKeyReused,
    InvalidParameters,
    JobCancelled,
    JobError,
    JobFailed,
    KeyTaken,
    NotAmendable,
    NotCompletable,
    NotFinished,
    NotKept,
    NotPausable,
    OffloadError,
    QueryTooSlow,
    QueueFull,
    SchemaTooNew,
    StoreError,
    StoreUnavailable,
    StoreUncertain,
    StoreUnreadable,
    UnknownGroup,
    UnknownJob,
    UnknownTask,
)
from offload.model import Error
from offload.shapes import ErrorShape, error_shape, write
from offload.wire.answers import Answer

log = logging.getLogger("offload.http")

MEDIA_TYPE = "application/problem+json"

SECONDS_BETWEEN_LOG_LINES = 1.0


class Kind(Struct, frozen=True):
    """What all problems of one kind have in common.

    Attributes:
        status: the HTTP status code.
        title: what went wrong, in general.
        retry_after: seconds after which the same request may be answered otherwise.
    """

    status: int
    title: str
    retry_after: int | None = None


KINDS: dict[str, Kind] = {
    "malformed-request": Kind(400, "The request cannot be read"),
    "unauthorized": Kind(401, "A token is needed"),
    "cross-site": Kind(403, "The request comes from another site"),
    "forbidden": Kind(403, "This is not allowed"),
    "insufficient-scope": Kind(403, "The token does not open this"),
    "not-found": Kind(404, "There is nothing at this address"),
    "unknown-task": Kind(404, "There is no task of that name"),
    "unknown-job": Kind(404, "The job was never started"),
    "unknown-group": Kind(404, "There is no group of that id"),
    "unknown-queue": Kind(404, "There is no queue of that name"),
    "wrong-method": Kind(405, "The method is not possible here"),
    "too-slow": Kind(408, "The request takes too long"),
    "not-finished": Kind(409, "The job has no result yet", retry_after=1),
    "job-failed": Kind(409, "The job failed and has no result"),
    "job-cancelled": Kind(409, "The job was cancelled and has no result"),
    "not-completable": Kind(409, "The job cannot be completed from outside"),
    "not-kept": Kind(409, "Only the program that ran the job can hold its result"),
    "key-taken": Kind(409, "An unfinished job has the same key"),
    "not-pausable": Kind(409, "The job's code cannot be made to stand still"),
    "not-amendable": Kind(409, "A worker has the job: nothing of it can be altered"),
    "being-cancelled": Kind(409, "The job is being cancelled"),
    "already-finished": Kind(409, "The job has already finished"),
    "evicted": Kind(410, "The job was finished and is no longer kept"),
    "group-evicted": Kind(410, "Jobs of the group are no longer kept"),
    "body-too-large": Kind(413, "The body is too large"),
    "request-line-too-long": Kind(414, "The request line is too long"),
    "wrong-media-type": Kind(415, "The body is not JSON"),
    "wrong-host": Kind(421, "The server is not addressed by this name"),
    "invalid-id": Kind(422, "This is not the id of a job"),
    "invalid-parameters": Kind(422, "The parameters do not fit"),
    "idempotency-key-reused": Kind(422, "The idempotency key belongs to another request"),
    "queue-full": Kind(429, "The queue is at capacity", retry_after=1),
    "too-many-starts": Kind(429, "Too many jobs were started in a short time"),
    "too-many-streams": Kind(429, "Too many streams of events are open", retry_after=1),
    "header-too-large": Kind(431, "The header is too large"),
    "internal-error": Kind(500, "The server failed"),
    "server-unreachable": Kind(502, "The server does not answer", retry_after=1),
    "draining": Kind(503, "The server is stopping", retry_after=5),
    "too-many-connections": Kind(503, "The server has no place left", retry_after=1),
    "store-unavailable": Kind(503, "The database does not answer", retry_after=1),
    "store-uncertain": Kind(503, "It is not known whether it was stored"),
    "query-too-slow": Kind(503, "The query took too long", retry_after=1),
}
"""Every kind of problem, by the name in its type."""

ERRORS: dict[type[OffloadError], str] = {
    UnknownTask: "unknown-task",
    InvalidParameters: "invalid-parameters",
    UnknownJob: "unknown-job",
    UnknownGroup: "unknown-group",
    GroupEvicted: "group-evicted",
    Evicted: "evicted",
    NotFinished: "not-finished",
    JobFailed: "job-failed",
    JobCancelled: "job-cancelled",
    NotKept: "not-kept",
    NotCompletable: "not-completable",
    AlreadyFinished: "already-finished",
    NotPausable: "not-pausable",
    NotAmendable: "not-amendable",
    BeingCancelled: "being-cancelled",
    QueueFull: "queue-full",
    KeyTaken: "key-taken",
    IdempotencyKeyReused: "idempotency-key-reused",
    Draining: "draining",
    StoreUnavailable: "store-unavailable",
    StoreUncertain: "store-uncertain",
    StoreUnreadable: "store-unavailable",
    SchemaTooNew: "store-unavailable",
    QueryTooSlow: "query-too-slow",
}
"""What the rooms below raise, and the kind of problem that it is at this door."""


class Problem(OffloadError):
    """A request that is refused here, before any verb was asked.

    Args:
        kind: a key of `KINDS`.
        detail: what is wrong with this request, and what to do.
        faults: each parameter that does not fit.
        headers: what the answer carries besides.
        members: what the document has besides.
        status: another code than the kind's own.
    """

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] = MappingProxyType({}),
        members: Mapping[str, Any] = MappingProxyType({}),
        status: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.faults = tuple(faults)
        self.headers = headers
        self.members = members
        self.status = status or KINDS[kind].status


class ProblemShape(Struct, frozen=True, omit_defaults=True):
    """The document, with the members of RFC 9457 first and our own after them."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    id: int | None = None
    state: str | None = None
    task: str | None = None
    queue: str | None = None
    capacity: int | None = None
    group: int | None = None
    key: str | None = None
    error: ErrorShape | None = None
    errors: tuple[Fault, ...] = ()
    nearest: tuple[str, ...] = ()


def answer(error: OffloadError, instance: str) -> Answer:
    """Return the problem document for an error that a request met at this path."""
    kind = kind_of(error)
    if KINDS[kind].status >= 500 and not isinstance(error, Draining | Problem):
        _log_once_a_second(kind, error)
    body, status = document(error, instance)
    return Answer(status, body, _headers(error, KINDS[kind]), MEDIA_TYPE)


def kind_of(error: OffloadError) -> str:
    """Name the kind of problem that an error is; "internal-error" where it is ours."""
    if isinstance(error, Problem):
        return error.kind
    return ERRORS.get(type(error), "internal-error")


def document(error: OffloadError, instance: str) -> tuple[bytes, int]:
    """Return the problem document as JSON, and the status code that goes with it."""
    name = kind_of(error)
    kind = KINDS[name]
    status = error.status if isinstance(error, Problem) else kind.status
    shape = ProblemShape(
        type=f"/problems/{name}",
        title=kind.title,
        status=status,
        detail=_detail(error, kind),
        instance=instance,
        **_members(error),
    )
    return write(shape), status


def _detail(error: OffloadError, kind: Kind) -> str:
    """Say what happened; of what the server could not do, no more than that."""
    if isinstance(error, JobFailed):
        what = f"{error.type}: {error.remote_message}" if error.type else error.remote_message
        return f"job {error.job_id} ({error.task}) failed: {what}"
    if kind.status < 500 or isinstance(error, Draining | StoreUncertain):
        return str(error)
    if kind.status == 503:
        return "nothing was changed by this request; try again. The server's log says more"
    return "this is a fault of the server, not of the request; the server's log says more"


def _members(error: OffloadError) -> dict[str, Any]:
    """Return the members of the document that only this error has."""
    match error:
        case Problem(faults=faults, members=members):
            return {"errors": faults, **members}
        case InvalidParameters(task=task, faults=faults):
            return {"task": task, "errors": faults}
        case QueueFull(queue=queue, capacity=capacity):
            return {"queue": queue, "capacity": capacity}
        case UnknownTask(nearest=nearest):
            return {"nearest": nearest}
        case NotFinished(job_id=job_id, state=state) | AlreadyFinished(job_id=job_id, state=state):
            return {"id": job_id, "state": str(state)}
        case JobFailed():
            failed = Error(error.code, error.remote_message, error.type, error.traceback)
            return {
                "id": error.job_id,
                "state": "failed",
                "task": error.task,
                "error": error_shape(failed),
            }
        case JobCancelled():
            return {"id": error.job_id, "state": "cancelled"}
        case UnknownGroup(group_id=group_id) | GroupEvicted(group_id=group_id):
            return {"group": group_id}
        case KeyTaken(key=key, job_id=job_id):
            return {"id": job_id, "key": key}
        case JobError(job_id=job_id) | IdempotencyKeyReused(job_id=job_id):
            return {"id": job_id}
    return {}


def _headers(error: OffloadError, kind: Kind) -> dict[str, str]:
    headers = dict(error.headers) if isinstance(error, Problem) else {}
    never_by_itself = isinstance(error, NotFinished) and error.state == "paused"
    if kind.retry_after is not None and not never_by_itself:
        headers["retry-after"] = str(kind.retry_after)
    return headers


def wrong_method(method: str, allow: str) -> Problem:
    """Return the refusal of a method, with those that are possible."""
    detail = f"{method[:20]} is not possible here; {allow} are"
    return Problem("wrong-method", detail, headers={"allow": allow})


def allow(methods: Collection[str]) -> str:
    """Return the list of methods that a resource answers: HEAD where there is GET, and OPTIONS."""
    every = {*methods, "OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
    return ", ".join(sorted(every))


_logged_at: dict[str, float] = {}


def _log_once_a_second(kind: str, error: OffloadError) -> None:
    """Log what the server could not do; while it lasts, one line a second says enough."""
    now = time.monotonic()
    if now - _logged_at.get(kind, float("-inf")) < SECONDS_BETWEEN_LOG_LINES:
        return
    _logged_at[kind] = now
    wanted = None if isinstance(error, StoreError) and kind != "internal-error" else error
    log.error("%s: %s", KINDS[kind].title, error, exc_info=wanted)
