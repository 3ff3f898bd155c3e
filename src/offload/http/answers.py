"""How a job, a value or a list is answered: JSON bytes, and the headers that go with them."""

import zlib
from collections.abc import Mapping

from msgspec import UNSET, UnsetType
from starlette.requests import Request
from starlette.responses import Response

from offload.http.door import Accepted, Door
from offload.lifecycle import Shown
from offload.model import Job
from offload.shapes import JobShape, job_shape, path, progress_shape, write
from offload.telling import usage
from offload.wire import answers as wire
from offload.wire.answers import ACCEPTED_RETRY_SECONDS, JSON, Answer, start_headers


def response(answer: Answer) -> Response:
    """Send an answer."""
    return Response(answer.body, answer.status, answer.headers, answer.media_type)


def json(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with a value that is JSON already."""
    return Response(body, status, headers, JSON)


async def shape_of(
    door: Door, job: Job, *, for_brief: bool, changed: bool | UnsetType = UNSET
) -> JobShape:
    """Return a job's shape, with the reason why it waits."""
    reason = await door.app.areason(job)
    used = await door.app.perform(usage(job))
    now = door.app.now()
    return job_shape(job, now, reason, changed=changed, for_brief=for_brief, usage=used)


async def started(door: Door, accepted: Accepted, job: Job, *, for_brief: bool) -> Response:
    """Answer a start whose job has ended while the client waited, or was there before."""
    changed = False if accepted.is_known else UNSET
    shape = await shape_of(door, job, for_brief=for_brief, changed=changed)
    return response(wire.finished(shape, path(job.id), accepted.waited))


async def retrying(door: Door, job: Job) -> Response:
    """Answer a retry: the same job waits again."""
    shape = await shape_of(door, job, for_brief=False, changed=True)
    headers = start_headers(path(job.id), None) | {"retry-after": ACCEPTED_RETRY_SECONDS}
    return json(write(shape), 202, headers)


def with_tag(request: Request, shape: JobShape) -> Response:
    """Answer with a job, or with 304 where the client has it already (RFC 9110, 8.8.3)."""
    tag = entity_tag(shape)
    if is_known(request, tag):
        return Response(status_code=304, headers={"etag": tag})
    return json(write(shape), 200, {"etag": tag})


def entity_tag(shape: JobShape) -> str:
    """Return the job's version, and a sum over what moves without raising it.

    Weak: two answers with the same tag say the same, in whatever bytes.
    """
    moving = write((shape.state, shape.progress, shape.reason))
    return f'W/"{shape.version}-{zlib.crc32(moving):08x}"'


def is_known(request: Request, tag: str) -> bool:
    """Whether the client has the answer of this tag already."""
    known = {each.strip().removeprefix("W/") for each in _known_tags(request)}
    return tag.removeprefix("W/") in known or "*" in known


def _known_tags(request: Request) -> list[str]:
    return ",".join(request.headers.getlist("if-none-match")).split(",")


def motion(job: Job, state: Shown) -> bytes:
    """Return what is different after any change of a job, its progress included."""
    return write((job.version, state, progress_shape(job.progress)))
