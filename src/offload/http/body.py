"""A request's body, read strictly: JSON, of bounded size and depth, counted as it arrives."""

import asyncio
from typing import Any

from starlette.requests import ClientDisconnect, Request

from offload.errors import Fault, Undecodable
from offload.http.problems import Problem
from offload.http.query import MOST_PARAMETERS
from offload.values import decode_untrusted

MOST_BYTES = 1 << 20
MOST_DROPPED = 16 << 20
MOST_LEVELS = 64

_LARGE = 32 << 10
"""From here on a body is decoded beside the loop: one mebibyte of digits takes a second."""


async def read_body(request: Request) -> bytes:
    """Return the body; refused as soon as it is clear that it is too large.

    Raises:
        Problem: body-too-large, or wrong-media-type.
        ClientDisconnect: the client went away; nobody waits for an answer.
    """
    announced = _announced(request)
    if announced > MOST_DROPPED or (announced > MOST_BYTES and "expect" in request.headers):
        raise _too_large()
    body = await _receive(request)
    if body:
        _check_media_type(request)
    return body


def _announced(request: Request) -> int:
    """Return the length that the client announces; the bytes are counted all the same."""
    length = request.headers.get("content-length", "0")
    try:
        return int(length)
    except ValueError:
        raise Problem("malformed-request", "the Content-Length is not a number") from None


async def _receive(request: Request) -> bytes:
    """Collect the body; what is too much is dropped for a while before it is refused.

    A client that still sends when the connection ends sees a reset and not our answer.
    """
    body, count, more = bytearray(), 0, True
    while more and count <= MOST_DROPPED:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part: bytes = message.get("body", b"")
        count += len(part)
        if count <= MOST_BYTES:
            body += part
        more = message.get("more_body", False)
    if count > MOST_BYTES:
        raise _too_large()
    return bytes(body)


def _too_large() -> Problem:
    return Problem("body-too-large", f"a body may have {MOST_BYTES:,} bytes at most")


def _check_media_type(request: Request) -> None:
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if media_type.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        raise Problem(
            "wrong-media-type",
            "send the body as JSON in UTF-8, with `Content-Type: application/json`",
            headers={"accept": "application/json"},
        )
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(
            "wrong-media-type",
            "send the body as it is, without a Content-Encoding",
            headers={"accept-encoding": "identity"},
        )


async def read_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that the body is; an empty body is an empty object.

    Raises:
        Problem: malformed-request: no JSON, deeper than 64 levels, a key that stands twice, more
            than 1,000 members, or no object.
    """
    if not body:
        return {}
    value = await asyncio.to_thread(_decode, body) if len(body) > _LARGE else _decode(body)
    if not isinstance(value, dict):
        raise Problem("malformed-request", "the body must be a JSON object")
    if len(value) > MOST_PARAMETERS:
        raise Problem("malformed-request", f"more than {MOST_PARAMETERS} parameters were given")
    return value


async def read_nothing(request: Request) -> None:
    """Read a body that has nothing to say here.

    Raises:
        Problem: it says something, or cannot be read.
    """
    said = await read_object(await read_body(request))
    if said:
        faults = [Fault(name, "unexpected") for name in said]
        raise Problem("invalid-parameters", "nothing is to be said in this body", faults=faults)


def _decode(body: bytes) -> object:
    try:
        return decode_untrusted(body, depth=MOST_LEVELS)
    except Undecodable as error:
        raise Problem("malformed-request", f"in the body: {error}") from None
