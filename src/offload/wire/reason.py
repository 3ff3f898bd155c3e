"""Why something is paused, as a body may say it: `{"reason": "disk is full"}`."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta

from offload.errors import InvalidParameters
from offload.signature import Signature
from offload.verbs import LONGEST_REASON
from offload.wire.query import invalid

Reason = Annotated[str, Meta(max_length=LONGEST_REASON)]


def _saying(*, reason: Reason | None = None) -> None:
    """What can be said with a pause.

    Args:
        reason: why, for whoever looks at it.
    """


SAYING = Signature.of(_saying, task="pause")


def read_reason(said: Mapping[str, Any]) -> str | None:
    """Return the reason that a body gives, if it gives one.

    Raises:
        Problem: invalid-parameters: it says something else, or is too long.
    """
    reason: str | None = checked(SAYING, said).get("reason")
    return reason


def checked(signature: Signature, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a body by name, as they are meant.

    Raises:
        Problem: invalid-parameters: one is unknown, or has a value that does not fit.
    """
    try:
        return signature.call_arguments(signature.check(said))[1]
    except InvalidParameters as error:
        raise invalid(error) from None
