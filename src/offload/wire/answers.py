"""An answer as data: status, headers, body; and how jobs are answered."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from offload.lifecycle import Shown
from offload.model import Wish
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


def asked(shape: JobShape, wish: Wish, *, lenient: bool) -> Answer:
    """Answer a wish: 200 when it is so, 202 while it is under way.

    Args:
        shape: the job as it became.
        wish: what was asked of it.
        lenient: it came too late, and the client preferred to be spared.
    """
    waits = wish is Wish.RESUME and shape.changed is True and shape.state in _TO_BE_CLAIMED
    status = 202 if waits or shape.state in _UNDER_WAY else 200
    headers = {"preference-applied": "handling=lenient"} if lenient else {}
    return Answer(status, write(shape), headers)


_UNDER_WAY = frozenset({Shown.CANCELLING, Shown.PAUSING, Shown.RESUMING})
_TO_BE_CLAIMED = frozenset({Shown.QUEUED, Shown.SCHEDULED})
