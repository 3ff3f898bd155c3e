"""Health: whether the process turns, whether jobs that are started now will be run, and figures.

`/healthz` never touches the store: a database that is away is no reason to restart the server.
`/readyz` asks for all that a started job needs, and names what is missing.
"""

import asyncio

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from offload.app import Offload
from offload.errors import OffloadError, SchemaTooNew
from offload.http import answers
from offload.http import metrics as prometheus
from offload.http.door import Door
from offload.http.live import live_of
from offload.shapes import write
from offload.wire.query import read_no_query

LONGEST_SECONDS = 2.0
"""A store that has not answered by then does not answer."""


class Readiness(Struct, frozen=True):
    """Whether the server is ready, and if it is not, why."""

    status: str
    reasons: list[str]


async def healthz(door: Door, request: Request) -> Response:
    """Say that the process turns; never touches the store."""
    return answers.json(b'{"status":"ok"}')


async def readyz(door: Door, request: Request) -> Response:
    """Say whether jobs that are started now will be run: 200, or 503 with the reasons."""
    read_no_query(request.scope["query_string"])
    reasons = ["the server is stopping"] if door.draining else []
    reasons += await _missing(door.app)
    if not reasons:
        return answers.json(write(Readiness("ready", [])))
    return answers.json(write(Readiness("not ready", reasons)), 503, {"retry-after": "1"})


async def metrics(door: Door, request: Request) -> Response:
    """Tell what Prometheus asks for."""
    read_no_query(request.scope["query_string"])
    live = live_of(request)
    return Response(await live.metrics.write(live.figures()), media_type=prometheus.MEDIA_TYPE)


async def _missing(app: Offload) -> list[str]:
    """Name what keeps jobs from being run; not how the store is called, nor where it lies."""
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            workers = await app.aworkers()
    except SchemaTooNew:
        return ["the database belongs to a newer offload"]
    except (OffloadError, TimeoutError):
        return ["the database does not answer"]
    is_alive = app.open().presence.is_alive
    if any(is_alive(worker) and not worker.stopping for worker in workers):
        return []
    return ["no worker is at work; start one with `offload worker`"]
