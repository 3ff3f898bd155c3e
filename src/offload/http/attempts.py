"""A job's attempts under `/v1`, with receipts of what was asked, and where its time went."""

from starlette.requests import Request
from starlette.responses import Response

from offload.http import answers
from offload.http.door import Door, path_id
from offload.shapes import write
from offload.telling import story
from offload.wire.query import read_no_query


async def of_job(door: Door, request: Request) -> Response:
    """Tell all attempts at a job, oldest first."""
    read_no_query(request.scope["query_string"])
    told = await door.app.perform(story(path_id(request), door.app.now))
    return answers.json(write(told))
