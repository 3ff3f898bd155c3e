"""Flask's requests and responses, as the room below the doors has them."""

from flask import Response, request, url_for
from msgspec import UNSET, UnsetType
from msgspec.structs import replace
from werkzeug.exceptions import RequestEntityTooLarge

from offload.contrib.flask.desk import AppOffload
from offload.model import By, Job
from offload.shapes import JobShape, job_shape
from offload.wire.answers import Answer
from offload.wire.body import (
    MOST_BYTES,
    MOST_DROPPED,
    check_media_type,
    decode_object,
    too_large,
)
from offload.wire.security import HEADERS, POLICY

BLUEPRINT = "offload"

_VERBS = {"self": "status", **{verb: verb for verb in ("result", "cancel", "pause", "resume")}}
"""Of the links that a job has, those that lead somewhere here."""


def response(answer: Answer) -> Response:
    """Send an answer, with what every answer carries."""
    sent = Response(answer.body, answer.status, content_type=answer.media_type)
    for name, value in (*HEADERS, POLICY):
        sent.headers[name.decode()] = value.decode()
    sent.headers.update(answer.headers)
    return sent


def address(verb: str, job_id: int) -> str:
    """Return where a job is found."""
    return url_for(f"{BLUEPRINT}.{verb}", id=job_id)


def shape_of(desk: AppOffload, job: Job, changed: bool | UnsetType = UNSET) -> JobShape:
    """Return a job's shape, with links that lead to these routes."""
    shape = job_shape(job, desk.now(), desk.reason(job), changed=changed, for_brief=True)
    links = {name: address(_VERBS[name], job.id) for name in shape.links if name in _VERBS}
    return replace(shape, links=links)


def asker() -> By:
    """Say who asks: the address, as far as it is known."""
    return By(actor=f"flask {request.remote_addr or 'unknown'}", door="http")


def read_object() -> dict[str, object] | None:
    """Return the JSON object that the request's body is; None if it has none.

    Raises:
        Problem: body-too-large, wrong-media-type, malformed-request.
    """
    body = _read_body()
    if not body:
        return None
    check_media_type(request.content_type or "", request.content_encoding or "")
    return decode_object(body)


def _read_body() -> bytes:
    """Collect the body; what is too much is dropped for a while before it is refused."""
    if (request.content_length or 0) > MOST_DROPPED:
        raise too_large()
    body, count = bytearray(), 0
    try:
        while count <= MOST_DROPPED and (part := request.stream.read(1 << 16)):
            count += len(part)
            if count <= MOST_BYTES:
                body += part
    except RequestEntityTooLarge:  # the app's own MAX_CONTENT_LENGTH
        raise too_large() from None
    if count > MOST_BYTES:
        raise too_large()
    return bytes(body)
