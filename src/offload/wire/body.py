"""A request's body, read strictly: JSON, of bounded size and depth."""

from collections.abc import Mapping
from typing import Any

from offload.errors import Fault, Undecodable
from offload.values import decode_untrusted
from offload.wire.problems import Problem
from offload.wire.query import MOST_PARAMETERS

MOST_BYTES = 1 << 20
MOST_DROPPED = 16 << 20
"""Of what is too much so many bytes are still taken: a client that sends on sees no answer."""

MOST_LEVELS = 64


def too_large() -> Problem:
    """Return the refusal of a body that is too large."""
    return Problem("body-too-large", f"a body may have {MOST_BYTES:,} bytes at most")


def check_media_type(content_type: str, encoding: str) -> None:
    """Refuse a body that says of itself that it is no JSON.

    Args:
        content_type: the header of that name, or "".
        encoding: the Content-Encoding, or "".

    Raises:
        Problem: wrong-media-type.
    """
    media_type, _, parameters = content_type.partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if media_type.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        raise Problem(
            "wrong-media-type",
            "send the body as JSON in UTF-8, with `Content-Type: application/json`",
            headers={"accept": "application/json"},
        )
    if encoding.lower() not in ("", "identity"):
        raise Problem(
            "wrong-media-type",
            "send the body as it is, without a Content-Encoding",
            headers={"accept-encoding": "identity"},
        )


def decode_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that the body is.

    Raises:
        Problem: malformed-request: no JSON, deeper than 64 levels, a key that stands twice, more
            than 1,000 members, or no object.
    """
    value = decode_value(body)
    if not isinstance(value, dict):
        raise Problem("malformed-request", "the body must be a JSON object")
    if len(value) > MOST_PARAMETERS:
        raise Problem("malformed-request", f"more than {MOST_PARAMETERS} parameters were given")
    return value


def refuse_members(said: Mapping[str, Any]) -> None:
    """Refuse a body that says something where nothing is to be said.

    Raises:
        Problem: invalid-parameters, with every member.
    """
    if said:
        faults = [Fault(name, "unexpected") for name in said]
        raise Problem("invalid-parameters", "nothing is to be said in this body", faults=faults)


def decode_value(body: bytes) -> object:
    """Return the JSON value that the body is.

    Raises:
        Problem: malformed-request: no JSON, deeper than 64 levels, or a key that stands twice.
    """
    try:
        return decode_untrusted(body, depth=MOST_LEVELS)
    except Undecodable as error:
        raise Problem("malformed-request", f"in the body: {error}") from None
