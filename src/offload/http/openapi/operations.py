"""What the document says of each route beyond the table of routes: answers, refusals, questions."""

from typing import Any

from msgspec import Struct

from offload.following import LinesPage
from offload.http.bulk import BulkShape
from offload.http.events import EVENTS, STORY, EventsPage
from offload.http.groups import GroupShape
from offload.http.halting import HaltShape
from offload.http.health import Readiness
from offload.http.jobs import LOOKING
from offload.http.listing import LISTING, Page
from offload.http.logs import LOGS
from offload.http.many import Outcomes, StartedGroup
from offload.http.queues import QueueShape
from offload.http.session import SessionShape
from offload.http.slips import JobToken
from offload.http.starting import StartedJob
from offload.http.stats import Stats, WorkerShape
from offload.shapes import JobShape
from offload.signature import Signature
from offload.telling import StoryShape
from offload.wire import brief
from offload.wire.explaining import ProblemKind
from offload.wire.query import ID


class Says(Struct, frozen=True):
    """What is said of one route.

    Attributes:
        id: the operation's name, for generated clients.
        answers: the type of what is answered, by status code; None is an empty body, several are
            one of them.
        problems: the kinds of problem that only some routes have.
        query: what may be asked.
        body: the name of the schema of its body.
        headers: which request headers it heeds.
        form: the fields of its body, where that is a form.
        streams: as what else, besides JSON, it answers where the client accepts that.
    """

    id: str
    answers: dict[int, Any]
    problems: tuple[str, ...] = ()
    query: Signature | None = None
    body: str | None = None
    headers: tuple[str, ...] = ()
    form: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()


class Queues(Struct, frozen=True):
    """The queues, by name."""

    items: list[QueueShape]


class Workers(Struct, frozen=True):
    """The workers."""

    items: list[WorkerShape]


class Descriptions(Struct, frozen=True):
    """A list of descriptions."""

    items: list[dict[str, Any]]


_JOB = ("invalid-id", "unknown-job", "evicted")
_EVENTS = ("invalid-parameters", "too-many-streams")
_GROUP = ("invalid-id", "unknown-group")
_START = ("invalid-parameters", "idempotency-key-reused", "queue-full", "key-taken", "draining",
          "too-many-starts")  # fmt: skip
_STREAMS = ("application/x-ndjson", "text/event-stream")
_BODY = ("body-too-large", "wrong-media-type")
_WISH = (*_JOB, "already-finished", "invalid-parameters")
_PAUSE = (*_WISH, "not-pausable", "being-cancelled", *_BODY)
_HALT = ("invalid-parameters", *_BODY)
_NO_RESULT = ("not-finished", "job-failed", "job-cancelled", "not-kept")
_WHEN = ("Idempotency-Key", "Prefer")
_GOING_ON = ("Last-Event-ID",)
_ASKED: dict[int, Any] = {200: JobShape, 202: JobShape}


def _bulk(name: str) -> Says:
    return Says(name, {200: BulkShape}, ("invalid-parameters", *_BODY), body="Bulk")


START = Says("startTask", {202: StartedJob, 200: JobShape}, ("unknown-task", *_START, *_BODY),
             body="Start", headers=_WHEN)  # fmt: skip
"""Of each task's own operation, too."""

