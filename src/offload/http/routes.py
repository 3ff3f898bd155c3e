"""The table of routes: everything that can be asked over HTTP."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from offload.http import (
    amending,
    answers,
    asking,
    attempts,
    brief,
    bulk,
    events,
    explaining,
    groups,
    halting,
    health,
    jobs,
    login,
    logs,
    many,
    page,
    queues,
    schedules,
    session,
    slips,
    stats,
    tasks,
)
from offload.http.door import Door
from offload.http.openapi import document, viewer
from offload.http.routing import Access, Route
from offload.shapes import write
from offload.wire.query import read_no_query


async def openapi(door: Door, request: Request) -> Response:
    """Describe all this for programs."""
    read_no_query(request.scope["query_string"])
    # It takes a while to write: the loop goes on meanwhile.
    described = await asyncio.to_thread(document, ROUTES, door.app.registry)
    return answers.json(write(described))


async def docs(door: Door, request: Request) -> Response:
    """Describe all this for people."""
    read_no_query(request.scope["query_string"])
    address = f"http://{request.headers['host']}"
    shown = await asyncio.to_thread(_for_people, door, address)
    headers = {"content-security-policy": viewer.POLICY}
    return Response(shown, 200, headers, "text/html; charset=utf-8")


def _for_people(door: Door, address: str) -> str:
    return viewer.view(document(ROUTES, door.app.registry), address)


_EVERYBODY, _READ, _SUBMIT = Access.EVERYBODY, Access.READ, Access.SUBMIT
_CONTROL, _ADMIN = Access.CONTROL, Access.ADMIN

# The first ones are asked most.
ROUTES = (
    Route("POST", "/start/{task}", brief.start, _SUBMIT, "start a job"),
    Route("GET", "/status", brief.status, _READ, "show a job: ?id=7"),
    Route("GET", "/result", brief.result, _READ, "show what a job has returned: ?id=7"),
    Route("POST", "/cancel", asking.cancel_by_query, _CONTROL, "cancel a job: ?id=7"),
    Route("POST", "/pause", asking.pause_by_query, _CONTROL, "pause a job: ?id=7"),
    Route("POST", "/resume", asking.resume_by_query, _CONTROL, "let a paused job go on: ?id=7"),
    # Before /v1/jobs/{id}, which would take their names for ids.
    Route("POST", "/v1/jobs/cancel", bulk.cancel, _CONTROL, "cancel all jobs of a filter"),
    Route("POST", "/v1/jobs/pause", bulk.pause, _CONTROL, "pause all jobs of a filter"),
    Route("POST", "/v1/jobs/resume", bulk.resume, _CONTROL, "let all jobs of a filter go on"),
    Route("POST", "/v1/jobs/retry", bulk.retry, _CONTROL, "try all jobs of a filter anew"),
    Route("GET", "/v1/jobs/{id}", jobs.show, _READ, "show a job, or wait for it to change"),
    Route("DELETE", "/v1/jobs/{id}", jobs.remove, _CONTROL, "keep a finished job no longer"),
    Route("PATCH", "/v1/jobs/{id}", amending.amend, _CONTROL, "alter a job that has not begun"),
    Route("GET", "/v1/jobs/{id}/result", jobs.result, _READ, "give what a job has returned"),
    Route("GET", "/v1/jobs/{id}/events", events.of_job, _READ, "tell what happens to a job"),
    Route("GET", "/v1/jobs/{id}/logs", logs.of_job, _READ, "tell what a job has written"),
    Route("GET", "/v1/jobs/{id}/attempts", attempts.of_job, _READ, "tell all attempts at a job"),
    Route("POST", "/v1/jobs/{id}/cancel", asking.cancel, _CONTROL, "cancel a job"),
    Route("POST", "/v1/jobs/{id}/pause", asking.pause, _CONTROL, "pause a job"),
    Route("POST", "/v1/jobs/{id}/resume", asking.resume, _CONTROL, "let a paused job go on"),
    Route("POST", "/v1/jobs/{id}/retry", jobs.retry, _CONTROL, "try a job anew"),
    Route("POST", "/v1/jobs/{id}/token", slips.give, _READ, "give a token that shows this job"),
    Route("GET", "/v1/jobs", jobs.listing, _READ, "list jobs, newest first"),
    Route("POST", "/v1/jobs", many.start, _SUBMIT, "start many jobs, each by itself or as a group"),
    Route("POST", "/v1/tasks/{name}/jobs", tasks.start, _SUBMIT, "start a job with options"),
    Route("GET", "/v1/tasks/{name}", tasks.show, _READ, "describe a task"),
    Route("GET", "/v1/tasks", tasks.listing, _READ, "list what can be started"),
    Route("POST", "/v1/tasks/{name}/pause", halting.pause_task, _CONTROL, "begin none of its jobs"),
    Route("POST", "/v1/tasks/{name}/resume", halting.resume_task, _CONTROL, "begin its jobs again"),
    Route("GET", "/v1/groups/{id}", groups.show, _READ, "show a group: how far its jobs are"),
    Route("POST", "/v1/groups/{id}/cancel", groups.cancel, _CONTROL, "cancel all jobs of a group"),
    Route("POST", "/v1/groups/{id}/pause", groups.pause, _CONTROL, "pause all jobs of a group"),
    Route("POST", "/v1/groups/{id}/resume", groups.resume, _CONTROL, "let its jobs go on"),
    Route("POST", "/v1/groups/{id}/retry", groups.retry, _CONTROL, "try its failed jobs anew"),
    Route("GET", "/v1/queues", queues.listing, _READ, "list the queues, and what is in them"),
    Route("GET", "/v1/queues/{name}", queues.show, _READ, "show a queue"),
    Route("PATCH", "/v1/queues/{name}", queues.change, _ADMIN, "set a queue's limits"),
    Route("POST", "/v1/queues/{name}/pause", halting.pause_queue, _CONTROL, "begin nothing in it"),
    Route("POST", "/v1/queues/{name}/resume", halting.resume_queue, _CONTROL, "let it go on"),
    Route("GET", "/v1/session", session.show, _READ, "tell what who asks may do"),
    Route("GET", "/v1/workers", stats.workers, _READ, "list who is at work"),
    Route("GET", "/v1/stats", stats.show, _READ, "count jobs by queue and state"),
    Route("GET", "/v1/schedules", schedules.listing, _READ, "list what starts by itself"),
    Route("GET", "/v1/events", events.listing, _READ, "tell what happens to all jobs"),
    Route("GET", "/v1/openapi.json", openapi, _READ, "describe all this for programs"),
    Route("GET", "/problems/{kind}", explaining.show, _EVERYBODY, "explain a kind of problem"),
    Route("GET", "/docs", docs, _READ, "describe all this for people"),
    Route("GET", "/", page.show, _READ, "a page for people"),
    Route("GET", "/login", login.show, _EVERYBODY, "a page that asks for a token"),
    Route("POST", "/login", login.log_in, _EVERYBODY, "log a browser in"),
    Route("POST", "/logout", login.log_out, _EVERYBODY, "log a browser out"),
    Route("GET", "/healthz", health.healthz, _EVERYBODY, "say that the process turns"),
    Route("GET", "/readyz", health.readyz, _EVERYBODY, "say whether jobs will be run"),
    Route("GET", "/metrics", health.metrics, _READ, "tell figures to Prometheus"),
)
