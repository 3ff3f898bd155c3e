"""Schedules under `/v1/schedules`: what the clock starts, and when next."""

from starlette.requests import Request
from starlette.responses import Response

from offload.catalogue import schedule_shape
from offload.http import answers
from offload.http.door import Door
from offload.shapes import write
from offload.wire.query import read_no_query


async def listing(door: Door, request: Request) -> Response:
    """List what starts by itself."""
    read_no_query(request.scope["query_string"])
    shapes = [schedule_shape(each) for each in await door.app.aschedules()]
    return answers.json(write({"items": shapes}))
