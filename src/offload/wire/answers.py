"""An answer as data: status, headers, body; and how jobs are answered."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from offload.lifecycle import Shown
from offload.shapes import JobShape, write

JSON = "application/json"

ACCEPTED_RETRY_SECONDS = "1"


class Answer(Struct, frozen=True):
    """What is sent back.

    Attributes:
        status: the HTTP status code.
        body: the bytes, of the media type.
        headers: names in lower case; without the content's type and length.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = MappingProxyType({})
    media_type: str = JSON


def start_headers(location: str, waited: int | None) -> dict[str, str]:
    """Say where the job is found, and that the client's preference was heard.

    Args:
        location: the job's address.
        waited: seconds that the client would wait for the job's end; None if it said nothing.
    """
    headers = {"location": location}
    if waited is not None:
        headers["preference-applied"] = f"wait={waited}"
    return headers


def finished(shape: JobShape, location: str, waited: int | None) -> Answer:
    """Answer a start whose job has ended while the client waited."""
    return Answer(200, write(shape), start_headers(location, waited))


def cancelling(shape: JobShape, *, lenient: bool) -> Answer:
    """Answer a cancel: 200 when the job stands still, 202 while its holder has yet to confirm.

    Args:
        shape: the job as it became.
        lenient: the wish came too late, and the client preferred to be spared.
    """
    status = 202 if shape.state is Shown.CANCELLING else 200
    headers = {"preference-applied": "handling=lenient"} if lenient else {}
    return Answer(status, write(shape), headers)