SAYS: dict[str, Says] = {
    "POST /start/{task}": Says(
        "start",
        {202: brief.Started, 200: JobShape},
        ("unknown-task", *_START, *_BODY),
        body="Parameters",
        headers=_WHEN,
    ),
    "GET /status": Says("status", {200: JobShape}, _JOB, ID),
    "GET /result": Says("result", {200: brief.Result}, (*_JOB, *_NO_RESULT), ID),
    "POST /cancel": Says(
        "cancel",
        {200: JobShape, 202: JobShape},
        (*_JOB, "already-finished", "invalid-parameters"),
        ID,
        headers=("Prefer",),
    ),
    "POST /pause": Says("pause", _ASKED, _PAUSE, ID, "Pause", ("Prefer",)),
    "POST /resume": Says("resume", _ASKED, _WISH, ID, headers=("Prefer",)),
    "POST /v1/jobs/cancel": _bulk("cancelJobs"),
    "POST /v1/jobs/pause": _bulk("pauseJobs"),
    "POST /v1/jobs/resume": _bulk("resumeJobs"),
    "POST /v1/jobs/retry": _bulk("retryJobs"),
    "GET /v1/jobs/{id}": Says(
        "showJob", {200: JobShape, 304: None}, _JOB, LOOKING, headers=("If-None-Match",)
    ),
    "PATCH /v1/jobs/{id}": Says(
        "amendJob",
        {200: JobShape},
        (*_WISH, "not-amendable", "queue-full", *_BODY),
        body="Amendment",
    ),
    "DELETE /v1/jobs/{id}": Says("removeJob", {204: None}, (*_JOB, "not-finished")),
    "GET /v1/jobs/{id}/result": Says("showResult", {200: Any}, (*_JOB, *_NO_RESULT)),
    "GET /v1/jobs/{id}/events": Says(
        "listEventsOfJob",
        {200: EventsPage, 204: None},
        (*_JOB, *_EVENTS),
        STORY,
        headers=_GOING_ON,
        streams=_STREAMS,
    ),
    "GET /v1/jobs/{id}/logs": Says(
        "listLogs",
        {200: LinesPage, 204: None},
        (*_JOB, *_EVENTS),
        LOGS,
        headers=_GOING_ON,
        streams=(*_STREAMS, "text/plain"),
    ),
    "GET /v1/jobs/{id}/attempts": Says("listAttempts", {200: StoryShape}, _JOB),
    "POST /v1/jobs/{id}/cancel": Says(
        "cancelJob",
        {200: JobShape, 202: JobShape},
        (*_JOB, "already-finished"),
        headers=("Prefer",),
    ),
    "POST /v1/jobs/{id}/pause": Says("pauseJob", _ASKED, _PAUSE, body="Pause", headers=("Prefer",)),
    "POST /v1/jobs/{id}/resume": Says("resumeJob", _ASKED, _WISH, headers=("Prefer",)),
    "POST /v1/jobs/{id}/retry": Says(
        "retryJob",
        {202: JobShape},
        (*_JOB, "already-finished", "not-finished", "queue-full", "key-taken"),
    ),
    "POST /v1/jobs/{id}/token": Says(
        "giveToken", {201: JobToken}, (*_JOB, "invalid-parameters", *_BODY), body="Lasting"
    ),
    "GET /v1/jobs": Says("listJobs", {200: Page}, ("invalid-parameters",), LISTING),
    "POST /v1/jobs": Says(
        "startJobs",
        {202: (Outcomes, StartedGroup), 207: Outcomes},
        (*_START, *_BODY),
        body="Starts",
        headers=("Idempotency-Key",),
    ),
    "POST /v1/tasks/{name}/jobs": START,
    "GET /v1/tasks/{name}": Says("showTask", {200: dict[str, Any]}, ("unknown-task",)),
    "GET /problems/{kind}": Says("explainProblem", {200: ProblemKind}, ("not-found",)),
    "GET /v1/tasks": Says("listTasks", {200: Descriptions}),
    "POST /v1/tasks/{name}/pause": Says(
        "pauseTask", {200: HaltShape}, ("unknown-task", *_HALT), body="Halt"
    ),
    "POST /v1/tasks/{name}/resume": Says(
        "resumeTask", {200: HaltShape}, ("unknown-task", *_HALT), body="Release"
    ),
    "GET /v1/groups/{id}": Says("showGroup", {200: GroupShape}, _GROUP),
    "POST /v1/groups/{id}/cancel": Says("cancelGroup", {200: GroupShape, 202: GroupShape}, _GROUP),
    "POST /v1/groups/{id}/pause": Says(
        "pauseGroup",
        {200: GroupShape, 202: GroupShape},
        (*_GROUP, "invalid-parameters", *_BODY),
        body="Pause",
    ),
    "POST /v1/groups/{id}/resume": Says("resumeGroup", {200: GroupShape, 202: GroupShape}, _GROUP),
    "POST /v1/groups/{id}/retry": Says(
        "retryGroup",
        {200: GroupShape, 202: GroupShape},
        (*_GROUP, "queue-full", "key-taken"),
    ),
    "GET /v1/queues": Says("listQueues", {200: Queues}),
    "GET /v1/queues/{name}": Says("showQueue", {200: QueueShape}, ("unknown-queue",)),
    "PATCH /v1/queues/{name}": Says(
        "changeQueue",
        {200: QueueShape},
        ("unknown-queue", "invalid-parameters", *_BODY),
        body="QueueSettings",
    ),
    "POST /v1/queues/{name}/pause": Says(
        "pauseQueue", {200: HaltShape}, ("unknown-queue", *_HALT), body="Halt"
    ),
    "POST /v1/queues/{name}/resume": Says(
        "resumeQueue", {200: HaltShape}, ("unknown-queue", *_HALT), body="Release"
    ),
    "GET /v1/session": Says("showSession", {200: SessionShape}),
    "GET /v1/workers": Says("listWorkers", {200: Workers}),
    "GET /v1/stats": Says("showStats", {200: Stats}),
    "GET /v1/events": Says(
        "listEvents", {200: EventsPage}, _EVENTS, EVENTS, headers=_GOING_ON, streams=_STREAMS
    ),
    "POST /login": Says("logIn", {303: None}, _BODY, form=("token", "once", "next")),
    "POST /logout": Says("logOut", {303: None}),
    "GET /readyz": Says("isReady", {200: Readiness, 503: Readiness}),
    "GET /v1/schedules": Says("listSchedules", {200: Descriptions}),
}
"""By method and path; a route that is missing here is described by its summary alone."""
