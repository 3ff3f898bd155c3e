"""A request's body as it arrives: counted, and decoded beside the loop where it is large."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

from offload.wire.body import (
    MOST_BYTES,
    MOST_DROPPED,
    check_media_type,
    decode_object,
    decode_value,
    refuse_members,
    too_large,
)
from offload.wire.problems import Problem

T = TypeVar("T")

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
        raise too_large()
    body = await _receive(request)
    if body:
        headers = request.headers
        check_media_type(headers.get("content-type", ""), headers.get("content-encoding", ""))
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
        raise too_large()
    return bytes(body)


async def read_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that the body is; an empty body is an empty object.

    Raises:
        Problem: malformed-request: no JSON, deeper than 64 levels, a key that stands twice, more
            than 1,000 members, or no object.
    """
    if not body:
        return {}
    return await _decoded(decode_object, body)


async def read_value(body: bytes) -> object:
    """Return the JSON value that the body is; an empty body is null.

    Raises:
        Problem: malformed-request: no JSON, deeper than 64 levels, or a key that stands twice.
    """
    return await _decoded(decode_value, body) if body else None


async def _decoded(decode: Callable[[bytes], T], body: bytes) -> T:
    return await asyncio.to_thread(decode, body) if len(body) > _LARGE else decode(body)


async def read_nothing(request: Request) -> None:
    """Read a body that has nothing to say here.

    Raises:
        Problem: it says something, or cannot be read.
    """
    refuse_members(await read_object(await read_body(request)))
